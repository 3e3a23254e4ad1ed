"""What an ID token says, once its signature holds (RFC 7515; the provider's keys as RFC 7517 has them). Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

import jwt

from chatbranch.branch.provider.rules import Provider, disbelieved

SIGNED_WITH = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures that only the provider can make: never "none", never one made with a secret that we hold, too."""


def claims(provider: Provider, id_token: str, keys: object) -> Mapping[str, object]:
    """What the token says; refuses what none of `keys`, the provider's, has signed."""
    try:
        kid = jwt.get_unverified_header(id_token).get("kid")
        for each in keys if isinstance(keys, list) else []:
            if isinstance(each, dict) and each.get("use", "sig") == "sig" and kid in (None, each.get("kid")):
                said = _read(id_token, each)
                if said is not None:
                    return said
    except (jwt.PyJWTError, ValueError) as error:
        raise disbelieved(provider, "signature") from error
    raise disbelieved(provider, "signature")


def _read(id_token: str, key: dict[str, object]) -> Mapping[str, object] | None:
    """What the token says if this key signed it; None if another may have."""
    try:
        said = json.loads(jwt.PyJWS().decode(id_token, jwt.PyJWK(key), algorithms=SIGNED_WITH))
    except jwt.PyJWTError:
        return None
    return said if isinstance(said, dict) else None

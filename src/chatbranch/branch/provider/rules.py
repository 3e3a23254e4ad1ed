"""What is asked of the provider, and when its answer is believed (OpenID Connect Core 1.0, section 3.1). Pure, to be read aloud."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode, urlsplit

from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

ASKING_LASTS = timedelta(minutes=10)
LEEWAY = timedelta(minutes=1)  # clocks differ


@dataclass(frozen=True)
class Provider:
    """The provider of the settings. `issuer`: its name on the web, to the letter; `client_secret`: empty where it gave none."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = ""


@dataclass(frozen=True)
class Places:
    """Where the provider is asked: addresses from its discovery document. `form`: it wants our secret in the form."""

    authorize: str
    token: str
    keys: str
    form: bool


@dataclass(frozen=True)
class Asked:
    """One question under way, kept in the session of whoever asks. `then`: the page to go on to."""

    why: Literal["sign-in", "link"]
    then: str
    at: float
    state: str
    nonce: str
    verifier: str


def new_question(why: Literal["sign-in", "link"], then: str, now: datetime) -> Asked:
    """A question that no answer to another one fits."""
    return Asked(why, then, now.timestamp(), ids.new_token(), ids.new_token(), ids.new_token())


def discovery(issuer: str) -> str:
    """Where a provider describes itself (OpenID Connect Discovery 1.0, section 4)."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def is_safe(address: str) -> bool:
    """Whether a provider may be asked at this address: over https, or on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(parts.hostname) and (parts.scheme == "https" or (here and parts.scheme == "http"))


def read_places(provider: Provider, described: Mapping[str, object]) -> Places:
    """Where to ask. The document has to be that issuer's own, and to lead to safe addresses."""
    if described.get("issuer") != provider.issuer:
        raise disbelieved(provider, "issuer")
    ways = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    found = Places(
        authorize=str(described.get("authorization_endpoint", "")),
        token=str(described.get("token_endpoint", "")),
        keys=str(described.get("jwks_uri", "")),
        form=isinstance(ways, list) and "client_secret_post" in ways and "client_secret_basic" not in ways,
    )
    if not all(is_safe(each) for each in (found.authorize, found.token, found.keys)):
        raise disbelieved(provider, "address")
    return found


def question(provider: Provider, places: Places, asked: Asked, back: str) -> str:
    """The address at the provider to lead the member to. Asked is who they are there (`sub`): no name, no e-mail, no picture."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=")
    asks = {
        "response_type": "code",
        "scope": "openid",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    return f"{places.authorize}{'&' if '?' in places.authorize else '?'}{urlencode(asks)}"


def read_answer(provider: Provider, answer: Mapping[str, str], asked: Asked, now: datetime) -> str:
    """The code that the provider sends the member back with, if it answers our question and is in time."""
    late = now.timestamp() > asked.at + ASKING_LASTS.total_seconds()
    if late or not _same(answer.get("state"), asked.state):
        raise nothing_asked()
    if answer.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise disbelieved(provider, "issuer")
    if not answer.get("code"):
        raise Refused(
            "provider-cancelled",
            Phrase(
                "在{name}那边没有完成，这里什么都没有变。可以再试，或换一种方式登录。",
                "It was not finished at {name}, and nothing has changed here. Try again, or sign in another way.",
            ),
            name=provider.name,
        )
    return answer["code"]


def subject(provider: Provider, claims: Mapping[str, object], nonce: str, now: datetime) -> str:
    """Whom the provider says it is: the one thing taken from a signed ID token that is for us, now, in answer to our question."""
    until, since = claims.get("exp"), claims.get("iat")
    if claims.get("iss") != provider.issuer:
        raise disbelieved(provider, "issuer")
    if claims.get("aud") not in (provider.client_id, [provider.client_id]):
        raise disbelieved(provider, "audience")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise disbelieved(provider, "audience")
    if not isinstance(until, int | float) or until <= (now - LEEWAY).timestamp():
        raise disbelieved(provider, "expired")
    if not isinstance(since, int | float) or since > (now + LEEWAY).timestamp():
        raise disbelieved(provider, "time")
    if not _same(claims.get("nonce"), nonce):
        raise disbelieved(provider, "nonce")
    found = claims.get("sub")
    if not isinstance(found, str) or not found or len(found) > 255:
        raise disbelieved(provider, "subject")
    return found


def nothing_asked() -> Refused:
    """An answer to no question of this session, or to one of too long ago."""
    return Refused(
        "provider-state",
        Phrase(
            "这次登录已经过期，或是在别的浏览器里开始的。请从这里重新开始。",
            "This sign-in has expired, or was begun in another browser. Please begin again from here.",
        ),
    )


def silent(provider: Provider) -> Refused:
    """The provider does not answer, or not in a way that can be read."""
    return Refused(
        "provider-silent",
        Phrase(
            "{name}现在没有回应。请过一会儿再试，或换一种方式登录。",
            "{name} does not answer at the moment. Try again in a while, or sign in another way.",
        ),
        status=502,
        name=provider.name,
    )


def disbelieved(provider: Provider, what: str) -> Refused:
    """The provider's answer does not hold; the code says in what, for whoever looks after the machine."""
    return Refused(
        f"provider-{what}",
        Phrase(
            "{name}的答复对不上，没有采用，这里什么都没有变。请再试一次，或换一种方式登录；总是这样，请把下面的代码告诉执事。",
            "The answer of {name} does not hold, so nothing was done. Try again, or sign in another way; if it stays so, please tell a steward the code below.",
        ),
        name=provider.name,
    )


def _same(said: object, ours: str) -> bool:
    """Compared in the same time whatever it is."""
    return isinstance(said, str) and hmac.compare_digest(said.encode("utf-8", "replace"), ours.encode())

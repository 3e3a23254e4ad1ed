"""Signed JSON (Matrix, appendix "Signing JSON") and unpadded Base64. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from vodozemac import Ed25519PublicKey, Ed25519Signature


def canonical(value: object) -> bytes:
    """Canonical JSON: sorted, compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def to_sign(value: Mapping[str, Any]) -> bytes:
    """The bytes a signature of `value` covers."""
    return canonical({key: part for key, part in value.items() if key not in ("signatures", "unsigned")})


def signed_by(value: object, user: str, key_id: str, key: str) -> bool:
    """Whether `value` bears a valid signature of `user` by the Ed25519 `key` named `key_id`. False for anything odd."""
    if not isinstance(value, Mapping):
        return False
    try:
        signature = Ed25519Signature.from_base64(value["signatures"][user][key_id])
        Ed25519PublicKey.from_base64(key).verify_signature(to_sign(value), signature)
    except (KeyError, TypeError, ValueError, RecursionError):
        return False
    return True


def encode(data: bytes, *, urlsafe: bool = False) -> str:
    """Unpadded Base64."""
    coded = base64.urlsafe_b64encode(data) if urlsafe else base64.b64encode(data)
    return coded.decode().rstrip("=")


def decode(text: object) -> bytes:
    """What unpadded Base64 of either alphabet stands for. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("no Base64")
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("no Base64") from error

"""Encrypted files (section "Sending encrypted attachments"): AES-256 in counter mode, and a hash of what is stored. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from chatbranch.connectors.matrix.crypto.canonical import decode, encode


def seal(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """(what is uploaded, the `file` of the event but for its `url`)."""
    key, start = secrets.token_bytes(32), secrets.token_bytes(8) + bytes(8)  # the lower half counts
    sealed = _crypt(data, key, start)
    web_key = {"kty": "oct", "key_ops": ["encrypt", "decrypt"], "alg": "A256CTR", "ext": True}
    return sealed, {
        "v": "v2",
        "key": {**web_key, "k": encode(key, urlsafe=True)},
        "iv": encode(start),
        "hashes": {"sha256": encode(hashlib.sha256(sealed).digest())},
    }


def unseal(sealed: bytes, file: Mapping[str, Any]) -> bytes | None:
    """The file, or None where it is not what its event says."""
    try:
        key, start = decode(file["key"]["k"]), decode(file["iv"])
        same = decode(file["hashes"]["sha256"]) == hashlib.sha256(sealed).digest()
    except (KeyError, TypeError, ValueError):
        return None
    return _crypt(sealed, key, start) if same and len(key) == 32 and len(start) == 16 else None


def _crypt(data: bytes, key: bytes, start: bytes) -> bytes:
    cipher = Cipher(AES(key), CTR(start)).encryptor()
    return cipher.update(data) + cipher.finalize()

"""Pseudonyms and sealed addresses, from keys and values alone. Pure, but for the random nonce.

Pseudonyms are HMAC-SHA256 (RFC 2104); addresses are sealed with AES-256-GCM (NIST SP 800-38D) under a fresh 96-bit nonce.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_BLOCK = 64  # sealed addresses come in steps of this many bytes, so that their length tells little


class Unreadable(Exception):
    """A sealed address cannot be opened: another key, another pseudonym, or damaged bytes."""


def digest(key: bytes, *parts: bytes | str) -> str:
    """The keyed hash of `parts` in order, 64 hex digits. Parts are length-prefixed: ("ab", "c") is not ("a", "bc")."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        mac.update(len(raw).to_bytes(4, "big") + raw)
    return mac.hexdigest()


def seal(key: bytes, pseudonym: str, channel: str, address: str) -> bytes:
    """The address under `key`, bound to its pseudonym and channel: moved to another row, it does not open."""
    raw = address.encode("utf-8", "surrogatepass")
    padded = len(raw).to_bytes(2, "big") + raw + bytes(-(len(raw) + 2) % _BLOCK)
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(key).encrypt(nonce, padded, _bound(pseudonym, channel))


def unseal(key: bytes, pseudonym: str, channel: str, sealed: bytes) -> str:
    """The address that `seal` took. Raises Unreadable."""
    try:
        padded = _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(pseudonym, channel))
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error
    length = int.from_bytes(padded[:2], "big")
    return padded[2 : 2 + length].decode("utf-8", "surrogatepass")


@lru_cache(maxsize=2)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _bound(pseudonym: str, channel: str) -> bytes:
    return f"{pseudonym}|{channel}".encode()

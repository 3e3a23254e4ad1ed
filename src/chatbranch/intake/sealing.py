"""Messages at rest: AES-256-GCM (NIST SP 800-38D) under the contacts key, bound to the row they belong to."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_NONCE = 12


def seal(data: bytes, bound: str) -> bytes:
    """`data` encrypted; it opens only with the same `bound` (the row's own key)."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher().encrypt(nonce, data, bound.encode())


def unseal(sealed: bytes, bound: str) -> bytes:
    """What `seal` took. Raises cryptography's InvalidTag for another key, another row, or damaged bytes."""
    return _cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], bound.encode())


def _cipher() -> AESGCM:
    return AESGCM(bytes.fromhex(settings.SECRETS["contacts"]))

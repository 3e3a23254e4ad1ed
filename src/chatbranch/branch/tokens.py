"""Single-use links: the token is shown once, and only its hash is kept."""

from __future__ import annotations

import hashlib


def token_hash(token: str) -> str:
    """SHA-256 in hex. A token carries 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

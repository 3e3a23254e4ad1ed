"""Identifiers: time-ordered and unguessable (UUIDv7, RFC 9562 section 5.7), and short codes people can type."""

from __future__ import annotations

import secrets
import uuid

from chatbranch.kernel import clock


def new_id() -> uuid.UUID:
    """A UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = int(clock.now().timestamp() * 1000) & ((1 << 48) - 1)
    value = (milliseconds << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return uuid.UUID(int=value)


def new_token() -> str:
    """An unguessable token for links and cookies: 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def new_code(digits: int = 4) -> str:
    """A code of `digits` decimal digits, without a leading zero, for people to type."""
    return str(secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1))

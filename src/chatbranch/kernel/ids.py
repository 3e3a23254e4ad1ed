"""Identifiers: time-ordered and unguessable (UUIDv7, RFC 9562 section 5.7), and short codes people can type."""

from __future__ import annotations

import hashlib
import secrets
import threading
import uuid

from chatbranch.kernel import clock

_TICKS = (
    4096  # a millisecond has so many: the 12 bits after the milliseconds (RFC 9562 section 6.2, method 3)
)
_last = 0
_turn = threading.Lock()


def new_id() -> uuid.UUID:
    """A UUIDv7: 48 bits of Unix milliseconds, 12 of their fraction, 62 random ones.

    Within one process every identifier is greater than the one before, so that rows keep the order they were written in.
    """
    ticks = _next(int(clock.now().timestamp() * 1000 * _TICKS))
    milliseconds, fraction = divmod(ticks, _TICKS)
    value = (milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | secrets.randbits(62)
    return uuid.UUID(int=value)


def read_id(text: str) -> uuid.UUID | None:
    """The identifier that `text` is; None when it is none (what comes back from outside may be anything)."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _next(ticks: int) -> int:
    """`ticks`, or one more than the last when that is ahead by less than a second."""
    global _last
    with _turn:
        if _last - 1000 * _TICKS < ticks <= _last:
            ticks = _last + 1
        _last = ticks
        return ticks


def new_token() -> str:
    """An unguessable token for links and cookies: 256 bits, URL-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 in hex: all that is kept of a link. A token carries 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def new_code(digits: int = 4) -> str:
    """A code of `digits` decimal digits, without a leading zero, for people to type."""
    return str(secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1))

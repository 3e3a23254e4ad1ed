"""The house's only source of time. Everything is UTC; tests may hold the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_held: datetime | None = None
_last: float = 0.0


def now() -> datetime:
    """The present moment, timezone-aware, UTC.

    A wall clock that jumps back (NTP, a suspended laptop) is held at the last time seen for up to a minute, so that
    rows written one after the other never appear in the wrong order; a larger jump is believed.
    """
    global _last
    if _held is not None:
        return _held
    seen = time.time()
    if _last - 60 < seen < _last:
        seen = _last
    _last = seen
    return datetime.fromtimestamp(seen, UTC)


@contextmanager
def held(at: datetime) -> Iterator[None]:
    """Hold the clock at `at` (tests only). Nested holds are restored in order."""
    global _held
    before, _held = _held, at.astimezone(UTC)
    try:
        yield
    finally:
        _held = before


def ago(**span: float) -> datetime:
    """The moment `span` (as for timedelta) before now."""
    return now() - timedelta(**span)


def ahead(**span: float) -> datetime:
    """The moment `span` (as for timedelta) after now."""
    return now() + timedelta(**span)

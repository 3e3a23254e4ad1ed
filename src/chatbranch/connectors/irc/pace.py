"""How fast lines may leave: so many at once, then so many a second (a token bucket)."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """per_second 0: no limit."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._clock = float(burst), per_second, clock
        self._tokens, self._at = float(burst), clock()

    def wait(self, lines: int = 1) -> float:
        """Seconds until the last of so many lines may leave, if nothing else does."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (lines - self._tokens) / self._rate)

    def take(self) -> None:
        """A line leaves."""
        self._tokens -= 1

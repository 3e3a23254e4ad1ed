"""How long to wait before trying again."""

from __future__ import annotations

import random
import time

LONGEST = 300.0


def pause(failures: int, chance: float | None = None) -> float:
    """Seconds to wait after the `failures`-th failure in a row: 1 to 2 s, doubling up to 5 min, jittered by half.

    chance: uniform in [0, 1), drawn here if not given. Without it, all who failed together would come back together.
    """
    ceiling = min(LONGEST, 2.0 ** min(failures, 9))
    return ceiling * (0.5 + (random.random() if chance is None else chance) / 2)  # noqa: S311 (no secret hangs on it)


class Attempts:
    """Attempts at staying connected, one after the other. One that lasted `settled` seconds went well: after it the count
    of failures begins anew.
    """

    def __init__(self, settled: float = 60.0) -> None:
        self._settled, self._failures, self._began = settled, 0, time.monotonic()

    def begin(self) -> None:
        """An attempt begins."""
        self._began = time.monotonic()

    def failed(self) -> float:
        """The attempt has ended; returns how long to wait before the next, s."""
        lasted = time.monotonic() - self._began
        self._failures = 1 if lasted > self._settled else self._failures + 1
        return pause(self._failures)

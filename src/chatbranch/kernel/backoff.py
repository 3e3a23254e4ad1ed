"""How long to wait before trying again."""

from __future__ import annotations

import random

LONGEST = 300.0


def pause(failures: int, chance: float | None = None) -> float:
    """Seconds to wait after the `failures`-th failure in a row: 1 to 2 s, doubling up to 5 min, jittered by half.

    chance: uniform in [0, 1), drawn here if not given. Without it, all who failed together would come back together.
    """
    ceiling = min(LONGEST, 2.0 ** min(failures, 9))
    return ceiling * (0.5 + (random.random() if chance is None else chance) / 2)  # noqa: S311 (no secret hangs on it)

"""How many messages a group gets in a minute: Telegram's FAQ for bots allows 20."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

MINUTE = 60.0


class Pace:
    """most: messages a minute to one group; 0 for no limit."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._sent: defaultdict[int, deque[float]] = defaultdict(deque)

    def wait(self, group: int) -> float:
        """Seconds until this group may get another; 0 for now."""
        sent, now = self._sent[group], self._clock()
        while sent and sent[0] <= now - MINUTE:
            sent.popleft()
        if not sent:
            del self._sent[group]
        return 0.0 if not self._most or len(sent) < self._most else sent[0] + MINUTE - now

    def take(self, group: int) -> None:
        """This group gets one."""
        if self._most:
            self._sent[group].append(self._clock())

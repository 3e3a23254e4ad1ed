"""What rooms say among themselves, compared with published falsehoods: a courtesy, and in nobody's way.

One at a time and few waiting, in memory only. What does not fit is let go, for nobody waits for a word they did not ask
for; the log counts how many, and says nothing of what they were.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from chatbranch.intake import actions as intake
from chatbranch.kernel.messages import Inbound
from chatbranch.site.threads import in_thread

log = logging.getLogger(__name__)

MOST_WAITING = 50  # at some 20 ms each, about a second's work


class Overhearing:
    """Compares what one process's rooms say, in the background. stir: called with a channel that has something to send."""

    def __init__(self, stir: Callable[[str], None]) -> None:
        self._stir = stir
        self._waiting: deque[Inbound] = deque()
        self._let_go = 0
        self.under_way: asyncio.Task[None] | None = None

    def hear(self, inbound: Inbound) -> None:
        """Compare this message when there is time for it."""
        if not intake.is_overheard(inbound):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._let_go += 1
            return
        self._waiting.append(replace(inbound, attachments=()))
        if self.under_way is None or self.under_way.done():
            self.under_way = asyncio.create_task(self._compare())

    async def _compare(self) -> None:
        while self._waiting:
            inbound = self._waiting.popleft()
            try:
                if await in_thread(intake.do_speak_unasked, inbound):
                    self._stir(inbound.channel)
            except Exception:
                log.exception("a message of a room could not be compared")
        if self._let_go:
            log.info("%d messages of rooms were not compared: too many at once", self._let_go)
            self._let_go = 0

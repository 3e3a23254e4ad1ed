"""What came and is not yet safe: IRC says everything once, so it is kept here until the house has it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

log = logging.getLogger(__name__)

MOST = 10_000  # jobs after which no more is read from the server
LONGEST_PAUSE = 10.0  # seconds between two tries

Job = Callable[[], Awaitable[None]]


class Inbox:
    """Jobs done one after another, each tried until it succeeds. It outlives connections."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[datetime, Job]] = deque()
        self._more, self._less, self._empty = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._less.set()
        self._empty.set()
        self._failing_since: float | None = None

    def put(self, came: datetime, job: Job) -> None:
        """Do this after what is here. came: when it came from the server."""
        self._jobs.append((came, job))
        self._more.set()
        self._empty.clear()
        if len(self._jobs) >= MOST:
            self._less.clear()

    @property
    def oldest(self) -> datetime | None:
        """When the oldest came that is not yet safe."""
        return self._jobs[0][0] if self._jobs else None

    @property
    def failing(self) -> float:
        """Seconds for which the house has taken nothing."""
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    async def room(self) -> None:
        """Wait while there is too much here."""
        await self._less.wait()

    async def drained(self, seconds: float) -> None:
        """Wait until all is safe, for at most so long. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self._empty.wait()

    def give_up(self) -> None:
        """Drop what is here. Whoever does so tells of the gap."""
        if self._jobs:
            log.error("irc: the house took nothing for too long; %d messages are given up", len(self._jobs))
        self._jobs.clear()
        self._failing_since = None
        self._less.set()
        self._empty.set()

    async def work(self) -> None:
        """Do the jobs, until cancelled."""
        while True:
            self._more.clear()
            if not self._jobs:
                await self._more.wait()
            await self._do(self._jobs[0])

    async def _do(self, job: tuple[datetime, Job]) -> None:
        pause = 0.2
        while self._jobs and self._jobs[0] is job:  # given up, it is there no more
            try:
                await job[1]()
                self._done(job)
            except Exception as error:  # the database is away, most likely; the kind alone is logged
                self._failing_since = self._failing_since or time.monotonic()
                log.warning("irc: not taken in yet (%s); again in %.1f s", type(error).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)

    def _done(self, job: tuple[datetime, Job]) -> None:
        self._failing_since = None
        if self._jobs and self._jobs[0] is job:
            self._jobs.popleft()
        if len(self._jobs) < MOST:
            self._less.set()
        if not self._jobs:
            self._empty.set()

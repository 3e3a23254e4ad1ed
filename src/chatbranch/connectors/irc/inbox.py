"""What came and is not yet safe: IRC says everything once, so it is kept here until the house has it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

log = logging.getLogger(__name__)

MOST = 10_000  # jobs after which no more is read from the server
LONGEST_PAUSE = 10.0  # seconds between two tries

MOST_TOGETHER = 100  # jobs under way at the same time

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, eq=False)
class _Waiting:
    """came: when it came from the server. together: it need not wait for the end of those like it before."""

    came: datetime
    job: Job
    together: bool


class Inbox:
    """Jobs done one after another, each tried until it succeeds. It outlives connections.

    What is said in a busy room is begun in order and ends together: the house takes it in the order in which it was
    begun, and with one that fails those after it come again.
    """

    def __init__(self) -> None:
        self._jobs: deque[_Waiting] = deque()
        self._more, self._less, self._empty = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._less.set()
        self._empty.set()
        self._failing_since: float | None = None

    def put(self, came: datetime, job: Job, *, together: bool = False) -> None:
        """Do this after what is here. came: when it came from the server. together: it may be under way beside those
        before it that may be so too."""
        self._jobs.append(_Waiting(came, job, together))
        self._more.set()
        self._empty.clear()
        if len(self._jobs) >= MOST:
            self._less.clear()

    @property
    def oldest(self) -> datetime | None:
        """When the oldest came that is not yet safe."""
        return self._jobs[0].came if self._jobs else None

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
            await self._do(self._first())

    def _first(self) -> list[_Waiting]:
        """The job in front, and those after it that may be under way beside it."""
        if not self._jobs[0].together:
            return [self._jobs[0]]
        front = itertools.islice(self._jobs, MOST_TOGETHER)
        return [*itertools.takewhile(lambda each: each.together, front)]

    async def _do(self, some: list[_Waiting]) -> None:
        pause = 0.2
        while some and self._jobs and self._jobs[0] is some[0]:  # given up, it is there no more
            ends = await asyncio.gather(*(each.job() for each in some), return_exceptions=True)
            failed = next((n for n, end in enumerate(ends) if end is not None), len(some))
            self._done(some[:failed])
            some = some[failed:]
            if some:  # the database is away, most likely; the kind alone is logged
                self._failing_since = self._failing_since or time.monotonic()
                log.warning("irc: not taken in yet (%s); again in %.1f s", type(ends[failed]).__name__, pause)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)

    def _done(self, some: list[_Waiting]) -> None:
        if some:
            self._failing_since = None
        for each in some:
            if self._jobs and self._jobs[0] is each:
                self._jobs.popleft()
        if len(self._jobs) < MOST:
            self._less.set()
        if not self._jobs:
            self._empty.set()

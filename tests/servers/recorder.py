"""A small host that keeps what a connector hands it, and can be told to fail: for tests of connectors alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from chatbranch.connectors.contract import Connector, Health
from chatbranch.kernel.messages import Change, Gap, Inbound


class Recorder:
    """A Host (and the receiving half of a Mailbox) in memory. `memory` outlives connectors, as a database does."""

    def __init__(self) -> None:
        self.taken: list[Inbound] = []
        self.changes: list[Change] = []
        self.gaps: list[Gap] = []
        self.health: list[tuple[Health, str]] = []
        self.memory: dict[str, str] = {}
        self.failing = 0  # how many of the next calls of receive fail, as with a database that is away

    async def receive(self, inbound: Inbound) -> None:
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the database is away")
        if inbound.message_id not in {each.message_id for each in self.taken}:
            self.taken.append(inbound)

    async def change(self, change: Change) -> None:
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the database is away")
        if change.message_id not in {each.message_id for each in self.changes}:
            self.changes.append(change)

    async def missed(self, gap: Gap) -> None:
        self.gaps.append(gap)

    async def report(self, health: Health, why: str = "") -> None:
        self.health.append((health, why))

    async def recall(self, key: str) -> str:
        assert len(key) <= 80, "a memory's key has at most 80 characters"
        return self.memory.get(key, "")

    async def remember(self, key: str, value: str) -> None:
        assert len(key) <= 80, "a memory's key has at most 80 characters"
        self.memory[key] = value

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.taken]


@asynccontextmanager
async def running(connector: Connector, host: Recorder) -> AsyncIterator[Connector]:
    """The connector listening in the background; ended, and its failure raised, at the end."""
    task = asyncio.create_task(connector.run(host))
    try:
        yield connector
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], object], seconds: float = 90, what: str = "what was waited for") -> None:
    """Wait until `true()` holds (called in a thread: it may use the network)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await asyncio.to_thread(true):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")

"""A stand-in platform for tests in one process: it keeps what it was sent, and misbehaves as told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from django.db import transaction

from chatbranch.connectors.contract import Capabilities
from chatbranch.contacts.actions import do_keep
from chatbranch.deliveries import sender
from chatbranch.deliveries.actions import Message, do_queue_many
from chatbranch.kernel import ids
from chatbranch.kernel.messages import Outbound, Receipt
from chatbranch.kernel.phrases import Phrase

FAST = Capabilities(idempotent=True, per_second=0)


class StandIn:
    """Takes messages after `takes` seconds. `mood(outbound)` may raise what a platform would."""

    title, settings = Phrase("替身", "stand-in"), ()

    def __init__(self, capabilities: Capabilities = FAST, takes: float = 0.0) -> None:
        self.name, self.capabilities, self.takes = "standin", capabilities, takes
        self.taken: list[Outbound] = []
        self.mood: Callable[[Outbound], None] = lambda _: None
        self.under_way = self.most_under_way = 0

    async def run(self, host: object) -> None:
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound) -> Receipt:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.takes)
            self.mood(outbound)
        finally:
            self.under_way -= 1
        self.taken.append(outbound)
        return Receipt(f"id of {outbound.text}"[:50])

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.taken]


def queue(channel: str, address: str, *texts: str, subject: UUID | None = None) -> list[UUID]:
    """Queue texts to one address, in one transaction; returns the deliveries' ids."""
    subject = subject or ids.new_id()
    with transaction.atomic():
        pseudonym = do_keep(channel, address, subject, "en")
        numbered = enumerate(texts)
        return do_queue_many(
            Message(pseudonym, "verdict", text, f"{subject} {address} {n}", subject) for n, text in numbered
        )


def queue_each(channel: str, askers: int, *texts: str) -> None:
    """Queue the same texts to many addresses, in one transaction."""
    with transaction.atomic():
        for n in range(askers):
            queue(channel, f"asker {n}", *(texts or ("不实",)))


Until = Callable[[], bool | Awaitable[bool]]


async def sending(
    connectors: Mapping[str, StandIn], until: Until, *, within: float = 20.0, **options: object
) -> None:
    """Run the sender until something is so, then stop it as a process would be stopped."""
    task = asyncio.create_task(sender.run(connectors, **options))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(within):
            while not await _so(until):
                assert not task.done(), task.result()
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _so(until: Until) -> bool:
    answer = until()
    return answer if isinstance(answer, bool) else await answer

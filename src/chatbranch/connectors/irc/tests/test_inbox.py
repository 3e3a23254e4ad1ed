"""What IRC says once is kept until the house has it, in order, also when much of it is under way at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatbranch.connectors.irc import inbox
from chatbranch.connectors.irc.inbox import Inbox, Job
from chatbranch.kernel import clock


class House:
    """Takes a message when it is let; refuses those in `refuses`, once each."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.taken: list[str] = []
        self.refuses: set[str] = set()
        self.open = asyncio.Event()

    def receive(self, text: str) -> Job:
        async def receive() -> None:
            self.begun.append(text)
            await self.open.wait()
            if text in self.refuses:
                self.refuses.remove(text)
                raise ConnectionError
            self.taken.append(text)

        return receive


@pytest.fixture
async def box(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    monkeypatch.setattr(inbox, "LONGEST_PAUSE", 0.01)
    made = Inbox()
    working = asyncio.create_task(made.work())
    yield made
    working.cancel()


@pytest.fixture
def house() -> House:
    return House()


async def test_what_is_said_in_rooms_is_begun_without_waiting_for_what_was_said_before(
    box: Inbox, house: House
) -> None:
    for text in "abc":
        box.put(clock.now(), house.receive(text), together=True)
    await asyncio.sleep(0.01)
    assert house.begun == ["a", "b", "c"]
    assert box.oldest is not None  # none of it is safe yet
    house.open.set()
    await box.drained(5)
    assert house.taken == ["a", "b", "c"]


async def test_anything_else_waits_for_what_is_before_it_and_holds_what_is_after_it(
    box: Inbox, house: House
) -> None:
    for text, together in (("a", True), ("joined", False), ("b", True)):
        box.put(clock.now(), house.receive(text), together=together)
    await asyncio.sleep(0.01)
    assert house.begun == ["a"]
    house.open.set()
    await box.drained(5)
    assert house.begun == ["a", "joined", "b"]


async def test_one_that_is_not_taken_comes_again_with_all_after_it(box: Inbox, house: House) -> None:
    house.refuses = {"b"}
    house.open.set()
    for text in "abc":
        box.put(clock.now(), house.receive(text), together=True)
    await box.drained(5)
    assert house.begun == ["a", "b", "c", "b", "c"]
    assert box.failing == 0.0

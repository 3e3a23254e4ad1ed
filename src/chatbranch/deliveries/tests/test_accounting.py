"""Accepted is delivered, queued or failed with a reason: exactly, also while a platform asks for patience all the time."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from asgiref.sync import sync_to_async
from django.db.models import Count
from tests.support.databases import Database

from chatbranch.connectors.contract import Later, Undeliverable
from chatbranch.deliveries import rules
from chatbranch.deliveries.models import Delivery
from chatbranch.deliveries.tests.standin import StandIn, queue_each, sending
from chatbranch.kernel.messages import Outbound

db = sync_to_async
EACH = 20  # messages to one destination
PATIENCE = 0.3  # seconds a destination has to wait, said to every fifth call


class Impatient(StandIn):
    """Says 429 with retry-after to every fifth call, drops every fiftieth connection, and never knew every 97th message."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = self._mood
        self.calls = self.asked_to_wait = self.early = 0
        self.refused: set[str] = set()
        self._not_before: dict[str, float] = {}

    def _mood(self, outbound: Outbound) -> None:
        self.calls += 1
        if time.monotonic() < self._not_before.get(outbound.address, 0.0):
            self.early += 1
        if self.calls % 5 == 0:
            self.asked_to_wait += 1
            self._not_before[outbound.address] = time.monotonic() + PATIENCE
            raise Later(PATIENCE, "429 Too Many Requests")
        if self.calls % 50 == 1:
            raise ConnectionError
        if int(outbound.key.replace("-", ""), 16) % 97 == 0:
            self.refused.add(outbound.key)
            raise Undeliverable("403 Forbidden")


@pytest.mark.parametrize("size", [2_000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_accepted_is_delivered_plus_queued_plus_failed_exactly_and_nobody_is_early(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(rules, "backoff", lambda attempts, chance: 0.05)
    platform = Impatient()
    texts = [str(n) for n in range(EACH)]
    await db(queue_each)("standin", size // EACH, *texts)

    await sending({"standin": platform}, lambda: len(platform.taken) >= size // 2, within=400)
    assert await _agree(platform) == size  # stopped in the midst

    await sending({"standin": platform}, _all_settled, within=400)
    assert await _agree(platform) == size
    assert not await Delivery.objects.filter(state="queued").aexists()
    assert len({each.key for each in platform.taken}) == len(platform.taken)  # nothing twice
    in_order: dict[str, list[int]] = {}
    for each in platform.taken:
        in_order.setdefault(each.address, []).append(int(each.text))
    assert all(said == sorted(said) for said in in_order.values())
    assert platform.asked_to_wait >= size // 5
    assert platform.early == 0
    print(f"{size} messages, {platform.calls} calls, {platform.asked_to_wait} asked to wait, 0 early")


async def _agree(platform: StandIn) -> int:
    """The outbox's books say what the platform saw; returns how many were accepted."""
    assert isinstance(platform, Impatient)
    rows = Delivery.objects.values_list("state", "reason").annotate(n=Count("id"))
    books = Counter({(state, reason): n async for state, reason, n in rows})
    sent = {str(key) async for key in Delivery.objects.filter(state="sent").values_list("pk", flat=True)}
    failed = {str(key) async for key in Delivery.objects.filter(state="failed").values_list("pk", flat=True)}
    assert sent == {each.key for each in platform.taken}
    assert failed == platform.refused
    assert {reason for state, reason in books if state == "failed"} <= {"undeliverable"}
    return books.total()


async def _all_settled() -> bool:
    return not await Delivery.objects.filter(state="queued").aexists()

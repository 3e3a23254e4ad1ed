"""kill -9 while thousands are being told: nobody is forgotten, and nobody is told twice where the key is recognised.

The long campaign (10,000 askers, 30 kills) runs with `-m soak`; a short one with every second tier.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.db import transaction
from django.db.models import Sum

from chatbranch.contacts.actions import do_keep
from chatbranch.deliveries import rules
from chatbranch.deliveries.actions import Message, do_queue_many
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.kernel import ids
from tests.crash.platform import Platform
from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[2]
short = pytest.mark.server
long = pytest.mark.soak


@pytest.mark.parametrize(
    ("askers", "kills"), [pytest.param(400, 3, marks=short), pytest.param(10_000, 30, marks=long)]
)
def test_kill_9_loses_nobody_and_tells_nobody_twice(
    either_database: Database, askers: int, kills: int
) -> None:
    keys = _queue(askers)
    with Platform() as platform:
        done = _campaign(either_database, platform, kills, idempotent=True)
    assert done >= kills
    assert set(platform.received) == keys  # none lost, none invented
    assert all(len(each) == 1 for each in platform.texts.values())  # a repeat always came under its first key
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert not Lane.objects.exists()
    print(f"{askers} told through {done} kills; repeats the platform recognised: {_repeats(platform)}")


@pytest.mark.parametrize(
    ("askers", "kills"), [pytest.param(400, 3, marks=short), pytest.param(10_000, 30, marks=long)]
)
def test_without_a_key_kill_9_repeats_few_messages_once_and_counts_them(
    either_database: Database, askers: int, kills: int
) -> None:
    keys = _queue(askers)
    with Platform() as platform:
        done = _campaign(either_database, platform, kills, idempotent=False)
    failed = Delivery.objects.filter(state="failed")
    assert set(failed.values_list("reason", flat=True)) <= {"interrupted"}
    assert set(platform.received) | {str(key) for key in failed.values_list("pk", flat=True)} == keys
    assert max(platform.received.values()) <= 2
    assert _repeats(platform) <= done * rules.AT_ONCE_UNSURE
    twice = {key for key, times in platform.received.items() if times == 2}
    assert twice <= {str(key) for key in Delivery.objects.filter(repeats=1).values_list("pk", flat=True)}
    counted = Delivery.objects.aggregate(Sum("repeats"))["repeats__sum"]
    print(
        f"{askers} told through {done} kills; repeated: {_repeats(platform)}, counted: {counted}, ended: {len(failed)}"
    )


def _queue(askers: int) -> set[str]:
    """One verdict to many askers, two messages each, as a telling queues them; returns the deliveries' ids."""
    subject, keys = ids.new_id(), set()
    for first in range(0, askers, 500):
        with transaction.atomic():
            names = [
                do_keep("standin", f"asker {n}", subject, "en")
                for n in range(first, min(first + 500, askers))
            ]
            messages = [Message(name, "verdict", f"{name} is told", f"1:{name}", subject) for name in names]
            keys |= {str(key) for key in do_queue_many(messages)}
    assert len(keys) == askers
    return keys


def _campaign(database: Database, platform: Platform, kills: int, *, idempotent: bool) -> int:
    """Start the sender and kill it at random instants until it has been killed `kills` times; then let it finish."""
    chance = random.Random(20261124)
    with _nursery(database, platform, idempotent) as start:
        for left in range(kills, 0, -1):
            with start():
                waiting = Delivery.objects.count() - len(platform.received)
                _wait_until_received(
                    platform, len(platform.received) + chance.randint(1, waiting // (left + 1))
                )
                time.sleep(chance.random() * 0.02)
        with start():
            _wait_until_told()
    return kills


@contextmanager
def _nursery(
    database: Database, platform: Platform, idempotent: bool
) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Yields what starts a sender; it is killed, with signal 9, at the end of its block."""
    command = [sys.executable, "-m", "tests.crash.sender", str(platform.port), "yes" if idempotent else "no"]
    nursery = subprocess.Popen(
        command, cwd=ROOT, env=database.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert nursery.stdin
    assert nursery.stdout
    orders, births = nursery.stdin, nursery.stdout

    @contextmanager
    def start() -> Iterator[None]:
        orders.write("one\n")
        orders.flush()
        pid = int(births.readline())
        try:
            yield
            os.kill(pid, 0)  # it did not end by itself
        finally:
            os.kill(pid, signal.SIGKILL)

    try:
        yield start
    finally:
        orders.close()
        nursery.wait(10)


def _wait_until_received(platform: Platform, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(platform.received) < count:
        assert time.monotonic() < deadline, f"{len(platform.received)} of {count} received"
        time.sleep(0.001)


def _wait_until_told() -> None:
    deadline = time.monotonic() + 300
    while Delivery.objects.filter(state="queued").exists() or Lane.objects.exists():
        assert time.monotonic() < deadline, "messages still wait"
        time.sleep(0.1)


def _repeats(platform: Platform) -> int:
    return sum(platform.received.values()) - len(platform.received)

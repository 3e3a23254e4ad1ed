"""kill -9 while subscribers are told of a verdict: nobody is left out, and only who was being told just then may hear it twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.test import Client

from chatbranch.publishing import feeds, hub
from chatbranch.publishing.models import Subscription
from chatbranch.publishing.tests.support import ANYWHERE, Subscriber, card, changed, listening
from tests.support.databases import Database
from tests.support.house import wait_for

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def nursery(database: Database) -> Iterator[Callable[[], int]]:
    """Yields what starts a process that calls subscribers, and returns its id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.hub_caller"],
        cwd=ROOT,
        env=database.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    orders, answers = process.stdin, process.stdout
    assert orders is not None
    assert answers is not None
    born: list[int] = []

    def start() -> int:
        print(file=orders, flush=True)
        born.append(int(answers.readline()))
        return born[-1]

    try:
        yield start
    finally:
        for each in born:
            kill(each)
        process.kill()
        process.wait()


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def subscribe(subscriber: Subscriber) -> None:
    topic = feeds.address("feed-json", "en")
    form = {"hub.mode": "subscribe", "hub.callback": subscriber.url, "hub.topic": topic}
    assert Client().post("/hub", form).status_code == 202
    hub.do_confirm(ANYWHERE)


def heard_all() -> bool:
    return not Subscription.objects.exclude(telling="").exists()


def test_nobody_is_left_out_by_a_kill_and_only_who_was_being_told_just_then_may_hear_it_twice(
    sqlite_database: Database,
) -> None:
    with listening() as first, listening() as second, nursery(sqlite_database) as start:
        ours = card()
        for each in (first, second):
            subscribe(each)
        caller = start()
        changed(ours.id)
        for each in (first, second):
            each.wait_for(1)
        wait_for(heard_all, 10)
        killed = threading.Event()

        def kill_the_caller() -> None:
            kill(caller)
            killed.set()

        first.before_answering = kill_the_caller
        changed(ours.id, "true")
        assert killed.wait(20)
        first.before_answering = lambda: None
        start()
        first.wait_for(3)
        second.wait_for(2)
        wait_for(heard_all, 10)
        changed(ours.id, "misleading")
        first.wait_for(4)
        second.wait_for(3)
        wait_for(heard_all, 10)
    assert first.tags[1] == first.tags[2], "it had it, but could not say so"
    assert first.posts[1][1] == first.posts[2][1]
    assert len(first.posts) == 4
    assert list(dict.fromkeys(second.tags)) == list(dict.fromkeys(first.tags))
    assert max(Subscription.objects.values_list("repeats", flat=True)) == 1
    assert len(second.posts) - 3 <= Subscription.objects.get(callback=second.url).repeats

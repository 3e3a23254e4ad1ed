"""kill -9 while the public log is appended to: whatever anyone saw of it stays true. The long campaign runs with `-m soak`."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from chatbranch.claims.models import Claim, Verdict
from chatbranch.journal.models import Event
from chatbranch.publiclog.actions import do_keep_up
from chatbranch.publiclog.audit import audit
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.merkle import leaf_hash, root_of
from chatbranch.publiclog.models import Checkpoint as Signed
from chatbranch.publiclog.models import Entry
from chatbranch.publiclog.notes import BadNote, Checkpoint, Note
from tests.support.databases import Database

ROOT = Path(__file__).resolve().parents[2]


class Onlooker(threading.Thread):
    """Somebody outside who fetches the checkpoint all the time, and forgets nothing."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(daemon=True)
        self.folder, self.notes, self.torn = folder, set[bytes](), 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.0005):
            try:
                said = self.folder.read("checkpoint")
                Checkpoint.read(Note.read(said).text)
                self.notes.add(said)
            except FileNotFoundError:
                continue
            except BadNote:
                self.torn += 1


@contextmanager
def killed_at_random(database: Database, folder: Path, seed: int) -> Iterator[Callable[[], None]]:
    """Yields what lets one process append for a moment, and kills it."""
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.appender", str(folder)],
        cwd=ROOT,
        env=database.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert nursery.stdin
    assert nursery.stdout
    orders, births = nursery.stdin, nursery.stdout
    longest, chance = 0.0, random.Random(seed)

    def live_and_die() -> None:
        nonlocal longest
        orders.write("one\n")
        orders.flush()
        pid, born = int(births.readline()), time.monotonic()
        if not longest:  # the first lives until it has published
            before = (folder / "checkpoint").read_bytes()
            while (folder / "checkpoint").read_bytes() == before:
                time.sleep(0.001)
            longest = 1.5 * (time.monotonic() - born)
        time.sleep(chance.random() * longest)
        os.kill(pid, 0)  # it did not end by itself
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.0005)

    try:
        yield live_and_die
    finally:
        orders.close()
        nursery.wait(10)


def versions() -> set[UUID]:
    """The claims whose verdict stands."""
    return set(Claim.objects.filter(version=1).values_list("id", flat=True))


def logged(folder: Folder) -> set[UUID]:
    """The claims of which the published log has a verdict."""
    there = folder.checkpoint()
    assert there is not None
    rows = Entry.objects.filter(kind="verdict.published", index__lt=there.size)
    return set(rows.values_list("subject", flat=True))


@pytest.mark.real_log
@pytest.mark.parametrize("kills", [20, pytest.param(1_000, marks=pytest.mark.soak)])
def test_kill_9_leaves_no_inconsistent_log_and_no_verdict_without_proof(
    either_database: Database, own_log: Path, kills: int
) -> None:
    folder, seen = Folder(own_log), ""
    onlooker = Onlooker(folder)
    onlooker.start()
    with killed_at_random(either_database, own_log, kills) as live_and_die:
        for _ in range(kills):
            live_and_die()
            if folder.checkpoint():
                seen = audit(folder.read, seen=seen).note
                assert versions() <= logged(folder), "a verdict stands that is not in the published log"
    onlooker.done.set()
    onlooker.join()
    while do_keep_up():
        pass
    found = audit(folder.read, seen=seen)
    rows = [bytes(leaf) for leaf in Entry.objects.order_by("index").values_list("leaf", flat=True)]
    leaves = [leaf_hash(row) for row in rows]
    assert list(Entry.objects.order_by("index").values_list("index", flat=True)) == list(range(len(rows)))
    assert found.checkpoint.size == len(rows)
    signed = [Checkpoint.read(Note.read(note).text) for note in Signed.objects.values_list("note", flat=True)]
    looked_at = [Checkpoint.read(Note.read(said).text) for said in onlooker.notes]
    assert len(looked_at) > 1, "they live too short to publish anything"
    assert {each.size for each in looked_at} <= {each.size for each in signed}
    for each in [*signed, *looked_at]:
        assert root_of(leaves[: each.size]) == each.root, (
            f"the log of {each.size} was signed with another root"
        )
    assert onlooker.torn == 0
    assert versions() == set(Verdict.objects.values_list("claim_id", flat=True)) == logged(folder)
    told = Counter(Event.objects.filter(kind="verdict.published").values_list("subject", flat=True))
    assert set(told.values()) == {1}, "a verdict took effect twice"
    print(
        f"{kills} kills: {len(rows)} entries, {len(signed)} checkpoints, {len(looked_at)} seen from outside"
    )

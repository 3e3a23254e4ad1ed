""" "Forget me" leaves no trace: not in a table, not in the bytes of a database file, not in a log, not in an index."""

from __future__ import annotations

import json
import logging
import random
import sqlite3
import threading
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction
from tests.support.databases import Database
from tests.support.traces import in_files, in_tables

from chatbranch.contacts.actions import do_forget as forget_contact
from chatbranch.contacts.actions import do_keep, do_scrub, pseudonym_of
from chatbranch.contacts.models import Contact
from chatbranch.contacts.queries import destination
from chatbranch.deliveries.actions import do_forget
from chatbranch.deliveries.lanes import Done, Manners, turn
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.deliveries.rules import Broken, Refusal, Sent
from chatbranch.deliveries.tests.standin import queue
from chatbranch.kernel import ids

ADDRESS, NAME = "canary-7f3a@old-river.example", "金丝雀奶奶"
MANNERS = Manners("standin", idempotent=True, interval=0.0)
OWN_TABLES = [Delivery._meta.db_table, Lane._meta.db_table]


def test_a_forgotten_asker_leaves_no_trace(
    either_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    traces = _live_through()
    assert len(in_tables(traces)) > 20  # the search finds what is there
    do_forget(forget_contact("standin", ADDRESS))
    assert do_scrub(OWN_TABLES)
    assert in_tables(traces) == []
    assert in_files(_files(either_database), traces) == []
    assert not [trace for trace in traces if isinstance(trace, str) and trace in caplog.text]
    assert Delivery.objects.filter(
        pseudonym__in=Contact.objects.values("pseudonym")
    ).exists()  # the others stay


def test_before_the_scrub_the_files_do_hold_traces(sqlite_database: Database) -> None:
    """The test above can fail: without forgetting, and without the scrub, the bytes are there."""
    traces = _live_through()
    assert len(in_files(_files(sqlite_database), traces)) > 20
    do_forget(forget_contact("standin", ADDRESS))
    assert in_files(_files(sqlite_database), traces)


def test_a_reader_of_the_log_delays_the_scrub_and_does_not_defeat_it(sqlite_database: Database) -> None:
    traces = _live_through()
    assert sqlite_database.file
    reader = sqlite3.connect(sqlite_database.file, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM contacts_contact").fetchone()
    do_forget(forget_contact("standin", ADDRESS))
    connection.cursor().execute("PRAGMA busy_timeout = 50")
    assert do_scrub(patience=0.3) is False
    threading.Timer(0.5, reader.rollback).start()
    assert do_scrub(patience=20) is True
    assert in_files(_files(sqlite_database), traces) == []
    reader.close()


def _live_through() -> list[str | bytes]:
    """Somebody asks about 12 subjects among many others, is told, refused and kept waiting; returns all their traces."""
    random.seed(7)
    subjects: list[UUID] = [ids.new_id() for _ in range(12)]
    sealed: set[bytes] = set()
    for turn_number, subject in enumerate(subjects):
        for n in random.sample(range(60), 60):
            address = ADDRESS if n == 30 else f"asker {n}"
            queue(
                "standin",
                address,
                f"{NAME if n == 30 else '您'}好，这条不实。" * (n % 7 + 1),
                subject=subject,
            )
        _end_some(turn_number)
        sealed |= {bytes(each) for each in Contact.objects.values_list("sealed", flat=True)}
        with transaction.atomic():
            do_keep("standin", ADDRESS, subject, "zh-Hans")  # asks again: the row is rewritten
    names = [pseudonym_of("standin", ADDRESS, subject) for subject in subjects]
    sealed = [
        bytes(each) for each in Contact.objects.filter(pseudonym__in=names).values_list("sealed", flat=True)
    ]
    escaped = json.dumps(NAME).strip('"')  # as a text column of SQLite holds it
    return [ADDRESS, NAME, escaped, destination("standin", ADDRESS), *names, *sealed]


def _end_some(seed: int) -> None:
    chance = random.Random(seed)
    jobs = turn(MANNERS, [], 50).jobs
    ends = [Refusal("blocked"), Broken("ConnectionError", unsure=True)]
    receipts = {job.address: Sent(f"for {NAME if job.address == ADDRESS else job.address}") for job in jobs}
    turn(MANNERS, [Done(job, chance.choice([receipts[job.address], *ends])) for job in jobs], 0)


def _files(database: Database) -> list[Path]:
    """Everything on disk that is kept, but for keys (and PostgreSQL's own log of changes, which the server recycles)."""
    kept = [settings.INDEX_DIR, settings.FILES_DIR]
    if database.file:
        return [*kept, *database.file.parent.glob("chatbranch.sqlite3*")]
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    return [*kept, Path(database.options["HOST"]) / "base"]

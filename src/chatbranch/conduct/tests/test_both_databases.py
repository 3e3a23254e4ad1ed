"""What the database itself must refuse, and what two writers must not break, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction
from tests.support.databases import Database

from chatbranch.conduct.models import Complaint, Matter, MatterEvent
from chatbranch.conduct.tests.people import START, complain, in_effect, members, now, reader
from chatbranch.kernel import clock
from chatbranch.publiclog.models import Entry


def test_the_database_refuses_to_edit_what_happened(either_database: Database) -> None:
    with clock.held(START):
        in_effect()
    columns = {"matterevent": "kind", "reply": "text", "decision": "measure", "lot": "round"}
    for table, column in columns.items():
        statements = [f"UPDATE conduct_{table} SET {column} = {column}"]
        if either_database.vendor == "postgresql":
            statements.append(f"DELETE FROM conduct_{table}")
        for statement in statements:
            with pytest.raises(DatabaseError, match="never edited"), transaction.atomic():
                connection.cursor().execute(statement)


def test_many_complaints_at_the_same_moment_are_one_matter(either_database: Database) -> None:
    people, failures = members(), []

    def send(number: int) -> None:
        try:
            for turn in range(3):
                complain(people["chen"], who=reader(f"{number} {turn}"))
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    matter = Matter.objects.get()
    assert Complaint.objects.count() == 12
    assert MatterEvent.objects.count() == 1
    assert Entry.objects.filter(kind="lot.committed").count() == 1
    assert now(matter).state == "received"

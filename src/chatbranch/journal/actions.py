"""Writing events."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from chatbranch.journal.models import Event

# On PostgreSQL sequence numbers are handed out before commit, so a reader could pass a row that is not yet visible.
# Writers of events therefore queue on one advisory lock until they commit: order of numbers = order of visibility.
# SQLite has a single writer anyway.
_JOURNAL_LOCK = 0x6368_6174_6A6F


def do_record(kind: str, subject: UUID, **data: object) -> Event:
    """Append one event; must run inside the transaction of the change it tells of (call it last)."""
    if not connection.in_atomic_block:
        raise RuntimeError("an event is written in the transaction of its change")
    take_turn()
    return Event.objects.create(kind=kind, subject=subject, data=data)


def take_turn() -> None:
    """Wait until every other writer of numbered rows has committed; held until this transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_JOURNAL_LOCK])

"""Writing events, and reading them durably."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import connection, transaction

from chatbranch.journal.models import Cursor, Event

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


def do_follow(name: str, kinds: Sequence[str], handle: Callable[[Event], None], *, most: int = 100) -> int:
    """Hand each unread event of `kinds` to `handle`, exactly once, in order; returns how many were handled.

    Each event and the cursor's step past it are one transaction: a crash between repeats nothing and skips nothing.
    """
    handled = 0
    while handled < most:
        with transaction.atomic():
            cursor, _ = Cursor.objects.select_for_update().get_or_create(name=name)
            event = Event.objects.filter(seq__gt=cursor.seq, kind__in=kinds).order_by("seq").first()
            if event is None:
                return handled
            handle(event)
            Cursor.objects.filter(name=name).update(seq=event.seq)
        handled += 1
    return handled

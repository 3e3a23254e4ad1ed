"""Appending entries: rows with indexes that have no gap, whoever else appends at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from chatbranch.journal.actions import take_turn
from chatbranch.publiclog import entries, keys
from chatbranch.publiclog.models import Entry, Salt, size


@dataclass(frozen=True)
class Draft:
    """What is to be logged. words: what somebody wrote, which enters as a commitment; None where nobody wrote anything."""

    kind: str
    at: datetime
    subject: UUID
    says: Mapping[str, str | int] = field(default_factory=dict)
    words: Mapping[str, object] | None = field(default=None, repr=False)


@transaction.atomic
def do_append(drafts: Iterable[Draft]) -> range:
    """Append entries in one transaction; returns their indexes. Raises entries.BadEntry, and then appends nothing."""
    take_turn()
    keys.do_make_first()
    start = size()
    rows, salts = list[tuple[Any, ...]](), list[tuple[int, bytes]]()
    for index, draft in enumerate(drafts, start):
        says = dict(draft.says)
        if draft.words is not None:
            salt = entries.new_salt()
            says["words"] = entries.commitment(salt, draft.words)
            salts.append((index, salt))
        entry = entries.Entry(draft.kind, draft.at, draft.subject, says)
        rows.append(
            (index, entry.leaf, entry.kind, _id(entry.subject), says.get("version", 0), _time(entry.at))
        )
    _insert(Entry, "index leaf kind subject version at", rows)
    _insert(Salt, "entry_id salt", salts)
    return range(start, start + len(rows))


def _insert(model: type[models.Model], columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows at once, past the ORM, which takes three times as long for them (benchmarks/publiclog)."""
    names = [connection.ops.quote_name(each) for each in columns.split()]
    places = ", ".join(["%s"] * len(names))
    into = f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 (names are ours)
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(into, rows)


def _time(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _id(key: UUID) -> UUID | str:
    return key if connection.features.has_native_uuid_field else key.hex

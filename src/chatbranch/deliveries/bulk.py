"""Inserting many rows at once, in SQL that SQLite and PostgreSQL share.

Through model instances 500 deliveries took 150 ms, nearly all of it in Python while SQLite's only writer waited; this
way they take a fifth of it (benchmarks/deliveries).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chatbranch.deliveries.models import Delivery, Lane, give_up_time
from chatbranch.kernel import clock


@dataclass(frozen=True)
class Row:
    """What differs from one new delivery to the next."""

    id: UUID
    lane: str
    channel: str
    pseudonym: str
    about: UUID | None
    kind: str
    once: str
    body: dict[str, Any] = field(repr=False)


def upsert_lanes(destinations: Iterable[tuple[str, str]]) -> None:
    """Insert lanes of (name, channel). One that is there already is touched, and so locked, on PostgreSQL."""
    now = as_time(clock.now())
    rows = [(name, channel, 0, now, now) for name, channel in destinations]
    _insert(
        Lane,
        "name channel fence leased_until next_at",
        "(name) DO UPDATE SET channel = excluded.channel",
        rows,
    )


def insert_deliveries(rows: Sequence[Row]) -> None:
    """Insert queued deliveries; one whose `once` is there already is passed over."""
    now, give_up = as_time(clock.now()), as_time(give_up_time())
    same = (Delivery.State.QUEUED.value, 0, 0, "", "", "", now, give_up)
    columns = "state attempts repeats reason detail receipt created_at give_up_at id lane_id channel pseudonym about kind body once"
    values = [(*same, *_values(row)) for row in rows]
    _insert(Delivery, columns, "DO NOTHING", values)


def _values(row: Row) -> tuple[Any, ...]:
    body = json.dumps(row.body)
    return (as_id(row.id), row.lane, row.channel, row.pseudonym, as_id(row.about), row.kind, body, row.once)


def _insert(
    model: type[Lane | Delivery], columns: str, on_conflict: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    names = columns.split()
    places = ", ".join(["%s"] * len(names))
    into = f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 (names are ours)
    with connection.cursor() as cursor:
        cursor.executemany(f"{into} ON CONFLICT {on_conflict}", rows)


def as_time(moment: datetime) -> Any:
    """A moment as the database takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def as_id(key: UUID | None) -> UUID | str | None:
    """An identifier as the database takes it."""
    return key if key is None or connection.features.has_native_uuid_field else key.hex

"""Inserting many rows at once, in SQL that SQLite and PostgreSQL share.

Through model instances 500 deliveries took 150 ms, nearly all of it in Python while SQLite's only writer waited; this
way they take a fifth of it (benchmarks/deliveries).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chatbranch.deliveries.models import Delivery, Lane, give_up_time
from chatbranch.journal.rows import as_id, as_time, insert
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
    columns = "name channel fence leased_until next_at"
    insert(Lane, columns, rows, "(name) DO UPDATE SET channel = excluded.channel")


def insert_deliveries(rows: Sequence[Row]) -> None:
    """Insert queued deliveries; one whose `once` is there already is passed over."""
    now, give_up = as_time(clock.now()), as_time(give_up_time())
    same = (Delivery.State.QUEUED.value, 0, 0, "", "", "", now, give_up)
    columns = "state attempts repeats reason detail receipt created_at give_up_at id lane_id channel pseudonym about kind body once"
    values = [(*same, *_values(row)) for row in rows]
    insert(Delivery, columns, values, "DO NOTHING")


def _values(row: Row) -> tuple[Any, ...]:
    body = json.dumps(row.body)
    return (as_id(row.id), row.lane, row.channel, row.pseudonym, as_id(row.about), row.kind, body, row.once)

"""What is asked of the database for every few messages that leave, in SQL that SQLite and PostgreSQL share.

Built by Django's ORM these statements took five times as long as the database took to do them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chatbranch.journal.rows import as_id, as_time, as_uuid


@dataclass(frozen=True)
class Head:
    """A delivery at the front of a lane. interrupted: an earlier attempt at it may have arrived."""

    id: UUID
    lane: str
    pseudonym: str
    about: UUID | None
    kind: str
    body: dict[str, Any] = field(repr=False)
    once: str
    attempts: int
    repeats: int
    interrupted: bool
    give_up_at: datetime


_LANES = "SELECT name, fence FROM deliveries_lane WHERE name IN (%s) ORDER BY name"
_FREE = """
SELECT name, fence FROM deliveries_lane WHERE channel = %s AND next_at <= %s AND leased_until <= %s
ORDER BY next_at LIMIT %s"""
_HEADS = """
SELECT d.id, d.lane_id, d.pseudonym, d.about, d.kind, d.body, d.once, d.attempts, d.repeats, d.attempted_at, d.give_up_at
FROM deliveries_lane l JOIN deliveries_delivery d ON d.id =
    (SELECT id FROM deliveries_delivery WHERE lane_id = l.name AND state = 'queued' ORDER BY id LIMIT 1)
WHERE l.name IN (%s)"""
_FRONT = """
SELECT id, lane_id, pseudonym, about, kind, body, once, attempts, repeats, attempted_at, give_up_at
FROM deliveries_delivery WHERE lane_id = %s AND state = 'queued' ORDER BY id LIMIT %s"""
_RECEIPTS = (
    "SELECT once, receipt FROM deliveries_delivery WHERE once IN (%s) AND state = 'sent' AND receipt <> ''"
)
_QUEUED = "SELECT once FROM deliveries_delivery WHERE once IN (%s)"
_LEASE = "UPDATE deliveries_lane SET fence = fence + 1, leased_until = %s WHERE name IN (%s)"
_RELEASE = "UPDATE deliveries_lane SET leased_until = %s, next_at = %s WHERE name IN (%s)"
_DROP = """
DELETE FROM deliveries_lane WHERE name IN (%s)
AND NOT EXISTS (SELECT 1 FROM deliveries_delivery WHERE lane_id = deliveries_lane.name)"""
_MARK = """
UPDATE deliveries_delivery SET attempted_at = %s, attempts = attempts + 1, repeats = repeats + %s WHERE id = %s"""
_SENT = """
UPDATE deliveries_delivery SET state = 'sent', sent_at = %s, attempted_at = NULL, lane_id = NULL, reason = '', detail = '',
receipt = %s WHERE id = %s AND state = 'queued'"""


def fences(names: Sequence[str], *, wait: bool) -> dict[str, int]:
    """Lock lanes; name -> fence of those that are there (without `wait`: and not locked by another transaction)."""
    return dict(_rows(_LANES + _lock(wait), list(names))) if names else {}


def free_lanes(channel: str, now: datetime, most: int) -> dict[str, int]:
    """Lock lanes whose time has come, those that waited longest first; name -> fence."""
    moment = as_time(now)
    return dict(_rows(_FREE + _lock(False), channel, moment, moment, most))


def due(channels: Iterable[str], now: datetime) -> list[str]:
    """Those of `channels` that have a free lane whose time has come."""
    moment = as_time(now)
    return [channel for channel in channels if _rows(_FREE, channel, moment, moment, 1)]


def heads(names: Iterable[str]) -> list[Head]:
    """The first waiting delivery of each lane."""
    return [_head(row) for row in _rows(_HEADS, list(names))]


def front(name: str, most: int) -> list[Head]:
    """The first waiting deliveries of one lane, in order."""
    return [_head(row) for row in _rows(_FRONT, name, most)]


def queued(onces: Sequence[str]) -> set[str]:
    """Those that were queued before, whatever became of them."""
    return {once for (once,) in _rows(_QUEUED, list(onces))}


def receipts(onces: Iterable[str]) -> dict[str, str]:
    """once -> the platform's id, of those deliveries that arrived and have one."""
    return dict(_rows(_RECEIPTS, list(onces)))


def lease(names: Iterable[str], until: datetime) -> None:
    """Hold lanes under their next fence."""
    _do(_LEASE, as_time(until), list(names))


def release(names: Iterable[str], now: datetime, next_at: datetime) -> None:
    """Give lanes back, to be served from `next_at` on."""
    _do(_RELEASE, as_time(now), as_time(next_at), list(names))


def drop_empty(names: Collection[str]) -> None:
    """Drop those of the (locked) lanes that hold no delivery any more."""
    if names:
        _do(_DROP, list(names))


def mark(ids: Iterable[UUID], now: datetime, *, repeated: Collection[UUID]) -> None:
    """Put an attempt on record before anything leaves. repeated: of these, those that may have arrived before."""
    moment = as_time(now)
    _do_each(_MARK, [(moment, int(each in repeated), as_id(each)) for each in ids])


def write_sent(arrived: Iterable[tuple[UUID, str]], now: datetime) -> None:
    """Deliveries (id, receipt) were taken by their platform."""
    moment = as_time(now)
    _do_each(_SENT, [(moment, receipt, as_id(each)) for each, receipt in arrived])


def _head(row: Sequence[Any]) -> Head:
    key, lane, pseudonym, about, kind, body, once, attempts, repeats, attempted_at, give_up_at = row
    return Head(
        id=as_uuid(key),
        lane=lane,
        pseudonym=pseudonym,
        about=as_uuid(about) if about else None,
        kind=kind,
        body=json.loads(body),
        once=once,
        attempts=attempts,
        repeats=repeats,
        interrupted=attempted_at is not None,
        give_up_at=_aware(give_up_at),
    )


def _rows(select: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(*_bound(select, values))
        return list(cursor.fetchall())


def _do(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(*_bound(statement, values))


def _do_each(statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def _bound(statement: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The statement with a place for each item of those values that are lists."""
    pieces, flat = statement.split("%s"), list[Any]()
    for n, value in enumerate(values):
        items = value if isinstance(value, list) else [value]
        pieces[n] += ", ".join(["%s"] * len(items))
        flat += items
    return "".join(pieces), flat


def _lock(wait: bool) -> str:
    if not connection.features.has_select_for_update:
        return ""  # SQLite has one writer, and this transaction is it
    return " FOR UPDATE" if wait else " FOR UPDATE SKIP LOCKED"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""What is asked of the database for whatever is said anywhere, in SQL that SQLite and PostgreSQL share.

Built by Django's ORM these statements took several times as long as the database took to do them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from chatbranch.journal.rows import as_id, as_time, as_uuid
from chatbranch.relay.models import Carried

Row = tuple[Any, ...]

_ROOMS = """
SELECT leg.id, route.id, route.lang, leg.channel, leg.address, leg.pseudonym
FROM relay_leg leg JOIN relay_route route ON route.id = leg.route_id
WHERE route.id IN (SELECT route_id FROM relay_leg WHERE (channel, address) IN (VALUES {})) ORDER BY leg.id"""
_TAKE = """
INSERT INTO relay_carried (id, leg_id, message_id, pseudonym, deed, gist, parts, at) VALUES {}
ON CONFLICT DO NOTHING RETURNING id"""


def rooms(places: Iterable[tuple[str, str]]) -> list[Row]:
    """(leg, route, language, channel, address, pseudonym) of these rooms (channel, address; at most some hundred), where
    they are in a route, and of all that share it with them."""
    return [
        (as_uuid(leg), as_uuid(route), *rest) for leg, route, *rest in _with_values(_ROOMS, [*set(places)])
    ]


def take(carried: Sequence[Carried]) -> set[UUID]:
    """Write down (at most some hundred) what was not taken before; returns the keys of that."""
    rows = [
        (
            as_id(each.pk),
            as_id(each.leg_id),
            each.message_id,
            each.pseudonym,
            each.deed,
            each.gist,
            json.dumps(each.parts),
            as_time(each.at),
        )
        for each in carried
    ]
    return {as_uuid(key) for (key,) in _with_values(_TAKE, rows)}


def _with_values(statement: str, rows: Sequence[Row]) -> list[Row]:
    """The statement with a place for every part of every row."""
    if not rows:
        return []
    row = f"({', '.join(['%s'] * len(rows[0]))})"
    with connection.cursor() as cursor:
        cursor.execute(statement.format(", ".join([row] * len(rows))), [part for row in rows for part in row])
        return list(cursor.fetchall())

"""Values and rows as the database takes and gives them: for what is said in SQL, the same for SQLite and PostgreSQL, because it is done
for every message, or for very many rows at once, and the ORM takes several times as long to build it as the database to do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models


def as_time(moment: datetime) -> Any:
    """A moment as the database takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def as_id(key: UUID | None) -> UUID | str | None:
    """An identifier as the database takes it."""
    return key if key is None or connection.features.has_native_uuid_field else key.hex


def as_uuid(value: UUID | str) -> UUID:
    """An identifier as it comes back: SQLite keeps them as text."""
    return value if isinstance(value, UUID) else UUID(value)


def insert(
    model: type[models.Model], columns: str, rows: Sequence[tuple[Any, ...]], on_conflict: str = ""
) -> None:
    """Insert many rows, their values in the order of `columns` (parted by spaces). on_conflict: what follows ON CONFLICT."""
    names = [connection.ops.quote_name(each) for each in columns.split()]
    places = ", ".join(["%s"] * len(names))
    into = f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 (names are ours)
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(f"{into} ON CONFLICT {on_conflict}" if on_conflict else into, rows)

"""Looking for traces of somebody who was forgotten: in every column of every table, and in the bytes of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from django.db import connection


def in_tables(needles: Sequence[str | bytes]) -> list[str]:
    """Where a needle stands in a table, as "table: needle"; binary columns are searched too."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            whole = b"\x00".join(_bytes(value) for row in cursor.fetchall() for value in row)
            found += [f"{table}: {needle!r}" for needle in needles if _bytes(needle) in whole]
    return found


def in_files(paths: Iterable[Path], needles: Sequence[str | bytes]) -> list[str]:
    """Where a needle stands in a file, as "name: needle"; folders are searched whole."""
    found = []
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            whole = file.read_bytes() if file.is_file() else b""
            found += [f"{file.name}: {needle!r}" for needle in needles if _bytes(needle) in whole]
    return found


def _bytes(value: object) -> bytes:
    if isinstance(value, memoryview | bytes | bytearray):
        return bytes(value)
    return str(value).encode("utf-8", "surrogatepass")

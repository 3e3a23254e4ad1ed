"""The database as one file, taken while others write, and put back with the present one set aside.

SQLite through its online backup interface (sqlite.org/backup.html), PostgreSQL through pg_dump and pg_restore.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, connections, transaction

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}


@dataclass(frozen=True)
class Dump:
    """A consistent copy of the database. counts: table -> rows. migrations: "app.name" of each applied one."""

    name: str
    path: Path
    counts: dict[str, int]
    migrations: list[str]


def take(folder: Path) -> Dump:
    """Copy the database into `folder` as it is at one moment; writers are not held up."""
    path = folder / NAMES[connection.vendor]
    counts, migrations = _take_sqlite(path) if connection.vendor == "sqlite" else _take_postgresql(path)
    return Dump(path.name, path, counts, migrations)


@contextmanager
def put_back(path: Path, aside: Path, stamp: str) -> Iterator[None]:
    """Make the copy at `path` the database. The present one is set aside, and comes back if the block fails.

    SQLite: its files are moved into the folder `aside`; PostgreSQL: its schema is renamed to before_restore_<stamp>.
    """
    connections.close_all()
    swapped = _sqlite_swapped if connection.vendor == "sqlite" else _postgresql_swapped
    with swapped(path, aside, stamp):
        yield


def check(path: Path) -> None:
    """Refuse a copy that the database itself finds broken."""
    if path.name == NAMES["sqlite"]:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as link:
            _check_sqlite(link)
    else:
        _postgresql("pg_restore", "--list", str(path))


# --- SQLite ---------------------------------------------------------------------------------------


def _take_sqlite(path: Path) -> tuple[dict[str, int], list[str]]:
    """One step of the backup interface copies all pages under one read snapshot: in WAL mode nobody waits."""
    present = Path(connection.settings_dict["NAME"])
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(present, timeout=60)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        _check_sqlite(copy)
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        counts = {table: _one(copy, f'SELECT count(*) FROM "{table}"') for table in _tables(tables)}  # noqa: S608
        applied = copy.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall()
    return counts, [f"{app}.{name}" for app, name in applied]


def _check_sqlite(link: sqlite3.Connection) -> None:
    try:
        found = _one(link, "PRAGMA integrity_check(1)")
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise Refused("damaged", _BROKEN, why=found)


def _one(link: sqlite3.Connection, statement: str) -> Any:
    return link.execute(statement).fetchone()[0]


@contextmanager
def _sqlite_swapped(path: Path, aside: Path, stamp: str) -> Iterator[None]:
    present = Path(connection.settings_dict["NAME"])
    moved = [
        (each, aside / each.name)
        for end in ("", "-wal", "-shm")
        if (each := Path(f"{present}{end}")).exists()
    ]
    try:
        for here, there in moved:
            here.rename(there)
        path.rename(present)
        yield
    except BaseException:
        connections.close_all()
        for end in ("", "-wal", "-shm"):
            Path(f"{present}{end}").unlink(missing_ok=True)
        for here, there in moved:
            if there.exists():
                there.rename(here)
        raise


# --- PostgreSQL -----------------------------------------------------------------------------------


def _take_postgresql(path: Path) -> tuple[dict[str, int], list[str]]:
    """pg_dump looks at the very snapshot in which the rows are counted."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        options = ("--format=custom", "--no-owner", "--no-privileges", "--schema=public")
        _postgresql("pg_dump", *options, f"--snapshot={snapshot}", f"--file={path}", "--dbname", _conninfo())
        path.chmod(0o600)
        counts = {}
        for table in _tables(set(connection.introspection.table_names(cursor))):
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 (our own tables' names)
            (counts[table],) = cursor.fetchone()
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY app, name")
        return counts, [f"{app}.{name}" for app, name in cursor.fetchall()]


@contextmanager
def _postgresql_swapped(path: Path, aside: Path, stamp: str) -> Iterator[None]:
    kept = f"before_restore_{stamp}".lower().replace("-", "_")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'ALTER SCHEMA public RENAME TO "{kept}"')
        cursor.execute("CREATE SCHEMA public")
    try:
        options = ("--no-owner", "--no-privileges", "--schema=public", "--single-transaction")
        _postgresql("pg_restore", *options, "--dbname", _conninfo(), str(path))
        yield
    except BaseException:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE")
            cursor.execute(f'ALTER SCHEMA "{kept}" RENAME TO public')
        raise


def _conninfo() -> str:
    """Where the database is, without the password: a command line can be read by others on the machine."""
    from psycopg.conninfo import make_conninfo

    own = connection.settings_dict
    parts = {"dbname": own["NAME"], "user": own["USER"], "host": own["HOST"], "port": own["PORT"]}
    return make_conninfo("", **{name: value for name, value in {**own["OPTIONS"], **parts}.items() if value})


def _postgresql(program: str, *options: str) -> None:
    found = shutil.which(program)
    if not found:
        raise Refused("no-program", _NO_PROGRAM, status=500, program=program)
    environment = {**os.environ, "PGPASSWORD": str(connection.settings_dict.get("PASSWORD") or "")}
    ran = subprocess.run(  # noqa: S603 (a fixed program; options are ours)
        [found, *options], env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or [f"exit {ran.returncode}"])[0]
        raise Refused("program-failed", _FAILED, status=500, program=program, why=said[:300])


def _tables(existing: set[str]) -> list[str]:
    """The tables of every installed app that are there, by name."""
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return sorted(ours & existing)


_BROKEN = Phrase(
    "数据库文件已损坏（{why}）；现有数据原样未动。",
    "The database in it is damaged ({why}). Nothing here was touched.",
)
_NO_PROGRAM = Phrase(
    "没有找到 {program}；请安装与服务器同版本的 PostgreSQL 客户端工具（Debian：apt install postgresql-client）。",
    "{program} is not installed. Install PostgreSQL's client programs of the server's version "
    "(Debian: apt install postgresql-client).",
)
_FAILED = Phrase("{program} 没有成功：{why}", "{program} failed: {why}")

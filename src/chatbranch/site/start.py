"""From an empty folder to a running branch: folders, tables, sample library, founding link, processes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import multiprocessing
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import IO

import click

from chatbranch.site import supervisor
from chatbranch.site.config import BadSetting, Config, load
from chatbranch.site.progress import Bar

log = logging.getLogger("chatbranch.start")


def up(*, browser: bool, demo: bool) -> int:
    """Bring the branch up and keep it up; returns the exit code."""
    try:
        config = load()
    except BadSetting as problem:
        raise click.ClickException(str(problem)) from problem
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_demo(config, demo)
    _check_port(config)
    with _lock(config.data):
        if code := _apart(lambda: _settle(config, demo)):
            return code
        environment = {**os.environ, "CHATBRANCH_DATA": str(config.data)}
        greeting = ["--greet", "--open"] if browser else ["--greet"]
        return supervisor.run(environment, (config.host, config.port), greeting)


def _apart(work: Callable[[], None]) -> int:
    """Do something in a process of its own, and return its exit code. What it loads (Django, the index, the encoder: 400 MB)
    is gone with it, and the process that watches over the others stays as small as that needs."""

    def whole() -> None:
        try:
            work()
        except click.ClickException as problem:
            problem.show()
            raise SystemExit(problem.exit_code) from problem

    process = multiprocessing.get_context("fork").Process(target=whole)
    process.start()
    process.join()
    return process.exitcode or 0


def _settle(config: Config, demo: bool) -> None:
    """Tables, sample library, index and demo, once for each version: a second start finds the mark, and an index that it
    can read, and begins at once."""
    from chatbranch.matching.generation import current_generation

    mark, version = config.data / "settled", f"{_version()} {config.database_url} {config.model_dir} {demo}"
    if mark.exists() and mark.read_text() == version and current_generation(config.data / "index"):
        return
    _load_django()
    prepare(sample=True)
    if demo:
        from chatbranch.site.demo import do_make_demo

        do_make_demo()
    mark.write_text(version)
    mark.chmod(0o600)


def _version() -> str:
    """Changes whenever there may be something to migrate: a hash of what is installed, and of our migrations."""
    package = Path(__file__).parent.parent
    ours = sorted(f"{file.parent.parent.name}/{file.name}" for file in package.glob("*/migrations/0*.py"))
    versions = [f"{name} {metadata.version(name)}" for name in ("chatbranch", "django", "django-allauth")]
    return hashlib.sha256("\n".join([*ours, *versions]).encode()).hexdigest()


def prepare(*, sample: bool = False) -> None:
    """Tables as this version needs them; with `sample`, the sample library in a library that has never held anything, and
    an index that this version can search: with none, what is known would be taken for new."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    _guard_database_file()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    if sample:
        _load_sample()
        _build_index()


def _guard_database_file() -> None:
    """Nobody but this account reads the database; nor what SQLite keeps beside it, which gets the database's mode."""
    from django.conf import settings

    file = Path(settings.CONFIG.data) / "chatbranch.sqlite3"
    if not settings.CONFIG.database_url:
        file.touch(mode=0o600)
        file.chmod(0o600)


def _load_sample() -> None:
    from chatbranch.claims import queries
    from chatbranch.claims.importing import do_load_sample
    from chatbranch.matching.actions import do_index_new

    if queries.count():
        return
    with Bar("Loading the sample library") as bar:
        do_load_sample(bar.at)
    do_index_new()


def _build_index() -> None:
    """Where there is no index of this version and encoder, make it before anybody asks; vectors are used again."""
    from chatbranch.claims import queries
    from chatbranch.matching.actions import do_reindex, is_built
    from chatbranch.matching.encoder import ModelUnusable
    from chatbranch.matching.index_writer import IndexBusy

    try:
        if is_built() or not queries.wording_count():
            return
    except ModelUnusable as problem:
        raise click.ClickException(str(problem)) from problem
    with Bar("Indexing") as bar, contextlib.suppress(IndexBusy):  # whoever is writing it makes it whole
        do_reindex(bar.at)


def _check_demo(config: Config, demo: bool) -> None:
    """A demo signs anyone in, so it stays on this machine."""
    if demo and (config.public_url or config.host not in ("127.0.0.1", "::1", "localhost")):
        raise click.ClickException(
            "a demo lets anyone be anyone, so it only runs on 127.0.0.1 and without a public address"
        )


def _load_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
    import django

    django.setup()


def _check_port(config: Config) -> None:
    import socket

    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise click.ClickException(
                f"cannot listen on {config.host}:{config.port} ({error.strerror}). "
                "Is the branch running already? Else choose another: --port 8081"
            ) from error


def _lock(data: Path) -> IO[str]:
    """One branch a folder: two supervisors over the same data would send everything twice."""
    file = (data / "up.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise click.ClickException(
            f"the branch in {data} is running already; stop it first, or choose another folder: --data DIR"
        ) from error
    file.write(str(os.getpid()))
    file.flush()
    return file

"""The log in the database and in files: gap-free, whole, and never signed twice in two ways."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError
from pytest_django import Settings
from tests.support.databases import Database

from chatbranch.claims.models import AppendOnly
from chatbranch.kernel.errors import Refused
from chatbranch.publiclog import publishing
from chatbranch.publiclog.actions import do_append, do_publish
from chatbranch.publiclog.entries import BadEntry, Entry
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.models import Checkpoint, Salt
from chatbranch.publiclog.models import Entry as Row
from chatbranch.publiclog.tests.support import appended, audited, drafts, published
from chatbranch.publiclog.tiles import partial_tiles, tiles_of


def files() -> dict[str, bytes]:
    root = published().root
    return {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()}


def test_what_is_appended_is_published_and_an_outsider_finds_it_whole(either_database: Database) -> None:
    for count in (1, 2, 300, 1):
        appended(count)
        assert audited().checkpoint.size == Row.objects.count()
    assert Checkpoint.objects.count() == 4
    assert not do_publish()
    assert [Entry.read(bytes(row.leaf)).subject for row in Row.objects.order_by("index")] == list(
        Row.objects.order_by("index").values_list("subject", flat=True)
    )


def test_two_who_append_at_once_leave_no_gap(either_database: Database) -> None:
    def append() -> None:
        for _ in range(10):
            do_append(drafts(3))
        connections.close_all()

    threads = [threading.Thread(target=append) for _ in range(2)]
    for thread in threads:
        thread.start()
    do_publish()
    for thread in threads:
        thread.join()
    do_publish()
    assert list(Row.objects.order_by("index").values_list("index", flat=True)) == list(range(60))
    assert audited().checkpoint.size == 60


def test_the_database_refuses_to_edit_an_entry(either_database: Database) -> None:
    appended(1)
    with pytest.raises(AppendOnly):
        Row.objects.update(kind="x")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE publiclog_entry SET kind = 'x'")


def test_the_folder_has_the_files_of_its_size_and_no_other(sqlite_database: Database) -> None:
    for count in (3, 250, 5, 600):
        appended(count)
    wanted = {"checkpoint", "vkey"}
    for tile in tiles_of(858):
        wanted |= {tile.path} | ({tile.entries_path} if not tile.level else set())
    earlier = {tile.path for size in (258,) for tile in partial_tiles(size) if tile.level}
    assert set(files()) == wanted | earlier


def test_a_lost_folder_is_made_anew_with_all_that_was_signed(sqlite_database: Database) -> None:
    for count in (1, 258, 2, 1):
        appended(count)
    before = files()
    shutil.rmtree(published().root)
    assert not do_publish()
    assert files() == before


@pytest.mark.parametrize("lost", ["checkpoint", "tile/0/001.p/6", "tile/1/000.p/1"])
def test_a_damaged_folder_is_mended_before_anything_is_signed(lost: str, sqlite_database: Database) -> None:
    appended(262)
    (published().root / lost).write_bytes(b"damaged")
    appended(1)
    assert audited().checkpoint.size == 263


def test_rows_that_are_not_those_that_were_signed_are_never_signed(sqlite_database: Database) -> None:
    appended(5)
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER publiclog_entry_stays")
        cursor.execute(
            'UPDATE publiclog_entry SET leaf = (SELECT leaf FROM publiclog_entry WHERE "index" = 1) WHERE "index" = 2'
        )
    shutil.rmtree(published().root)
    do_append(drafts(1))
    with pytest.raises(Refused, match="not the ones that were signed"):
        do_publish()
    assert Checkpoint.objects.count() == 1


def test_a_database_behind_what_was_published_signs_nothing(sqlite_database: Database) -> None:
    appended(5)
    kept = files()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM publiclog_checkpoint")
        cursor.execute("DELETE FROM publiclog_salt WHERE entry_id > 1")
        cursor.execute('DELETE FROM publiclog_entry WHERE "index" > 1')
    do_append(drafts(1, "another"))
    with pytest.raises(Refused, match="old one"):
        do_publish()
    assert files() == kept
    assert not Checkpoint.objects.exists()


def test_another_key_than_the_logs_signs_nothing(sqlite_database: Database, settings: Settings) -> None:
    appended(1)
    settings.SECRETS = {**settings.SECRETS, "log": "07" * 32}
    do_append(drafts(1))
    with pytest.raises(Refused, match="is not the key"):
        do_publish()


@pytest.mark.parametrize("step", ["_write", "write", "drop_partial"])
def test_what_an_end_in_between_cut_off_is_completed_as_it_was_signed(
    step: str, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended(255)
    do_append(drafts(2))
    with monkeypatch.context() as patch:
        where = publishing if step == "_write" else Folder
        patch.setattr(where, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            do_publish()
    signed = Checkpoint.objects.order_by("-size").values_list("note", flat=True)[0]
    do_append(drafts(1))
    do_publish()
    assert list(Checkpoint.objects.order_by("size").values_list("size", flat=True)) == [255, 257, 258]
    assert audited(seen=signed).checkpoint.size == 258


def test_nothing_is_signed_inside_a_transaction(sqlite_database: Database) -> None:
    do_append(drafts(1))
    with transaction.atomic(), pytest.raises(RuntimeError, match="committed"):
        do_publish()


def test_before_a_checkpoint_is_signed_everything_is_forced_to_the_disk(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def synchronous() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous")
            return int(cursor.fetchone()[0])

    create = Checkpoint.objects.create
    monkeypatch.setattr(
        Checkpoint.objects, "create", lambda **row: (seen.append(synchronous()), create(**row))[1]
    )
    appended(1)
    assert (seen, synchronous()) == ([2], 1)


def test_an_entry_that_says_too_much_appends_nothing(sqlite_database: Database) -> None:
    good, bad = drafts(2)
    with pytest.raises(BadEntry):
        do_append([good, type(bad)(bad.kind, bad.at, bad.subject, {"text": "anything"})])
    assert not Row.objects.exists()


def test_a_salt_can_be_erased_and_everything_still_fits(sqlite_database: Database) -> None:
    appended(3)
    Salt.objects.all().delete()
    assert audited().checkpoint.size == 3
    appended(1)
    assert audited().checkpoint.size == 4


def test_the_logs_secret_is_for_this_account_only(settings: Settings) -> None:
    assert (Path(settings.CONFIG.keys) / "log.key").stat().st_mode & 0o777 == 0o600

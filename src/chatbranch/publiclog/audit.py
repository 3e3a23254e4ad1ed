"""Auditing a published log from outside, from nothing but its files: every entry, tile, hash and signature. Pure but for `read`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog.entries import ROTATED, BadEntry, Entry, check_leaf
from chatbranch.publiclog.merkle import EMPTY, leaf_hash, root_of
from chatbranch.publiclog.notes import BadNote, Checkpoint, Key, Note
from chatbranch.publiclog.rotation import next_key
from chatbranch.publiclog.tiles import HASH, WIDTH, BadTile, Tile, split, tiles_of, unbundle

KEY_FILE = "vkey"
"""Where a log publishes the key it began with."""

CHECKPOINT = "checkpoint"

_ROTATION = f'"kind":"{ROTATED}"'.encode()

Read = Callable[[str], bytes]
"""Gives a file of the log by its path; raises FileNotFoundError."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Audited:
    """A log in which everything fits. key: the one it began with. now: the one that signs now. cosigned: witnesses whose
    cosignature holds. told: whether the key was given, rather than believed because the log says it is its own."""

    checkpoint: Checkpoint
    note: str
    key: Key
    now: Key
    cosigned: tuple[str, ...]
    told: bool


def audit(
    read: Read,
    *,
    key: Key | None = None,
    accepted: Sequence[Key] = (),
    witnesses: Sequence[Key] = (),
    seen: str = "",
    progress: Progress = lambda done, total: None,
) -> Audited:
    """Audit a whole log. Raises Refused with a plain sentence on the first thing that is wrong.

    key: the one the log began with. accepted: keys that may follow a lost one. seen: an earlier checkpoint of it, as a note, of which it must be the continuation.
    """
    note_text = _file(read, CHECKPOINT).decode("utf-8", "replace")
    try:
        first = key or Key.read(_file(read, KEY_FILE).decode("utf-8", "replace"))
        note = Note.read(note_text)
        checkpoint = Checkpoint.read(note.text)
        earlier = Checkpoint.read(Note.read(seen).text) if seen else None
    except BadNote as error:
        raise Refused("log-note", _NOTE, why=error) from error
    if checkpoint.origin != first.name:
        raise Refused("log-other", _OTHER, theirs=checkpoint.origin, ours=first.name)
    leaves, present = _entries(read, checkpoint.size, first, accepted, progress)
    if root_of(leaves) != checkpoint.root:
        raise Refused("log-root", _ROOT, size=checkpoint.size)
    _check_upper_tiles(read, checkpoint.size, leaves)
    cosigned = _signatures(note, present, witnesses)
    if earlier is not None:
        _check_grown(earlier, checkpoint, leaves)
    return Audited(checkpoint, note_text, first, present, cosigned, told=key is not None)


def _entries(
    read: Read, size: int, key: Key, accepted: Sequence[Key], progress: Progress
) -> tuple[list[bytes], Key]:
    """The leaf hashes of all entries, each held against its tile; and the key in force after the last."""
    leaves = list[bytes]()
    for tile in tiles_of(size):
        if tile.level:
            break
        try:
            entries = unbundle(_part(read, tile, entries=True))
            if not tile.width <= len(entries) <= WIDTH:
                raise BadTile(f"{tile.entries_path} holds {len(entries)} entries, not {tile.width}")
        except BadTile as error:
            raise Refused("log-bundle", _BUNDLE, path=tile.entries_path, why=error) from error
        hashes = split(_part(read, tile))
        for offset, (leaf, hash_) in enumerate(zip(entries[: tile.width], hashes, strict=False)):
            index = tile.index * WIDTH + offset
            if leaf_hash(leaf) != hash_:
                raise Refused("log-entry", _ENTRY, index=index)
            try:
                check_leaf(leaf)
                if _ROTATION in leaf:
                    key = next_key(Entry.read(leaf), key, accepted)
            except BadEntry as error:
                raise Refused("log-no-entry", _NO_ENTRY, index=index, why=error) from error
        leaves += hashes
        progress(len(leaves), size)
    return leaves, key


def _check_upper_tiles(read: Read, size: int, leaves: Sequence[bytes]) -> None:
    """Whether every tile above the leaves holds the roots of those below it."""
    hashes, level = leaves, 0
    for tile in tiles_of(size):
        if tile.level == 0:
            continue
        if tile.level != level:
            level = tile.level
            hashes = [
                root_of(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - len(hashes) % WIDTH, WIDTH)
            ]
        wanted = b"".join(hashes[tile.index * WIDTH :][: tile.width])
        if _part(read, tile) != wanted:
            raise Refused("log-tile", _TILE, path=tile.path)


def _signatures(note: Note, key: Key, witnesses: Sequence[Key]) -> tuple[str, ...]:
    """The witnesses that cosigned; the log's own key must have signed."""
    try:
        if not note.by([key]):
            raise Refused("log-unsigned", _UNSIGNED, key=key.vkey)
        return tuple(witness.name for witness, _ in note.by(witnesses))
    except BadNote as error:
        raise Refused("log-signature", _NOTE, why=error) from error


def _check_grown(earlier: Checkpoint, now: Checkpoint, leaves: Sequence[bytes]) -> None:
    if earlier.origin != now.origin:
        raise Refused("log-other", _OTHER, theirs=now.origin, ours=earlier.origin)
    if earlier.size > now.size:
        raise Refused("log-rolled-back", _ROLLED_BACK, before=earlier.size, now=now.size)
    if (root_of(leaves[: earlier.size]) if earlier.size else EMPTY) != earlier.root:
        raise Refused("log-rewritten", _REWRITTEN, before=earlier.size)


def _part(read: Read, tile: Tile, *, entries: bool = False) -> bytes:
    """A tile, or its bundle. Where a partial one is gone because it is full by now: the full one, a tile cut to what was asked for."""
    path, full = (tile.entries_path, tile.full.entries_path) if entries else (tile.path, tile.full.path)
    try:
        data = _file(read, path)
    except Refused:
        if path == full:
            raise
        data = _file(read, full)
        data = data if entries else data[: tile.width * HASH]
    if not entries and len(data) != tile.width * HASH:
        raise Refused("log-tile", _TILE, path=tile.path)
    return data


def _file(read: Read, path: str) -> bytes:
    try:
        return read(path)
    except FileNotFoundError as error:
        raise Refused("log-missing", _MISSING, path=path) from error


_MISSING = Phrase("日志缺少文件 {path}。", "The log has no file {path}.")
_NOTE = Phrase("日志的检查点或密钥不对：{why}", "The log's checkpoint or key is not right: {why}")
_OTHER = Phrase("这是“{theirs}”的日志，不是“{ours}”的。", "This is the log of “{theirs}”, not of “{ours}”.")
_BUNDLE = Phrase("记录文件 {path} 已损坏：{why}", "The entries in {path} are damaged: {why}")
_ENTRY = Phrase(
    "第 {index} 条记录与登记的哈希不符：它被改过、换过或调换了位置。",
    "Entry {index} does not fit the hash recorded for it: it was edited, replaced or moved.",
)
_NO_ENTRY = Phrase("第 {index} 条不是合规的记录：{why}", "Entry {index} is not an entry of this log: {why}")
_TILE = Phrase("哈希文件 {path} 不对。", "The hashes in {path} are wrong.")
_ROOT = Phrase(
    "全部 {size} 条记录算出的根哈希与签名的不同：有记录被改过、删过或调换了位置。",
    "The {size} entries do not give the root hash that was signed: some were edited, deleted or moved.",
)
_UNSIGNED = Phrase(
    "检查点没有日志密钥 {key} 的签名。", "The checkpoint is not signed by the log's key, {key}."
)
_ROLLED_BACK = Phrase(
    "日志变短了：先前见过 {before} 条，现在只有 {now} 条。",
    "The log was rolled back: it had {before} entries when last seen, and has {now} now.",
)
_REWRITTEN = Phrase(
    "历史被改写：现在的日志并非由先前见过的 {before} 条续写而来。",
    "History was rewritten: the log is not the continuation of the {before} entries seen before.",
)

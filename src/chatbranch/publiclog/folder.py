"""The log as files, in the layout of C2SP tlog-tiles: whatever serves files serves the log.

A file appears whole or not at all: written beside its place, forced to the disk, renamed. The checkpoint comes last, so that
whoever reads it finds all that it speaks of. The folder is derived: lost or damaged, it is made anew from the rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from chatbranch.kernel import files
from chatbranch.publiclog.audit import CHECKPOINT
from chatbranch.publiclog.notes import BadNote, Checkpoint, Note
from chatbranch.publiclog.tiles import HASH, HEIGHT, BadTile, Tile, TiledTree


class Folder:
    """The published log below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """The file at this path. Raises FileNotFoundError."""
        return (self.root / path).read_bytes()

    def tile(self, tile: Tile) -> bytes:
        """The tile's hashes; of one that is full by now, the first so many. Raises FileNotFoundError."""
        try:
            return self.read(tile.path)
        except FileNotFoundError:
            return self.read(tile.full.path)[: tile.width * HASH]

    def write(self, made: Iterable[tuple[str, bytes]]) -> None:
        """Write these files durably: when this returns, they and their names are on the disk."""
        folders = set[Path]()
        for path, data in made:
            place = self.root / path
            folders |= _make(place.parent)
            files.write(place, data, mode=0o666)  # as the account's umask has it: it is public
            folders.add(place.parent)
        for folder in folders:
            files.sync(folder)

    def checkpoint(self) -> Checkpoint | None:
        """What the folder says it holds; None where it says nothing that can be read."""
        try:
            return Checkpoint.read(Note.read(self.read(CHECKPOINT)).text)
        except (OSError, BadNote):
            return None

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Whether the tiles at the right edge are there and give the checkpoint's root."""
        try:
            return TiledTree(checkpoint.size, self.tile).root == checkpoint.root
        except (OSError, BadTile):
            return False

    def drop_partial(self, size: int, old: int) -> None:
        """Drop the parts of tiles that are full in a log of `size`, and were not in one of `old`: the full ones hold them."""
        level = 0
        while size >> level * HEIGHT:
            index = old >> (level + 1) * HEIGHT
            if index < size >> (level + 1) * HEIGHT:
                tile = Tile(level, index)
                shutil.rmtree(self.root / f"{tile.path}.p", ignore_errors=True)
                if not level:
                    shutil.rmtree(self.root / f"{tile.entries_path}.p", ignore_errors=True)
            level += 1

    def clear(self) -> None:
        """Remove all that is published, the checkpoint first: what is left of a log says nothing."""
        (self.root / CHECKPOINT).unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)


def _make(folder: Path) -> set[Path]:
    """Make a folder, and those above it that are not there; returns the folders that have a new one in them."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return {each.parent for each in missing}

"""Logs made for tests from the pure parts alone, and what an attacker who holds everything might make of them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from uuid import UUID

from chatbranch.publiclog import tiles
from chatbranch.publiclog.entries import OPENED, Entry
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.merkle import leaf_hash
from chatbranch.publiclog.notes import Checkpoint, Signer
from chatbranch.publiclog.proofs import Proof
from chatbranch.publiclog.tiles import Tile, TiledTree

KEY = Signer.of("branch.example/log", b"\7" * 32)
OTHER = Signer.of("branch.example/log", b"\10" * 32)


@lru_cache
def entries(count: int, seed: int = 1) -> list[bytes]:
    """So many entries; another seed gives others."""
    chance = random.Random(seed)
    at = datetime(2026, 11, 29, tzinfo=UTC)
    return [
        Entry(OPENED, at, UUID(int=chance.getrandbits(128)), {"words": chance.randbytes(32).hex()}).leaf
        for _ in range(count)
    ]


@dataclass(frozen=True)
class Log:
    """A log in a folder."""

    entries: Sequence[bytes]
    folder: Path

    @cached_property
    def tree(self) -> TiledTree:
        files = tiles.grow(0, [leaf_hash(each) for each in self.entries], lambda tile: b"")
        return TiledTree(len(self.entries), files.__getitem__)

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(KEY.key.name, len(self.entries), self.tree.root)

    def publish(self, signer: Signer = KEY, note: str = "") -> Log:
        """Write everything, signed; or under the given note."""
        files = tiles.grow(0, [leaf_hash(each) for each in self.entries], lambda tile: b"")
        Folder(self.folder).clear()
        self._write((tile.path, data) for tile, data in files.items())
        self._write((tile.entries_path, self.bundle(tile)) for tile in files if not tile.level)
        self._write(
            [
                ("vkey", KEY.key.vkey.encode()),
                ("checkpoint", (note or self.checkpoint.signed(signer)).encode()),
            ]
        )
        return self

    def _write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Without forcing anything to the disk: there are many of these, and no power cuts."""
        for path, data in files:
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

    def bundle(self, tile: Tile) -> bytes:
        return tiles.bundle(self.entries[tile.index * 256 :][: tile.width])

    def proof(self, index: int) -> Proof:
        return Proof(
            index, tuple(self.tree.inclusion_proof(index)), self.checkpoint.signed(KEY), self.entries[index]
        )

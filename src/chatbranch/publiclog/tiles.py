"""A tree in files, as C2SP tlog-tiles has it: tiles of 256 hashes, bundles of 256 entries. Pure: bytes and paths, no files.

A tile holds the hashes of 256 neighbouring nodes of one height, a multiple of 8; in the last tile of each level there may
be fewer. So tiles are written once, and a folder of them is a log that any web server can serve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from chatbranch.publiclog.merkle import (
    consistency_proof,
    inclusion_proof,
    levels,
    root_of,
    subtree_hash,
)

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH = 32  # bytes


class BadTile(Exception):
    """A tile or a bundle is not what the log's size says it must be."""


@dataclass(frozen=True)
class Tile:
    """One tile, and the bundle of entries beside it where the level is 0. `width`: how many hashes it holds."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where it lies in the log's folder."""
        return f"tile/{self.level}/{self._name}"

    @property
    def entries_path(self) -> str:
        """Where the bundle of its entries lies."""
        return f"tile/entries/{self._name}"

    @property
    def full(self) -> Tile:
        """The tile once it is full: it holds all that this one does."""
        return Tile(self.level, self.index)

    @property
    def _name(self) -> str:
        thousands, last = divmod(self.index, 1000)
        name = f"{last:03}"
        while thousands:
            thousands, part = divmod(thousands, 1000)
            name = f"x{part:03}/{name}"
        return name if self.width == WIDTH else f"{name}.p/{self.width}"


def tiles_of(size: int, old: int = 0) -> Iterator[Tile]:
    """The tiles that a tree of `size` has, and had not when it had `old` leaves."""
    for level in count():
        hashes, before = size >> level * HEIGHT, old >> level * HEIGHT
        if hashes == before:
            return
        for index in range(before >> HEIGHT, -(-hashes // WIDTH)):
            yield Tile(level, index, min(WIDTH, hashes - index * WIDTH))


def partial_tiles(size: int) -> Iterator[Tile]:
    """The tiles of a tree of `size` that are not full."""
    for level in count():
        hashes = size >> level * HEIGHT
        if not hashes:
            return
        if hashes % WIDTH:
            yield Tile(level, hashes >> HEIGHT, hashes % WIDTH)


def split(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[at : at + HASH] for at in range(0, len(data), HASH)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each after its length in two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises BadTile."""
    found, at, end = list[bytes](), 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        found.append(data[start:at])
    if at != end:
        raise BadTile("a bundle ends within an entry")
    return found


class TiledTree:
    """A tree of which `read` gives the tiles that are asked for; each is read once. Raises BadTile for one of another width."""

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[list[bytes]]] = {}

    @property
    def root(self) -> bytes:
        """The root hash."""
        return subtree_hash(self.node, 0, self.size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """That the leaf `index` is in the tree."""
        return inclusion_proof(self.node, index, self.size)

    def consistency_proof(self, old: int) -> list[bytes]:
        """That this tree grew from that of size `old`."""
        return consistency_proof(self.node, old, self.size)

    def node(self, height: int, position: int) -> bytes:
        """The hash of a complete subtree."""
        level, inside = divmod(height, HEIGHT)
        index, offset = divmod(position << inside, WIDTH)
        return self._levels(level, index)[inside][offset >> inside]

    def _levels(self, level: int, index: int) -> list[list[bytes]]:
        if (level, index) not in self._tiles:
            tile = Tile(level, index, min(WIDTH, (self.size >> level * HEIGHT) - index * WIDTH))
            data = self._read(tile)
            if len(data) != tile.width * HASH:
                raise BadTile(f"{tile.path} has {len(data)} bytes, not {tile.width * HASH}")
            self._tiles[level, index] = levels(split(data))
        return self._tiles[level, index]


def grow(old: int, added: Sequence[bytes], read: Callable[[Tile], bytes]) -> dict[Tile, bytes]:
    """The tiles that come new when a tree of size `old` gets these leaf hashes; `read` gives tiles of the old tree."""
    found, level, before = dict[Tile, bytes](), 0, old
    while added:
        index, kept = divmod(before, WIDTH)
        head = split(read(Tile(level, index, kept))) if kept else []
        hashes, above = [*head, *added], list[bytes]()
        for at in range(0, len(hashes), WIDTH):
            part = hashes[at : at + WIDTH]
            found[Tile(level, index + at // WIDTH, len(part))] = b"".join(part)
            if len(part) == WIDTH:
                above.append(root_of(part))
        level, before, added = level + 1, index, above
    return found

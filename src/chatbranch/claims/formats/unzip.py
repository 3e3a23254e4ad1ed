"""A gzip file read as far as it is whole (RFC 1952).

Python's own reader throws away what it has unpacked when a file turns out to be cut off; this one hands it over
first, and then says that the file was broken.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import BinaryIO, cast

_BLOCK = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
MAGIC = b"\x1f\x8b"


class Unzipped(io.RawIOBase):
    """The unpacked bytes of a gzip file. `broken` is set once its end turned out to be missing or damaged."""

    def __init__(self, packed: BinaryIO) -> None:
        self.packed, self.broken, self.ended = packed, False, False
        self.member = zlib.decompressobj(_GZIP)
        self.ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: object) -> int:
        """Fill the buffer with what comes next; 0 at the end."""
        view = memoryview(into)  # type: ignore[arg-type]  # (the buffer protocol has no name before 3.12)
        while not self.ready and not self.broken and not self.ended:
            self._unpack()
        count = min(len(view), len(self.ready))
        view[:count], self.ready = self.ready[:count], self.ready[count:]
        return count

    def _unpack(self) -> None:
        """Make some more bytes ready, or find that this is the end."""
        over = self.member.eof
        rest = self.member.unused_data.lstrip(b"\0") if over else self.member.unconsumed_tail
        packed = rest or self.packed.read(_BLOCK)
        if over:  # files may be joined, one member after the other, or padded with zeros
            self.member = zlib.decompressobj(_GZIP)
            packed = packed.lstrip(b"\0")
        try:
            self.ready = self.member.decompress(packed, _BLOCK) if packed else self.member.flush()
        except zlib.error:
            self.broken = True
        if not packed and not self.ready:
            self.ended, self.broken = True, not (over or self.member.eof)

    def close(self) -> None:
        self.packed.close()
        super().close()


def stream(path: Path) -> io.BufferedReader:
    """The file's bytes, unpacked where it begins like gzip, whatever its name."""
    plain = path.open("rb")
    if plain.peek(2)[:2] != MAGIC:
        return plain
    return io.BufferedReader(Unzipped(cast(BinaryIO, plain)), _BLOCK)


def is_broken(reader: io.BufferedReader) -> bool:
    """Whether the file, read to its end, turned out to be cut off or damaged."""
    return isinstance(reader.raw, Unzipped) and reader.raw.broken

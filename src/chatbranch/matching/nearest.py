"""The stored vectors nearest to a message's. Pure.

Rows lie in cells, each around a centre (spherical k-means of a sample), and only the cells whose centres are nearest
to what is asked are looked into: an inverted file, after Jégou, Douze and Schmid, "Product Quantization for Nearest
Neighbor Search" (PAMI 2011). Inside them a sketch is compared first: each row in the 96 directions in which the
library's vectors vary most (principal components; Jolliffe, 2002). The most promising rows are then compared exactly.
Rows that came since the cells were drawn, a few thousand at most, are all compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbranch.matching.encoder import Vectors

Halves = npt.NDArray[np.float16]  # stored vectors: half the bytes, and a cosine that is off by 0.0005 at most
Places = npt.NDArray[np.intp]
Counts = npt.NDArray[np.uint32]

FEW = 8_192  # rows that are compared one by one
_REDRAW = 4  # cells are drawn anew when there are so many times as many rows
_ROWS_A_CELL = 256
_MOST_CELLS = 1_024
_SAMPLE_A_CELL, _ROUNDS = 40, 8
_DIRECTIONS = 96
# Rows whose sketch is compared: for the first vector asked, and for each other.
_SCANNED, _SCANNED_MORE = 16_384, 4_096
_SHORTLIST = 400  # rows compared exactly
_BLOCK = 8_192  # rows read into memory at a time
_SEED = 1


@dataclass(frozen=True)
class Cells:
    """The first ``len(order)`` rows of a file of vectors, sorted into cells.

    centres (cells, dimension); basis (dimension, directions); order: rows, cell by cell; starts: where in ``order``
    each cell begins, and its end; sketch (rows, directions), in the same order; drawn: of how many rows the centres
    were found.
    """

    centres: Vectors
    basis: Vectors
    order: Counts
    starts: Counts
    sketch: Vectors
    drawn: int

    def __len__(self) -> int:
        return len(self.order)

    def rows_near(self, asked: Vectors, most: int) -> Places:
        """The ``most`` rows that promise to be nearest to any of the asked vectors, in the order of the file.

        The first of them matters most: it is the whole message, the others its sentences.
        """
        sizes = np.diff(self.starts)
        chosen: set[int] = set()
        for i, near in enumerate(asked @ self.centres.T):
            nearest_first = np.argsort(-near)
            rows = np.cumsum(sizes[nearest_first])
            wanted = np.searchsorted(rows, _SCANNED_MORE if i else _SCANNED) + 1
            chosen.update(nearest_first[:wanted].tolist())
        spans = [slice(int(self.starts[cell]), int(self.starts[cell + 1])) for cell in sorted(chosen)]
        drawn = asked @ self.basis
        likeness = np.concatenate([drawn @ self.sketch[span].T for span in spans], axis=1).max(axis=0)
        count = min(most, len(likeness))
        best = np.argpartition(-likeness, count - 1)[:count] if count else np.zeros(0, np.intp)
        found: Places = np.sort(np.concatenate([self.order[span] for span in spans])[best].astype(np.intp))
        return found


def few_enough(rows: int, cells: Cells | None) -> bool:
    """Whether the rows that are in no cell yet can still be compared one by one."""
    return rows - (len(cells) if cells else 0) <= FEW


def sort_into_cells(vectors: Halves, before: Cells | None = None) -> Cells:
    """All rows in cells. before: earlier cells of the same rows, whose centres are kept while they are good enough."""
    if before is None or len(vectors) > _REDRAW * before.drawn:
        sample = _sample(vectors)
        centres, basis, known, drawn = _centres(sample, len(vectors)), _directions(sample), None, len(vectors)
    else:
        centres, basis, known, drawn = before.centres, before.basis, before, before.drawn
    done = len(known) if known else 0
    cell = np.zeros(len(vectors), np.uint32)
    sketch = np.zeros((len(vectors), basis.shape[1]), np.float32)
    if known:
        cell[known.order] = np.repeat(np.arange(len(centres), dtype=np.uint32), np.diff(known.starts))
        sketch[known.order] = known.sketch
    for start in range(done, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float32)
        cell[start : start + _BLOCK] = np.argmax(block @ centres.T, axis=1)
        sketch[start : start + _BLOCK] = block @ basis
    order = np.argsort(cell, kind="stable").astype(np.uint32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(centres)))]).astype(np.uint32)
    return Cells(centres, basis, order, starts, sketch[order], drawn)


def _sample(vectors: Halves) -> Vectors:
    count = min(len(vectors), max(4_096, _SAMPLE_A_CELL * _cell_count(len(vectors))))
    rows = np.linspace(0, len(vectors) - 1, count).astype(np.int64)
    return vectors[rows].astype(np.float32)


def _cell_count(rows: int) -> int:
    return max(1, min(_MOST_CELLS, rows // _ROWS_A_CELL))


def _centres(sample: Vectors, rows: int) -> Vectors:
    """Spherical k-means (Dhillon and Modha, 2001); a cell that runs empty keeps its centre."""
    chance = np.random.default_rng(_SEED)
    centres = sample[chance.choice(len(sample), min(len(sample), _cell_count(rows)), replace=False)]
    for _ in range(_ROUNDS):
        cell = np.concatenate(
            [np.argmax(sample[at : at + _BLOCK] @ centres.T, axis=1) for at in range(0, len(sample), _BLOCK)]
        )
        order = np.argsort(cell, kind="stable")
        filled, starts = np.unique(cell[order], return_index=True)
        sums = np.zeros_like(centres)
        sums[filled] = np.add.reduceat(sample[order], starts)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), centres).astype(np.float32)
    return np.ascontiguousarray(centres)


def _directions(sample: Vectors) -> Vectors:
    """The orthonormal directions (columns) with the largest second moment."""
    _, directions = np.linalg.eigh(sample.T @ sample)  # in rising order
    return np.ascontiguousarray(directions[:, -_DIRECTIONS:])


class Nearest:
    """Cosine search over unit vectors (rows). ``before``: the same rows at an earlier time, when they were fewer."""

    def __init__(self, vectors: Halves, cells: Cells | None = None, before: Nearest | None = None) -> None:
        self._vectors, self._cells = vectors, cells
        self._in_cells = len(cells) if cells else 0
        self._rest: Vectors
        kept = before._rest if before is not None and before._in_cells == self._in_cells else None
        new = vectors[self._in_cells + (len(kept) if kept is not None else 0) :].astype(np.float32)
        self._rest = np.concatenate([kept, new]) if kept is not None else new

    def search(self, asked: Vectors, limit: int) -> Places:
        """The ``limit`` rows nearest to any of the asked vectors (rows), best first; fewer if there are fewer."""
        likeness, rows = _highest(asked @ self._rest.T)
        rows = rows + self._in_cells
        if self._cells is not None and self._in_cells:
            likely = self._cells.rows_near(asked, max(limit, _SHORTLIST))
            exact, _ = _highest(asked @ self._vectors[likely].astype(np.float32).T)
            likeness, rows = np.concatenate([exact, likeness]), np.concatenate([likely, rows])
        count = min(limit, len(rows))
        best = np.argpartition(-likeness, count - 1)[:count] if count else np.zeros(0, np.intp)
        found: Places = rows[best[np.argsort(-likeness[best], kind="stable")]]
        return found


def _highest(cosines: npt.NDArray[np.floating[Any]]) -> tuple[npt.NDArray[np.floating[Any]], Places]:
    """Of each column its highest entry, and the columns' numbers."""
    return cosines.max(axis=0), np.arange(cosines.shape[1])

"""Ratings of notes by raters, as arrays in an order that does not depend on the order they came in. Pure.

A rating is 1 (helpful), 0.5 (somewhat) or 0 (not helpful). Whatever else identifies people stops here: raters become
positions in the canonical order of their ids, and the ids are not kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int32]


@dataclass(frozen=True)
class Grouped:
    """The ratings one side after the other: those of the first note (or rater), then those of the second, …

    start: where each one's ratings begin; (own count,). count: how many each has. other: who is on the other side of
    each rating; (ratings,). value: 0, 0.5 or 1; (ratings,). total: the sum of each one's values.
    """

    start: NDArray[np.int64]
    count: Floats
    other: Places
    value: NDArray[np.float32]
    total: Floats

    @classmethod
    def of(cls, own: Places, other: Places, value: NDArray[np.float32]) -> Grouped:
        """From ratings already in order of `own`; each of its places has at least one."""
        start = np.concatenate([[0], np.flatnonzero(np.diff(own)) + 1]).astype(np.int64)
        count = np.diff(start, append=len(own)).astype(np.float64)
        return cls(start, count, other, value, np.add.reduceat(value, start, dtype=np.float64))

    def of_one(self, place: int) -> slice:
        """Where the ratings of one note (or rater) lie."""
        start = int(self.start[place])
        return slice(start, start + int(self.count[place]))


@dataclass(frozen=True)
class Ratings:
    """Who rated what, and how. notes: the ids of the notes, ascending. raters: how many there are."""

    notes: NDArray[Any]
    raters: int
    by_note: Grouped
    by_rater: Grouped

    def __len__(self) -> int:
        return len(self.by_note.value)


@dataclass(frozen=True)
class Column:
    """A column of ids: the distinct ones, ascending, and the place of each row's id among them."""

    distinct: NDArray[Any]
    places: Places

    @classmethod
    def of(cls, ids: Sequence[object] | NDArray[Any]) -> Column:
        """From numbers or strings."""
        column = np.asarray(ids)
        if column.dtype.kind in "OUS":
            coder = Coder()
            for each in column.tolist():
                coder.append(each)
            return coder.column()
        distinct = np.sort(column)
        distinct = distinct[np.append(True, distinct[1:] != distinct[:-1])]
        return cls(distinct, np.searchsorted(distinct, column).astype(np.int32))


class Coder:
    """Makes a column of ids as they are read, keeping each id once: ten million rows name a million raters."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._rows = array("i")

    def append(self, each: str) -> None:
        """Take the next row's id."""
        self._rows.append(self._place.setdefault(each, len(self._place)))

    def column(self) -> Column:
        """What was read so far, in the order of the ids: shorter ones first, so that numbers are in theirs."""
        ordered = sorted(self._place, key=lambda each: (len(each), each))
        rank = np.empty(len(ordered), np.int32)
        rank[[self._place[each] for each in ordered]] = np.arange(len(ordered), dtype=np.int32)
        return Column(np.array(ordered), rank[np.frombuffer(self._rows, np.int32)])


def gather(notes: Column, raters: Column, values: ArrayLike, times: ArrayLike | None = None) -> Ratings:
    """Ratings from columns of equal length: notes, raters, values, and when each was given (any number that grows).

    Of several ratings of one note by one rater the latest counts (of equally late ones, the highest). The result is the
    same for any order of the rows. ValueError for columns of different length, no rows, or a value outside 0 to 1.
    """
    value = np.asarray(values, np.float32)
    if not len(notes.places) == len(raters.places) == len(value) or not len(value):
        raise ValueError("ratings need at least one row, and as many notes and raters as values")
    if not (value.min() >= 0 and value.max() <= 1):
        raise ValueError("a rating is a number from 0 (not helpful) to 1 (helpful)")
    note, rater, value = _canonical(notes, raters, value, times)
    order = np.argsort(rater, kind="stable")
    by_rater = Grouped.of(rater[order], note[order], value[order])
    return Ratings(notes.distinct, len(raters.distinct), Grouped.of(note, rater, value), by_rater)


def _canonical(
    notes: Column, raters: Column, value: NDArray[np.float32], times: ArrayLike | None
) -> tuple[Places, Places, NDArray[np.float32]]:
    """In order of note, then rater, each pair once."""
    many = np.int64(len(raters.distinct))
    pair = notes.places * many + raters.places
    order = np.argsort(pair)
    ordered = pair[order]
    if (ordered[1:] == ordered[:-1]).any():
        when = np.zeros(len(pair)) if times is None else np.asarray(times)
        order = np.lexsort((value, when, pair))
        ordered = pair[order]
        last = np.append(ordered[1:] != ordered[:-1], True)
        order, ordered = order[last], ordered[last]
    return (ordered // many).astype(np.int32), (ordered % many).astype(np.int32), value[order]

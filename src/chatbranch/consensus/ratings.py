"""Ratings of notes by raters, as arrays in an order that does not depend on the order they came in. Pure.

A rating is 1 (helpful), 0.5 (somewhat) or 0 (not helpful). Whatever else identifies people stops here: raters become
positions in the canonical order of their ids, and the ids are not kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int32]

PART = 1 << 15
"""Ratings worked on at a time, about: what is computed of them stays in the processor's cache."""
SLOTS, FEW_IDS, BLOCK = 22, 1_000, 1 << 18
"""Ids are looked up in a table of 2 to the power of SLOTS at most, so many at a time; a few are sorted."""
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)


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

    def parts(self) -> Iterator[tuple[slice, slice]]:
        """(who, their ratings) in consecutive parts of about PART ratings; nobody's ratings are divided."""
        first, rows = 0, 0
        while first < len(self.start):
            end = max(first + 1, int(np.searchsorted(self.start, rows + PART)))
            until = int(self.start[end]) if end < len(self.start) else len(self.value)
            yield slice(first, end), slice(rows, until)
            first, rows = end, until

    def with_one(self, own: int, other: int, value: float) -> Grouped:
        """With one more rating, or another value where there is one already. own: at most one past the last."""
        new = own == len(self.start)
        mine = slice(len(self.value), len(self.value)) if new else self.of_one(own)
        place = mine.start + int(np.searchsorted(self.other[mine], other))
        if place < mine.stop and self.other[place] == other:
            values = self.value.copy()
            values[place] = value
            total = self.total.copy()
            total[own] = values[mine].sum(dtype=np.float64)
            return replace(self, value=values, total=total)
        owns = np.repeat(np.arange(len(self.start), dtype=np.int32), self.count.astype(np.int64))
        return Grouped.of(
            np.insert(owns, place, own),
            np.insert(self.other, place, other),
            np.insert(self.value, place, value),
        )


@dataclass(frozen=True)
class Ratings:
    """Who rated what, and how. notes: the ids of the notes, ascending. raters: how many there are."""

    notes: NDArray[Any]
    raters: int
    by_note: Grouped
    by_rater: Grouped

    def __len__(self) -> int:
        return len(self.by_note.value)

    def place(self, note: object) -> int:
        """Where a note is, by its id; one past the last where it has no rating."""
        return next(iter(np.flatnonzero(self.notes == note).tolist()), len(self.notes))


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
        if column.dtype.kind in "iu":
            return _coded(column)
        distinct = np.unique(column)
        return cls(distinct, np.searchsorted(distinct, column).astype(np.int32))


def _coded(ids: NDArray[Any], factors: Sequence[int] = _FACTORS) -> Column:
    """Numbers as a column, without sorting more than the distinct ones.

    Each id has a slot in a table, by a multiplication. Of the ids that share one, whichever is there has it; the rows of the
    others are done in the same way by themselves, with another factor. The result is that of sorting, to the last place.
    """
    if len(ids) < FEW_IDS or not factors:
        distinct = np.unique(ids)
        return Column(distinct, np.searchsorted(distinct, ids).astype(np.int32))
    bits = min(max(len(ids).bit_length() - 2, 8), SLOTS)
    slots, found = np.empty(len(ids), np.int32), np.empty(len(ids), np.bool_)
    table, taken = np.empty(1 << bits, ids.dtype), np.zeros(1 << bits, np.bool_)
    for part in _blocks(len(ids)):
        slots[part] = ids[part].astype(np.uint64) * np.uint64(factors[0]) >> np.uint64(64 - bits)
        table[slots[part]] = ids[part]
        taken[slots[part]] = True
    for part in _blocks(len(ids)):
        found[part] = table[slots[part]] == ids[part]
    occupied, others = np.flatnonzero(taken), _coded(ids[~found], factors[1:])
    distinct = np.sort(np.concatenate([table[occupied], others.distinct]))
    place_of = np.empty(1 << bits, np.int32)
    place_of[occupied] = np.searchsorted(distinct, table[occupied])
    for part in _blocks(len(ids)):
        slots[part] = place_of[slots[part]]
    slots[~found] = np.searchsorted(distinct, others.distinct)[others.places]
    return Column(distinct, slots)


def _blocks(many: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, many, BLOCK))


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
    by_rater, by_note = _both_ways(notes, raters, value, times)
    return Ratings(notes.distinct, len(raters.distinct), by_note, by_rater)


def _both_ways(
    notes: Column, raters: Column, value: NDArray[np.float32], times: ArrayLike | None
) -> tuple[Grouped, Grouped]:
    """By rater, then note; and by note, then rater; each pair once."""
    note, rater = notes.places, raters.places
    order = _order(note, len(notes.distinct))
    order = order[_order(rater[order], len(raters.distinct))]
    note, rater = note[order], rater[order]
    again = (rater[1:] == rater[:-1]) & (note[1:] == note[:-1])
    if again.any():
        when = np.zeros(len(order)) if times is None else np.asarray(times)
        order = np.lexsort((value, when, notes.places, raters.places)).astype(np.int32)
        last = np.append(~again, True)
        order, note, rater = order[last], note[last], rater[last]
    value = value[order]
    by_rater = Grouped.of(rater, note, value)
    order = _order(note, len(notes.distinct))
    return by_rater, Grouped.of(note[order], rater[order], value[order])


def _order(places: Places, many: int) -> Places:
    """What sorts them, equal ones as they came: two bytes at a time, for which numpy has a sort of linear time."""
    order = np.argsort((places & 0xFFFF).astype(np.uint16), kind="stable").astype(np.int32)
    if many > 1 << 16:
        order = order[np.argsort((places >> 16).astype(np.uint16)[order], kind="stable")]
    return order

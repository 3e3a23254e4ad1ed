"""Reading what others publish: ratings of Community Notes (TSV) and votes of Polis conversations (CSV). Pure.

Columns are found by their names, so files of 2021 and of 2026 read alike. A row that cannot be read is named by its line.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

from chatbranch.consensus.ratings import Coder, Ratings, gather

Row = Sequence[str]
_LEVELS = {"HELPFUL": 1.0, "SOMEWHAT_HELPFUL": 0.5, "NOT_HELPFUL": 0.0}
_VOTES = {"1": 1, "0": 0, "-1": -1}


class Unreadable(ValueError):
    """A file that does not hold what it should. The message says where, what is wrong, and what is expected."""


def read_polis(lines: Iterable[str], agree: int = 1) -> Ratings:
    """Votes on statements as ratings of notes: agree is 1, pass 0.5, disagree 0.

    lines: of a votes.csv with comment-id, voter-id, vote and, where votes were changed, timestamp. agree: the vote that
    means "agree"; published exports have 1, tables of the database -1.
    """
    rows = csv.reader(lines)
    names = [name.strip().lower().replace("_", "-") for name in next(rows, [])]
    note, rater, vote = _column(names, "comment-id"), _column(names, "voter-id"), _column(names, "vote")
    time = names.index("timestamp") if "timestamp" in names else None
    gathering = _Gathering()
    for line, row in _whole(rows, len(names)):
        said = _VOTES.get(row[vote].strip())
        if said is None:
            raise Unreadable(f"line {line}: the vote is {row[vote]!r}; expected 1, 0 or -1")
        at = 0.0 if time is None else _number(row[time], "timestamp", line)
        gathering.take(row[note].strip(), row[rater].strip(), (1 + said * agree) / 2, at)
    return gathering.ratings()


def read_community_notes(files: Iterable[Iterable[str]], only: frozenset[str] | None = None) -> Ratings:
    """Ratings as X publishes them, in one file or several.

    helpfulnessLevel counts where it is filled; in rows from before July 2021, helpful or notHelpful. Rows that say
    neither are passed over. only: ids of the notes to keep, where a notes file names them.
    """
    gathering = _Gathering()
    for lines in files:
        rows = (line.rstrip("\r\n").split("\t") for line in lines)
        names = next(rows, [])
        note, rater = _column(names, "noteId"), _column(names, "raterParticipantId", "participantId")
        time, level = _column(names, "createdAtMillis"), _level(names)
        for line, row in _whole(rows, len(names)):
            value = level(row, line)
            if value is not None and (only is None or row[note] in only):
                gathering.take(row[note], row[rater], value, _number(row[time], "createdAtMillis", line))
    return gathering.ratings()


def read_note_ids(files: Iterable[Iterable[str]]) -> frozenset[str]:
    """The ids in a notes file of Community Notes, or several."""
    found: set[str] = set()
    for lines in files:
        rows = (line.rstrip("\r\n").split("\t") for line in lines)
        names = next(rows, [])
        note = _column(names, "noteId")
        found.update(row[note] for _, row in _whole(rows, len(names)))
    return frozenset(found)


class _Gathering:
    """Takes rows one by one and keeps each id once."""

    def __init__(self) -> None:
        self._notes, self._raters = Coder(), Coder()
        self._values, self._times = array("f"), array("d")

    def take(self, note: str, rater: str, value: float, at: float) -> None:
        self._notes.append(note)
        self._raters.append(rater)
        self._values.append(value)
        self._times.append(at)

    def ratings(self) -> Ratings:
        """All rows, in canonical order. Unreadable where there was none."""
        if not self._values:
            raise Unreadable("there is no rating in it")
        return gather(self._notes.column(), self._raters.column(), self._values, self._times)


def _column(names: Sequence[str], *wanted: str) -> int:
    found = next((name for name in wanted if name in names), None)
    if found is None:
        known = ", ".join(names)[:200] or "nothing"
        raise Unreadable(f"line 1: no column is called {' or '.join(wanted)}; found {known}")
    return names.index(found)


def _whole(rows: Iterable[Row], width: int) -> Iterator[tuple[int, Row]]:
    """(line, row) of the rows below a header of `width` names; blank lines are passed over."""
    for line, row in enumerate(rows, 2):
        if len(row) >= width:
            yield line, row
        elif any(row):
            raise Unreadable(f"line {line}: {len(row)} columns; the header has {width}")


def _level(names: Sequence[str]) -> Callable[[Row, int], float | None]:
    """How helpful a row finds its note; None where it does not say."""
    level = names.index("helpfulnessLevel") if "helpfulnessLevel" in names else None
    if level is None:
        helpful, not_helpful = _column(names, "helpful"), _column(names, "notHelpful")
    else:
        helpful, not_helpful = (
            names.index(name) if name in names else -1 for name in ("helpful", "notHelpful")
        )

    def read(row: Row, line: int) -> float | None:
        if level is not None and row[level]:
            if row[level] not in _LEVELS:
                expected = ", ".join(_LEVELS)
                raise Unreadable(f"line {line}: helpfulnessLevel is {row[level]!r}; expected {expected}")
            return _LEVELS[row[level]]
        if helpful >= 0 and row[helpful] == "1":
            return 1.0
        return 0.0 if not_helpful >= 0 and row[not_helpful] == "1" else None

    return read


def _number(text: str, name: str, line: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise Unreadable(f"line {line}: {name} is {text!r}; expected a number") from None

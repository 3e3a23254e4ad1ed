"""Which notes are accepted by those who usually disagree, said of large sets of ratings. Pure, to be read aloud.

A note's level is mu + its intercept: how somebody of no side is expected to rate it, from 0 to 1. A note is helpful when
its level is high, its factor small, and on each side more find it helpful than not; not helpful when its level is low and
on each side more find it not helpful. What one side alone thinks decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chatbranch.consensus.factorisation import Fit, bounds
from chatbranch.consensus.ratings import Ratings

Status = Literal["helpful", "not-helpful", "needs-more-ratings"]

FEWEST = 5
HELPFUL_FROM, NOT_HELPFUL_TO = 0.65, 0.35  # levels
ONE_SIDED_FROM = 0.50  # |factor|

TOO_FEW = f"fewer than {FEWEST} ratings"
SIDE_MISSING = "one side is missing"
LEVEL_BETWEEN = f"level between {NOT_HELPFUL_TO} and {HELPFUL_FROM}"
ONE_SIDED = f"one-sided: |factor| from {ONE_SIDED_FROM}"
SIDES_DISAGREE = "the sides do not agree"
BOTH_HELPFUL = f"level from {HELPFUL_FROM}, and on each side more find it helpful than not"
BOTH_NOT_HELPFUL = f"level up to {NOT_HELPFUL_TO}, and on each side more find it not helpful"


@dataclass(frozen=True)
class Scored:
    """One note. intercept: what both sides see in it. factor: how much one side likes it more than the other.
    lower, upper: what one more rating would at most make of the intercept. rule: the sentence that gave the status.
    """

    id: str
    intercept: float
    factor: float
    lower: float
    upper: float
    ratings: int
    status: Status
    rule: str

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Heard:
    """How many find a note helpful, and how many do not, on one side; in a branch, weighed. Totals, nobody's own rating."""

    helpful: float
    not_helpful: float


def score(ratings: Ratings, found: Fit) -> Iterator[Scored]:
    """Every note with its status, in the order of the notes."""
    lower, upper = bounds(ratings, found)
    sides = [_heard(ratings, side) for side in (found.raters.factor < 0, found.raters.factor > 0)]
    for n, each in enumerate(ratings.notes.tolist()):
        intercept, factor = float(found.notes.intercept[n]), float(found.notes.factor[n])
        count = int(ratings.by_note.count[n])
        status, rule = judge(found.mu + intercept, factor, count, [side[n] for side in sides])
        yield Scored(str(each), intercept, factor, float(lower[n]), float(upper[n]), count, status, rule)


def summary(ratings: Ratings, found: Fit) -> dict[str, object]:
    """What holds for all notes together. loss: per rating, costs included; costs: in units of one squared error."""
    return {
        "loss": found.loss,
        "mu": found.mu,
        "ratings": len(ratings),
        "raters": ratings.raters,
        "turns": found.turns,
        "rounds": 1 if found.weights is None else 2,
        "costs": asdict(found.costs),
    }


def judge(level: float, factor: float, ratings: int, sides: Sequence[Heard]) -> tuple[Status, str]:
    """The status of a note, and the rule that gave it."""
    if ratings < FEWEST:
        return "needs-more-ratings", TOO_FEW
    if any(not side.helpful + side.not_helpful for side in sides):
        return "needs-more-ratings", SIDE_MISSING
    if NOT_HELPFUL_TO < level < HELPFUL_FROM:
        return "needs-more-ratings", LEVEL_BETWEEN
    if abs(factor) >= ONE_SIDED_FROM:
        return "needs-more-ratings", ONE_SIDED
    if level >= HELPFUL_FROM and all(side.helpful > side.not_helpful for side in sides):
        return "helpful", BOTH_HELPFUL
    if level <= NOT_HELPFUL_TO and all(side.helpful < side.not_helpful for side in sides):
        return "not-helpful", BOTH_NOT_HELPFUL
    return "needs-more-ratings", SIDES_DISAGREE


def _heard(ratings: Ratings, side: NDArray[np.bool_]) -> list[Heard]:
    """What the raters of one side say of each note."""
    helpful, not_helpful = np.zeros((2, len(ratings.notes)), np.int64)
    own = ratings.by_note
    for whose, rows in own.parts():
        theirs, start = side[own.other[rows]], own.start[whose] - rows.start
        helpful[whose] = np.add.reduceat(theirs & (own.value[rows] > 0.5), start, dtype=np.int64)
        not_helpful[whose] = np.add.reduceat(theirs & (own.value[rows] < 0.5), start, dtype=np.int64)
    return [Heard(*pair) for pair in zip(helpful.tolist(), not_helpful.tolist(), strict=True)]

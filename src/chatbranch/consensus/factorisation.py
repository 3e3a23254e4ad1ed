"""Which notes are found helpful by raters who usually disagree: one matrix factorisation, solved to its optimum. Pure.

    rating ≈ mu + i_rater + i_note + f_rater · f_note

(Wojcik et al., "Birdwatch: Crowd Wisdom and Bridging Algorithms can Inform Understanding and Reduce the Spread of
Misinformation", 2022). What a rater's side explains goes into the factors; what remains of a note, i_note, is what both
sides see in it. Intercepts cost five times as much as factors, so that sides explain whatever they can.

For given notes the best raters (and mu) are a linear problem of two unknowns a rater, solved in closed form; for given
raters, the best notes. Taking turns never makes the loss larger (alternating least squares), and Anderson's mixing of
the last turns (Walker and Ni, 2011) makes some eighty turns into twenty. No random number and no thread takes part:
the same ratings give the same result, to the last bit, in whatever order they came.

Rater parameters are nameless: they live in a Fit, are needed for bounds, and are in no table, export or page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbranch.consensus.ratings import Floats, Grouped, Ratings

INTERCEPTS, FACTORS = 0.15, 0.03
"""What a parameter costs (Wojcik et al. 2022)."""
PER_NOTE, PER_RATER = 30.0, 30.0
"""Ratings of a note, and of a rater, for which the costs hold. The reference takes the averages of what it is given, and
has mu pay for all ratings, so that a note's score falls (from 0.54 to 0.11 in our tests) when unrelated notes become
busier; here the costs never change.
"""
CLOSE = 1e-6
"""The fit ends when no intercept of a note moves by more in one turn; the scale is that of ratings, 0 to 1."""
NEAR = 0.02
"""Two ways to an optimum that are as close together lead to the same."""
MOST_TURNS = 500
MIXED = 4
STARTS = 3
FEW = 200_000
"""Ratings up to which several starts are tried: a small set is more likely to have more than one optimum, and is cheap."""


@dataclass(frozen=True)
class Costs:
    """What each parameter costs, in units of one squared error."""

    rater_intercept: float
    rater_factor: float
    note_intercept: float
    note_factor: float
    mu: float

    @classmethod
    def pinned(cls, ratings: Ratings) -> Costs:
        """The same for a note, and for a rater, whatever the others do; mu, which is everybody's, costs nothing."""
        return replace(cls._of(PER_RATER, PER_NOTE, len(ratings)), mu=0.0)

    @classmethod
    def of_the_reference(cls, ratings: Ratings) -> Costs:
        """As the reference weighs them: by how many ratings a note, and a rater, has on average."""
        return cls._of(len(ratings) / ratings.raters, len(ratings) / len(ratings.notes), len(ratings))

    @classmethod
    def _of(cls, per_rater: float, per_note: float, ratings: int) -> Costs:
        return cls(
            INTERCEPTS * per_rater,
            FACTORS * per_rater,
            INTERCEPTS * per_note,
            FACTORS * per_note,
            INTERCEPTS * ratings,
        )


@dataclass(frozen=True)
class Side:
    """Intercept and factor of each note, or of each rater."""

    intercept: Floats
    factor: Floats


@dataclass(frozen=True)
class Fit:
    """The optimum. loss: the mean squared error with all costs, per rating. turns: how many it took.

    The larger side of the raters has the negative factors: their sign means nothing, and is fixed this way. weights: how
    much each rater's word counts, from 0 (not at all); None where all count the same, 1.
    """

    mu: float
    notes: Side
    loss: float
    turns: int
    costs: Costs
    raters: Side = field(repr=False)
    weights: Floats | None = field(default=None, repr=False)


def fit(
    ratings: Ratings,
    costs: Costs | None = None,
    *,
    weights: Floats | None = None,
    near: Fit | None = None,
    close: float = CLOSE,
) -> Fit:
    """The factorisation of the ratings. costs: by default the pinned ones. weights: of the raters, as in Fit. near: a fit
    of nearly the same, to begin from; a few turns do then. close: how little an intercept moves in the last turn.
    """
    turns = _Turns(ratings, costs or Costs.pinned(ratings), weights)
    starts = iter([near.notes]) if near else _starts(ratings, STARTS if len(ratings) <= FEW else 1)
    fits: list[Fit] = []
    for start in starts:
        fits += turns.to_the_end(start, close, [each.notes for each in fits])
    return _signed(min(fits, key=lambda each: each.loss))


def _starts(ratings: Ratings, most: int) -> Iterator[Side]:
    """Notes spread over both sides, evenly and differently each time: multiples of irrational numbers modulo 1."""
    places = np.arange(1, len(ratings.notes) + 1, dtype=np.float64)
    for irrational in (2**0.5, 3**0.5, 5**0.5)[:most]:
        yield Side(np.zeros(len(places)), 2 * np.modf(places * irrational)[0] - 1)


class _Turns:
    """In each turn the best raters for given notes, then the best notes for given raters. weights: as in Fit."""

    def __init__(self, ratings: Ratings, costs: Costs, weights: Floats | None) -> None:
        self._ratings, self._costs, self._weights = ratings, costs, weights
        self._of_raters = _weighed(ratings.by_rater, weights)
        self._of_notes = _weighed_by_others(ratings.by_note, weights)

    def to_the_end(self, notes: Side, close: float, known: Sequence[Side]) -> list[Fit]:
        """Turn after turn, until no note's intercept moves by more than `close`. Given up, with no result, where it comes
        so near to a known end that it would come to the same.
        """
        mixing = _Mixing(MIXED)
        for turn in range(1, MOST_TURNS + 1):
            raters = self._best_raters(notes)
            mu, better = self._best_notes(raters)
            if np.abs(better.intercept - notes.intercept).max() < close:
                break
            if any(_near(better, each) for each in known):
                return []
            notes = better if turn < MIXED else mixing.after(notes, better)
        loss = _loss(self._ratings, mu, better, raters, self._costs, self._weights)
        return [Fit(mu, better, loss, turn, self._costs, raters, self._weights)]

    def _best_raters(self, notes: Side) -> Side:
        sums = _sums(self._of_raters, notes)
        if self._weights is not None:
            sums *= self._weights
        costs = self._costs
        return _best(self._of_raters, sums, costs.rater_intercept, costs.rater_factor, costs.mu)[1]

    def _best_notes(self, raters: Side) -> tuple[float, Side]:
        sums = _sums(self._of_notes, raters, self._weights)
        costs = self._costs
        return _best(self._of_notes, sums, costs.note_intercept, costs.note_factor, costs.mu)


def _near(one: Side, other: Side) -> bool:
    """Whether they differ by little, and by sign."""
    apart = (
        np.abs(one.intercept - other.intercept).max(),
        np.abs(np.abs(one.factor) - np.abs(other.factor)).max(),
    )
    return bool(max(apart) < NEAR)


def _weighed(own: Grouped, weights: Floats | None) -> Grouped:
    """Counts and totals of raters, weighed by their own weights."""
    return own if weights is None else replace(own, count=own.count * weights, total=own.total * weights)


def _weighed_by_others(own: Grouped, weights: Floats | None) -> Grouped:
    """Counts and totals of notes, weighed by who rated them."""
    if weights is None:
        return own
    count, total = np.empty(len(own.start)), np.empty(len(own.start))
    for whose, rows in own.parts():
        weight, start = weights[own.other[rows]], own.start[whose] - rows.start
        count[whose] = np.add.reduceat(weight, start)
        total[whose] = np.add.reduceat(weight * own.value[rows], start)
    return replace(own, count=count, total=total)


def _best(own: Grouped, sums: Floats, intercept: float, factor: float, mu: float) -> tuple[float, Side]:
    """The best intercepts and factors of one side, and the best mu, for given ones of the other; all at once.

    Each one's two unknowns solve a 2x2 system whose right side is linear in mu; mu then solves what is left.
    """
    factors, squares, intercepts, against = sums
    a, b, c = own.count + intercept, factors, squares + factor
    determinant = a * c - b * b
    free = _solve(a, b, c, determinant, own.total - intercepts, -against)
    with_mu = _solve(a, b, c, determinant, own.count, factors)
    explained = own.count * free.intercept + factors * free.factor
    taken = own.count * with_mu.intercept + factors * with_mu.factor
    left = (own.total - intercepts - explained).sum()
    best = float(left / (own.count.sum() + mu - taken.sum()))
    return best, Side(free.intercept - best * with_mu.intercept, free.factor - best * with_mu.factor)


def _sums(own: Grouped, other: Side, weights: Floats | None = None) -> Floats:
    """Over each one's ratings, the sums of f, f², i and f · (i - rating), with f and i of the other side; (4, own count).

    weights: of the other side, where they have some.
    """
    sums = np.empty((4, len(own.start)))
    both = np.empty(len(other.factor), np.complex128)  # side by side, so that one look-up brings the two
    both.real, both.imag = other.factor, other.intercept
    for whose, rows in own.parts():
        others, start = own.other[rows], own.start[whose] - rows.start
        found = both.take(others)
        f, i = found.real, found.imag
        against = i - own.value[rows]
        against *= f
        squares = f * f
        if weights is not None:
            weight = weights.take(others)
            for each in (f, squares, i, against):
                each *= weight
        for place, each in enumerate((f, squares, i, against)):
            np.add.reduceat(each, start, out=sums[place, whose])
    return sums


def _solve(a: Floats, b: Floats, c: Floats, determinant: Floats, first: Floats, second: Floats) -> Side:
    return Side((c * first - b * second) / determinant, (a * second - b * first) / determinant)


def _loss(
    ratings: Ratings, mu: float, notes: Side, raters: Side, costs: Costs, weights: Floats | None = None
) -> float:
    own, total, many = ratings.by_note, costs.mu * mu**2, float(len(ratings))
    if weights is not None:
        many = float((weights * ratings.by_rater.count).sum())
    for whose, rows in own.parts():
        others = own.other[rows]
        mine = np.repeat(np.arange(whose.start, whose.stop), own.count[whose].astype(np.int64))
        wrong = mu + notes.intercept[mine] + raters.intercept[others]
        wrong += notes.factor[mine] * raters.factor[others]
        wrong -= own.value[rows]
        wrong *= wrong
        total += wrong.sum() if weights is None else (wrong * weights[others]).sum()
    total += costs.rater_intercept * _square(raters.intercept) + costs.rater_factor * _square(raters.factor)
    total += costs.note_intercept * _square(notes.intercept) + costs.note_factor * _square(notes.factor)
    return float(total / max(many, 1.0))


class _Mixing:
    """Anderson's acceleration: from the last few turns, the point where their steps would cancel best."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._after: list[Floats] = []
        self._steps: list[Floats] = []

    def after(self, before: Side, now: Side) -> Side:
        """Where to go on from: mixed out of the last turns, or `now` where there is nothing to mix yet."""
        after = np.concatenate([now.intercept, now.factor])
        step = after - np.concatenate([before.intercept, before.factor])
        if self._steps and _square(step) > 4 * _square(self._steps[-1]):  # the last mixture led astray
            self._after.clear()
            self._steps.clear()
        self._after = [*self._after[-self._depth :], after]
        self._steps = [*self._steps[-self._depth :], step]
        mixed = self._mixed()
        return Side(mixed[: len(now.factor)], mixed[len(now.factor) :])

    def _mixed(self) -> Floats:
        after, step = self._after[-1], self._steps[-1]
        changes = [earlier - step for earlier in self._steps[:-1]]
        if not changes:
            return after
        # summed by numpy itself: what BLAS sums depends on the number of threads
        gram = np.array([[(one * other).sum() for other in changes] for one in changes])
        wanted = np.array([-(change * step).sum() for change in changes])
        gram[np.diag_indices_from(gram)] += 1e-12 * np.trace(gram) + 1e-300
        shares = np.linalg.solve(gram, wanted)
        return sum(
            (share * (earlier - after) for share, earlier in zip(shares, self._after, strict=False)),
            start=after,
        )


def _square(step: Floats) -> float:
    return float((step * step).sum())


def _signed(found: Fit) -> Fit:
    """The larger side of the raters on the negative half of the axis; of equal sides, the first note's."""
    signs = np.sign(found.raters.factor).sum()
    if signs > 0 or (signs == 0 and found.notes.factor[0] > 0):
        return replace(
            found,
            notes=replace(found.notes, factor=-found.notes.factor),
            raters=replace(found.raters, factor=-found.raters.factor),
        )
    return found


@dataclass(frozen=True)
class Sums:
    """What a note's ratings amount to, with mu and the raters as they are; of one note, or of all (an array each).

    count: of its ratings. factors, squares: sums of f and f² of who rated it. left: the sum of what mu and the rater leave
    of each rating. against: the sum of f times that.
    """

    count: Floats
    factors: Floats
    squares: Floats
    left: Floats
    against: Floats

    @classmethod
    def of_all(cls, ratings: Ratings, found: Fit) -> Sums:
        """Of every note; (notes,) each."""
        own = _weighed_by_others(ratings.by_note, found.weights)
        factors, squares, intercepts, against = _sums(own, found.raters, found.weights)
        left = own.total - intercepts - found.mu * own.count
        return cls(own.count, factors, squares, left, -against - found.mu * factors)

    @classmethod
    def of_one(cls, ratings: Ratings, found: Fit, note: int) -> Sums:
        """Of one note; () each."""
        own, mine = ratings.by_note, ratings.by_note.of_one(note)
        others = own.other[mine]
        weight = np.ones(len(others)) if found.weights is None else found.weights[others]
        left = own.value[mine] - found.mu - found.raters.intercept[others]
        return cls.of(weight, found.raters.factor[others], left)

    @classmethod
    def of(cls, weight: Floats, factor: Floats, left: Floats) -> Sums:
        """Of one note's ratings, given one by one; (ratings,) each."""
        each = (weight, weight * factor, weight * factor**2, weight * left, weight * factor * left)
        return cls(*(column.sum(keepdims=True)[0] for column in each))

    def without(self, weight: Floats, factor: Floats, left: Floats, group: NDArray[Any]) -> Sums:
        """Of one note, without the ratings of each group: (groups,) each. group: of each rating, from 0."""
        each = (weight, weight * factor, weight * factor**2, weight * left, weight * factor * left)
        own = (self.count, self.factors, self.squares, self.left, self.against)
        return Sums(*(whole - np.bincount(group, column) for whole, column in zip(own, each, strict=True)))

    def with_more(self, many: float | Floats, factor: float, left: float) -> Sums:
        """With so many more ratings by raters of such a factor, of each of which mu and the rater leave so much."""
        return Sums(
            self.count + many,
            self.factors + many * factor,
            self.squares + many * factor * factor,
            self.left + many * left,
            self.against + many * factor * left,
        )

    def best(self, intercept: float, factor: float) -> Side:
        """The best intercept and factor, which cost as much as given."""
        a, c = self.count + intercept, self.squares + factor
        return _solve(a, self.factors, c, a * c - self.factors**2, self.left, self.against)


def bounds(ratings: Ratings, found: Fit) -> tuple[Floats, Floats]:
    """(lower, upper) of each note's intercept: the least and most that one more rating by anybody would make of it.

    Anybody: a pseudo-rater as lenient or strict, and as far to one side, as the farthest of the raters, or of no side.
    Raters stay as they are, so the new intercept is a closed form of the note's own sums.
    """
    return reach(Sums.of_all(ratings, found), found.notes.intercept, found)


def reach(sums: Sums, intercept: Floats, found: Fit) -> tuple[Floats, Floats]:
    """The same for given sums."""
    lower, upper = np.array(intercept), np.array(intercept)
    for left, factor in pseudo_raters(found):
        more = sums.with_more(1, factor, left)
        moved = more.best(found.costs.note_intercept, found.costs.note_factor).intercept
        lower, upper = np.minimum(lower, moved), np.maximum(upper, moved)
    return lower, upper


def pseudo_raters(found: Fit) -> list[tuple[float, float]]:
    """(what mu and the rater leave of a rating, factor) for both ratings of every extreme rater there could be."""
    raters = found.raters
    extremes = sorted({float(raters.intercept.min()), float(raters.intercept.max())})
    sides = sorted({float(raters.factor.min()), 0.0, float(raters.factor.max())})
    return [
        (value - found.mu - intercept, factor)
        for intercept, factor, value in product(extremes, sides, (0.0, 1.0))
    ]

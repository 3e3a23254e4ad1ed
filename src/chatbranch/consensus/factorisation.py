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

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

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

    The larger side of the raters has the negative factors: their sign means nothing, and is fixed this way.
    """

    mu: float
    notes: Side
    loss: float
    turns: int
    costs: Costs
    raters: Side = field(repr=False)


def fit(ratings: Ratings, costs: Costs | None = None) -> Fit:
    """The factorisation of the ratings. costs: by default the pinned ones."""
    costs = costs or Costs.pinned(ratings)
    starts = STARTS if len(ratings) <= FEW else 1
    fits = [_fit_from(start, ratings, costs) for start in _starts(ratings, starts)]
    return _signed(min(fits, key=lambda each: each.loss))


def _starts(ratings: Ratings, most: int) -> Iterator[Side]:
    """Notes spread over both sides, evenly and differently each time: multiples of irrational numbers modulo 1."""
    places = np.arange(1, len(ratings.notes) + 1, dtype=np.float64)
    for irrational in (2**0.5, 3**0.5, 5**0.5)[:most]:
        yield Side(np.zeros(len(places)), 2 * np.modf(places * irrational)[0] - 1)


def _fit_from(start: Side, ratings: Ratings, costs: Costs) -> Fit:
    notes, mixing = start, _Mixing(MIXED)
    for turn in range(1, MOST_TURNS + 1):
        _, raters = _best(ratings.by_rater, notes, costs.rater_intercept, costs.rater_factor, costs.mu)
        mu, better = _best(ratings.by_note, raters, costs.note_intercept, costs.note_factor, costs.mu)
        if np.abs(better.intercept - notes.intercept).max() < CLOSE:
            break
        notes = better if turn < MIXED else mixing.after(notes, better)
    return Fit(mu, better, _loss(ratings, mu, better, raters, costs), turn, costs, raters)


def _best(own: Grouped, other: Side, intercept: float, factor: float, mu: float) -> tuple[float, Side]:
    """The best intercepts and factors of one side, and the best mu, for given ones of the other; all at once.

    Each one's two unknowns solve a 2x2 system whose right side is linear in mu; mu then solves what is left.
    """
    factors, squares, intercepts, against = _sums(own, other)
    a, b, c = own.count + intercept, factors, squares + factor
    determinant = a * c - b * b
    free = _solve(a, b, c, determinant, own.total - intercepts, -against)
    with_mu = _solve(a, b, c, determinant, own.count, factors)
    explained = own.count * free.intercept + factors * free.factor
    taken = own.count * with_mu.intercept + factors * with_mu.factor
    left = (own.total - intercepts - explained).sum()
    best = float(left / (own.count.sum() + mu - taken.sum()))
    return best, Side(free.intercept - best * with_mu.intercept, free.factor - best * with_mu.factor)


def _sums(own: Grouped, other: Side) -> tuple[Floats, Floats, Floats, Floats]:
    """Over each one's ratings, the sums of f, f², i and f · (i - rating), with f and i of the other side."""
    f, i = other.factor[own.other], other.intercept[own.other]
    factors, intercepts = np.add.reduceat(f, own.start), np.add.reduceat(i, own.start)
    i -= own.value
    i *= f
    against = np.add.reduceat(i, own.start)
    f *= f
    return factors, np.add.reduceat(f, own.start), intercepts, against


def _solve(a: Floats, b: Floats, c: Floats, determinant: Floats, first: Floats, second: Floats) -> Side:
    return Side((c * first - b * second) / determinant, (a * second - b * first) / determinant)


def _loss(ratings: Ratings, mu: float, notes: Side, raters: Side, costs: Costs) -> float:
    grouped = ratings.by_note
    own = np.repeat(np.arange(len(ratings.notes), dtype=np.int32), grouped.count.astype(np.int64))
    wrong = mu + notes.intercept[own]
    wrong += raters.intercept[grouped.other]
    wrong += notes.factor[own] * raters.factor[grouped.other]
    wrong -= grouped.value
    wrong *= wrong
    total = wrong.sum() + costs.mu * mu**2
    total += (
        costs.rater_intercept * (raters.intercept**2).sum() + costs.rater_factor * (raters.factor**2).sum()
    )
    total += costs.note_intercept * (notes.intercept**2).sum() + costs.note_factor * (notes.factor**2).sum()
    return float(total / len(ratings))


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


def bounds(ratings: Ratings, found: Fit) -> tuple[Floats, Floats]:
    """(lower, upper) of each note's intercept: the least and most that one more rating by anybody would make of it.

    Anybody: a pseudo-rater as lenient or strict, and as far to one side, as the farthest of the raters, or of no side.
    Raters stay as they are, so the new intercept is a closed form of the note's own sums.
    """
    raters, costs, own = found.raters, found.costs, ratings.by_note
    factors, squares, intercepts, against = _sums(own, raters)
    first = own.total - intercepts - found.mu * own.count
    second = -against - found.mu * factors
    lower, upper = found.notes.intercept.copy(), found.notes.intercept.copy()
    extremes = {float(raters.intercept.min()), float(raters.intercept.max())}
    sides = {float(raters.factor.min()), 0.0, float(raters.factor.max())}
    for intercept, factor, value in product(sorted(extremes), sorted(sides), (0.0, 1.0)):
        a, b = own.count + 1 + costs.note_intercept, factors + factor
        c = squares + factor**2 + costs.note_factor
        left = value - found.mu - intercept
        moved = (c * (first + left) - b * (second + factor * left)) / (a * c - b * b)
        np.minimum(lower, moved, out=lower)
        np.maximum(upper, moved, out=upper)
    return lower, upper

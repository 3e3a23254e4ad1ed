"""The peer for tests, as benchmarks/consensus/peer.py has it, without torch: Adam on the same loss, from a random start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chatbranch.consensus.factorisation import Costs, Side
from chatbranch.consensus.ratings import Floats, Ratings


@dataclass(frozen=True)
class Descended:
    """Where it ended."""

    mu: float
    notes: Side
    raters: Side
    loss: float


def descend(ratings: Ratings, costs: Costs, seed: int) -> Descended:
    """With the reference's learning rate and stopping rule, then on in smaller steps, as the benchmark's peer."""
    own = ratings.by_note
    many, notes, raters = len(ratings), len(ratings.notes), ratings.raters
    note = np.repeat(np.arange(notes), own.count.astype(np.int64))
    rater, value = own.other, own.value.astype(np.float64)
    ends = np.cumsum([1, notes, notes, raters, raters])
    price = np.repeat(
        [costs.mu, costs.note_intercept, costs.note_factor, costs.rater_intercept, costs.rater_factor],
        np.diff(ends, prepend=0),
    )
    chance = np.random.default_rng(seed)
    start = [np.zeros(1), *(chance.uniform(-1, 1, size) * np.sqrt(6 / (size + 1)) for size in np.diff(ends))]

    def slope(at: Floats) -> tuple[float, Floats]:
        mu, i_note, f_note, i_rater, f_rater = np.split(at, ends[:-1])
        wrong = mu + i_note[note] + i_rater[rater] + f_note[note] * f_rater[rater] - value
        sums = (
            np.array([wrong.sum()]),
            np.bincount(note, wrong, notes),
            np.bincount(note, wrong * f_rater[rater], notes),
            np.bincount(rater, wrong, raters),
            np.bincount(rater, wrong * f_note[note], raters),
        )
        loss = ((wrong * wrong).sum() + (price * at * at).sum()) / many
        return float(loss), 2 * (np.concatenate(sums) + price * at) / many

    at = np.concatenate(start)
    for rate, close in ((1.0, 1e-7), (0.02, 1e-9)):
        at = _adam(at, slope, rate, close)
    mu, *sides = np.split(at, ends[:-1])
    return Descended(float(mu[0]), Side(sides[0], sides[1]), Side(sides[2], sides[3]), slope(at)[0])


def _adam(at: Floats, slope: Callable[[Floats], tuple[float, Floats]], rate: float, close: float) -> Floats:
    before, mean, square = 1e10, np.zeros(len(at)), np.zeros(len(at))
    loss, gradient = slope(at)
    for step in range(1, 5000):
        if abs(loss - before) <= close or (step > 101 and loss > before):
            break
        before = loss
        gradient *= min(1.0, 1.0 / (np.sqrt((gradient**2).sum()) + 1e-6))
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        at = at - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        loss, gradient = slope(at)
    return at

"""Beside gradient descent on the same model (descent.py): no loss above its best, and no disagreement but its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chatbranch.consensus.factorisation import Costs, Fit, fit
from chatbranch.consensus.formats import read_polis
from chatbranch.consensus.ratings import Column, Ratings, gather
from chatbranch.consensus.scoring import score
from chatbranch.consensus.tests.descent import Descended, descend
from chatbranch.consensus.tests.test_scoring import CONVERSATIONS

SEEDS = 5


def synthetic(wanted: int) -> Ratings:
    """Two sides, some notes and raters busy and most quiet, ratings in halves."""
    chance = np.random.default_rng(0)
    raters, notes = wanted // 40, wanted // 60
    busy, read = (chance.pareto(1.2, many) + 0.05 for many in (raters, notes))
    rater = chance.choice(raters, wanted, p=busy / busy.sum())
    note = chance.choice(notes, wanted, p=read / read.sum())
    side = np.where(chance.random(raters) < 0.6, -0.6, 0.7) + chance.normal(0, 0.25, raters)
    good, leaning = chance.normal(0.4, 0.3, notes), chance.normal(0, 0.5, notes)
    felt = good[note] + chance.normal(0, 0.15, raters)[rater] + side[rater] * leaning[note]
    value = np.clip(np.round((felt + chance.normal(0, 0.3, wanted)) * 2) / 2, 0, 1)
    return gather(Column.of(note), Column.of(rater), value)


def statuses(ratings: Ratings, found: Fit) -> np.ndarray:
    return np.array([each.status for each in score(ratings, found)])


def as_fit(theirs: Descended, costs: Costs) -> Fit:
    return Fit(theirs.mu, theirs.notes, theirs.loss, 0, costs, theirs.raters)


def beside(ratings: Ratings, seeds: int) -> None:
    ours, costs = fit(ratings), Costs.pinned(ratings)
    runs = [descend(ratings, costs, seed) for seed in range(seeds)]
    best = min(runs, key=lambda run: run.loss)
    assert ours.loss <= best.loss
    assert np.corrcoef(ours.notes.intercept, best.notes.intercept)[0, 1] >= 0.9995
    own, theirs = statuses(ratings, ours), [statuses(ratings, as_fit(run, costs)) for run in runs]
    between = max((one != other).mean() for one in theirs for other in theirs)
    assert (own != statuses(ratings, as_fit(best, costs))).mean() <= between


def test_thirty_thousand_synthetic_ratings() -> None:
    beside(synthetic(30_000), SEEDS)


@pytest.mark.skipif(not CONVERSATIONS, reason="the public conversations are not beside the repository")
@pytest.mark.parametrize("votes", CONVERSATIONS, ids=lambda path: path.parent.name)
def test_public_conversations(votes: Path) -> None:
    with votes.open(newline="") as lines:
        beside(read_polis(lines), SEEDS)

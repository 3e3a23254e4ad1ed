"""Two rounds: who agrees with what both sides decide counts more, where there are raters enough to tell."""

from __future__ import annotations

import numpy as np
import pytest

from chatbranch.consensus.factorisation import Fit, fit
from chatbranch.consensus.ratings import Column, Ratings, gather
from chatbranch.consensus.rounds import fit_in_rounds
from chatbranch.consensus.scoring import score
from chatbranch.consensus.tests.test_factorisation import two_sides


def crowd(raters: int, contrary: float = 0.0, careless: float = 0.0, seed: int = 1) -> Ratings:
    """Notes of which half please both sides, a third one, a sixth nobody; some say the opposite, some anything at all."""
    chance = np.random.default_rng(seed)
    notes, kind = 180, np.array([0, 1, 0, 2, 0, 1])[np.arange(180) % 6]
    stands = np.where(chance.random(raters) < 0.55, -1, 1)
    felt = np.array([0.8, 0.5, 0.2])[kind][:, None] + 0.3 * (kind == 1)[:, None] * stands * chance.choice(
        [-1, 1], (notes, 1)
    )
    said = (felt + chance.normal(0, 0.25, felt.shape) > 0.5).astype(float)
    odd = chance.random(raters)
    said[:, odd < contrary] = 1 - said[:, odd < contrary]
    said[:, odd > 1 - careless] = chance.integers(0, 2, (notes, int((odd > 1 - careless).sum())))
    seen = chance.random(said.shape) < 25 / raters
    note, rater = np.nonzero(seen)
    return gather(Column.of(note), Column.of(rater), said[seen])


def helpful(ratings: Ratings, found: Fit) -> tuple[int, int]:
    """(how many notes that please both sides are helpful, how many others)."""
    ids = [int(each.id) for each in score(ratings, found) if each.status == "helpful"]
    right = sum(each % 2 == 0 for each in ids)
    return right, len(ids) - right


@pytest.mark.parametrize(("contrary", "careless"), [(0.1, 0.0), (0.0, 0.35)])
def test_the_second_round_finds_more_when_some_say_the_opposite_or_anything(
    contrary: float, careless: float
) -> None:
    ratings = crowd(300, contrary, careless)
    one, two = helpful(ratings, fit(ratings)), helpful(ratings, fit_in_rounds(ratings))
    assert two[0] >= one[0] + 3
    assert two[1] <= one[1] + 1


def test_where_everybody_is_honest_hardly_anything_changes() -> None:
    ratings = crowd(300)
    one, two = helpful(ratings, fit(ratings)), helpful(ratings, fit_in_rounds(ratings))
    assert abs(two[0] - one[0]) <= 2
    assert abs(two[1] - one[1]) <= 2


def test_up_to_a_hundred_raters_everybody_counts_the_same() -> None:
    assert fit_in_rounds(two_sides(raters=100)).weights is None
    weights = fit_in_rounds(two_sides(raters=101)).weights
    assert weights is not None
    assert ((weights >= 0) & (weights <= 1)).all()


def test_a_second_round_is_the_same_in_any_order_too() -> None:
    ratings = crowd(150, careless=0.2)
    order = np.random.default_rng(4).permutation(len(ratings))
    notes = np.repeat(ratings.notes, ratings.by_note.count.astype(int))[order]
    again = gather(Column.of(notes), Column.of(ratings.by_note.other[order]), ratings.by_note.value[order])
    assert (fit_in_rounds(again).notes.intercept == fit_in_rounds(ratings).notes.intercept).all()

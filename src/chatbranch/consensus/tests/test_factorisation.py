"""The factorisation: the optimum, the same for everyone, and nothing in it that names a person."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatbranch.consensus.factorisation import Costs, Fit, Side, _loss, bounds, fit
from chatbranch.consensus.ratings import Column, Ratings, gather

rows = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=60
)
Rows = list[tuple[int, int, float]]
Pricing = Callable[[Ratings], Costs]


def rated(rows: Rows) -> Ratings:
    notes, raters, values = zip(*rows, strict=True)
    return gather(Column.of(notes), Column.of(raters), values)


def two_sides(notes: int = 60, raters: int = 80, seed: int = 7) -> Ratings:
    """An association of two sides: a third of the notes pleases one, a third the other, a third both."""
    chance = np.random.default_rng(seed)
    side, kind = np.arange(raters) % 2, np.arange(notes) % 3
    likes = np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])[kind][:, side]
    seen = chance.random((notes, raters)) < 0.4
    helpful = (chance.random((notes, raters)) < likes).astype(float)
    note, rater = np.nonzero(seen)
    return gather(Column.of(note), Column.of(rater), helpful[seen])


def weights(ratings: Ratings) -> NDArray[np.float64]:
    """Some for everybody, one of them nothing."""
    return np.arange(ratings.raters) % 5 / 4


def gradient(ratings: Ratings, found: Fit) -> float:
    """The steepest slope of the loss at the fit, by differences: 0 at an optimum."""
    names = ("intercept", "factor")
    sides = {"notes": found.notes, "raters": found.raters}
    slopes = []
    for which, side in sides.items():
        for name in names:
            for place in range(0, len(side.factor), 7):
                losses = []
                for step in (-1e-5, 1e-5):
                    moved: NDArray[np.float64] = getattr(side, name).copy()
                    moved[place] += step
                    shifted = {**sides, which: Side(**{**vars(side), name: moved})}
                    at = (found.mu, shifted["notes"], shifted["raters"], found.costs, found.weights)
                    losses.append(_loss(ratings, *at))
                slopes.append(abs(losses[1] - losses[0]) / 2e-5)
    return max(slopes)


@pytest.mark.parametrize("costs", [Costs.pinned, Costs.of_the_reference])
def test_it_ends_where_no_parameter_can_be_bettered(costs: Pricing) -> None:
    ratings = two_sides()
    assert gradient(ratings, fit(ratings, costs(ratings))) < 1e-6


def test_with_weights_it_ends_where_no_parameter_can_be_bettered_too() -> None:
    ratings = two_sides()
    assert gradient(ratings, fit(ratings, weights=weights(ratings))) < 1e-6


def test_who_counts_for_nothing_is_not_there_and_who_counts_fully_is() -> None:
    ratings = two_sides()
    without = np.arange(ratings.raters) % 4 > 0
    rows = without[ratings.by_note.other]
    notes = np.repeat(ratings.notes, ratings.by_note.count.astype(int))[rows]
    fewer = gather(Column.of(notes), Column.of(ratings.by_note.other[rows]), ratings.by_note.value[rows])
    one, other = fit(fewer), fit(ratings, weights=without.astype(float))
    assert one.loss == pytest.approx(other.loss)
    assert np.abs(one.notes.intercept - other.notes.intercept).max() < 1e-4
    everybody = fit(ratings, weights=np.ones(ratings.raters))
    assert (everybody.notes.intercept == fit(ratings).notes.intercept).all()


def test_a_fit_that_begins_near_the_end_comes_to_the_same_end_sooner() -> None:
    ratings = two_sides()
    one = fit(ratings)
    other = fit(ratings, near=one)
    assert other.turns < one.turns / 2
    assert np.abs(one.notes.intercept - other.notes.intercept).max() < 1e-5


def test_notes_that_please_both_sides_come_first_and_those_that_please_one_do_not() -> None:
    found = fit(two_sides(raters=240))
    both = np.arange(60) % 3 == 2
    assert found.notes.intercept[both].min() > found.notes.intercept[~both].max()
    assert np.abs(found.notes.factor[both]).max() < np.abs(found.notes.factor[~both]).min()


@settings(max_examples=60)
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing_not_even_a_bit(given_rows: Rows, random: Random) -> None:
    unique = list({(note, rater): (note, rater, value) for note, rater, value in given_rows}.values())
    shuffled = unique.copy()
    random.shuffle(shuffled)
    one, other = fit(rated(unique)), fit(rated(shuffled))
    assert one.loss == other.loss
    assert (one.notes.intercept == other.notes.intercept).all()
    assert (one.notes.factor == other.notes.factor).all()


@settings(max_examples=60)
@given(rows)
def test_any_ratings_give_finite_numbers_within_their_bounds(given_rows: Rows) -> None:
    ratings = rated(given_rows)
    found = fit(ratings)
    lower, upper = bounds(ratings, found)
    assert np.isfinite([found.loss, found.mu, *lower, *upper]).all()
    assert (lower <= found.notes.intercept).all()
    assert (found.notes.intercept <= upper).all()


def test_a_notes_score_does_not_depend_on_how_busy_unrelated_notes_are() -> None:
    """Two conversations that share nobody: twenty times as many ratings in one hardly move the notes of the other."""
    chance = np.random.default_rng(3)
    ours = [(n, r, float(chance.random() < (0.95 if n < 5 else 0.4))) for n in range(10) for r in range(30)]

    def moved(costs: Pricing) -> float:
        scores = []
        for crowd in (20, 400):
            others = [
                (100 + n, 1000 + r, float((7 * n + r) % 3 > 0)) for n in range(10) for r in range(crowd)
            ]
            ratings = rated(ours + others)
            scores.append(fit(ratings, costs(ratings)).notes.intercept[:10])
        return float(np.abs(scores[0] - scores[1]).max())

    assert moved(Costs.pinned) < 0.03
    assert moved(Costs.of_the_reference) > 0.3


def test_one_more_rating_by_an_extreme_rater_moves_an_intercept_to_within_its_bounds() -> None:
    ratings = two_sides(notes=12, raters=10)
    found = fit(ratings)
    lower, upper = bounds(ratings, found)
    own, costs = ratings.by_note, found.costs
    for note in range(12):
        theirs = own.of_one(note)
        factors = np.append(found.raters.factor[own.other[theirs]], found.raters.factor.max())
        left = own.value[theirs] - found.mu - found.raters.intercept[own.other[theirs]]
        left = np.append(left, 1 - found.mu - found.raters.intercept.min())
        normal = np.array(
            [
                [len(left) + costs.note_intercept, factors.sum()],
                [factors.sum(), (factors**2).sum() + costs.note_factor],
            ]
        )
        intercept = np.linalg.solve(normal, [left.sum(), (factors * left).sum()])[0]
        assert lower[note] - 1e-6 <= intercept <= upper[note] + 1e-6


@pytest.mark.parametrize("ids", [[5, 3, 5, 9], [-4, 10**15, -4, 0], ["b", "a", "b", "aa"], [0.5, 0.25, 0.5]])
def test_a_column_has_the_distinct_ids_in_order_and_the_place_of_each(ids: list[object]) -> None:
    column = Column.of(ids)
    assert [column.distinct[place] for place in column.places] == ids
    assert len(set(column.distinct.tolist())) == len(column.distinct)
    if not isinstance(ids[0], str):
        assert sorted(column.distinct.tolist()) == column.distinct.tolist()


@pytest.mark.parametrize("many", [1, 3, 1_000, 70_000])
def test_ids_that_share_slots_are_told_apart(many: int) -> None:
    """Of a few ids and of more than there are slots; the same as sorting gives."""
    ids = np.random.default_rng(2).integers(-(2**62), 2**62, many)[
        np.random.default_rng(3).integers(0, many, 4 * many)
    ]
    column, (distinct, places) = Column.of(ids), np.unique(ids, return_inverse=True)
    assert (column.distinct == distinct).all()
    assert (column.places == places).all()


def test_more_raters_than_two_bytes_can_number_are_put_in_order() -> None:
    chance = np.random.default_rng(5)
    note, rater = chance.integers(0, 9, 200_000), chance.integers(0, 90_000, 200_000)
    ratings = gather(Column.of(note), Column.of(rater), np.ones(200_000))
    pairs = np.unique(note * 100_000 + np.unique(rater, return_inverse=True)[1])
    assert (np.repeat(ratings.notes, ratings.by_note.count.astype(int)) == pairs // 100_000).all()
    assert (ratings.by_note.other == pairs % 100_000).all()
    by_rater = np.sort(pairs % 100_000 * 10 + pairs // 100_000)
    assert (ratings.by_rater.other == by_rater % 10).all()


def test_of_two_ratings_of_one_note_by_one_rater_the_later_counts() -> None:
    notes, raters = Column.of(["n", "n", "m"]), Column.of(["a", "a", "b"])
    ratings = gather(notes, raters, [1.0, 0.0, 0.5], [20, 10, 5])
    assert len(ratings) == 2
    assert ratings.by_note.value.tolist() == [0.5, 1.0]


def test_columns_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="as many notes and raters as values"):
        gather(Column.of([1, 2]), Column.of([1]), [1.0])
    with pytest.raises(ValueError, match="from 0"):
        gather(Column.of([1]), Column.of([1]), [2.0])

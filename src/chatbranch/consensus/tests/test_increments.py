"""One more rating at once, and how far from that the next full fit is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.consensus.factorisation import Fit, _loss, bounds, fit
from chatbranch.consensus.increments import with_rating
from chatbranch.consensus.ratings import Column, Ratings, gather
from chatbranch.consensus.rounds import fit_in_rounds
from chatbranch.consensus.scoring import score
from chatbranch.consensus.tests.test_factorisation import Rows, rated, rows, two_sides


def table(ratings: Ratings) -> Rows:
    """(note id, rater's place, value) of every rating."""
    own = ratings.by_note
    notes = np.repeat(ratings.notes, own.count.astype(int)).tolist()
    return list(zip(notes, own.other.tolist(), own.value.tolist(), strict=True))


def loss(ratings: Ratings, found: Fit) -> float:
    return _loss(ratings, found.mu, found.notes, found.raters, found.costs, found.weights)


@settings(max_examples=80, deadline=None)
@given(rows, st.integers(0, 11), st.integers(0, 11), st.sampled_from([0.0, 0.5, 1.0]))
def test_the_ratings_are_those_with_one_more_or_another_one(
    given_rows: Rows, note: int, rater: int, value: float
) -> None:
    """Also of a note, and by a rater, that was not there before."""
    before = rated(given_rows)
    rater = min(rater, before.raters)
    after, found = with_rating(before, fit(before), note, rater, value)
    known = {(each, who): said for each, who, said in table(before)}
    assert sorted(table(after)) == sorted(
        (*pair, said) for pair, said in {**known, (note, rater): value}.items()
    )
    fresh = gather(
        *(Column.of(column) for column in list(zip(*table(after), strict=True))[:2]), after.by_note.value
    )
    assert sorted(fresh.by_rater.total.tolist()) == sorted(after.by_rater.total.tolist())
    assert after.by_note.count.sum() == len(after)
    lower, upper = bounds(after, found)
    assert np.isfinite([*found.notes.intercept, *found.raters.factor, *lower, *upper]).all()


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(0, 9), st.integers(0, 9), st.sampled_from([0.0, 0.5, 1.0]))
def test_it_is_no_worse_than_the_last_fit_and_no_better_than_the_next(
    given_rows: Rows, note: int, rater: int, value: float
) -> None:
    before = rated(given_rows)
    last = fit(before)
    after, found = with_rating(before, last, note, min(rater, before.raters), value)
    as_it_was = with_rating(before, last, note, min(rater, before.raters), value)[1]
    assert (found.notes.intercept == as_it_was.notes.intercept).all(), "the last fit is left as it was"
    next_one = fit(after, near=found)
    assert loss(after, next_one) <= loss(after, found) + 1e-9


def test_other_notes_and_other_raters_stay_as_they_are() -> None:
    ratings = two_sides()
    last = fit(ratings)
    _, found = with_rating(ratings, last, 7, 11, 1.0)
    others = np.arange(len(ratings.notes)) != ratings.place(7)
    assert (found.notes.intercept[others] == last.notes.intercept[others]).all()
    assert (np.delete(found.raters.factor, 11) == np.delete(last.raters.factor, 11)).all()
    assert found.mu == last.mu


@pytest.mark.parametrize("raters", [40, 160])
def test_the_next_fit_is_close_and_seldom_changes_a_status(raters: int) -> None:
    """Three hundred ratings that come in one by one, on a branch that has rated for a while, by old raters and by new."""
    ratings = two_sides(notes=60, raters=raters, seed=raters)
    chance = np.random.default_rng(1)
    found, apart, changed = fit_in_rounds(ratings), [], 0
    for _ in range(300):
        note, new = int(chance.integers(0, 60)), chance.random() < 0.02
        rater = ratings.raters if new else int(chance.integers(0, ratings.raters))
        ratings, found = with_rating(ratings, found, note, rater, float(chance.random() < 0.6))
        at_once = status(ratings, found, note)
        reconciled = fit(ratings, weights=found.weights, near=found)
        changed += status(ratings, reconciled, note) != at_once
        place = ratings.place(note)
        apart.append(abs(level(found, place) - level(reconciled, place)))
        found = reconciled
    assert np.median(apart) < 0.005
    assert max(apart) < 0.05
    assert changed <= 6, "two in a hundred"


def level(found: Fit, place: int) -> float:
    return found.mu + float(found.notes.intercept[place])


def status(ratings: Ratings, found: Fit, note: int) -> str:
    return {each.id: each.status for each in score(ratings, found)}[str(note)]

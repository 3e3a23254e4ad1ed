"""One more rating, or another one, at once: from the last fit, without computing it anew. Pure.

Only the note and its rater are solved again, by turns, each in closed form; mu, the other notes and the other raters stay as
the last fit left them. Each of these steps lowers the loss, so what comes out lies between the last fit and the next one,
which reconciles: `fit(ratings, near=found)`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chatbranch.consensus.factorisation import CLOSE, Fit, Side, Sums
from chatbranch.consensus.ratings import Ratings

TURNS = 50


def with_rating(ratings: Ratings, found: Fit, note: object, rater: int, value: float) -> tuple[Ratings, Fit]:
    """The ratings and the fit with `value` as the rater's word on the note, in place of an earlier one.

    note: its id; one that nobody rated before is put last. rater: their place, or `ratings.raters` for somebody new; until
    the ratings are gathered again, newcomers come last, in no order. The loss stays that of the last fit.
    """
    place = ratings.place(note)
    if place == len(ratings.notes):
        ratings = replace(ratings, notes=np.append(ratings.notes, np.asarray([note])))
        found = replace(found, notes=_one_more(found.notes))
    if rater == ratings.raters:
        ratings = replace(ratings, raters=rater + 1)
        weights = None if found.weights is None else np.append(found.weights, 1.0)
        found = replace(found, raters=_one_more(found.raters), weights=weights)
    ratings = replace(
        ratings,
        by_note=ratings.by_note.with_one(place, rater, value),
        by_rater=ratings.by_rater.with_one(rater, place, value),
    )
    return ratings, _solved_again(ratings, found, place, rater)


def _one_more(side: Side) -> Side:
    return Side(np.append(side.intercept, 0.0), np.append(side.factor, 0.0))


def _solved_again(ratings: Ratings, found: Fit, note: int, rater: int) -> Fit:
    notes, raters = _copy(found.notes), _copy(found.raters)
    costs = found.costs.note_intercept, found.costs.note_factor
    found = replace(found, notes=notes, raters=raters)
    for _ in range(TURNS):
        _put(raters, rater, _best_rater(ratings, found, rater))
        before = notes.intercept[note]
        _put(notes, note, Sums.of_one(ratings, found, note).best(*costs))
        if abs(notes.intercept[note] - before) < CLOSE:
            break
    return found


def _best_rater(ratings: Ratings, found: Fit, rater: int) -> Side:
    """The rater's best intercept and factor, with mu and the notes as they are."""
    own, theirs = ratings.by_rater, ratings.by_rater.of_one(rater)
    rated = own.other[theirs]
    weight = 1.0 if found.weights is None else found.weights[rater]
    f, left = found.notes.factor[rated], own.value[theirs] - found.mu - found.notes.intercept[rated]
    sums = Sums.of(np.full(len(f), weight), f, left)
    return sums.best(found.costs.rater_intercept, found.costs.rater_factor)


def _copy(side: Side) -> Side:
    return Side(side.intercept.copy(), side.factor.copy())


def _put(side: Side, place: int, one: Side) -> None:
    side.intercept[place], side.factor[place] = one.intercept, one.factor

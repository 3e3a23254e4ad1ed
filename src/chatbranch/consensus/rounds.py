"""Two rounds: raters who agreed with what both sides decided count more. Pure.

As in the reference (Community Notes, "rater helpfulness"): in the first round everybody counts the same, and every note gets a
status. In the second, a rater counts by how often they said helpful of what came out helpful, and not helpful of what came
out not helpful. From four times in five on, they count fully; up to every other time, which chance would do, not at all. The
reference has one step, at two in three; three ratings that agreed are granted to everybody, so that nobody is out for one.

Up to a hundred raters this is not done. It gained nothing there (docs/explanation/consensus.md has the figures), and in a
small branch everybody's word should count the same.

What a rater counts is a rater parameter: it is nameless, lives inside the second fit, and goes nowhere.
"""

from __future__ import annotations

import numpy as np

from chatbranch.consensus.factorisation import Costs, Fit, fit
from chatbranch.consensus.ratings import Floats, Ratings
from chatbranch.consensus.scoring import score

ONE_ROUND_UP_TO = 100  # raters
FULLY_FROM, NOT_UP_TO = 0.8, 0.5
GRANTED = 3
_SIGNS = {"helpful": 1, "not-helpful": -1, "needs-more-ratings": 0}


def fit_in_rounds(ratings: Ratings, costs: Costs | None = None, weights: Floats | None = None) -> Fit:
    """The factorisation of the second round; of the only one, where there are no more than a hundred raters.

    weights: of the raters in the first round, where they do not count the same from the start.
    """
    first = fit(ratings, costs, weights=weights)
    if ratings.raters <= ONE_ROUND_UP_TO:
        return first
    agreement = _agreement(ratings, first)
    return fit(ratings, costs, weights=agreement if weights is None else weights * agreement, near=first)


def _agreement(ratings: Ratings, first: Fit) -> Floats:
    """How much each rater counts in the second round, from 0 to 1; (raters,)."""
    decided = np.array([_SIGNS[each.status] for each in score(ratings, first)], np.int8)
    own, agreed, against = ratings.by_rater, *np.zeros((2, ratings.raters))
    for whose, rows in own.parts():
        start = own.start[whose] - rows.start
        word = np.sign(own.value[rows] - 0.5) * decided[own.other[rows]]
        agreed[whose] = np.add.reduceat(word > 0, start, dtype=np.float64)
        against[whose] = np.add.reduceat(word < 0, start, dtype=np.float64)
    share = (agreed + GRANTED) / (agreed + against + GRANTED)
    return np.clip((share - NOT_UP_TO) / (FULLY_FROM - NOT_UP_TO), 0.0, 1.0)

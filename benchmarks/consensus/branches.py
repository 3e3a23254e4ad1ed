"""What docs/explanation/consensus.md says of branches: simulated associations, two rounds, and one rating beside the next fit.

.venv/bin/python -m benchmarks.consensus.branches
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from chatbranch.consensus.factorisation import Fit, fit
from chatbranch.consensus.increments import with_rating
from chatbranch.consensus.ratings import Column, Ratings, gather
from chatbranch.consensus.rounds import _agreement, fit_in_rounds
from chatbranch.consensus.scoring import score
from chatbranch.consensus.tests.simulated import BRIDGING, SHAPES, associate

ASSOCIATIONS = {6: 120, 8: 60, 15: 30, 25: 10, 50: 4}
CROWDS = ((25, 90, 14, 12), (50, 90, 20, 12), (100, 200, 25, 6), (300, 300, 30, 6), (1000, 600, 40, 2))
ODD = {"honest": (0.0, 0.0), "careless": (0.0, 0.2), "contrary": (0.1, 0.0)}


def associations() -> Iterator[str]:
    for raters in SHAPES:
        right = wrong = bridging = 0
        for seed in range(ASSOCIATIONS[raters]):
            for note, accepted in associate(raters, seed).accepted():
                bridging += note.kind == BRIDGING
                right += accepted and note.kind == BRIDGING
                wrong += accepted and note.kind != BRIDGING
        yield f"{raters} raters: precision {right / (right + wrong):.3f}, accepted {right / bridging:.3f}"


def crowd(
    raters: int, notes: int, each: int, seed: int, contrary: float, careless: float
) -> tuple[Ratings, np.ndarray]:
    """Ratings of so many to a note on average, and which notes bridge: as in simulated.py, without outlets."""
    chance = np.random.default_rng([raters, notes, seed])
    stands = np.where(chance.random(raters) < 0.55, -1, 1) * chance.uniform(0.4, 1, raters)
    kind = np.array([0, 1, 0, 2, 0, 1])[np.arange(notes) % 6]
    leaning = np.where(kind == 1, 0.3 * chance.choice([-1, 1], notes), 0)
    felt = (
        np.array([0.8, 0.5, 0.2])[kind][:, None] + leaning[:, None] * stands + chance.normal(0, 0.1, raters)
    )
    felt = felt + chance.normal(0, 0.05, (notes, 1)) + chance.normal(0, 0.25, (notes, raters))
    said = np.where(felt >= 0.6, 1, np.where(felt >= 0.4, 0.5, 0.0))
    odd = chance.random(raters)
    said[:, odd < contrary] = 1 - said[:, odd < contrary]
    said[:, odd > 1 - careless] = chance.choice([0, 0.5, 1], (notes, int((odd > 1 - careless).sum())))
    busy = chance.pareto(1.5, raters) + 0.3
    seen = chance.random((notes, raters)) < np.clip(each / raters * busy / busy.mean(), 0, 0.95)
    note, rater = np.nonzero(seen)
    return gather(Column.of(note), Column.of(rater), said[seen]), (kind == 0)[np.unique(note)]


def rounds() -> Iterator[str]:
    for raters, notes, each, seeds in CROWDS:
        for name, (contrary, careless) in ODD.items():
            found = []
            for seed in range(seeds):
                ratings, bridges = crowd(raters, notes, each, seed, contrary, careless)
                first = fit(ratings)
                second = fit(ratings, weights=_agreement(ratings, first), near=first)
                found.append([*shares(ratings, first, bridges), *shares(ratings, second, bridges)])
            one, precise, two, more_precise = np.mean(found, axis=0)
            yield f"{raters} raters, {name}: accepted {one:.2f}, then {two:.2f}; precision {precise:.3f}, then {more_precise:.3f}"


def shares(ratings: Ratings, found: Fit, bridges: np.ndarray) -> tuple[float, float]:
    """(share of what bridges that is helpful, share of what is helpful that bridges)."""
    helpful = np.array([each.status == "helpful" for each in score(ratings, found)])
    return float(helpful[bridges].mean()), float((helpful & bridges).sum() / max(1, helpful.sum()))


def one_by_one() -> Iterator[str]:
    for raters, notes in ((40, 60), (160, 100), (400, 200)):
        chance = np.random.default_rng(1)
        ratings, _ = crowd(raters, notes, min(25, raters // 2), 1, 0.0, 0.0)
        found, apart, changed = fit_in_rounds(ratings), [], 0
        for _ in range(300):
            note, rater = int(chance.integers(len(ratings.notes))), int(chance.integers(ratings.raters))
            said = float(chance.choice([0, 0.5, 1]))
            ratings, found = with_rating(ratings, found, ratings.notes[note], rater, said)
            after = fit(ratings, weights=found.weights, near=found)
            changed += list(score(ratings, found))[note].status != list(score(ratings, after))[note].status
            levels = (each.mu + each.notes.intercept[note] for each in (found, after))
            apart.append(abs(next(levels) - next(levels)))
            found = after
        yield f"{raters} raters: {np.median(apart):.5f} apart, at most {max(apart):.5f}; {changed} of 300 changed by the next fit"


def main() -> int:
    for part in (associations, rounds, one_by_one):
        print(part.__name__)
        for line in part():
            print(f"  {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

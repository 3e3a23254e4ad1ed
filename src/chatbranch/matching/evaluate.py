"""How well the matcher decides:  python -m chatbranch.matching.evaluate DATA_DIR

English is cross-fitted: each query is judged by numbers fitted on the folds that share neither its post nor its
claims. Every query is tried with its claims in the library and with them (and their repeated entries) held out,
when any answer is a false one. Two mixtures are reported: nine checked messages for each unchecked one, and, the
hard one, nine unchecked for each checked. Decisions are the product's own, guard included.

Intervals are bootstrap intervals over groups of queries that share a post or a claim (seed 0, 95 %).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbranch.matching import features as f
from chatbranch.matching import rules
from chatbranch.matching.dataset import RememberingEncoder, load
from chatbranch.matching.encoder import Encoder, Encodes
from chatbranch.matching.fit import CHINESE_RECIPE, ENGLISH, ENGLISH_RECIPE, chinese_examples, fit_calibration
from chatbranch.matching.judgement import Candidate, judge_best, ordered
from chatbranch.matching.training import FOLDS, Example, Trial, examples, fold_of, outside, query_key

_RESAMPLES = 1_000
_TOP = 5


@dataclass(frozen=True)
class Judged:
    """One trial and what came of it. ``average_precision`` is of the first five, for trials that can be right."""

    group: str
    split: str
    held_out: bool
    known: bool
    answered: bool
    right: bool
    average_precision: float


@dataclass(frozen=True)
class Report:
    """Figures over some trials; each with its 95 % interval."""

    trials: tuple[Judged, ...]

    def where(self, chosen: Callable[[Judged], bool]) -> Report:
        return Report(tuple(judged for judged in self.trials if chosen(judged)))

    def precision(self, checked: float, unchecked: float) -> float:
        """The share of right answers, known trials counting ``checked`` each and held-out ones ``unchecked``."""
        return _precision(self.trials, checked, unchecked)

    @property
    def recall(self) -> float:
        """The share of queries with a claim in the library that are answered with it."""
        return _recall(self.trials)

    @property
    def mean_average_precision(self) -> float:
        """MAP@5 over the queries with a claim in the library."""
        return _mean_average_precision(self.trials)

    def interval(self, figure: Callable[[Sequence[Judged]], float]) -> tuple[float, float]:
        """The 95 % bootstrap interval of a figure, resampling whole groups."""
        groups: dict[str, list[Judged]] = {}
        for judged in self.trials:
            groups.setdefault(judged.group, []).append(judged)
        own = list(groups.values())
        chance = np.random.default_rng(0)
        drawn = (chance.integers(0, len(own), len(own)) for _ in range(_RESAMPLES))
        values = [figure([judged for i in picks for judged in own[i]]) for picks in drawn]
        low, high = np.quantile(values, (0.025, 0.975))
        return float(low), float(high)

    def lines(self, title: str) -> list[str]:
        """The report as text."""
        figures: dict[str, Callable[[Sequence[Judged]], float]] = {
            "recall of answers": _recall,
            "precision, 9 checked : 1 unchecked": lambda own: _precision(own, 9, 1),
            "precision, 1 checked : 9 unchecked": lambda own: _precision(own, 1, 9),
            "MAP@5": _mean_average_precision,
        }
        known = sum(judged.known for judged in self.trials)
        wrong = sum(judged.answered and not judged.right for judged in self.trials)
        lines = [f"{title}: {known} queries with a claim, {len(self.trials)} trials, {wrong} false answers"]
        for name, figure in figures.items():
            low, high = self.interval(figure)
            lines.append(f"  {name:<36} {figure(self.trials):.3f}  [{low:.3f}, {high:.3f}]")
        return lines


def _precision(trials: Iterable[Judged], checked: float, unchecked: float) -> float:
    right = wrong = 0.0
    for judged in trials:
        if judged.answered:
            weight = unchecked if judged.held_out else checked
            right, wrong = right + weight * judged.right, wrong + weight * (not judged.right)
    return right / (right + wrong) if right + wrong else 1.0


def _recall(trials: Iterable[Judged]) -> float:
    known = [judged for judged in trials if judged.known]
    return sum(judged.answered and judged.right for judged in known) / max(1, len(known))


def _mean_average_precision(trials: Iterable[Judged]) -> float:
    known = [judged.average_precision for judged in trials if judged.known]
    return sum(known) / max(1, len(known))


def judge(found: Sequence[Example], calibration: rules.Calibration) -> list[Judged]:
    """Every trial of the examples, decided by the calibration and the guard."""
    return [_judged(trial, calibration) for example in found for trial in example.trials()]


def _judged(trial: Trial, calibration: rules.Calibration) -> Judged:
    ranked = ordered(trial.near, calibration)
    example = trial.example
    answered = bool(ranked) and _answered(trial, ranked, calibration)
    return Judged(
        example.group,
        example.query.split,
        trial.held_out,
        known=not trial.held_out and bool(example.query.claim_ids),
        answered=answered,
        right=answered and trial.right(ranked[0].claim_id),
        average_precision=_average_precision(ranked, example.query.claim_ids),
    )


def _answered(trial: Trial, ranked: Sequence[Candidate], calibration: rules.Calibration) -> bool:
    return judge_best(trial.example.message, ranked, calibration, _plain_weight).decision.outcome == "answer"


def _plain_weight(term: str) -> float:
    """The index is gone when trials are judged; for finding the matched span, common or not is enough."""
    return f.rarity(term, 1, 1_000)


def _average_precision(ranked: Sequence[Candidate], right: frozenset[str]) -> float:
    hits, total = 0, 0.0
    for place, candidate in enumerate(ranked[:_TOP], 1):
        if candidate.claim_id in right:
            hits += 1
            total += hits / place
    return total / min(_TOP, len(right)) if right else 0.0


def english(data: Path, encoder: Encodes) -> tuple[Report, Report]:
    """Cross-fitted reports: the whole 2022 set, and the test split of 2020, whose posts the folds keep apart too."""
    found = examples(load(data / ENGLISH), encoder)
    folds = {query_key(example.query.text): fold_of(example) for example in found}
    older = [
        example
        for example in examples(load(data / "en_checkthat2020", splits=("test",)), encoder)
        if example.query.claim_ids
    ]
    whole: list[Judged] = []
    test: list[Judged] = []
    for fold in range(FOLDS):
        calibration = fit_calibration(outside(found, fold), ENGLISH_RECIPE)
        whole += judge([example for example in found if fold_of(example) == fold], calibration)
        own = [example for example in older if folds.get(query_key(example.query.text), 0) == fold]
        test += judge(own, calibration)
    return Report(tuple(whole)), Report(tuple(test))


def chinese(data: Path, encoder: Encodes) -> Report:
    """Cross-fitted over both Chinese sets; their gold is incomplete, so these are lower bounds."""
    found = chinese_examples(data, encoder)
    judged: list[Judged] = []
    for fold in range(FOLDS):
        calibration = fit_calibration(outside(found, fold), CHINESE_RECIPE)
        judged += judge([example for example in found if fold_of(example) == fold], calibration)
    return Report(tuple(judged))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the reports."""
    parser = argparse.ArgumentParser(description="Evaluate the matcher on public query -> claim sets.")
    parser.add_argument("data", type=Path, help="the folder that holds the sets")
    parser.add_argument(
        "--model", type=Path, help="a folder with another encoder: model.onnx, tokenizer.json"
    )
    chosen = parser.parse_args(arguments)
    encoder = RememberingEncoder(Encoder.open(chosen.model))
    whole, test = english(chosen.data, encoder)
    encoder.save()
    reports = {
        "CheckThat! 2022, all": whole,
        "CheckThat! 2020, test": test,
        "Chinese": chinese(chosen.data, encoder),
    }
    for title, report in reports.items():
        sys.stdout.write("\n".join(report.lines(title)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

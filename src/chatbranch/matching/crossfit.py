"""How well numbers fitted elsewhere decide:  python -m chatbranch.matching.crossfit DATA_DIR

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

from chatbranch.matching import rules
from chatbranch.matching.dataset import RememberingEncoder, load
from chatbranch.matching.encoder import Encoder
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
class Figure:
    """A ratio over trials. ``parts``: what one trial adds to the numerator and to the denominator."""

    name: str
    parts: Callable[[Judged], tuple[float, float]]

    def of(self, trials: Iterable[Judged]) -> float:
        over = under = 0.0
        for judged in trials:
            mine = self.parts(judged)
            over, under = over + mine[0], under + mine[1]
        return over / under if under else 1.0


def precision(checked: float, unchecked: float) -> Figure:
    """The share of right answers, known trials counting ``checked`` each and held-out ones ``unchecked``."""

    def parts(judged: Judged) -> tuple[float, float]:
        weight = (unchecked if judged.held_out else checked) * judged.answered
        return weight * judged.right, weight

    return Figure(f"precision, {checked:g} checked : {unchecked:g} unchecked", parts)


RECALL = Figure(
    "recall of answers", lambda judged: (float(judged.known and judged.right), float(judged.known))
)
MAP = Figure("MAP@5", lambda judged: (judged.known * judged.average_precision, float(judged.known)))
EASY, HARD = precision(9, 1), precision(1, 9)


@dataclass(frozen=True)
class Report:
    """Figures over some trials; each with its 95 % interval."""

    trials: tuple[Judged, ...]

    def where(self, chosen: Callable[[Judged], bool]) -> Report:
        return Report(tuple(judged for judged in self.trials if chosen(judged)))

    def __getitem__(self, figure: Figure) -> float:
        return figure.of(self.trials)

    def interval(self, figure: Figure) -> tuple[float, float]:
        """The 95 % bootstrap interval of a figure, resampling whole groups."""
        places: dict[str, int] = {}
        owners = np.array([places.setdefault(judged.group, len(places)) for judged in self.trials])
        parts = np.array([figure.parts(judged) for judged in self.trials])
        sums = np.stack([np.bincount(owners, column, len(places)) for column in parts.T], axis=1)
        picks = np.random.default_rng(0).integers(0, len(places), (_RESAMPLES, len(places)))
        over, under = np.moveaxis(sums[picks].sum(axis=1), 1, 0)
        low, high = np.quantile(over / np.maximum(under, 1e-9), (0.025, 0.975))
        return float(low), float(high)

    def lines(self, title: str) -> list[str]:
        """The report as text."""
        known = sum(judged.known for judged in self.trials)
        wrong = sum(judged.answered and not judged.right for judged in self.trials)
        lines = [f"{title}: {known} queries with a claim, {len(self.trials)} trials, {wrong} false answers"]
        for figure in (RECALL, EASY, HARD, MAP):
            low, high = self.interval(figure)
            lines.append(f"  {figure.name:<36} {self[figure]:.3f}  [{low:.3f}, {high:.3f}]")
        return lines


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
    return judge_best(trial.example.message, ranked, calibration).decision.outcome == "answer"


def _average_precision(ranked: Sequence[Candidate], right: frozenset[str]) -> float:
    hits, total = 0, 0.0
    for place, candidate in enumerate(ranked[:_TOP], 1):
        if candidate.claim_id in right:
            hits += 1
            total += hits / place
    return total / min(_TOP, len(right)) if right else 0.0


def cross_fitted_english(found: Sequence[Example], older: Sequence[Example]) -> tuple[Report, Report]:
    """Reports on a set, and on another set's examples judged by the fold their post lies in.

    The second set's posts are among the first's (its library is another), so each is judged by numbers fitted
    without it and without its claims.
    """
    folds = {query_key(example.query.text): fold_of(example) for example in found}
    labelled = [example for example in older if example.query.claim_ids]
    whole: list[Judged] = []
    other: list[Judged] = []
    for fold in range(FOLDS):
        calibration = fit_calibration(outside(found, fold), ENGLISH_RECIPE)
        whole += judge([example for example in found if fold_of(example) == fold], calibration)
        own = [example for example in labelled if folds.get(query_key(example.query.text), 0) == fold]
        other += judge(own, calibration)
    return Report(tuple(whole)), Report(tuple(other))


def cross_fitted_chinese(found: Sequence[Example]) -> Report:
    """A report on the Chinese examples; their gold is incomplete, so its figures are lower bounds."""
    judged: list[Judged] = []
    for fold in range(FOLDS):
        calibration = fit_calibration(outside(found, fold), CHINESE_RECIPE)
        judged += judge([example for example in found if fold_of(example) == fold], calibration)
    return Report(tuple(judged))


def by_split(title: str, report: Report) -> dict[str, Report]:
    """A report's parts, one for each split in which a query has its claim."""

    def of(split: str) -> Report:
        return report.where(lambda judged: judged.split == split)

    splits = sorted({judged.split for judged in report.trials if judged.known})
    return {f"{title}, {split}": of(split) for split in splits}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the reports."""
    parser = argparse.ArgumentParser(description="Evaluate the matcher on public query -> claim sets.")
    parser.add_argument("data", type=Path, help="the folder that holds the sets")
    parser.add_argument(
        "--model", type=Path, help="a folder with another encoder: model.onnx, tokenizer.json"
    )
    chosen = parser.parse_args(arguments)
    encoder = RememberingEncoder(Encoder.open(chosen.model))
    older = examples(load(chosen.data / "en_checkthat2020", splits=("test",)), encoder)
    whole, test = cross_fitted_english(examples(load(chosen.data / ENGLISH), encoder), older)
    chinese = cross_fitted_chinese(chinese_examples(chosen.data, encoder))
    encoder.save()
    reports = {"CheckThat! 2022, all splits": whole, "CheckThat! 2020, test": test, "Chinese": chinese}
    reports |= by_split("Chinese", chinese)
    for title, report in reports.items():
        sys.stdout.write("\n".join(report.lines(title)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

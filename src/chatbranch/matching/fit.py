"""Fits the numbers in ``fitted.json``:  python -m chatbranch.matching.fit DATA_DIR

DATA_DIR holds the public sets: ``en_checkthat2022`` (CheckThat! 2022 task 2A, English: posts -> Snopes claims) for
English; ``zh_news_titles`` (WSDM Cup 2019) and ``zh_weibo_events`` for Chinese. Nothing is drawn at random, so the
same data, encoder and guard give the same numbers. ``--check`` compares instead of writing.

Order of candidates: a conditional logit over the candidates of each query (McFadden 1974), ridge-penalised.
Probability of the best: a logistic regression over trials with the claim in the library (weight 1) and held out
(weight 9), so that the probability holds where one message in ten was checked before. A likeness may only speak
for a match: features whose weight comes out negative are dropped, one by one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbranch.matching import rules
from chatbranch.matching.dataset import Dataset, RememberingEncoder, load
from chatbranch.matching.encoder import Encoder, Encodes
from chatbranch.matching.judgement import ordered, top_features
from chatbranch.matching.training import Example, Trial, examples

Array = npt.NDArray[np.float64]

ENGLISH = "en_checkthat2022"
CHINESE = ("zh_news_titles", "zh_weibo_events")

_WORDS = ("claim_covered", "message_covered", "overlap", "bm25", "message_rarest", "claim_rarest", "order")
_VECTORS = ("cosine", "cosine_joint", "cosine_sentence")
_NUMBERS = ("numbers_covered",)
_DAY = ("same_month", "possible_year")
_LEAD = ("score_margin", "bm25_lead", "message_terms")
FREE_SIGN = frozenset({"message_terms"})  # not a likeness

RIDGE = 1.0
ANSWER_FROM = {"en": 0.58, "zh": 0.68}
SUGGEST_FROM = {"en": 0.10, "zh": 0.10}
COPY = rules.Copy(claim_covered=0.9, order=0.8, probability=0.0)  # its probability is counted below
PART_FROM = {"en": None, "zh": 2.0}
_ROUND = 6  # digits that are kept


@dataclass(frozen=True)
class Recipe:
    """Which features a language's two regressions may use."""

    lang: str
    rank: tuple[str, ...]
    answer: tuple[str, ...]


ENGLISH_RECIPE = Recipe(
    "en", _WORDS + _VECTORS + _NUMBERS + _DAY, (*_WORDS, *_VECTORS, *_NUMBERS, *_LEAD, "cosine_lead")
)
# Without a lead in cosine: two texts in Chinese that have nothing in common have one of 0.8, which in a library of one claim
# would be the lead.
CHINESE_RECIPE = Recipe("zh", _WORDS + _VECTORS + _NUMBERS, (*_WORDS, *_VECTORS, *_NUMBERS, *_LEAD))


def fit_calibration(found: Sequence[Example], recipe: Recipe) -> rules.Calibration:
    """Both regressions and the copy rule of one language, from its examples."""
    rank = _fit_rank([example for example in found if example.right], recipe.rank)
    copy = replace(COPY, part_from=PART_FROM[recipe.lang])
    draft = rules.Calibration(rank, rank, ANSWER_FROM[recipe.lang], SUGGEST_FROM[recipe.lang], copy)
    tops = [top for example in found for trial in example.trials() if (top := _top(trial, draft))]
    answer = _fit_answer(tops, recipe.answer)
    return replace(draft, answer=answer, copy=replace(copy, probability=_copy_probability(tops)))


@dataclass(frozen=True)
class _Top:
    features: dict[str, float]
    right: bool
    weight: float


def _top(trial: Trial, calibration: rules.Calibration) -> _Top | None:
    ranked = ordered(trial.near, calibration)
    if not ranked:
        return None
    return _Top(top_features(trial.example.message, ranked), trial.right(ranked[0].claim_id), trial.weight)


def _copy_probability(tops: Iterable[_Top]) -> float:
    """How often a word-for-word copy of a wording said the same, known and held-out trials alike (Laplace)."""
    copies = [top.right for top in tops if COPY.holds(top.features)]
    return round((sum(copies) + 1) / (len(copies) + 2), _ROUND)


# --- the two regressions --------------------------------------------------------------------------


def _fit_rank(found: Sequence[Example], names: tuple[str, ...]) -> rules.Logistic:
    rows = [
        (
            np.array([[candidate.features[name] for name in names] for candidate in example.near]),
            np.array([candidate.claim_id in example.right for candidate in example.near]),
        )
        for example in found
        if example.near
    ]
    means, scales = _standard(np.vstack([features for features, _ in rows]))
    groups = [((features - means) / scales, gold) for features, gold in rows if gold.any()]

    def fit(kept: list[int]) -> Array:
        return conditional_logit([(features[:, kept], gold) for features, gold in groups])

    kept, weights = _without_negative(fit, names)
    return _logistic(names, kept, weights, means, scales, 0.0)


def _fit_answer(tops: Sequence[_Top], names: tuple[str, ...]) -> rules.Logistic:
    features = np.array([[top.features[name] for name in names] for top in tops])
    right = np.array([float(top.right) for top in tops])
    weight = np.array([top.weight for top in tops])
    means, scales = _standard(features)
    features = (features - means) / scales

    def fit(kept: list[int]) -> Array:
        return logistic_regression(features[:, kept], right, weight)

    kept, weights = _without_negative(fit, names)
    return _logistic(names, kept, weights[:-1], means, scales, float(weights[-1]))


def _standard(features: Array) -> tuple[Array, Array]:
    scales = features.std(axis=0)
    return features.mean(axis=0), np.where(scales < 1e-6, 1.0, scales)


def _without_negative(fit: Callable[[list[int]], Array], names: Sequence[str]) -> tuple[list[int], Array]:
    """Fit, drop the feature with the most negative weight, and again until none is left that may not be."""
    kept = list(range(len(names)))
    while True:
        weights = fit(kept)
        negative = [i for i, k in enumerate(kept) if names[k] not in FREE_SIGN and weights[i] <= 0]
        if not negative:
            return kept, weights
        kept.pop(min(negative, key=lambda i: weights[i]))


def _logistic(
    names: Sequence[str], kept: list[int], weights: Array, means: Array, scales: Array, bias: float
) -> rules.Logistic:
    def rounded(values: Iterable[float]) -> tuple[float, ...]:
        return tuple(round(float(value), _ROUND) for value in values)

    own = tuple(names[k] for k in kept)
    return rules.Logistic(
        own, rounded(weights), rounded(means[kept]), rounded(scales[kept]), round(bias, _ROUND)
    )


def conditional_logit(groups: Sequence[tuple[Array, npt.NDArray[np.bool_]]]) -> Array:
    """Weights that make the right candidates of each group likely among its candidates.

    groups: (candidates x features, which of them are right), each with at least one right. Newton's method with
    step halving on the ridge-penalised log-likelihood.
    """
    deep, wide = max(len(gold) for _, gold in groups), groups[0][0].shape[1]
    features = np.zeros((len(groups), deep, wide))
    gold = np.zeros((len(groups), deep), bool)
    filler = np.full((len(groups), deep), -np.inf)
    for i, (own, right) in enumerate(groups):
        features[i, : len(right)], gold[i, : len(right)], filler[i, : len(right)] = own, right, 0.0

    def likelihood(weights: Array) -> tuple[float, Array]:
        scores = features @ weights + filler
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        fit = np.log((odds * gold).sum(axis=1)) - np.log(odds.sum(axis=1))
        return float(fit.sum() - RIDGE / 2 * weights @ weights), odds

    def step(weights: Array, odds: Array) -> Array:
        share = odds / odds.sum(axis=1, keepdims=True)
        right = odds * gold / (odds * gold).sum(axis=1, keepdims=True)
        mean = np.einsum("gc,gcf->gf", share, features)
        gradient = np.einsum("gc,gcf->f", right, features) - mean.sum(axis=0) - RIDGE * weights
        spread = np.einsum("gcf,gce->fe", features * share[..., None], features, optimize=True)
        return np.asarray(np.linalg.solve(spread - mean.T @ mean + RIDGE * np.eye(wide), gradient))

    return _newton(np.zeros(wide), likelihood, step)


def logistic_regression(features: Array, right: Array, weight: Array) -> Array:
    """Weights and, last, the bias; weighted, ridge-penalised (not the bias), Newton's method with step halving."""
    design = np.c_[features, np.ones(len(features))]
    ridge = np.full(design.shape[1], RIDGE)
    ridge[-1] = 0.0

    def likelihood(weights: Array) -> tuple[float, Array]:
        scores = design @ weights
        fit = -np.logaddexp(0, np.where(right > 0, -scores, scores)) * weight
        return float(fit.sum() - (ridge * weights**2).sum() / 2), 1 / (1 + np.exp(-scores))

    def step(weights: Array, likely: Array) -> Array:
        gradient = design.T @ (weight * (right - likely)) - ridge * weights
        spread = (design * (weight * likely * (1 - likely))[:, None]).T @ design
        return np.asarray(np.linalg.solve(spread + np.diag(ridge), gradient))

    return _newton(np.zeros(design.shape[1]), likelihood, step)


def _newton(
    weights: Array,
    likelihood: Callable[[Array], tuple[float, Array]],
    step: Callable[[Array, Array], Array],
) -> Array:
    value, state = likelihood(weights)
    for _ in range(100):
        direction, length = step(weights, state), 1.0
        while (attempt := likelihood(weights + length * direction))[0] < value and length > 1e-9:
            length /= 2
        weights = weights + length * direction
        gained, (value, state) = attempt[0] - value, attempt
        if gained < 1e-10:
            break
    return weights


# --- the command ----------------------------------------------------------------------------------


def fit(data: Path, encoder: Encodes, also: Sequence[Path] = ()) -> dict[str, Any]:
    """The content of ``fitted.json`` for the sets in ``data``.

    also: folders of further sets, such as a branch's corrections; each query counts for the language it is in.
    """
    more = [example for folder in also for example in examples(load(folder), encoder)]
    english = [*examples(load(data / ENGLISH), encoder), *(own for own in more if not own.message.chinese)]
    chinese = [*chinese_examples(data, encoder), *(own for own in more if own.message.chinese)]
    return _numbers(
        fit_calibration(english, ENGLISH_RECIPE), fit_calibration(chinese, CHINESE_RECIPE), encoder
    )


def _numbers(english: rules.Calibration, chinese: rules.Calibration, encoder: Encodes) -> dict[str, Any]:
    numbers = {"en": _stored(english), "zh": _stored(chinese)}
    return {"version": rules.version_of(numbers), "encoder": encoder.digest, **numbers}


def chinese_examples(data: Path, encoder: Encodes) -> list[Example]:
    """The examples of the Chinese sets, each in its own library."""
    sets: list[Dataset] = [load(data / name) for name in CHINESE]
    return [example for dataset in sets for example in examples(dataset, encoder)]


def _stored(calibration: rules.Calibration) -> dict[str, Any]:
    return {
        "answer_from": calibration.answer_from,
        "suggest_from": calibration.suggest_from,
        "copy": vars(calibration.copy),
        "rank": _stored_logistic(calibration.rank),
        "answer": _stored_logistic(calibration.answer),
    }


def _stored_logistic(fitted: rules.Logistic) -> dict[str, Any]:
    columns = zip(fitted.names, fitted.weights, fitted.means, fitted.scales, strict=True)
    features = {name: {"weight": w, "mean": m, "scale": s} for name, w, m, s in columns}
    return {"bias": fitted.bias, "features": features}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write, or with --check compare; 1 if the shipped numbers are not what the data give."""
    parser = argparse.ArgumentParser(description="Fit the matcher's numbers on public query -> claim sets.")
    parser.add_argument("data", type=Path, help="the folder that holds the sets")
    parser.add_argument(
        "--model", type=Path, help="a folder with another encoder: model.onnx, tokenizer.json"
    )
    parser.add_argument(
        "--out", type=Path, default=rules.FITTED, help="where to write (default: in the package)"
    )
    parser.add_argument("--check", action="store_true", help="compare with what is there instead of writing")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a further set, such as corrections: chatbranch export DIR --format corrections",
    )
    chosen = parser.parse_args(arguments)
    encoder = RememberingEncoder(Encoder.open(chosen.model))
    numbers = fit(chosen.data, encoder, chosen.also)
    encoder.save()
    if chosen.check:
        return 0 if numbers == json.loads(chosen.out.read_text(encoding="utf-8")) else 1
    chosen.out.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""When a message is answered, when a claim is only suggested, and when it is new. Pure.

The two scores are logistic regressions whose numbers ``fit`` writes to ``fitted.json``: one orders the candidate
claims, the other says how probable it is that the best of them is what the message says. English and Chinese have
their own numbers; Chinese is judged by a stricter rule besides, because less was known when it was fitted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chatbranch.matching.features import Stretch

Outcome = Literal["answer", "suggest", "new"]

FITTED = Path(__file__).with_name("fitted.json")
INFORMATIVE_ENOUGH = 6  # terms; a shorter message is answered only when it is nearly the claim itself
SET_APART = "members-say-another"  # two outlets said so (agreement.py): whatever the numbers say, no answer
PIECE_TERMS = 7  # fewer in a row are an expression that anybody uses
PIECE_COVERS = 0.8  # share of a wording's weight; a message that holds more is no mere piece of it
PIECE_EXACT, PIECE_ORDER = (
    0.95,
    0.9,
)  # nearer to word for word than a copy: who rewords has an odd word in between
NEARLY_IDENTICAL = 0.9  # share of the weight of each that the other holds


@dataclass(frozen=True)
class Logistic:
    """A logistic regression on standardised features."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    bias: float

    def score(self, features: Mapping[str, float]) -> float:
        """The log-odds; KeyError if a feature is missing."""
        terms = zip(self.names, self.weights, self.means, self.scales, strict=True)
        return self.bias + sum(
            weight * (features[name] - mean) / scale for name, weight, mean, scale in terms
        )


def probability(score: float) -> float:
    """Log-odds -> 0..1, without overflow."""
    return 1 / (1 + math.exp(-score)) if score > -700 else 0.0


@dataclass(frozen=True)
class Copy:
    """When a message repeats a wording word for word, whatever stands before and after it.

    claim_covered: the share of the wording's weight that the message holds; order: the share of its neighbouring
    terms that are neighbours in the message. probability: how often such a copy said the same, in the sets. part_from:
    so many times as long as the wording is a message of which the copy is only a part; None where that tells nothing.
    """

    claim_covered: float
    order: float
    probability: float
    part_from: float | None = None

    def holds(self, features: Mapping[str, float]) -> bool:
        return features["claim_covered"] >= self.claim_covered and features["order"] >= self.order

    def is_part(self, features: Mapping[str, float]) -> bool:
        """Whether the message says a wording word for word, and much else."""
        if self.part_from is None or not self.holds(features):
            return False
        return features["claim_covered"] >= self.part_from * features["message_covered"]

    def is_piece(self, features: Mapping[str, float]) -> bool:
        """Whether the message is only a piece of a wording, by the same shares of the message.

        What was found about the whole need not hold for it: a rumour may begin with something true.
        """
        inside = features["message_covered"] >= self.claim_covered and features["message_order"] >= self.order
        return inside and features["claim_covered"] < self.claim_covered


@dataclass(frozen=True)
class Calibration:
    """The fitted numbers of one language: order of candidates, probability of the best, thresholds on it."""

    rank: Logistic
    answer: Logistic
    answer_from: float
    suggest_from: float
    copy: Copy

    def likely(self, features: Mapping[str, float]) -> float:
        """The probability that the best claim is what the message says."""
        fitted = probability(self.answer.score(features))
        return max(fitted, self.copy.probability) if self.copy.holds(features) else fitted


@dataclass(frozen=True)
class Fitted:
    """All fitted numbers, and the version that outcomes are stored with."""

    version: str
    english: Calibration
    chinese: Calibration

    def of(self, lang: str) -> Calibration:
        return self.chinese if lang.startswith("zh") else self.english


def load_fitted(path: Path = FITTED) -> Fitted:
    """The fitted numbers in a file; OSError or ValueError if there are none."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Fitted(stored["version"], _calibration(stored["en"]), _calibration(stored["zh"]))


def fitted_for(model: Path | None) -> Fitted:
    """The numbers fitted for the encoder in a folder, where it holds some; else those that are shipped."""
    own = model / FITTED.name if model else FITTED
    return load_fitted(own if own.exists() else FITTED)


def version_of(numbers: Mapping[str, Any]) -> str:
    """A short name for fitted numbers: outcomes are stored with it."""
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:12]


def _calibration(stored: Mapping[str, Any]) -> Calibration:
    return Calibration(
        _logistic(stored["rank"]),
        _logistic(stored["answer"]),
        stored["answer_from"],
        stored["suggest_from"],
        Copy(**stored["copy"]),
    )


def _logistic(stored: Mapping[str, Any]) -> Logistic:
    features = stored["features"]
    columns = {
        key: tuple(float(feature[key]) for feature in features.values())
        for key in ("weight", "mean", "scale")
    }
    return Logistic(
        tuple(features), columns["weight"], columns["mean"], columns["scale"], float(stored["bias"])
    )


@dataclass(frozen=True)
class Decision:
    """An outcome, the threshold it was held against, and the rule that decided, in words a log can keep."""

    outcome: Outcome
    threshold: float
    rule: str


def decide(
    likely: float,
    features: Mapping[str, float],
    calibration: Calibration,
    *,
    chinese: bool,
    informative: int,
    conflict: bool,
    missing: bool,
    stretches: Sequence[Stretch] = (),
) -> Decision:
    """Answer, suggest or new for the best claim.

    likely: its calibrated probability. informative: how many telling terms the message holds. stretches: what of the
    message says each of the claim's wordings.
    conflict, missing: what the guard found (a slot that contradicts the claim; a decisive one left out).
    """
    if likely < calibration.suggest_from:
        return Decision("new", calibration.suggest_from, "nothing-near")
    hold = _reason_to_hold(
        likely, features, calibration, chinese=chinese, informative=informative, stretches=stretches
    )
    if conflict:
        return Decision("suggest", calibration.answer_from, "guard-conflict")
    if hold:
        return Decision("suggest", calibration.answer_from, hold)
    if missing:
        return Decision("suggest", calibration.answer_from, "guard-missing")
    return Decision("answer", calibration.answer_from, "calibrated-and-clean")


def is_piece_among(stretch: Stretch, features: Mapping[str, float]) -> bool:
    """Whether a piece of a wording stands in the message word for word, among other words, and nothing else of it.

    More must be left out than of a bare piece (Copy.is_piece): the words around may say a little of the rest.
    """
    repeated = stretch.held >= PIECE_EXACT and stretch.order >= PIECE_ORDER
    alone = stretch.terms >= PIECE_TERMS and stretch.gathered >= PIECE_EXACT
    return repeated and alone and features["claim_covered"] < PIECE_COVERS


def _reason_to_hold(
    likely: float,
    features: Mapping[str, float],
    calibration: Calibration,
    *,
    chinese: bool,
    informative: int,
    stretches: Sequence[Stretch],
) -> str:
    identical = min(features["claim_covered"], features["message_covered"]) >= NEARLY_IDENTICAL
    if informative < INFORMATIVE_ENOUGH and not identical:
        return "too-short"
    if likely < calibration.answer_from:
        return "below-threshold"
    if calibration.copy.is_piece(features) or any(is_piece_among(each, features) for each in stretches):
        return "only-a-piece"
    if chinese and not calibration.copy.holds(features):
        return "chinese-not-a-copy"
    return ""


_BLANK = Calibration(
    Logistic((), (), (), (), 0.0), Logistic((), (), (), (), 0.0), 1.0, 1.0, Copy(1.0, 1.0, 0.0)
)
NOTHING_FITTED = Fitted("", _BLANK, _BLANK)  # for looking up candidates before anything is fitted

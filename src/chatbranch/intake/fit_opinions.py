"""Learn what opinions look like:  python -m chatbranch.intake.fit_opinions SENTENCES DATA_DIR [--check]

SENTENCES: tests/data/opinions.tsv, of which the rows `fit` are learnt from. DATA_DIR: the public sets of chatbranch.matching, whose
claims were all checked, so that none of them is an opinion. A logistic regression with a ridge over the stretches of
opinions.py, in which opinions count as much as reports. The ridge was set by hand, with an eye on 210 of the rows `kept`, and
never on the other 240. The two thresholds of each language come from five-fold cross-fitting: the lowest at which TURNED_AWAY of the
hand-written reports would be called opinions, and the highest at which TAKEN of the opinions would be called reports. Nothing
is drawn at random.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chatbranch.intake.opinions import FITTED, LANGUAGES, Fitted, language, stretches

TURNED_AWAY, TAKEN = 0.03, 0.005
RIDGE = 0.1
SEEN_IN = 3  # sentences, at least, for a stretch to count
LEAST = 0.03  # a weight below this is left out
FOLDS = 5
PUBLIC = {"en_checkthat2020": 900, "zh_news_titles": 300, "zh_weibo_events": 55, "zh_dxy_checks": 86}
"""Set -> how many of its claims are learnt from: those whose hashes come first."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sentence:
    """A sentence, and whether it is an opinion. ours: written for this, so that the thresholds go by it."""

    text: str
    opinion: bool
    ours: bool = True

    @property
    def fold(self) -> int:
        return int(_hash(self.text), 16) % FOLDS


def read(path: Path, part: str) -> list[Sentence]:
    """The rows of one part: part, kind, language and text, parted by tabs."""
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return [Sentence(text, kind == "opinion") for which, kind, _, text in rows if which == part]


def public(data: Path) -> Iterator[Sentence]:
    """Claims of the public sets."""
    for name, most in PUBLIC.items():
        lines = (data / name / "claims.jsonl").read_text("utf-8").splitlines()
        for text in sorted({json.loads(line)["text"] for line in lines}, key=_hash)[:most]:
            yield Sentence(text, opinion=False, ours=False)


def fit(sentences: Sequence[Sentence]) -> Fitted:
    """The numbers, thresholds included."""
    scores = {(opinion, lang): list[float]() for opinion in (True, False) for lang in LANGUAGES}
    for fold in range(FOLDS):
        learnt = _fit([each for each in sentences if each.fold != fold])
        for each in sentences:
            if each.ours and each.fold == fold:
                scores[each.opinion, language(each.text)].append(learnt.score(each.text))
    return replace(
        _fit(sentences),
        opinion_from={lang: _quantile(scores[False, lang], 1 - TURNED_AWAY) for lang in LANGUAGES},
        checkable_to={lang: _quantile(scores[True, lang], TAKEN) for lang in LANGUAGES},
    )


def _quantile(scores: Sequence[float], share: float) -> float:
    return round(float(np.quantile(scores, share)), 2)


def _fit(sentences: Sequence[Sentence]) -> Fitted:
    said = [stretches(each.text) for each in sentences]
    names = _names(said)
    places = {name: place for place, name in enumerate(names)}
    features = np.zeros((len(said), len(names) + 1))
    for row, each in zip(features, said, strict=True):
        known = [places[name] for name in each if name in places]
        row[known] = 1 / np.sqrt(max(1, len(known)))
    features[:, -1] = 10  # the bias, all but free of the ridge
    opinion = np.array([each.opinion for each in sentences], float)
    weights = _ridge(
        features, opinion, np.where(opinion == 1, 0.5 / opinion.mean(), 0.5 / (1 - opinion.mean()))
    )
    kept = {name: round(float(w), 2) for name, w in zip(names, weights, strict=False) if abs(w) >= LEAST}
    return Fitted(kept, round(float(10 * weights[-1]), 3), {}, {})


def _names(said: Iterable[frozenset[str]]) -> list[str]:
    """The stretches that count, in one order."""
    seen = Counter(name for each in said for name in each)
    return sorted(name for name, count in seen.items() if count >= SEEN_IN)


def _ridge(features: Array, right: Array, weight: Array) -> Array:
    """Logistic regression with a ridge by Newton's steps in the dual, for there are more stretches than sentences."""
    alike = features @ features.T
    dual = np.zeros(len(right))
    for _ in range(50):
        expected = 1 / (1 + np.exp(-alike @ dual))
        curve = weight * expected * (1 - expected) + 1e-9
        aim = alike @ dual - weight * (expected - right) / curve
        step = np.linalg.solve(alike + np.diag(RIDGE / curve), aim) - dual
        dual += step
        if np.abs(step).max() < 1e-7:
            break
    return features.T @ dual


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write, or with --check compare; 1 if the shipped numbers are not what the sentences give."""
    parser = argparse.ArgumentParser(description="Learn what opinions look like.")
    parser.add_argument("sentences", type=Path, help="src/chatbranch/intake/tests/data/opinions.tsv")
    parser.add_argument("data", type=Path, help="the folder that holds the public sets")
    parser.add_argument("--check", action="store_true", help="compare with what is there instead of writing")
    chosen = parser.parse_args(arguments)
    found = vars(fit([*read(chosen.sentences, "fit"), *public(chosen.data)]))
    if chosen.check:
        return 0 if found == json.loads(FITTED.read_text("utf-8")) else 1
    FITTED.write_text(json.dumps(found, ensure_ascii=False, indent=0) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Whether a text can be checked at all: it reports something, or it only judges. Pure.

What opinions, and what reports, look like was learnt from sentences of which people said which they are (fit_opinions.py): each
stretch of one to three characters, in English of one to three words, has a weight in opinions.json, and a text's score is what
its stretches weigh together. A high score is an opinion. A text of which any sentence scores low reports something, and can be
checked. Of the rest nothing is said: a person looks. Whoever is told that something is an opinion may contest it, and a
person decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path

from chatbranch.kernel.text import clean, is_cjk, to_simplified

OPINION, CHECKABLE, UNCLEAR = "opinion", "checkable", "unclear"
FITTED = Path(__file__).with_suffix(".json")
LANGUAGES = ("zh", "en")
LONGEST = 3  # characters, or words, to a stretch
_READ_AT_MOST = 5_000  # characters; what comes after them changes nothing
_SENTENCES = re.compile(r"(?<=[。！？!?\n…])\s*|(?<=\.)\s+")
_FEWEST = 6  # stretches; less says nothing by itself
_WORDS = re.compile(r"[a-z']+|0|[?!]")


@dataclass(frozen=True)
class Fitted:
    """What was learnt. bias: the score of a text that says nothing. In each of LANGUAGES: from opinion_from up an opinion, down
    to checkable_to a report."""

    weights: Mapping[str, float]
    bias: float
    opinion_from: Mapping[str, float]
    checkable_to: Mapping[str, float]

    def score(self, text: str) -> float:
        """How much a text looks like an opinion; 0 is even. Stretches that were never met weigh nothing."""
        known = [weight for each in stretches(text) if (weight := self.weights.get(each)) is not None]
        return self.bias + sum(known) / sqrt(max(1, len(known)))

    def reading(self, text: str) -> str:
        """OPINION, CHECKABLE or UNCLEAR, in any of the three scripts."""
        text = text[:_READ_AT_MOST]
        lang, score = language(text), self.score(text)
        if min([score, *map(self.score, _sentences(text))]) <= self.checkable_to[lang]:
            return CHECKABLE
        return OPINION if score >= self.opinion_from[lang] else UNCLEAR


@cache
def shipped() -> Fitted:
    """The numbers in the package."""
    return Fitted(**json.loads(FITTED.read_text("utf-8")))


def reading(text: str) -> str:
    """OPINION, CHECKABLE or UNCLEAR, by the numbers in the package."""
    return shipped().reading(text)


def is_opinion(text: str) -> bool:
    """Whether nothing in the text can be checked, because it judges and reports nothing."""
    return reading(text) == OPINION


def language(text: str) -> str:
    """Which of LANGUAGES a text is read in: Chinese where it has four characters of it."""
    return "zh" if sum(map(is_cjk, text)) >= 4 else "en"


def stretches(text: str) -> frozenset[str]:
    """What a text is known by: every 1 to LONGEST neighbouring characters or, where it is in English, words. Any number is 0."""
    said = re.sub(r"\d+", "0", to_simplified(clean(text)).lower().replace("’", "'"))
    if language(said) == "zh":
        units, gap = ["^", *"".join(said.split()), "$"], ""
    else:
        units, gap = ["^", *_WORDS.findall(said), "$"], " "
    return frozenset(_runs(units, gap))


def _runs(units: list[str], gap: str) -> Iterator[str]:
    for length in range(1, LONGEST + 1):
        for start in range(len(units) - length + 1):
            yield gap.join(units[start : start + length])


def _sentences(text: str) -> list[str]:
    """The sentences of a text, where it has several that are long enough to say anything."""
    parts = [each for each in _SENTENCES.split(text) if len(stretches(each)) >= LONGEST * _FEWEST]
    return parts if len(parts) > 1 else []

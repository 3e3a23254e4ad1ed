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
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import fsum, sqrt
from pathlib import Path

from chatbranch.kernel.text import clean, is_cjk, to_simplified

OPINION, CHECKABLE, UNCLEAR = "opinion", "checkable", "unclear"
FITTED = Path(__file__).with_suffix(".json")
LANGUAGES = ("zh", "en")
LONGEST = 3  # characters, or words, to a stretch
_READ_AT_MOST = 5_000  # characters; what comes after them changes nothing
_SENTENCES = re.compile(r"(?<=[。！？!?\n…])\s*|(?<=\.)\s+")
_FEWEST = {"zh": 8, "en": 5}  # characters, or words; less says nothing by itself
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
        return self.bias + fsum(known) / sqrt(max(1, len(known)))

    def reading(self, text: str) -> str:
        """OPINION, CHECKABLE or UNCLEAR, in any of the three scripts."""
        text = text[:_READ_AT_MOST]
        if not _says_enough(text):
            return UNCLEAR
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
    """What a text is known by: every 1 to LONGEST neighbouring characters or, where it is in English, words, and what it begins
    and ends with."""
    units, gap = _units(text)
    marked = ["^", *units, "$"]
    return frozenset(
        gap.join(marked[start : start + length])
        for length in range(1, LONGEST + 1)
        for start in range(len(marked) - length + 1)
        if set(marked[start : start + length]) - {"^", "$"}
    )


def _units(text: str) -> tuple[list[str], str]:
    """The characters or words of a text, any number being 0; and what stands between two."""
    said = re.sub(r"\d+", "0", to_simplified(clean(text)).lower().replace("’", "'"))
    return (list("".join(said.split())), "") if language(said) == "zh" else (_WORDS.findall(said), " ")


def _says_enough(text: str) -> bool:
    """Whether there is more than a greeting, a name, or "is this true?"."""
    return len(_units(text)[0]) >= _FEWEST[language(text)]


def _sentences(text: str) -> list[str]:
    """The sentences of a text, where it has several that say enough."""
    parts = list(filter(_says_enough, _SENTENCES.split(text)))
    return parts if len(parts) > 1 else []

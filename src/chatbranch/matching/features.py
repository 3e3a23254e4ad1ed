"""How alike a message and a claim are, as named numbers. Pure: no index, no model, no clock.

Terms are weighted by how rare they are in the library (Robertson and Spärck Jones' idf), so that a shared name
says more than a shared "the". A claim has several wordings; a feature takes the best of them, or their union where
that is said. All features of a pair but ``bm25`` lie in 0..1 (a cosine may be below).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from heapq import nlargest
from typing import Any

from chatbranch.kernel.text import Token, is_cjk, normalise, tokenise
from chatbranch.matching.common_terms import COMMON

Weigh = Callable[[str], float]  # a term -> how much it tells

# BM25's usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
_K1, _B = 1.2, 0.75
_TYPICAL_TERMS = 24.0  # about the length of a claim


@dataclass(frozen=True)
class Terms:
    """A text as the features see it."""

    tokens: tuple[Token, ...]

    @cached_property
    def sequence(self) -> tuple[str, ...]:
        return tuple(token.term for token in self.tokens)

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.sequence)

    @cached_property
    def distinct(self) -> frozenset[str]:
        return frozenset(self.sequence)

    @cached_property
    def neighbours(self) -> frozenset[tuple[str, str]]:
        return frozenset(zip(self.sequence, self.sequence[1:], strict=False))

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(term for term in self.distinct if term[0].isdigit())


@lru_cache(maxsize=16_384)
def terms_of(text: str) -> Terms:
    """The terms of a wording. Remembered: the same claims are candidates again and again."""
    return Terms(tuple(tokenise(normalise(text).text)))


_CLEAR_LEAD = 8.0  # log-odds; a larger lead says no more
_COMMON_WEIGHT = 0.15  # at most, for words that tell little anywhere


def rarity(term: str, document_frequency: int, documents: int) -> float:
    """How much a term tells, 0..1: BM25's idf over that of a term which a single wording holds.

    A term that no wording holds weighs as much as one that a single wording holds.
    """
    seen = min(max(document_frequency, 1), max(documents, 1))
    weight = _idf(seen, documents) / _idf(1, documents)
    return min(weight, _COMMON_WEIGHT) if term in COMMON else weight


def _idf(seen: int, documents: int) -> float:
    return math.log(1 + (max(documents, 1) - seen + 0.5) / (seen + 0.5))


@dataclass(frozen=True)
class Likeness:
    """Cosines of a message with a claim; all 0 where one of the two has no vector.

    best: with the nearest wording. joint: with the mean of the wordings. sentence: of the nearest single sentence
    of the message with that mean, for a claim may be one sentence of a long message.
    """

    best: float = 0.0
    joint: float = 0.0
    sentence: float = 0.0


def pair_features(
    message: Terms, wordings: Sequence[Terms], alike: Likeness, weigh: Weigh
) -> dict[str, float]:
    """The features of a message with one claim."""
    union = frozenset[str]().union(*(wording.distinct for wording in wordings))
    shared = message.distinct & union
    claim_covered = max(_covered(wording.distinct, message.distinct, weigh) for wording in wordings)
    message_covered = _covered(message.distinct, union, weigh)
    return {
        "cosine": alike.best,
        "cosine_joint": alike.joint,
        "cosine_sentence": alike.sentence,
        "claim_covered": claim_covered,
        "message_covered": message_covered,
        "overlap": 2 * claim_covered * message_covered / ((claim_covered + message_covered) or 1.0),
        "bm25": _bm25(message, wordings, weigh),
        "message_rarest": _rarest_shared(shared, message.distinct, weigh),
        "claim_rarest": max(_rarest_shared(shared, own.distinct, weigh) for own in wordings),
        "order": max(_share(wording.neighbours, message.neighbours) for wording in wordings),
        "numbers_covered": max(_share(wording.numbers, message.numbers) for wording in wordings),
    }


def _covered(these: frozenset[str], by: frozenset[str], weigh: Weigh) -> float:
    """The share of the weight of ``these`` terms that ``by`` holds too."""
    total = sum(map(weigh, these))
    return sum(map(weigh, these & by)) / total if total else 0.0


def _share(these: frozenset[Any], by: frozenset[Any]) -> float:
    return len(these & by) / len(these) if these else 1.0


def _bm25(message: Terms, wordings: Sequence[Terms], weigh: Weigh) -> float:
    """BM25 of the wordings taken as one text for the message's terms, per term of a typical claim."""
    counts: Counter[str] = Counter()
    for wording in wordings:
        counts.update(wording.counts)
    length = _K1 * (1 - _B + _B * sum(counts.values()) / _TYPICAL_TERMS)
    shared = message.distinct & counts.keys()
    return (
        sum(weigh(term) * counts[term] * (_K1 + 1) / (counts[term] + length) for term in shared)
        / _TYPICAL_TERMS
    )


def _rarest_shared(shared: frozenset[str], own: frozenset[str], weigh: Weigh) -> float:
    """The weight of the three rarest shared terms against that of a text's own three rarest."""
    most = sum(nlargest(3, map(weigh, own)))
    return sum(nlargest(3, map(weigh, shared & own))) / most if most else 0.0


def lead_features(
    best: Mapping[str, float], score: float, rival: Mapping[str, float], rival_score: float
) -> dict[str, float]:
    """How a claim stands out from its rival: the margins are large when nothing else comes near."""
    return {
        "score_margin": min(score - rival_score, _CLEAR_LEAD),
        "bm25_margin": best["bm25"] - rival.get("bm25", 0.0),
    }


def message_features(message: Terms) -> dict[str, float]:
    """What the message alone tells: short ones match by accident."""
    return {"message_terms": math.log1p(len(message.distinct))}


def nearness(message: Terms, wording: Terms, weigh: Weigh) -> float:
    """Which of a claim's wordings a message repeats: the weight shared, against the weight of either."""
    shared = sum(map(weigh, message.distinct & wording.distinct))
    return 2 * shared / (sum(map(weigh, message.distinct)) + sum(map(weigh, wording.distinct)) or 1.0)


def matched_span(message: Terms, wording: Terms, weigh: Weigh) -> tuple[int, int] | None:
    """Where in the message's normal text the wording is said: the stretch with the most shared weight.

    The maximal segment of (weight of shared terms) minus (a fraction of the weight of others), Kadane's scan.
    """
    best, start, total = (0.0, 0, 0), 0, 0.0
    typical = sum(map(weigh, wording.distinct)) / max(1, len(wording.distinct))
    for i, token in enumerate(message.tokens):
        total += weigh(token.term) if token.term in wording.distinct else -min(weigh(token.term), typical) / 4
        if total <= 0:
            start, total = i + 1, 0.0
        elif total > best[0]:
            best = (total, start, i)
    return (message.tokens[best[1]].start, message.tokens[best[2]].end) if best[0] else None


def informative_terms(message: Terms) -> int:
    """How many different terms of a message tell claims apart: words of four letters, numbers, Chinese pairs."""
    return sum(map(_tells, message.distinct))


def _tells(term: str) -> bool:
    return len(term) >= 4 or term[0].isdigit() or (len(term) > 1 and is_cjk(term[0]))

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


def pair_features(
    message: Terms, wordings: Sequence[Terms], likeness: Sequence[float | None], weigh: Weigh
) -> dict[str, float]:
    """The features of a message with one claim.

    likeness: for each wording its cosine with the message, None where one of the two has no vector.
    """
    union = frozenset().union(*(wording.distinct for wording in wordings))
    covers = [_covered(wording.distinct, message.distinct, weigh) for wording in wordings]
    cosines = sorted((cosine for cosine in likeness if cosine is not None), reverse=True) or [0.0]
    return {
        "cosine": cosines[0],
        "cosine_second": cosines[1] if len(cosines) > 1 else cosines[0],
        "claim_covered": max(covers),
        "union_covered": _covered(union, message.distinct, weigh),
        "message_covered": _covered(message.distinct, union, weigh),
        "bm25": _bm25(message, wordings, weigh),
        "rarest_shared": _rarest_shared(message.distinct & union, message.distinct, weigh),
        "claim_rarest": max(
            _rarest_shared(message.distinct & own.distinct, own.distinct, weigh) for own in wordings
        ),
        "order": max(_share(wording.neighbours, message.neighbours) for wording in wordings),
        "run": max(_run_share(wording.sequence, message.sequence) for wording in wordings),
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
    most = sum(sorted(map(weigh, own), reverse=True)[:3])
    return sum(sorted(map(weigh, shared), reverse=True)[:3]) / most if most else 0.0


def _run_share(wording: Sequence[str], message: Sequence[str]) -> float:
    return longest_run(wording, message) / len(wording) if wording else 0.0


def longest_run(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest run of terms that both hold, in one piece (time: pairs of equal terms)."""
    places: dict[str, list[int]] = {}
    for j, term in enumerate(other):
        places.setdefault(term, []).append(j)
    best, before = 0, dict[int, int]()
    for term in one:
        here = {j: before.get(j - 1, 0) + 1 for j in places.get(term, ())}
        best = max(best, max(here.values(), default=0))
        before = here
    return best


def rank_features(ranked: Sequence[Mapping[str, float]], scores: Sequence[float]) -> dict[str, float]:
    """How the best claim stands out from the next one: margins are large when nothing else comes near."""
    best = ranked[0]
    rival = ranked[1] if len(ranked) > 1 else {}
    return {
        "score_margin": scores[0] - scores[1] if len(scores) > 1 else 5.0,
        "cosine_margin": best["cosine"] - rival.get("cosine", 0.0),
        "claim_covered_margin": best["claim_covered"] - rival.get("claim_covered", 0.0),
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

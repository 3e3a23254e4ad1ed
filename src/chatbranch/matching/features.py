"""How alike a message and a claim are, as named numbers. Pure: no index, no model, no clock.

Terms are weighted by how rare they are in the library (Robertson and Spärck Jones' idf), so that a shared name
says more than a shared "the". A claim has several wordings; a feature takes the best of them, or their union where
that is said. All features of a pair but ``bm25`` lie in 0..1 (a cosine may be below).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from chatbranch.kernel.text import Token, is_cjk, normalise, tokens
from chatbranch.matching import mentions
from chatbranch.matching.common_terms import COMMON

Weights = Mapping[str, float]  # a term -> how much it tells; knows every term

# BM25's usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009).
_K1, _B = 1.2, 0.75
_TYPICAL_TERMS = 24.0  # about the length of a claim


@dataclass(frozen=True)
class Terms:
    """A text as the features see it: its index terms, in order."""

    sequence: tuple[str, ...]

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

    @cached_property
    def years(self) -> frozenset[str]:
        return mentions.years(self.numbers)

    @cached_property
    def months(self) -> frozenset[str]:
        return mentions.months(self.distinct)


@lru_cache(maxsize=16_384)
def terms_of(text: str) -> Terms:
    """The terms of a wording. Remembered: the same claims are candidates again and again."""
    return Terms(tuple(tokens(normalise(text).text)))


@dataclass(frozen=True)
class Weighed:
    """A text's terms with their weights in one library: of all together, and of its three rarest terms."""

    terms: Terms
    weights: Mapping[str, float]
    total: float
    rarest: float


def weighed(terms: Terms, weights: Weights) -> Weighed:
    """The terms with their weights."""
    own = {term: weights[term] for term in terms.counts}
    return Weighed(terms, own, sum(own.values()), _heaviest(own.values()))


def _heaviest(weights: Iterable[float]) -> float:
    """The sum of the three largest: of a few dozen, sorting all finds them soonest."""
    return sum(sorted(weights, reverse=True)[:3])


_CLEAR_LEAD = 8.0  # log-odds; a larger lead says no more
_COMMON_WEIGHT = 0.15  # at most, for words that tell little anywhere


def rarity(term: str, document_frequency: int, documents: int) -> float:
    """How much a term tells, 0..1: BM25's idf over that of a term which a single wording holds.

    A term that no wording holds weighs as much as one that a single wording holds.
    """
    seen = min(max(document_frequency, 1), max(documents, 1))
    weight = _idf(seen, documents) / _idf(1, documents)
    return min(weight, _COMMON_WEIGHT) if term in COMMON else weight


@lru_cache(maxsize=16_384)
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
    message: Weighed, wordings: Sequence[Weighed], alike: Likeness, day: mentions.Posted | None = None
) -> dict[str, float]:
    """The features of a message, posted on ``day`` where that is known, with one claim."""
    own = message.terms
    shared = [_shared(message, wording) for wording in wordings]
    together = shared[0]
    for each in shared[1:]:
        together = together | each
    claim_covered = max(map(_covered, shared, wordings))
    message_covered = _share_of(together.values(), message.total)
    terms = [wording.terms for wording in wordings]
    return {
        "cosine": alike.best,
        "cosine_joint": alike.joint,
        "cosine_sentence": alike.sentence,
        "claim_covered": claim_covered,
        "message_covered": message_covered,
        "overlap": 2 * claim_covered * message_covered / ((claim_covered + message_covered) or 1.0),
        "bm25": _bm25(together, terms),
        "message_rarest": _heaviest(together.values()) / message.rarest if message.rarest else 0.0,
        "claim_rarest": max(map(_rarest_covered, shared, wordings)),
        "order": max(_held(its.neighbours, own.neighbours) for its in terms),
        "message_order": max(_held(own.neighbours, its.neighbours) for its in terms),
        "numbers_covered": max(_held(its.numbers, own.numbers) for its in terms),
    } | _day_features(day, terms)


def _covered(shared: Mapping[str, float], wording: Weighed) -> float:
    return _share_of(shared.values(), wording.total)


def _rarest_covered(shared: Mapping[str, float], wording: Weighed) -> float:
    return _heaviest(shared.values()) / wording.rarest if wording.rarest else 0.0


def _shared(message: Weighed, wording: Weighed) -> dict[str, float]:
    """The terms both hold, with their weights, in a fixed order: sums must not depend on a set's."""
    held = message.weights
    return {term: weight for term, weight in wording.weights.items() if term in held}


def _day_features(day: mentions.Posted | None, wordings: Sequence[Terms]) -> dict[str, float]:
    """same_month: the claim names the month of the post. possible_year: 0 where it names only other years."""
    if day is None:
        return {"same_month": 0.0, "possible_year": 1.0}
    named = frozenset[str]().union(*(terms.years for terms in wordings))
    same = day.year in named
    months = frozenset[str]().union(*(terms.months for terms in wordings)) if same else frozenset[str]()
    return {"same_month": float(day.month in months), "possible_year": float(same or not named)}


def _share_of(weights: Iterable[float], total: float) -> float:
    return sum(weights) / total if total else 0.0


def _held(these: frozenset[Any], by: frozenset[Any]) -> float:
    """The share of these that are among those; 1 where there are none to hold."""
    return len(these & by) / len(these) if these else 1.0


def _bm25(shared: Mapping[str, float], wordings: Sequence[Terms]) -> float:
    """BM25 of the wordings taken as one text for the message's terms, per term of a typical claim."""
    length = _K1 * (1 - _B + _B * sum(len(wording.sequence) for wording in wordings) / _TYPICAL_TERMS)
    first, *others = (wording.counts for wording in wordings)
    total = 0.0
    for term, weight in shared.items():
        count = first[term] + sum(counts[term] for counts in others) if others else first[term]
        total += weight * count * (_K1 + 1) / (count + length)
    return total / _TYPICAL_TERMS


def lead_features(
    best: Mapping[str, float], score: float, others: Sequence[Mapping[str, float]], next_score: float
) -> dict[str, float]:
    """How a claim stands out from the others: the leads are large when nothing else comes near.

    next_score: of the best of the others; -inf where there are none.
    """
    return {
        "score_margin": min(score - next_score, _CLEAR_LEAD),
        "bm25_lead": _lead("bm25", best, others),
        "cosine_lead": _lead("cosine_joint", best, others),
    }


def _lead(name: str, best: Mapping[str, float], others: Sequence[Mapping[str, float]]) -> float:
    return best[name] - max((other[name] for other in others), default=0.0)


def message_features(message: Terms) -> dict[str, float]:
    """What the message alone tells: short ones match by accident."""
    return {"message_terms": math.log1p(len(message.distinct))}


def nearness(message: Weighed, wording: Terms) -> float:
    """Which of a claim's wordings a message repeats: Dice's coefficient, shared terms by weight, others as 1."""
    shared = sum(weight for term, weight in message.weights.items() if term in wording.distinct)
    strange = sum(term not in message.weights for term in wording.distinct)
    return 2 * shared / ((message.total + shared + strange) or 1.0)


def matched_span(
    said: Sequence[Token], message: Weighed, wording: Terms, strange: float = 0.25
) -> tuple[int, int] | None:
    """Where in the message's normal text the wording is said: the stretch with the most shared weight.

    said: the message's tokens, with their places. strange: the fraction at which terms that the wording does not hold count.

    The maximal segment of (weight of shared terms) minus (a fraction of the weight of others), Kadane's scan.
    """
    shared = [weight for term, weight in message.weights.items() if term in wording.distinct]
    typical = sum(shared) / max(1, len(shared))
    best, start, total = (0.0, 0, 0), 0, 0.0
    for i, token in enumerate(said):
        weight = message.weights[token.term]
        total += weight if token.term in wording.distinct else -strange * min(weight, typical)
        if total <= 0:
            start, total = i + 1, 0.0
        elif total > best[0]:
            best = (total, start, i)
    return (said[best[1]].start, said[best[2]].end) if best[0] else None


@dataclass(frozen=True)
class Stretch:
    """The stretch of a message that says a wording (matched_span), whatever stands around it.

    terms: how many it has. held: the share of its weight that the wording holds. order: the share of its neighbouring terms
    that are neighbours in the wording. gathered: the share of all that message and wording have in common which lies in it;
    a message that says the same in words of its own has it scattered.
    """

    terms: int
    held: float
    order: float
    gathered: float


def stretch_of(said: Sequence[Token], message: Weighed, wording: Terms) -> Stretch | None:
    """The stretch that says the wording; None where nothing does. said: the message's tokens, with their places."""
    found = matched_span(said, message, wording, strange=1.0)
    if found is None:
        return None
    own = Terms(tuple(token.term for token in said if found[0] <= token.start and token.end <= found[1]))
    weights = message.weights
    shared = sum(weights[term] for term in own.distinct if term in wording.distinct)
    common = sum(weight for term, weight in weights.items() if term in wording.distinct)
    return Stretch(
        len(own.sequence),
        shared / (sum(weights[term] for term in own.distinct) or 1.0),
        _held(own.neighbours, wording.neighbours),
        shared / (common or 1.0),
    )


_REPEATED = 0.8  # Jaccard likeness of their terms


_SAYS_SOMETHING = 6  # distinct terms; a shorter wording ("Fact check") may head any claim


def repeats(one: Terms, other: Terms) -> bool:
    """Whether two wordings are the same one again, a word or two apart; without terms they are not."""
    few, many = sorted((len(one.distinct), len(other.distinct)))
    if not few or few < _REPEATED * many:
        return False
    both = len(one.distinct & other.distinct)
    return both >= _REPEATED * (few + many - both)


def same_claim(one: Sequence[Terms], other: Sequence[Terms]) -> bool:
    """Whether two claims, given by the terms of their wordings, are one listed twice.

    Every wording of one of them repeats a wording of the other, and one that does is long enough to say something.
    """
    return _all_repeated(one, other) or _all_repeated(other, one)


def _all_repeated(wordings: Sequence[Terms], by: Sequence[Terms]) -> bool:
    said = any(len(own.distinct) >= _SAYS_SOMETHING for own in wordings)
    return said and all(any(repeats(own, its) for its in by) for own in wordings)


def informative_terms(message: Terms) -> int:
    """How many different terms of a message tell claims apart: words of four letters, numbers, Chinese pairs."""
    return sum(map(_tells, message.distinct))


def _tells(term: str) -> bool:
    return len(term) >= 4 or term[0].isdigit() or (len(term) > 1 and is_cjk(term[0]))

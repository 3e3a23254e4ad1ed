"""From a message and the claims that came near it to a decision: order, probability, span, guard, rule."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chatbranch.kernel.text import Normal, Token
from chatbranch.matching import features as f
from chatbranch.matching import guard, rules
from chatbranch.matching.encoder import Vectors
from chatbranch.matching.mentions import Posted
from chatbranch.matching.table import Wording

_WIDEN = 120  # characters a span may grow on either side to reach the ends of its sentences
_SENTENCE_END = re.compile(r"[。！？!?\n；;]|\.(?=\s|$)")


@dataclass(frozen=True)
class Message:
    """A message made ready for matching.

    ``vectors`` holds the message's own vector and, in further rows, those of its first sentences where it has
    several; it is None where nothing is left to encode. ``terms`` are those of the text and of whom
    it addresses; ``posted`` is the day of a copied post.
    """

    text: str
    normal: Normal
    tokens: tuple[Token, ...]
    terms: f.Weighed
    lang: str
    vectors: Vectors | None
    posted: Posted | None = None

    @property
    def chinese(self) -> bool:
        return self.lang.startswith("zh")


@dataclass(frozen=True)
class Candidate:
    """A claim with all its wordings, the terms of each, and its features; ``score`` orders candidates."""

    claim_id: str
    wordings: tuple[Wording, ...]
    terms: tuple[f.Terms, ...]
    features: dict[str, float]
    score: float = 0.0


@dataclass(frozen=True)
class Judgement:
    """What was decided about the first candidate, and by what.

    ``span`` is the part of the original message that says the claim, widened to whole sentences.
    """

    decision: rules.Decision
    features: dict[str, float]
    score: float
    likely: float
    wording: Wording
    span: tuple[int, int] | None
    finding: guard.Finding


def ordered(candidates: Sequence[Candidate], calibration: rules.Calibration) -> list[Candidate]:
    """The candidates with their fitted scores, best first; of entries with the same words the oldest, with the best score.

    What a long message says word for word stands before what it resembles: its vector is of the whole, and a claim of one
    line in it resembles that less than much else does.

    A library lists some claims twice, with other quotation marks or a corrected date; what tells such entries apart
    (an encoder hears quotation marks) says nothing about the message.
    """
    scores = [calibration.rank.score(candidate.features) for candidate in candidates]
    words = [frozenset(terms.sequence for terms in candidate.terms) for candidate in candidates]
    best: dict[frozenset[tuple[str, ...]], float] = {}
    for own, score in zip(words, scores, strict=True):
        best[own] = max(score, best.get(own, -math.inf))
    scored = [replace(candidate, score=best[own]) for candidate, own in zip(candidates, words, strict=True)]
    copy = calibration.copy
    diluted = any(copy.is_part(candidate.features) for candidate in candidates)
    copies = {own.claim_id for own in candidates if diluted and copy.holds(own.features)}
    return sorted(
        scored, key=lambda own: (own.claim_id not in copies, -own.score, _oldest(own), own.claim_id)
    )


def _oldest(candidate: Candidate) -> int:
    return min(wording.seq for wording in candidate.wordings)


def top_features(message: Message, ranked: Sequence[Candidate]) -> dict[str, float]:
    """The features the decision about the first candidate is made by: its own, its lead, the message's.

    Another entry of the same claim is no rival to lead over.
    """
    best = ranked[0]
    rivals = [other for other in ranked[1:] if not f.same_claim(best.terms, other.terms)]
    next_score = rivals[0].score if rivals else -math.inf
    lead = f.lead_features(best.features, best.score, [other.features for other in rivals], next_score)
    return best.features | lead | f.message_features(message.terms.terms)


def judge_best(message: Message, ranked: Sequence[Candidate], calibration: rules.Calibration) -> Judgement:
    """Decide about the first of a ranking that is not empty."""
    features = top_features(message, ranked)
    likely = calibration.likely(features)
    wording, terms = nearest_wording(message, ranked[0])
    near = likely >= calibration.suggest_from  # else the message is new whatever the guard would say
    span = span_of(message, terms) if near else None
    finding = (
        guard.inspect(message.text, span, [own.text for own in ranked[0].wordings]) if near else _NOTHING
    )
    stretches = [f.stretch_of(message.tokens, message.terms, own) for own in ranked[0].terms] if near else []
    decision = rules.decide(
        likely,
        features,
        calibration,
        chinese=message.chinese,
        informative=f.informative_terms(message.terms.terms),
        conflict=finding.conflict,
        missing=finding.missing,
        stretches=[stretch for stretch in stretches if stretch is not None],
    )
    return Judgement(decision, features, calibration.answer.score(features), likely, wording, span, finding)


_NOTHING = guard.Finding((), conflict=False, missing=False)


def nearest_wording(message: Message, candidate: Candidate) -> tuple[Wording, f.Terms]:
    """The wording that the message is nearest to, with its terms."""
    own = zip(candidate.wordings, candidate.terms, strict=True)
    return max(own, key=lambda pair: f.nearness(message.terms, pair[1]))


def span_of(message: Message, wording: f.Terms) -> tuple[int, int] | None:
    """Where in the original message a wording is said, widened to whole sentences; None if nowhere."""
    found = f.matched_span(message.tokens, message.terms, wording)
    if found is None:
        return None
    start, end = message.normal.offset(found[0]), message.normal.offset(found[1] - 1) + 1
    return to_sentence(message.text, start, end)


def to_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """A span widened to the sentences it touches: what was changed in a copy may stand right beside it."""
    breaks = [mark.end() for mark in _SENTENCE_END.finditer(text, max(0, start - _WIDEN), start)]
    closing = _SENTENCE_END.search(text, end, min(len(text), end + _WIDEN))
    start = breaks[-1] if breaks else (0 if start <= _WIDEN else start)
    end = closing.end() if closing else (len(text) if len(text) - end <= _WIDEN else end)
    while start < end and text[start].isspace():
        start += 1
    return start, end

"""A message in, the claim it repeats out: candidates, features, calibrated decision, guard.

message -> normal text, terms, vector (English)
        -> candidates by terms and by vector, with what was published since the index was written
        -> features of each claim, the fitted order
        -> probability of the best; the guard looks for what was changed; the rules decide
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from chatbranch.kernel.text import language, normalise, tokenise
from chatbranch.matching import features as f
from chatbranch.matching import guard, rules
from chatbranch.matching.encoder import Encoder, Encodes, Vectors, same_space
from chatbranch.matching.index import Index, stamp
from chatbranch.matching.index_writer import IndexWriter
from chatbranch.matching.judgement import (
    Candidate,
    Judgement,
    Message,
    judge_best,
    nearest_wording,
    ordered,
    top_features,
)
from chatbranch.matching.mentions import addressed, posted, spoken
from chatbranch.matching.table import Wording

__all__ = ["Alternative", "IndexWriter", "Match", "Matcher", "Wording"]

_LONGEST = (
    20_000  # characters of a message that are looked at; a forwarded article says its claim before that
)
_TERMS_ASKED = 48  # the rarest terms of a long message; more cost time and find nothing else
_TERMS_AT_LEAST, _POSTINGS = 8, 200_000  # fewer terms are asked where together so many wordings hold them
_BY_TERMS, _BY_VECTOR = 40, 30  # wordings fetched
_CLAIMS, _CHINESE_CLAIMS = (
    20,
    12,
)  # of each of the two, the claims that become candidates; Chinese ones are longer
_NEWER = 24  # wordings not yet indexed that may become candidates
_NEAREST = 5

LeavesOut = Callable[[Wording], bool]


@dataclass(frozen=True)
class Alternative:
    """A claim that came near."""

    claim_id: str
    wording: str
    probability: float


@dataclass(frozen=True)
class Match:
    """What the matcher decided, and everything it decided by."""

    outcome: rules.Outcome
    probability: float
    claim_id: str | None
    wording: str
    span: tuple[int, int] | None
    differences: tuple[guard.Difference, ...]
    score: float
    threshold: float
    features: dict[str, float]
    rule: str
    nearest: tuple[Alternative, ...]
    fitted: str

    def as_dict(self) -> dict[str, object]:
        """The match as JSON values."""
        return asdict(self) | {"differences": [difference.as_dict() for difference in self.differences]}


@dataclass(frozen=True)
class _Near:
    """A wording worth a closer look."""

    wording: Wording
    terms: f.Terms
    vector: Vectors | None


class Matcher:
    """Matches messages against the index in a directory. Safe to share between threads."""

    def __init__(self, directory: Path, encoder: Encodes, fitted: rules.Fitted) -> None:
        self._directory, self._encoder, self._fitted = directory, encoder, fitted
        self._lock = threading.Lock()
        self._stamp = stamp(directory)
        self.index = Index.open(directory)
        self._encode_one = lru_cache(maxsize=2048)(lambda text, lang: encoder.encode([text], lang)[0])
        self._encode_message = lru_cache(maxsize=256)(encoder.encode_message)

    @classmethod
    def open(cls, directory: Path, model: Path | None = None) -> Matcher:
        """The matcher on an index directory; an absent index is an empty one.

        model: a folder with ``model.onnx`` and ``tokenizer.json`` in place of the packaged encoder, and, where it
        was fitted for it, ``fitted.json``.
        """
        return cls(directory, Encoder.open(model), rules.fitted_for(model))

    @property
    def watermark(self) -> int:
        """The highest ``seq`` in the opened index."""
        return self.index.watermark

    @property
    def fitted_version(self) -> str:
        """The version of the fitted numbers."""
        return self._fitted.version

    def refresh(self) -> bool:
        """Open the index again if it was written since; True if it was. Costs two file look-ups otherwise."""
        now = stamp(self._directory)
        if now == self._stamp:
            return False
        with self._lock:
            index = Index.open(self._directory, self.index)
            self.index, self._stamp = index, now
        return True

    def match(
        self,
        text: str,
        *,
        newer: Sequence[Wording] = (),
        gone: Collection[str] = (),
        without: LeavesOut = lambda wording: False,
    ) -> Match:
        """Decide about a message.

        newer: wordings published since the index was written. gone: claims that are no longer answered. without: tells of
        a wording whether to look at the claim as if it had never been there (for measuring what a lesson alone does).
        """
        message = self.read(text)
        near = self.near(message, newer=newer, gone=gone, without=without)
        return self.judge(message, ordered(near, self._fitted.of(message.lang)))

    def search(self, text: str, *, newer: Sequence[Wording] = (), most: int = 20) -> list[str]:
        """Ids of claims that speak of `text`, best first: a search for people, which decides nothing."""
        message = self.read(text)
        found = ordered(self.near(message, newer=newer), self._fitted.of(message.lang))
        return [candidate.claim_id for candidate in found[:most]]

    def forget(self) -> None:
        """Encode every text anew: whoever measures wants no answer from memory."""
        self._encode_one.cache_clear()
        self._encode_message.cache_clear()

    # The three steps of `match`; fitting and evaluation call them one by one.

    def read(self, text: str) -> Message:
        """Normalise, tokenise and encode a message."""
        text = text[:_LONGEST]
        index, normal, lang = self.index, normalise(text), language(text)
        said = tuple(tokenise(normal.text))
        named = addressed(text, index.seen) if lang == "en" else []
        (terms,) = index.weighed([f.Terms((*(token.term for token in said), *named))])
        vectors = self._encode_message(spoken(text, index.seen), lang) if terms.weights else None
        return Message(text, normal, said, terms, lang, vectors, posted(text))

    def near(
        self,
        message: Message,
        *,
        newer: Sequence[Wording] = (),
        gone: Collection[str] = (),
        without: LeavesOut = lambda wording: False,
    ) -> list[Candidate]:
        """The claims that come near, with their features, in no order."""
        index = self.index
        claims = self._candidates(index, message, newer, frozenset(gone), without)
        alike = {claim_id: _same_script(message.lang, rows) for claim_id, rows in claims.items()}
        likeness = _likenesses(message.vectors, list(alike.values()))
        weighed = iter(index.weighed([near.terms for rows in alike.values() for near in rows]))
        found = []
        for (claim_id, rows), near in zip(claims.items(), likeness, strict=True):
            terms = [next(weighed) for _ in alike[claim_id]]
            features = f.pair_features(message.terms, terms, near, message.posted)
            wordings, sequences = zip(*((row.wording, row.terms) for row in rows), strict=True)
            found.append(Candidate(claim_id, wordings, sequences, features))
        return found

    def judge(self, message: Message, ranked: Sequence[Candidate]) -> Match:
        """The decision about the best claim of a ranking."""
        calibration = self._fitted.of(message.lang)
        if not ranked:
            return self._nothing(calibration.suggest_from)
        found = judge_best(message, ranked, calibration)
        known = found.decision.outcome != "new"
        return Match(
            outcome=found.decision.outcome,
            probability=found.likely,
            claim_id=ranked[0].claim_id if known else None,
            wording=found.wording.text if known else "",
            span=found.span if known else None,
            differences=found.finding.differences if known else (),
            score=found.score,
            threshold=found.decision.threshold,
            features=found.features,
            rule=found.decision.rule,
            nearest=self._nearest(message, ranked, found),
            fitted=self._fitted.version,
        )

    def _nothing(self, threshold: float) -> Match:
        version = self._fitted.version
        return Match("new", 0.0, None, "", None, (), 0.0, threshold, {}, "nothing-near", (), version)

    def _nearest(
        self, message: Message, ranked: Sequence[Candidate], best: Judgement
    ) -> tuple[Alternative, ...]:
        """The best claims, each with the probability that it, not the best of the others, is what was said."""
        calibration = self._fitted.of(message.lang)
        found = [Alternative(ranked[0].claim_id, best.wording.text, best.likely)]
        for candidate in ranked[1:_NEAREST]:
            own = calibration.likely(top_features(message, (candidate, ranked[0])))
            wording, _ = nearest_wording(message, candidate)
            found.append(Alternative(candidate.claim_id, wording.text, own))
        return tuple(found)

    def _candidates(
        self,
        index: Index,
        message: Message,
        newer: Sequence[Wording],
        gone: frozenset[str],
        without: LeavesOut,
    ) -> dict[str, list[_Near]]:
        """Claim -> its wordings with their vectors, for every claim that is worth a closer look."""
        weights = message.terms.weights
        rarest = sorted(weights, key=lambda term: (-weights[term], term))[:_TERMS_ASKED]
        asked = rarest[: _affordable(index.held_by(rarest))]
        most = _CHINESE_CLAIMS if message.chinese else _CLAIMS
        encoded = message.vectors is not None and index.space == self._encoder.digest
        chosen = _first_claims(index, index.by_terms(asked, _BY_TERMS), most)
        if message.vectors is not None and encoded:
            alike = index.read(index.by_vectors(message.vectors, _BY_VECTOR))
            same = [row.number for row in alike if same_space(row.wording.lang, message.lang)]
            chosen |= _first_claims(index, same, most)
        fresh = [wording for wording in _newest(message, newer) if not without(wording)]
        chosen |= {number for own in fresh if (number := index.number_of(own.claim_id)) is not None}
        claims: dict[str, list[_Near]] = {}
        rows = [row for row in index.of_claims(sorted(chosen)) if row.wording.claim_id not in gone]
        rows = [row for row in rows if not without(row.wording)]
        vectors = index.vectors_of([row.number for row in rows]) if encoded else [None] * len(rows)
        for row, vector in zip(rows, vectors, strict=True):
            own = vector if same_space(row.wording.lang, message.lang) else None
            near = _Near(row.wording, f.Terms(tuple(row.terms.split())), own)
            claims.setdefault(row.wording.claim_id, []).append(near)
        for wording in fresh:
            if wording.claim_id not in gone:
                comparable = message.vectors is not None and same_space(wording.lang, message.lang)
                vector = self._encode_one(wording.text, wording.lang) if comparable else None
                near = _Near(wording, f.terms_of(wording.text), vector)
                claims.setdefault(wording.claim_id, []).append(near)
        return claims


def _affordable(held: Sequence[int]) -> int:
    """How many of the first terms to ask for: frequent ones come last, cost most and tell least."""
    total = 0
    for i, wordings in enumerate(held):
        total += wordings
        if total > _POSTINGS and i >= _TERMS_AT_LEAST:
            return i
    return len(held)


def _first_claims(index: Index, rows: Sequence[int], most: int) -> set[int]:
    """The numbers of the first ``most`` claims among rows that are in order."""
    return set(list(dict.fromkeys(index.claims_of(rows)))[:most])


def _newest(message: Message, newer: Sequence[Wording]) -> list[Wording]:
    """The wordings not yet indexed that share most with the message."""
    weights = message.terms.weights
    shared = [
        (sum(weights[term] for term in f.terms_of(wording.text).distinct & weights.keys()), i)
        for i, wording in enumerate(newer)
    ]
    return [newer[i] for weight, i in sorted(shared, reverse=True)[:_NEWER] if weight > 0]


def _same_script(lang: str, wordings: list[_Near]) -> list[_Near]:
    """The wordings in the message's language, or all of them if there is none: a translation shares no terms."""
    return [near for near in wordings if near.wording.lang[:2] == lang[:2]] or wordings


def _likenesses(message: Vectors | None, claims: Sequence[list[_Near]]) -> list[f.Likeness]:
    """The cosines of the message with each claim, all at once."""
    vectors = [[near.vector for near in rows if near.vector is not None] for rows in claims]
    encoded = [i for i, own in enumerate(vectors) if own]
    found = [f.Likeness()] * len(claims)
    if message is None or not encoded:
        return found
    rows = np.stack([vector for i in encoded for vector in vectors[i]])
    starts = np.cumsum([0, *(len(vectors[i]) for i in encoded[:-1])])
    joint = np.add.reduceat(rows, starts)
    to_joint = joint @ message.T / np.linalg.norm(joint, axis=1, keepdims=True)
    best = np.maximum.reduceat(rows @ message[0], starts)
    for i, own, likely in zip(encoded, best.tolist(), to_joint.tolist(), strict=True):
        found[i] = f.Likeness(own, likely[0], max(likely))
    return found

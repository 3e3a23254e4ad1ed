"""Examples for fitting and evaluating: each query with its candidate claims, and the folds that keep them apart."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching import rules
from chatbranch.matching.dataset import Dataset, Query, Repetitions
from chatbranch.matching.encoder import Encodes
from chatbranch.matching.engine import Matcher
from chatbranch.matching.index_writer import IndexWriter
from chatbranch.matching.judgement import Candidate, Message
from chatbranch.matching.table import Wording

HELD_OUT_PER_KNOWN = 9  # messages that nobody checked for each one that somebody did
FOLDS = 5
_VERBATIM = 8  # characters; a shorter wording may stand in a message by accident
_NEARLY_ALL = 0.9  # of a wording's weight: less, and it does not stand in the message word for word
_KEY_TERMS = 12  # a tweet is the same tweet in two sets when it starts with the same terms


@dataclass(frozen=True)
class Example:
    """A query of a set with the claims that come near it.

    right: the claims that answer it: those the set names, and any that the message repeats word for word, which
    people who label pairs do not go and look for. same: those, and the library's repeated entries of them that nobody
    said do not answer it; they answer it as well and are held out with them.
    """

    query: Query
    message: Message
    near: tuple[Candidate, ...]
    right: frozenset[str]
    same: frozenset[str]
    group: str

    def trials(self) -> Iterator[Trial]:
        """The query with its claims in the library, and (if it has any) with them held out."""
        yield Trial(self, self.near, 1.0)
        if self.right:
            rest = tuple(candidate for candidate in self.near if candidate.claim_id not in self.same)
            yield Trial(self, rest, float(HELD_OUT_PER_KNOWN), held_out=True)


@dataclass(frozen=True)
class Trial:
    """One question to the matcher. ``weight`` is how many messages of a branch's day it stands for."""

    example: Example
    near: tuple[Candidate, ...]
    weight: float
    held_out: bool = False

    def right(self, claim_id: str) -> bool:
        return not self.held_out and claim_id in self.example.same


def examples(dataset: Dataset, encoder: Encodes, distractors: Sequence[Wording] = ()) -> list[Example]:
    """Index the set's claims (and distractors) in a temporary place and look up every query."""
    repeated, groups = Repetitions(dataset.wordings), groups_of(dataset.queries)
    with tempfile.TemporaryDirectory(prefix="chatbranch-fit-") as directory:
        with IndexWriter.open(Path(directory), encoder) as writer:
            writer.add([*dataset.wordings, *distractors])
            writer.commit()
        matcher = Matcher(Path(directory), encoder, rules.NOTHING_FITTED)
        return [_example(matcher, query, repeated, groups) for query in dataset.queries]


def _example(matcher: Matcher, query: Query, repeated: Repetitions, groups: dict[str, str]) -> Example:
    message = matcher.read(query.text)
    near = tuple(matcher.near(message))
    right, same = right_claims(query, message, near, repeated)
    return Example(query, message, near, right, same, groups[query.id])


def right_claims(
    query: Query, message: Message, near: Sequence[Candidate], repeated: Repetitions
) -> tuple[frozenset[str], frozenset[str]]:
    """``right`` and ``same`` of an Example."""
    said = {candidate.claim_id for candidate in near if _verbatim(message, candidate)}
    right = query.claim_ids | (said - query.not_ids)
    return right, right.union(*map(repeated.of, right)) - (query.not_ids - right)


def _verbatim(message: Message, candidate: Candidate) -> bool:
    if candidate.features["claim_covered"] < _NEARLY_ALL:
        return False
    said = (normalise(wording.text).text for wording in candidate.wordings)
    return any(len(text) >= _VERBATIM and text in message.normal.text for text in said)


def query_key(text: str) -> str:
    """What tells one message from another: the same post has the same key in every set."""
    return " ".join(tokens(normalise(text).text)[:_KEY_TERMS])


def groups_of(queries: Sequence[Query]) -> dict[str, str]:
    """Query id -> its group: queries that share a post or a claim are never on two sides of a fold."""
    leaders: dict[str, str] = {}

    def leader(name: str) -> str:
        while leaders.setdefault(name, name) != name:
            name = leaders[name]
        return name

    for query in queries:
        for claim_id in query.claim_ids:
            leaders[leader("claim " + claim_id)] = leader("post " + query_key(query.text))
    return {query.id: leader("post " + query_key(query.text)) for query in queries}


def fold_of(example: Example, folds: int = FOLDS) -> int:
    """The fold of an example's group, 0..folds-1: the same in every run."""
    return int(hashlib.sha256(example.group.encode()).hexdigest(), 16) % folds


def outside(found: Iterable[Example], fold: int) -> list[Example]:
    """The examples that a model judging this fold may be fitted on."""
    return [example for example in found if fold_of(example) != fold]

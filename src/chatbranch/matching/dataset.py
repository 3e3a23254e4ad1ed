"""Reading the public query -> claim sets that fitting and evaluation use, and remembering their vectors.

A set is a folder with ``claims.jsonl`` ({id, text, title, lang}) and ``queries.jsonl`` ({id, text, lang, claim_ids,
split}). The sets are not part of the package: whoever fits names the folder that holds them.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching.encoder import Encodes, Vectors
from chatbranch.matching.index import Wording

_KEY_BYTES = 16
_SAVE_EVERY = 4_000  # texts


@dataclass(frozen=True)
class Query:
    """One message and the claims that answer it."""

    id: str
    text: str
    lang: str
    claim_ids: frozenset[str]
    split: str


@dataclass(frozen=True)
class Dataset:
    """A library of claims, each with its wordings, and the queries asked of it."""

    name: str
    wordings: tuple[Wording, ...]
    queries: tuple[Query, ...]

    def claims(self) -> dict[str, list[Wording]]:
        """The wordings of each claim."""
        found: dict[str, list[Wording]] = {}
        for wording in self.wordings:
            found.setdefault(wording.claim_id, []).append(wording)
        return found


def load(folder: Path, splits: Collection[str] = ()) -> Dataset:
    """The set in ``folder``, with the queries of these splits (all if none is named).

    FileNotFoundError if the folder is not a set.
    """
    wordings: list[Wording] = []
    for row in _rows(folder / "claims.jsonl"):
        for text in filter(None, (row["text"], row.get("title"))):
            wordings.append(Wording(row["id"], row["lang"], text, len(wordings) + 1))
    queries = tuple(
        Query(row["id"], row["text"], row["lang"], frozenset(row["claim_ids"]), row["split"])
        for row in _rows(folder / "queries.jsonl")
        if not splits or row["split"] in splits
    )
    return Dataset(folder.name, tuple(wordings), queries)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


class Repetitions:
    """Which claims of a library say the same again: a wording shared word for word, or nearly so.

    Libraries list one falsehood several times. With a claim held out, its twins would answer rightly, so they
    are held out with it. Decided on claims alone, never on queries: two wordings are twins when the Jaccard
    likeness of their terms is at least 0.8.
    """

    def __init__(self, wordings: Sequence[Wording]) -> None:
        self._terms = [(own.claim_id, frozenset(tokens(normalise(own.text).text))) for own in wordings]
        self._places: dict[str, list[int]] = {}  # of each claim's wordings
        self._holders: dict[str, list[int]] = {}  # of each term
        for i, (claim_id, terms) in enumerate(self._terms):
            self._places.setdefault(claim_id, []).append(i)
            for term in terms:
                self._holders.setdefault(term, []).append(i)

    def of(self, claim_id: str) -> frozenset[str]:
        """The other claims that say the same."""
        found = (self._twins(self._terms[i][1]) for i in self._places.get(claim_id, ()))
        return frozenset[str]().union(*found) - {claim_id}

    def _twins(self, own: frozenset[str]) -> set[str]:
        rare_first = sorted(own, key=lambda term: len(self._holders[term]))
        enough = rare_first[
            : len(own) // 5 + 1
        ]  # a twin lacks at most a fifth of the terms: it holds one of these
        near = (self._terms[i] for i in {i for term in enough for i in self._holders[term]})
        return {claim_id for claim_id, terms in near if len(own & terms) >= 0.8 * len(own | terms)}


class RememberingEncoder:
    """An encoder that keeps what it encoded in a file of the cache folder: a second run encodes nothing."""

    def __init__(self, encoder: Encodes, folder: Path | None = None) -> None:
        self._encoder = encoder
        self.digest, self.dimension = encoder.digest, encoder.dimension
        folder = folder or Path(tempfile.gettempdir()) / "chatbranch-encodings"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{encoder.digest[:16]}.npz"
        self._known: dict[bytes, Vectors] = {}
        if self._path.exists():
            stored = np.load(self._path)
            keys = stored["keys"].tobytes()
            self._known = {keys[i * _KEY_BYTES :][:_KEY_BYTES]: v for i, v in enumerate(stored["vectors"])}

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        """As the encoder beneath, from memory where possible."""
        keys = [hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        for start in range(0, len(missing), _SAVE_EVERY):
            part = list(missing.items())[start : start + _SAVE_EVERY]
            vectors = self._encoder.encode([text for _, text in part], progress)
            self._known.update(zip((key for key, _ in part), vectors, strict=True))
        return (
            np.stack([self._known[key] for key in keys])
            if keys
            else np.zeros((0, self.dimension), np.float32)
        )

    def save(self) -> None:
        """Write what is known to the cache, atomically."""
        temporary = self._path.with_suffix(".new.npz")
        keys = np.frombuffer(b"".join(self._known), np.uint8)
        np.savez(temporary, keys=keys, vectors=np.stack(list(self._known.values())))
        temporary.replace(self._path)

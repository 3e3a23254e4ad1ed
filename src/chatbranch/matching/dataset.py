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


def repeated_entries(dataset: Dataset) -> dict[str, frozenset[str]]:
    """For each claim, the claims that say the same again: a shared wording, word for word, or nearly so.

    Libraries list one falsehood several times. With a claim held out, its twins would answer rightly, so they
    are held out with it. Decided on claims alone, never on queries: two wordings are twins when the Jaccard
    likeness of their terms is at least 0.8.
    """
    terms = [frozenset(tokens(normalise(wording.text).text)) for wording in dataset.wordings]
    holders: dict[str, list[int]] = {}
    for i, own in enumerate(terms):
        for term in own:
            holders.setdefault(term, []).append(i)
    twins: dict[str, set[str]] = {}
    for i, own in enumerate(terms):
        rarest = sorted(own, key=lambda term: len(holders[term]))[: max(1, len(own) // 5 + 1)]
        for j in {j for term in rarest for j in holders[term] if j > i}:
            if len(own & terms[j]) >= 0.8 * len(own | terms[j]):
                one, other = dataset.wordings[i].claim_id, dataset.wordings[j].claim_id
                twins.setdefault(one, set()).add(other)
                twins.setdefault(other, set()).add(one)
    return {claim_id: frozenset(others - {claim_id}) for claim_id, others in twins.items()}


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

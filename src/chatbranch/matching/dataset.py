"""Reading query -> claim sets, for fitting and for evaluating, and remembering their vectors.

A set is a folder with ``claims.jsonl`` (id, text; optional: title, lang) and ``queries.jsonl`` (id, text; optional:
lang, split, claim_ids: the claims that answer it, not_ids: claims that people said do not). Other keys are ignored. The
sets are not part of the package: whoever fits or evaluates names the folder that holds them.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import language, normalise, scalars, tokens
from chatbranch.matching.encoder import Encodes, Progress, Vectors
from chatbranch.matching.features import Terms, repeats, same_claim
from chatbranch.matching.table import Wording

_KEY_BYTES = 16
_VECTORS = 8  # more than a message has
_SAVE_EVERY = 4_000  # texts


class BadSet(Refused):
    """A set that cannot be read; says which line of which file, and why."""

    def __init__(self, path: Path, line: int, why: Phrase, **places: Any) -> None:
        where = f"{path}:{line}: " if line else f"{path}: "
        phrase = Phrase("{where}" + why.zh, "{where}" + why.en)
        super().__init__("bad-set", phrase, where=where, **places)


_ABSENT = Phrase("没有这个文件。", "there is no such file.")
_NOT_TEXT = Phrase("不是 UTF-8 文本。", "this is not UTF-8 text.")
_NOT_JSON = Phrase("这一行不是 JSON：{problem}", "this line is not JSON: {problem}")
_NOT_OBJECT = Phrase("这一行不是 JSON 对象。", "this line is not a JSON object.")
_LACKS = Phrase("缺“{key}”。", "“{key}” is missing.")
_NOT_LIST = Phrase("“{key}”须是编号的列表。", "“{key}” must be a list of ids.")
_NO_SPLIT = Phrase(
    "没有 split 为“{split}”的查询；有的是：{known}", "no query is of split “{split}”; there are: {known}"
)
_NO_CLAIMS = Phrase("一条说法也没有。", "there is not one claim.")


@dataclass(frozen=True)
class Query:
    """One message and the claims that answer it; ``not_ids``: claims that people said do not."""

    id: str
    text: str
    lang: str
    claim_ids: frozenset[str]
    split: str
    not_ids: frozenset[str] = frozenset()


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

    BadSet if the folder is not a set, a line of it cannot be read, or a split has no query.
    """
    wordings: list[Wording] = []
    for row in _rows(folder / "claims.jsonl"):
        claim_id, texts = row.required("id"), [row.text("text"), row.text("title")]
        if not any(texts):
            row.required("text")
        for text in dict.fromkeys(filter(None, texts)):
            wordings.append(Wording(claim_id, row.lang(text), text, len(wordings) + 1))
    if not wordings:
        raise BadSet(folder / "claims.jsonl", 0, _NO_CLAIMS)
    queries = tuple(_query(row) for row in _rows(folder / "queries.jsonl"))
    known = {query.split for query in queries}
    for split in sorted(set(splits) - known):
        names = ", ".join(sorted(filter(None, known))) or "–"
        raise BadSet(folder / "queries.jsonl", 0, _NO_SPLIT, split=split, known=names)
    chosen = tuple(query for query in queries if not splits or query.split in splits)
    return Dataset(folder.resolve().name, tuple(wordings), chosen)


def _query(row: _Row) -> Query:
    text = row.required("text")
    return Query(
        row.text("id") or str(row.line),
        text,
        row.lang(text),
        row.ids("claim_ids"),
        row.text("split"),
        row.ids("not_ids"),
    )


@dataclass(frozen=True)
class _Row:
    """One line of a file of a set."""

    path: Path
    line: int
    values: dict[str, Any]

    def text(self, key: str) -> str:
        """The value as text, "" where there is none; whoever writes ids as numbers is understood."""
        value = self.values.get(key)
        said = "" if value is None or isinstance(value, bool | dict | list) else str(value)
        return scalars(said).strip()

    def required(self, key: str) -> str:
        value = self.text(key)
        if not value:
            raise BadSet(self.path, self.line, _LACKS, key=key)
        return value

    def ids(self, key: str) -> frozenset[str]:
        value = self.values.get(key) or []
        if not isinstance(value, list) or any(isinstance(each, bool | dict | list) for each in value):
            raise BadSet(self.path, self.line, _NOT_LIST, key=key)
        return frozenset(scalars(str(each)).strip() for each in value if each is not None)

    def lang(self, text: str) -> str:
        return self.text("lang") or language(text)


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _Row(path, number, _read_object(path, number, line))
    except FileNotFoundError:
        raise BadSet(path, 0, _ABSENT) from None


def _read_object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadSet(path, number, _NOT_TEXT) from None
    except (json.JSONDecodeError, RecursionError) as problem:
        raise BadSet(path, number, _NOT_JSON, problem=problem) from None
    if not isinstance(value, dict):
        raise BadSet(path, number, _NOT_OBJECT)
    return value


class Repetitions:
    """Which claims of a library are one listed twice (features.same_claim).

    Libraries list one falsehood several times. With a claim held out, its twins would answer rightly, so they
    are held out with it. Decided on claims alone, never on queries.
    """

    def __init__(self, wordings: Sequence[Wording]) -> None:
        self._terms = [(own.claim_id, Terms(tuple(tokens(normalise(own.text).text)))) for own in wordings]
        self._places: dict[str, list[int]] = {}  # of each claim's wordings
        self._holders: dict[str, list[int]] = {}  # of each term
        for i, (claim_id, terms) in enumerate(self._terms):
            self._places.setdefault(claim_id, []).append(i)
            for term in terms.distinct:
                self._holders.setdefault(term, []).append(i)

    def of(self, claim_id: str) -> frozenset[str]:
        """The other claims that say the same."""
        own = self._wordings(claim_id)
        near = set[str]().union(*map(self._sharing, own)) - {claim_id}
        return frozenset(other for other in near if same_claim(own, self._wordings(other)))

    def _wordings(self, claim_id: str) -> list[Terms]:
        return [self._terms[i][1] for i in self._places.get(claim_id, ())]

    def _sharing(self, own: Terms) -> set[str]:
        """The claims with a wording that repeats this one."""
        rare_first = sorted(own.distinct, key=lambda term: len(self._holders[term]))
        # a repetition lacks at most a fifth of the terms: it holds one of these
        enough = rare_first[: len(rare_first) // 5 + 1]
        near = (self._terms[i] for i in {i for term in enough for i in self._holders[term]})
        return {claim_id for claim_id, terms in near if repeats(own, terms)}


def _key(read: str) -> bytes:
    return hashlib.blake2b(read.encode(), digest_size=_KEY_BYTES).digest()


class RememberingEncoder:
    """An encoder that keeps what it encoded in a file of the cache folder: a second run encodes nothing."""

    def __init__(self, encoder: Encodes, folder: Path | None = None) -> None:
        self._encoder = encoder
        self.digest, self.dimension = encoder.digest, encoder.dimension
        folder = folder or Path(tempfile.gettempdir()) / "chatbranch-encodings"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{encoder.digest[:16]}.npz"
        self._known = self._stored()

    def _stored(self) -> dict[bytes, Vectors]:
        if not self._path.exists():
            return {}
        with np.load(self._path) as stored:
            keys, vectors = stored["keys"].tobytes(), stored["vectors"]
        return {keys[i * _KEY_BYTES : (i + 1) * _KEY_BYTES]: vector for i, vector in enumerate(vectors)}

    def encode(self, texts: Sequence[str], lang: str, progress: Progress | None = None) -> Vectors:
        """As the encoder beneath, from memory where possible."""
        keys = [_key(f"{lang}\n{text}") for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        for start in range(0, len(missing), _SAVE_EVERY):
            part = list(missing.items())[start : start + _SAVE_EVERY]
            vectors = self._encoder.encode([text for _, text in part], lang, progress)
            self._known.update(zip((key for key, _ in part), vectors, strict=True))
        return (
            np.stack([self._known[key] for key in keys])
            if keys
            else np.zeros((0, self.dimension), np.float32)
        )

    def encode_message(self, text: str, lang: str) -> Vectors:
        """As the encoder beneath, from memory where possible; a message has few vectors, each kept by its place."""
        keys = [_key(f"{lang}\n{text}\n{place}") for place in range(_VECTORS)]
        if keys[0] not in self._known:
            vectors = self._encoder.encode_message(text, lang)
            self._known.update(zip(keys, vectors, strict=False))
        return np.stack([self._known[key] for key in keys if key in self._known])

    def save(self) -> None:
        """Write what is known to the cache, atomically, beside what another process wrote there meanwhile."""
        self._known = self._stored() | self._known
        if not self._known:
            return
        temporary = self._path.with_suffix(f".{os.getpid()}.npz")
        keys = np.frombuffer(b"".join(self._known), np.uint8)
        np.savez(temporary, keys=keys, vectors=np.stack(list(self._known.values())))
        temporary.replace(self._path)

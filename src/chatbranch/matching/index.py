"""The index of wordings on disk: terms in tantivy, English sentence vectors in one append-only file.

    INDEX_DIR/
      current                 the name of the generation in use; replaced atomically
      writer.lock             held by the one writer
      <generation>/
        space.json            which encoder made the vectors
        text/                 tantivy: one document a wording, and one document with the state of this index
        vectors.f32           one unit vector a row, appended, never changed
        vectors.keys          16 bytes a row: a digest of the text it encodes, so that a rebuild need not encode again

A tantivy commit is the only moment at which anything becomes visible: the state document, written in the same
commit, says how many vector rows count and up to which ``seq`` wordings are in. A process killed anywhere leaves
the last commit, and at most some rows past the counted ones, which the next writer overwrites. A rebuild writes a
whole new generation and then replaces ``current``. Everything here can be made again from the database.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching.encoder import Encodes, Vectors
from chatbranch.matching.features import Terms, Weighed, rarity, weighed
from chatbranch.matching.nearest import Nearest

FORMAT = 2  # raised when a directory written before can no longer be read: it is then rebuilt
_STATE = "state"
_HEAP = 64_000_000  # bytes, tantivy's write buffer
_CHUNK = 1_000  # wordings encoded and added at a time
_KEY_BYTES = 16
_WEIGHTS_KEPT = 200_000  # terms; messages bring new ones for ever


@dataclass(frozen=True)
class Wording:
    """One indexed wording of a claim. ``seq`` increases with publication."""

    claim_id: str
    lang: str
    text: str
    seq: int


@dataclass(frozen=True)
class Row:
    """A wording as the index holds it: its terms, parted by blanks, and its vector's row, -1 where it has none."""

    wording: Wording
    slot: int
    terms: str


class IndexBusy(Exception):
    """Another process is writing the index."""


def has_vector(lang: str) -> bool:
    """English is encoded; Chinese is matched by its characters alone, which measure better."""
    return not lang.startswith("zh")


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", stored=True, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("key", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("claim", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("body", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("slot", indexed=True)
    return builder.build()


# --- reading --------------------------------------------------------------------------------------


class Index:
    """One committed state of the index, read-only and safe to share between threads."""

    def __init__(self, folder: Path | None, before: Index | None = None) -> None:
        self._folder = folder
        self._searcher: Any = None
        self.watermark, self.vectors = 0, np.zeros((0, 1), np.float32)
        self._nearest = Nearest(self.vectors)
        self.space = ""
        self._weights = _Weights(self)
        if folder is not None:
            self._load(folder, before._nearest if before is not None and before._folder == folder else None)

    def _load(self, folder: Path, before: Nearest | None) -> None:
        self._text = tantivy.Index.open(str(folder / "text"))
        self._searcher = self._text.searcher()
        space = json.loads((folder / "space.json").read_text())
        self.space = space["digest"]
        state = self._state()
        self.watermark = state["watermark"]
        self.vectors = _map_vectors(folder / "vectors.f32", state["slots"], space["dimension"])
        self._nearest = Nearest(self.vectors, before)

    @classmethod
    def open(cls, directory: Path, before: Index | None = None) -> Index:
        """The index in ``directory``; an absent one, or one of another format, is empty.

        before: an earlier state of it, of which what has not changed is kept.
        """
        return cls(current_generation(directory), before)

    def _state(self) -> dict[str, int]:
        hits = self._search(self._term("key", _STATE), 1)
        return json.loads(hits[0]["body"][0]) if hits else {"watermark": 0, "slots": 0}

    def __len__(self) -> int:
        return max(0, self._searcher.num_docs - 1) if self._searcher else 0

    def weighed(self, terms: Terms) -> Weighed:
        """Terms with their weights in this library (features.rarity)."""
        if len(self._weights) > _WEIGHTS_KEPT:
            self._weights.clear()
        return weighed(terms, self._weights)

    def seen(self, term: str) -> int:
        """How many wordings hold the term."""
        return int(self._searcher.doc_freq("terms", term)) if self._searcher else 0

    def by_terms(self, terms: Sequence[str], limit: int) -> list[Row]:
        """The ``limit`` wordings with the highest BM25 for the terms, best first."""
        return self._rows(self._any_of("terms", terms), limit)

    def by_vectors(self, asked: Vectors, limit: int) -> list[Row]:
        """The ``limit`` encoded wordings nearest to any of the asked vectors (rows), by cosine, best first."""
        slots: list[int] = self._nearest.search(asked, limit).tolist() if len(self.vectors) else []
        if not slots:
            return []
        place = {slot: i for i, slot in enumerate(slots)}
        query = tantivy.Query.term_set_query(self._text.schema, "slot", slots)
        return sorted(self._rows(query, len(slots)), key=lambda row: place[row.slot])

    def of_claims(self, claim_ids: Sequence[str]) -> list[Row]:
        """Every wording of the claims, oldest first."""
        if not claim_ids or not self._searcher:
            return []
        query = tantivy.Query.term_set_query(self._text.schema, "claim", list(claim_ids))
        return sorted(
            self._rows(query, 64 * len(claim_ids)), key=lambda row: (row.wording.seq, row.wording.text)
        )

    def wordings(self) -> Iterator[Row]:
        """Every wording (for tests and inspection; not in any order)."""
        return iter(self._rows(tantivy.Query.all_query(), len(self) + 1)) if self._searcher else iter(())

    def _term(self, name: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._text.schema, name, value, index_option="basic")

    def _any_of(self, name: str, values: Sequence[str]) -> tantivy.Query | None:
        if not values or not self._searcher:
            return None
        schema = self._text.schema
        alternatives = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, name, value, index_option="freq"))
            for value in values
        ]
        return tantivy.Query.boolean_query(alternatives)

    def _search(self, query: tantivy.Query, limit: int) -> list[Any]:
        hits = self._searcher.search(query, limit=limit, count=False).hits
        return [self._searcher.doc(address) for _, address in hits]

    def _rows(self, query: tantivy.Query | None, limit: int) -> list[Row]:
        if query is None:
            return []
        documents = self._search(query, limit)
        return [_row(document) for document in documents if document["claim"]]


class _Weights(dict[str, float]):
    """Term -> how much it tells in this library; each term is looked up once."""

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._index = index

    def __missing__(self, term: str) -> float:
        weight = rarity(term, self._index.seen(term), len(self._index))
        self[term] = weight
        return weight


def _row(document: Any) -> Row:
    lang, seq, slot, text = document["body"][0].split(" ", 3)
    wording = Wording(document["claim"][0], lang, text, int(seq))
    return Row(wording, int(slot), document["terms"][0])


def _map_vectors(path: Path, rows: int, dimension: int) -> Vectors:
    if not rows:
        return np.zeros((0, dimension), np.float32)
    return np.memmap(path, np.float32, "r", shape=(rows, dimension))


def current_generation(directory: Path) -> Path | None:
    """The folder of the generation in use, if there is one that this program can read."""
    try:
        folder = directory / (directory / "current").read_text().strip()
        readable = json.loads((folder / "space.json").read_text())["format"] == FORMAT
    except (OSError, ValueError, KeyError):
        return None
    return folder if readable else None


def stamp(directory: Path) -> tuple[str, int]:
    """A cheap mark that differs whenever the index was committed or replaced."""
    folder = current_generation(directory)
    if folder is None:
        return "", 0
    with contextlib.suppress(OSError):
        return folder.name, (folder / "text" / "meta.json").stat().st_mtime_ns
    return "", 0


# --- writing --------------------------------------------------------------------------------------


class _Generation:
    """A generation being written: tantivy's writer and the vector files behind the last commit."""

    def __init__(self, folder: Path, encoder: Encodes, reuse: dict[bytes, Vectors] | None = None) -> None:
        self.folder, self._encoder, self._reuse = folder, encoder, reuse or {}
        self._text = tantivy.Index(_schema(), path=str(folder / "text"))
        index = Index(folder)
        self.watermark, self.slots = index.watermark, len(index.vectors)
        self._writer = self._text.writer(heap_size=_HEAP, num_threads=1)

    @classmethod
    def create(
        cls, directory: Path, encoder: Encodes, reuse: dict[bytes, Vectors] | None = None
    ) -> _Generation:
        folder = directory / uuid.uuid4().hex
        (folder / "text").mkdir(parents=True)
        space = {"format": FORMAT, "digest": encoder.digest, "dimension": encoder.dimension}
        (folder / "space.json").write_text(json.dumps(space))
        (folder / "vectors.f32").touch()
        (folder / "vectors.keys").touch()
        return cls(folder, encoder, reuse)

    def add(self, wordings: Sequence[Wording]) -> None:
        """Append the wordings; one that is there already is replaced by itself."""
        encoded = [wording for wording in wordings if has_vector(wording.lang)]
        slots = dict(zip(map(_key, encoded), range(self.slots, self.slots + len(encoded)), strict=False))
        self._append_vectors([wording.text for wording in encoded])
        for wording in wordings:
            self._writer.delete_documents_by_term("key", _key(wording))
            self._writer.add_document(_document(wording, slots.get(_key(wording), -1)))
            self.watermark = max(self.watermark, wording.seq)

    def _append_vectors(self, texts: list[str]) -> None:
        if not texts:
            return
        keys = [_text_key(text) for text in texts]
        missing = [i for i, key in enumerate(keys) if key not in self._reuse]
        vectors = np.zeros((len(texts), self._encoder.dimension), np.float32)
        if missing:
            vectors[missing] = self._encoder.encode([texts[i] for i in missing])
        for i, key in enumerate(keys):
            vectors[i] = self._reuse.get(key, vectors[i])
        _write_rows(self.folder / "vectors.f32", self.slots * vectors.shape[1] * 4, vectors.tobytes())
        _write_rows(self.folder / "vectors.keys", self.slots * _KEY_BYTES, b"".join(keys))
        self.slots += len(texts)

    def remove(self, claim_ids: Iterable[str]) -> None:
        for claim_id in claim_ids:
            self._writer.delete_documents_by_term("claim", claim_id)

    def commit(self) -> None:
        """Make everything since the last commit visible, at once and durably."""
        state = json.dumps({"watermark": self.watermark, "slots": self.slots})
        self._writer.delete_documents_by_term("key", _STATE)
        self._writer.add_document(tantivy.Document(key=[_STATE], body=[state]))
        self._writer.commit()

    def close(self) -> None:
        self._writer.wait_merging_threads()


class IndexWriter:
    """The one writer of an index. Nothing it does is visible before ``commit``; ``rebuild`` commits by itself."""

    def __init__(self, directory: Path, encoder: Encodes, lock: int) -> None:
        self._directory, self._encoder, self._lock = directory, encoder, lock
        folder = current_generation(directory)
        usable = folder is not None and Index(folder).space == encoder.digest
        self._generation = _Generation(folder, encoder) if folder and usable else self._found()

    def _found(self) -> _Generation:
        generation = _Generation.create(self._directory, self._encoder)
        generation.commit()
        self._publish(generation)
        return generation

    @classmethod
    def open(cls, directory: Path, encoder: Encodes | None = None) -> IndexWriter:
        """Take the write lock (IndexBusy if another holds it; a dead process's lock is free) and open or found."""
        from chatbranch.matching.encoder import Encoder

        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "writer.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            os.close(lock)
            raise IndexBusy(f"another process is writing {directory}") from held
        try:
            return cls(directory, encoder or Encoder.open(), lock)
        except BaseException:
            os.close(lock)
            raise

    @property
    def watermark(self) -> int:
        """The highest ``seq`` added so far."""
        return self._generation.watermark

    def add(self, wordings: Iterable[Wording]) -> None:
        """Add wordings; adding one again changes nothing."""
        for chunk in _chunks(wordings):
            self._generation.add(chunk)

    def remove(self, claim_ids: Iterable[str]) -> None:
        """Remove every wording of the claims."""
        self._generation.remove(claim_ids)

    def commit(self) -> None:
        """Make what was added and removed visible: all of it or, if the process dies, none."""
        self._generation.commit()

    def rebuild(self, wordings: Iterable[Wording], progress: Callable[[int], None] | None = None) -> int:
        """Replace the whole index by these wordings, beside readers of the old one. Returns how many there are.

        ``progress(done)`` is called after each chunk. Texts encoded before are not encoded again.
        """
        generation = _Generation.create(self._directory, self._encoder, self._known_vectors())
        done = 0
        for chunk in _chunks(wordings):
            generation.add(chunk)
            done += len(chunk)
            if progress:
                progress(done)
        generation.commit()
        generation.close()
        self._generation.close()
        self._publish(generation)
        self._generation = _Generation(generation.folder, self._encoder)
        return done

    def close(self) -> None:
        """Finish merges and give the write lock back."""
        self._generation.close()
        os.close(self._lock)

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _known_vectors(self) -> dict[bytes, Vectors]:
        folder = self._generation.folder
        vectors = Index(folder).vectors
        keys = (folder / "vectors.keys").read_bytes()
        return {keys[i * _KEY_BYTES : (i + 1) * _KEY_BYTES]: vectors[i] for i in range(len(vectors))}

    def _publish(self, generation: _Generation) -> None:
        """Point ``current`` at the generation; the one before stays for readers that still open files in it."""
        before = current_generation(self._directory)
        _replace_file(self._directory / "current", generation.folder.name)
        kept = {generation.folder, before}
        for folder in self._directory.iterdir():
            if folder.is_dir() and folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _chunks(wordings: Iterable[Wording]) -> Iterator[list[Wording]]:
    chunk: list[Wording] = []
    for wording in wordings:
        chunk.append(wording)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _document(wording: Wording, slot: int) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("terms", " ".join(tokens(normalise(wording.text).text)))
    document.add_text("key", _key(wording))
    document.add_text("claim", wording.claim_id)
    document.add_text("body", f"{wording.lang} {wording.seq} {slot} {wording.text}")
    if slot >= 0:
        document.add_unsigned("slot", slot)
    return document


def _text_key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=_KEY_BYTES).digest()


def _key(wording: Wording) -> str:
    return _text_key(f"{wording.claim_id}\x1f{wording.lang}\x1f{wording.text}").hex()


def _write_rows(path: Path, offset: int, rows: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(rows)
        file.flush()
        os.fsync(file.fileno())


def _replace_file(path: Path, content: str) -> None:
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

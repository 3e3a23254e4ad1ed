"""Writing the index (index.py says what lies where): appending to a generation, or making a new one and swapping.

Everything is on disk before the tantivy commit that makes it count.
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
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tantivy

from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.files import sync
from chatbranch.kernel.text import normalise, tokens
from chatbranch.matching.counts import Counting
from chatbranch.matching.encoder import Encodes
from chatbranch.matching.generation import FORMAT, current_generation, named_generation, read_space
from chatbranch.matching.index import (
    CELL_PARTS,
    STATE,
    Index,
    State,
    cells_path,
    counts_path,
    is_built_with,
    map_vectors,
)
from chatbranch.matching.nearest import Halves, few_enough, sort_into_cells
from chatbranch.matching.table import Appender, Row, Wording, write_at

_HEAP = 64_000_000  # bytes, tantivy's write buffer
_CHUNK = 1_000  # wordings encoded and added at a time
_UNCOUNTED = 4_096  # rows whose terms a reader counts itself
_KEY_BYTES = 16
_UNIT = 0.01  # how far from 1 the length of a vector of half precision may be


class IndexBusy(Exception):
    """Another process is writing the index."""


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("claim", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", fast=True)
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("state", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


class _Generation:
    """A generation being written: tantivy's writer, and what the next commit will make visible."""

    def __init__(self, folder: Path, encoder: Encodes, reuse: _Encoded | None = None) -> None:
        self.folder, self._encoder, self._reuse = folder, encoder, reuse
        self._index = Index(folder)
        self._state, self._counts, self._cells = self._index.state, self._index.counts, self._index.cells
        self._rows = Appender(folder, self._state.extent)
        self._claims: dict[int, int] = {}  # hash of an id -> number of the claim, for those met since then
        self._added: set[int] = set()  # hashes of the wordings met since then
        self._counting = Counting()
        for row in self._index.read(range(self._state.counted, self._state.rows)):
            self._counting.add(row.terms.split())
        text = tantivy.Index(_schema(), path=str(folder / "text"))
        self._writer = text.writer(heap_size=_HEAP, num_threads=1)

    @classmethod
    def create(cls, directory: Path, encoder: Encodes, reuse: _Encoded | None = None) -> _Generation:
        folder = directory / uuid.uuid4().hex
        (folder / "text").mkdir(parents=True)
        tantivy.Index(_schema(), path=str(folder / "text"))
        space = {"format": FORMAT, "digest": encoder.digest, "dimension": encoder.dimension}
        (folder / "space.json").write_text(json.dumps(space))
        for name in ("rows", "texts", "vectors", "vectors.keys"):
            (folder / name).touch()
        for written in (folder / "space.json", folder, directory):  # before ``current`` can name it
            sync(written)
        return cls(folder, encoder, reuse)

    @property
    def watermark(self) -> int:
        return self._state.watermark

    def add(self, wordings: Sequence[Wording]) -> None:
        """Append the wordings that are not there yet."""
        numbered = [(own, self._number(own.claim_id)) for own in wordings]
        new = [(own, claim) for own, claim in numbered if not self._known(own, claim)]
        self._append_vectors([own for own, _ in new])
        rows: list[tuple[Row, int]] = []
        for number, (own, known) in enumerate(new, self._rows.extent.rows):
            terms = tokens(normalise(own.text).text)
            claim = self._claims.setdefault(hash(own.claim_id), number) if known is None else known
            rows.append((Row(number, own, " ".join(terms)), claim))
            self._counting.add(terms)
            document = tantivy.Document(terms=[rows[-1][0].terms], claim=[own.claim_id])
            document.add_unsigned("row", number)
            self._writer.add_document(document)
        self._rows.append(rows)
        seq = max((own.seq for own in wordings), default=0)
        self._state = replace(self._state, watermark=max(self._state.watermark, seq))

    def _number(self, claim_id: str) -> int | None:
        """The number of a claim that is in the index or was added since."""
        known = self._claims.get(hash(claim_id))
        if known is None and self._state.rows:
            known = self._index.number_of(claim_id)
            if known is not None:
                self._claims[hash(claim_id)] = known
        return known

    def _known(self, own: Wording, claim: int | None) -> bool:
        key = hash((own.claim_id, own.lang, own.text))
        if key in self._added:
            return True
        self._added.add(key)
        if claim is None or claim >= len(self._index):
            return False
        return any(
            (row.wording.lang, row.wording.text) == (own.lang, own.text)
            for row in self._index.of_claims([claim])
        )

    def _append_vectors(self, wordings: Sequence[Wording]) -> None:
        """Write the vectors of wordings that become the next rows."""
        first, dimension = self._rows.extent.rows, self._encoder.dimension
        keys = [_key(own) for own in wordings]
        vectors = np.zeros((len(wordings), dimension), np.float16)
        missing = self._reuse.fill(vectors, keys) if self._reuse else list(range(len(wordings)))
        for lang in {wordings[i].lang for i in missing}:
            own = [i for i in missing if wordings[i].lang == lang]
            vectors[own] = self._encoder.encode([wordings[i].text for i in own], lang)
        write_at(self.folder / "vectors", first * dimension * 2, vectors.tobytes())
        write_at(self.folder / "vectors.keys", first * _KEY_BYTES, b"".join(keys))

    def commit(self) -> None:
        """Make everything since the last commit visible, at once and durably."""
        self._rows.sync()
        sync(self.folder / "vectors")
        sync(self.folder / "vectors.keys")
        extent, state = self._rows.extent, self._state
        self._state = replace(
            state,
            rows=extent.rows,
            bytes=extent.bytes,
            counted=self._count(extent.rows),
            celled=self._sort(extent.rows),
        )
        self._writer.delete_documents_by_term("kind", STATE)
        self._writer.add_document(tantivy.Document(kind=[STATE], state=[json.dumps(asdict(self._state))]))
        self._writer.commit()
        self._tidy(state)

    def _count(self, rows: int) -> int:
        """Write the counts of all terms anew where a reader would have many rows to count."""
        if rows - self._state.counted < max(_UNCOUNTED, rows // 64):
            return self._state.counted
        self._counts = self._counts.plus(self._counting)
        self._counting = Counting()
        with _whole(counts_path(self.folder, rows)) as path:
            self._counts.write(path)
        return rows

    def _sort(self, rows: int) -> int:
        """Sort the vectors into cells anew where too many lie in none."""
        before = self._cells
        if few_enough(rows, before):
            return self._state.celled
        vectors = map_vectors(self.folder / "vectors", rows, self._encoder.dimension)
        self._cells = cells = sort_into_cells(vectors, before)
        with _whole(cells_path(self.folder, rows)) as path:
            path.mkdir()
            for name in CELL_PARTS:
                np.save(path / f"{name}.npy", getattr(cells, name))
            (path / "drawn.json").write_text(json.dumps(cells.drawn))
        return rows

    def _tidy(self, before: State) -> None:
        """Remove counts and cells that are neither of this commit nor, for readers that still open it, of the last."""
        states = (self._state, before)
        kept = {counts_path(self.folder, own.counted) for own in states}
        kept |= {cells_path(self.folder, own.celled) for own in states}
        for path in (
            *self.folder.glob("counts-*"),
            *self.folder.glob("cells-*"),
            *self.folder.glob(".*.new"),
        ):
            if path not in kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def close(self) -> None:
        self._writer.wait_merging_threads()


class _Encoded:
    """The vectors of all that lies in a directory and was made by one encoder, by what they encode.

    Also of generations of another format, and of such as a killed process left unfinished: encoding takes most of the
    time of a rebuild, and is not done twice.
    """

    def __init__(self, directory: Path, encoder: Encodes) -> None:
        self._parts: list[npt.NDArray[np.floating]] = []
        self._places: dict[bytes, tuple[int, int]] = {}  # a text's key -> which part, and which row of it
        for folder in directory.iterdir():
            if folder.is_dir() and read_space(folder).get("digest") == encoder.digest:
                self._learn(folder, encoder.dimension)

    def _learn(self, folder: Path, dimension: int) -> None:
        for name, kind in (("vectors", np.float16), ("vectors.f32", np.float32)):  # the latter until format 2
            path, width = folder / name, np.dtype(kind).itemsize * dimension
            with contextlib.suppress(OSError):
                keys = (folder / "vectors.keys").read_bytes()
                rows = min(path.stat().st_size // width, len(keys) // _KEY_BYTES)
                if rows:
                    part = len(self._parts)
                    self._parts.append(np.asarray(np.memmap(path, kind, "r", shape=(rows, dimension))))
                    for i in range(rows):
                        self._places[keys[i * _KEY_BYTES : (i + 1) * _KEY_BYTES]] = part, i

    def fill(self, vectors: Halves, keys: Sequence[bytes]) -> list[int]:
        """Put those that are known into their rows; returns the others' rows."""
        missing = []
        for i, key in enumerate(keys):
            part, row = self._places.get(key, (-1, -1))
            vector = self._parts[part][row] if part >= 0 else None
            # what no commit vouches for may never have reached the disk: then it is not of unit length
            if vector is not None and abs(np.linalg.norm(vector.astype(np.float32)) - 1) < _UNIT:
                vectors[i] = vector
            else:
                missing.append(i)
        return missing


class IndexWriter:
    """The one writer of an index. Nothing it does is visible before ``commit``; ``rebuild`` commits by itself.

    founding: there is no index yet that it could add to, for there is none, or none of this format and this encoder.
    The first commit replaces what there is; where that is worth anything, ``rebuild`` is what to do.
    """

    def __init__(self, directory: Path, encoder: Encodes, lock: int) -> None:
        self._directory, self._encoder, self._lock = directory, encoder, lock
        folder = current_generation(directory)
        self.founding = folder is None or not is_built_with(directory, encoder.digest)
        if folder is None or self.founding:
            self._generation = _Generation.create(directory, encoder, _Encoded(directory, encoder))
        else:
            self._remove_all_but(folder)  # what a rebuild that was killed left behind
            self._generation = _Generation(folder, encoder)

    @property
    def replaces(self) -> bool:
        """Whether what there is was in use, if only by another version or with another encoder."""
        return self.founding and named_generation(self._directory) is not None

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
        for chunk in in_chunks(wordings, _CHUNK):
            self._generation.add(chunk)

    def commit(self) -> None:
        """Make what was added visible: all of it or, if the process dies, none."""
        self._generation.commit()
        if self.founding:
            self._publish(self._generation)

    def rebuild(self, wordings: Iterable[Wording], progress: Callable[[int], None] | None = None) -> int:
        """Replace the whole index by these wordings, beside readers of the old one. Returns how many there are.

        ``progress(done)`` is called after each chunk. Texts encoded before are not encoded again.
        """
        known = _Encoded(self._directory, self._encoder)
        generation = _Generation.create(self._directory, self._encoder, known)
        done = 0
        for chunk in in_chunks(wordings, _CHUNK):
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

    def _publish(self, generation: _Generation) -> None:
        """Point ``current`` at the generation; the one before stays for readers that still open files in it."""
        before = current_generation(self._directory)
        with _whole(self._directory / "current") as path:
            path.write_text(generation.folder.name)
        self.founding = False
        self._remove_all_but(generation.folder, before)

    def _remove_all_but(self, *kept: Path | None) -> None:
        for folder in self._directory.iterdir():
            if folder.is_dir() and folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)


def _key(own: Wording) -> bytes:
    """What tells a vector from others of the same encoders: the text, and in which language it was read."""
    read = f"{own.lang}\n{own.text}".encode("utf-8", "replace")
    return hashlib.blake2b(read, digest_size=_KEY_BYTES).digest()


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A place to write a file or folder that appears at ``path`` whole, and durably, or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    if temporary.is_dir():
        shutil.rmtree(temporary)
    yield temporary
    for written in [*temporary.glob("*"), temporary]:
        sync(written)
    if path.is_dir():
        shutil.rmtree(path)  # of a process that died before its commit
    os.replace(temporary, path)
    sync(path.parent)

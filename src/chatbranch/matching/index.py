"""The index of wordings on disk: terms in tantivy, everything else in plain files that are mapped into memory.

    INDEX_DIR/
      current                 the name of the generation in use; replaced atomically
      writer.lock             held by the one writer
      <generation>/
        space.json            which encoder made the vectors
        text/                 tantivy: the terms of each wording with its row, and one document with the state
        rows, texts           one record a wording; what it says and its terms (``table``)
        vectors, vectors.keys one unit vector a row, by the encoder for its language, and a digest of what it encodes, so
                              that a rebuild need not encode again
        counts-<rows>.npy     how many of the first rows hold each term (``counts``)
        cells-<rows>/         the first vectors sorted for searching (``nearest``)

Rows and vectors are appended, never changed. A tantivy commit is the only moment at which anything becomes visible:
the state document, written in the same commit, says how many rows count and which files go with them. A
process killed anywhere leaves the last commit, and at most some bytes past the counted ones, which the next writer
overwrites. A rebuild writes a whole new generation and then replaces ``current``, which never names less than it did: a
generation that this program cannot read, or whose vectors are another encoder's, stays until the new one is whole.
Everything here can be made again from the database.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tantivy

from chatbranch.matching.counts import Counts
from chatbranch.matching.encoder import Vectors
from chatbranch.matching.features import Terms, Weighed, rarity, weighed
from chatbranch.matching.generation import current_generation, read_space
from chatbranch.matching.nearest import Cells, Halves, Nearest
from chatbranch.matching.table import Extent, Row, Table

STATE = "state"  # the kind of the one document that holds it
_WEIGHTS_KEPT = 200_000  # terms; messages bring new ones for ever
_ATTEMPTS = 5  # to open an index whose writer replaces files meanwhile


@dataclass(frozen=True)
class State:
    """What a commit makes visible. counted: rows that the file of counts covers; celled: rows whose vectors lie in cells."""

    watermark: int = 0
    rows: int = 0
    bytes: int = 0
    counted: int = 0
    celled: int = 0

    @property
    def extent(self) -> Extent:
        return Extent(self.rows, self.bytes)


class _Text:
    """Tantivy's part of an index: which rows hold which terms, and the state of the last commit."""

    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index.open(str(folder / "text"))
        self._searcher = self._index.searcher()

    def state(self) -> State:
        hits = self._searcher.search(self._term("kind", STATE), 1, count=False).hits
        return State(**json.loads(self._searcher.doc(hits[0][1])["state"][0])) if hits else State()

    def any_of(self, terms: Sequence[str], limit: int) -> list[int]:
        """The ``limit`` rows with the highest BM25 for the terms, best first."""
        schema = self._index.schema
        alternatives = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "terms", term, index_option="freq"))
            for term in terms
        ]
        return self._rows(tantivy.Query.boolean_query(alternatives), limit) if alternatives else []

    def a_row_of(self, claim_id: str) -> int | None:
        return next(iter(self._rows(self._term("claim", claim_id), 1)), None)

    def _term(self, name: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._index.schema, name, value, index_option="basic")

    def _rows(self, query: tantivy.Query, limit: int) -> list[int]:
        hits = self._searcher.search(query, limit, count=False).hits
        found = self._searcher.fast_field_values("row", [address for _, address in hits])
        return [int(row) for row in found if row is not None]


class Index:
    """One committed state of the index, read-only and safe to share between threads.

    Rows stand for wordings; a claim's number is the row of its first wording.
    """

    def __init__(self, folder: Path | None, before: Index | None = None) -> None:
        self._folder, self.space = folder, ""
        self._text: _Text | None = None
        self.state, self._table = State(), Table()
        self.counts, self._uncounted = Counts(), Counter[str]()
        self.vectors: Halves = np.zeros((0, 1), np.float16)
        self.cells: Cells | None = None
        if folder is not None:
            self._load(folder, before if before is not None and before._folder == folder else None)
        else:
            self.nearest = Nearest(self.vectors)
        self._weights = _Weights(self.counts, self._uncounted, len(self._table))

    def _load(self, folder: Path, before: Index | None) -> None:
        space = json.loads((folder / "space.json").read_text())
        self.space, self._text = space["digest"], _Text(folder)
        state = self.state = self._text.state()
        self._table = Table(folder, state.extent)
        self._count_terms(folder, before)
        self.vectors = map_vectors(folder / "vectors", state.rows, space["dimension"])
        kept = before is not None and before.state.celled == state.celled
        self.cells = before.cells if before is not None and kept else _read_cells(folder, state.celled)
        self.nearest = Nearest(self.vectors, self.cells, before.nearest if before is not None else None)

    def _count_terms(self, folder: Path, before: Index | None) -> None:
        done = self.state.counted
        if before is not None and before.state.counted == done:
            self.counts, self._uncounted = before.counts, before._uncounted.copy()
            done = before.state.rows
        elif done:
            self.counts = Counts.read(counts_path(folder, done))
        for row in self._table.read(range(done, self.state.rows)):
            self._uncounted.update(set(row.terms.split()))

    @classmethod
    def open(cls, directory: Path, before: Index | None = None) -> Index:
        """The index in ``directory``; an absent one, or one of another format, is empty.

        before: an earlier state of it, of which what has not changed is kept.
        """
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(OSError, ValueError):  # it was replaced while it was opened
                return cls(current_generation(directory), before)
        return cls(current_generation(directory), before)

    @property
    def watermark(self) -> int:
        """The highest ``seq`` in the index."""
        return self.state.watermark

    def __len__(self) -> int:
        return len(self._table)

    def weighed(self, texts: Sequence[Terms]) -> list[Weighed]:
        """Texts' terms with their weights in this library (features.rarity); those of all are looked up at once."""
        weights = self._weights
        if len(weights) > _WEIGHTS_KEPT:
            weights.clear()
        weights.learn(list({term for terms in texts for term in terms.counts if term not in weights}))
        return [weighed(terms, weights) for terms in texts]

    def held_by(self, terms: Sequence[str]) -> list[int]:
        """How many wordings hold each term."""
        return _held_by(terms, self.counts, self._uncounted)

    def seen(self, term: str) -> int:
        """How many wordings hold the term."""
        return self.held_by([term])[0]

    def by_terms(self, terms: Sequence[str], limit: int) -> list[int]:
        """The ``limit`` rows with the highest BM25 for the terms, best first."""
        return self._text.any_of(terms, limit) if self._text and terms else []

    def by_vectors(self, asked: Vectors, limit: int) -> list[int]:
        """The ``limit`` rows nearest to any of the asked vectors (rows), by cosine, best first; of any language."""
        return self.nearest.search(asked, limit).tolist() if len(self.vectors) else []

    def claims_of(self, rows: Sequence[int]) -> list[int]:
        """For each row the number of its claim."""
        return self._table.claims_of(rows)

    def number_of(self, claim_id: str) -> int | None:
        """The number of a claim."""
        row = self._text.a_row_of(claim_id) if self._text else None
        return None if row is None else self.claims_of([row])[0]

    def of_claims(self, claims: Sequence[int]) -> list[Row]:
        """Every wording of the claims, by number; claim by claim, oldest first."""
        return list(self._table.read(self._table.rows_of(claims)))

    def vectors_of(self, rows: Sequence[int]) -> Vectors:
        """The vectors of these rows."""
        return self.vectors[np.asarray(rows, np.intp)].astype(np.float32)

    def read(self, rows: Sequence[int]) -> list[Row]:
        """The wordings in these rows."""
        return list(self._table.read(rows))

    def wordings(self) -> Iterator[Row]:
        """Every wording (for tests and inspection)."""
        return self._table.read(range(len(self._table)))


def _held_by(terms: Sequence[str], counts: Counts, uncounted: Counter[str]) -> list[int]:
    return [held + uncounted[term] for term, held in zip(terms, counts.of(terms), strict=True)]


class _Weights(dict[str, float]):
    """Term -> how much it tells in this library; each term is looked up once.

    It does not know its index: nothing may keep the state before alive, with all it has mapped, once a reader has a newer.
    """

    def __init__(self, counts: Counts, uncounted: Counter[str], documents: int) -> None:
        super().__init__()
        self._counts, self._uncounted, self._documents = counts, uncounted, documents

    def __missing__(self, term: str) -> float:
        self.learn([term])
        return self[term]

    def learn(self, terms: Sequence[str]) -> None:
        for term, held in zip(terms, _held_by(terms, self._counts, self._uncounted), strict=True):
            self[term] = rarity(term, held, self._documents)


def map_vectors(path: Path, rows: int, dimension: int) -> Halves:
    if not rows:
        return np.zeros((0, dimension), np.float16)
    return np.asarray(np.memmap(path, np.float16, "r", shape=(rows, dimension)))


def counts_path(folder: Path, rows: int) -> Path:
    return folder / f"counts-{rows}.npy"


def cells_path(folder: Path, rows: int) -> Path:
    return folder / f"cells-{rows}"


CELL_PARTS = ("centres", "basis", "order", "starts", "sketch")


def _read_cells(folder: Path, rows: int) -> Cells | None:
    if not rows:
        return None
    own = cells_path(folder, rows)
    parts = {name: np.asarray(np.load(own / f"{name}.npy", mmap_mode="r")) for name in CELL_PARTS}
    return Cells(**parts, drawn=json.loads((own / "drawn.json").read_text()))


def is_built_with(directory: Path, digest: str) -> bool:
    """Whether there is an index that this program can read, with the vectors of this encoder."""
    folder = current_generation(directory)
    return folder is not None and read_space(folder).get("digest") == digest


def stamp(directory: Path) -> tuple[str, int]:
    """A cheap mark that differs whenever the index was committed or replaced."""
    folder = current_generation(directory)
    if folder is None:
        return "", 0
    with contextlib.suppress(OSError):
        return folder.name, (folder / "text" / "meta.json").stat().st_mtime_ns
    return "", 0

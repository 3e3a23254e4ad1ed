"""The wordings of an index as two files that are appended to and mapped into memory: fixed records, and their texts.

A reader sees the first so many rows, as a commit says; bytes past them are of a writer that has not committed.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chatbranch.kernel.files import sync

_RECORD = np.dtype(
    [
        ("at", "<u8"),  # where in the file of texts its own begin
        ("seq", "<i8"),
        ("claim", "<u4"),  # the row of the first wording of its claim
        ("text", "<u4"),  # lengths in bytes, in the order in which the texts stand
        ("terms", "<u4"),
        ("claim_id", "<u2"),
        ("lang", "<u2"),
    ]
)


@dataclass(frozen=True)
class Wording:
    """One indexed wording of a claim. ``seq`` increases with publication."""

    claim_id: str
    lang: str
    text: str
    seq: int


@dataclass(frozen=True)
class Row:
    """A wording as the index holds it: the number of its row, which is that of its vector, and its terms, parted by blanks."""

    number: int
    wording: Wording
    terms: str


@dataclass(frozen=True)
class Extent:
    """How much of a table counts."""

    rows: int = 0
    bytes: int = 0


class Table:
    """The first rows of a table, read-only and safe to share between threads."""

    def __init__(self, folder: Path | None = None, extent: Extent = Extent()) -> None:
        self._records: npt.NDArray[np.void] = np.zeros(0, _RECORD)
        self._texts: mmap.mmap | bytes = b""
        if folder is not None and extent.rows:
            self._records = np.asarray(np.memmap(folder / "rows", _RECORD, "r", shape=(extent.rows,)))
            with (folder / "texts").open("rb") as file:
                self._texts = mmap.mmap(file.fileno(), extent.bytes, prot=mmap.PROT_READ)
        claims = np.ascontiguousarray(self._records["claim"])
        self._by_claim = np.argsort(claims, kind="stable")
        self._claims = claims[self._by_claim]

    def __len__(self) -> int:
        return len(self._records)

    def claims_of(self, rows: Sequence[int]) -> list[int]:
        """For each row the number of its claim: the row of its first wording."""
        found: list[int] = self._records["claim"][np.asarray(rows, np.intp)].tolist()
        return found

    def rows_of(self, claims: Sequence[int]) -> list[int]:
        """Every row of these claims, claim by claim, oldest first."""
        starts = np.searchsorted(self._claims, claims, "left")
        ends = np.searchsorted(self._claims, claims, "right")
        return [
            int(row)
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            for row in self._by_claim[start:end]
        ]

    def read(self, rows: Sequence[int]) -> Iterator[Row]:
        """The wordings of these rows."""
        records = self._records[np.asarray(rows, np.intp)].tolist()
        for number, (at, seq, _, *lengths) in zip(rows, records, strict=True):
            parts = []
            for length in lengths:
                parts.append(self._texts[at : at + length].decode("utf-8", "surrogatepass"))
                at += length
            text, terms, claim_id, lang = parts
            yield Row(number, Wording(claim_id, lang, text, seq), terms)


class Appender:
    """The writer's end of a table: rows are on disk after ``sync``, and count when a commit says so."""

    def __init__(self, folder: Path, extent: Extent) -> None:
        self._rows, self._texts, self.extent = folder / "rows", folder / "texts", extent

    def append(self, rows: Sequence[tuple[Row, int]]) -> None:
        """Add rows, each with its claim: the row of the claim's first wording, its own number if it is that."""
        records, texts, at = [], [], self.extent.bytes
        for row, claim in rows:
            own = row.wording
            parts = [
                part.encode("utf-8", "surrogatepass")
                for part in (own.text, row.terms, own.claim_id, own.lang)
            ]
            records.append((at, own.seq, claim, *map(len, parts)))
            texts += parts
            at += sum(map(len, parts))
        write_at(self._texts, self.extent.bytes, b"".join(texts))
        write_at(self._rows, self.extent.rows * _RECORD.itemsize, np.array(records, _RECORD).tobytes())
        self.extent = Extent(self.extent.rows + len(records), at)

    def sync(self) -> None:
        """Wait until everything appended is on disk."""
        sync(self._rows)
        sync(self._texts)


def write_at(path: Path, offset: int, content: bytes) -> None:
    """Write into a file that is there; nothing before the offset changes."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)

"""How many wordings of a library hold a term.

Terms are known by 32 bits of a digest: among two million terms one that was never seen has a chance of 1 in 2,000 to
be taken for one that was, mostly a rare one, and then weighs a little less than it should.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint32]

_NONE: Numbers = np.zeros(0, np.uint32)
_REMEMBERED = 500_000  # digests; about 50 MB, and only while an index is written


def digest(term: str) -> int:
    """The 32 bits that stand for a term."""
    return int.from_bytes(
        hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little"
    )


class Counts:
    """Term -> how many wordings hold it."""

    def __init__(self, digests: Numbers = _NONE, held: Numbers = _NONE) -> None:
        self._digests, self._held = digests, held

    @classmethod
    def read(cls, path: Path) -> Counts:
        return cls(*np.asarray(np.load(path, mmap_mode="r")))

    def write(self, path: Path) -> None:
        """Into a new file, which is whole on disk when this returns."""
        with path.open("wb") as file:
            np.save(file, np.stack([self._digests, self._held]))

    def of(self, terms: Sequence[str]) -> list[int]:
        """The count of each term."""
        if not len(self._digests):
            return [0] * len(terms)
        asked = np.fromiter(map(digest, terms), np.uint32, len(terms))
        places = np.minimum(np.searchsorted(self._digests, asked), len(self._digests) - 1)
        found: list[int] = np.where(self._digests[places] == asked, self._held[places], 0).tolist()
        return found

    def plus(self, counted: Counting) -> Counts:
        """These with the wordings that were counted since."""
        digests, held = counted.result()
        return Counts(*_summed(np.concatenate([self._digests, digests]), np.concatenate([self._held, held])))


class Counting:
    """Counts the wordings of a writer, in little memory however many there are."""

    def __init__(self) -> None:
        self._digest = _Digests()
        self._fresh: Counter[str] = Counter()
        self._digests, self._held = _NONE, _NONE

    def add(self, terms: Iterable[str]) -> None:
        """One wording's terms."""
        self._fresh.update(set(terms))
        if len(self._fresh) > _REMEMBERED:
            self._merge()

    def result(self) -> tuple[Numbers, Numbers]:
        self._merge()
        return self._digests, self._held

    def _merge(self) -> None:
        digests = np.fromiter(map(self._digest.__getitem__, self._fresh), np.uint32, len(self._fresh))
        held = np.fromiter(self._fresh.values(), np.uint32, len(self._fresh))
        self._digests, self._held = _summed(
            np.concatenate([self._digests, digests]), np.concatenate([self._held, held])
        )
        self._fresh.clear()


def _summed(digests: Numbers, held: Numbers) -> tuple[Numbers, Numbers]:
    """Each digest once, in rising order, with the sum of what it holds."""
    if not len(digests):
        return digests, held
    order = np.argsort(digests, kind="stable")
    digests, held = digests[order], held[order]
    starts = np.flatnonzero(np.concatenate([[True], digests[1:] != digests[:-1]]))
    return digests[starts], np.add.reduceat(held, starts)


class _Digests(dict[str, int]):
    """Term -> digest; frequent ones are asked for again and again."""

    def __missing__(self, term: str) -> int:
        if len(self) > _REMEMBERED:
            self.clear()
        self[term] = found = digest(term)
        return found

"""Searching vectors: exactly where they are few, in the cells nearest to what is asked where they are many."""

from __future__ import annotations

import numpy as np

from chatbranch.matching.encoder import Vectors
from chatbranch.matching.nearest import FEW, Halves, Nearest, few_enough, sort_into_cells

MANY = 20_000


def like_sentences(rows: int) -> Halves:
    """Unit vectors of 384 dimensions in groups of relatives; as with real ones, some directions vary more."""
    chance = np.random.default_rng(7)
    spread = 1 / np.sqrt(np.arange(1, 385))
    families = chance.normal(size=(rows // 20, 384)) * spread
    found = families[chance.integers(0, len(families), rows)] + 0.4 * chance.normal(size=(rows, 384)) * spread
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def asked_of(vectors: Halves, *rows: int) -> Vectors:
    return vectors[list(rows)].astype(np.float32)


def exact(vectors: Halves, asked: Vectors, limit: int) -> list[int]:
    best: list[int] = np.argsort(-(asked @ vectors.T.astype(np.float32)).max(axis=0), kind="stable")[
        :limit
    ].tolist()
    return best


def found(nearest: Nearest, asked: Vectors, limit: int) -> list[int]:
    rows: list[int] = nearest.search(asked, limit).tolist()
    return rows


def test_few_rows_are_all_compared() -> None:
    vectors = like_sentences(400)
    nearest = Nearest(vectors)
    asked = asked_of(vectors, 5)
    assert found(nearest, asked, 3) == exact(vectors, asked, 3)
    assert len(nearest.search(asked, 1_000)) == 400
    assert found(Nearest(vectors[:0]), asked, 3) == []


def test_among_many_rows_cells_lose_hardly_any_of_the_nearest() -> None:
    vectors = like_sentences(MANY)
    nearest = Nearest(vectors, sort_into_cells(vectors))
    asked = [asked_of(vectors, row, row + 1) for row in range(0, MANY, 500)]
    kept = [len(set(found(nearest, two, 20)) & set(exact(vectors, two, 20))) / 20 for two in asked]
    assert all(found(nearest, two[:1], 1) == exact(vectors, two[:1], 1) for two in asked)
    assert np.mean(kept) >= 0.98


def test_rows_that_came_after_the_cells_were_drawn_are_found_and_later_sorted_into_them() -> None:
    vectors = like_sentences(MANY)
    cells = sort_into_cells(vectors[: MANY - 100])
    before = Nearest(vectors[: MANY - 50], cells)
    more = sort_into_cells(vectors, cells)
    assert (len(more), more.drawn) == (MANY, MANY - 100)
    assert sorted(more.order.tolist()) == list(range(MANY))
    for nearest in (Nearest(vectors, cells, before), Nearest(vectors, more)):
        for row in (3, MANY - 75, MANY - 1):
            assert found(nearest, asked_of(vectors, row), 1) == [row]


def test_cells_are_wanted_when_many_rows_lie_in_none() -> None:
    cells = sort_into_cells(like_sentences(MANY))
    assert few_enough(FEW, None)
    assert not few_enough(FEW + 1, None)
    assert few_enough(MANY + FEW, cells)

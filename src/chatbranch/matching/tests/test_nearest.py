"""Searching vectors: exactly where they are few, by a sketch first where they are many."""

from __future__ import annotations

import numpy as np

from chatbranch.matching.encoder import Vectors
from chatbranch.matching.nearest import Nearest

MANY = 20_000


def like_sentences(rows: int) -> Vectors:
    """Unit vectors of 384 dimensions in groups of relatives; as with real ones, some directions vary more."""
    chance = np.random.default_rng(7)
    spread = 1 / np.sqrt(np.arange(1, 385))
    families = chance.normal(size=(rows // 20, 384)) * spread
    found = families[chance.integers(0, len(families), rows)] + 0.4 * chance.normal(size=(rows, 384)) * spread
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def exact(vectors: Vectors, asked: Vectors, limit: int) -> list[int]:
    best: list[int] = np.argsort(-(asked @ vectors.T).max(axis=0), kind="stable")[:limit].tolist()
    return best


def found(nearest: Nearest, asked: Vectors, limit: int) -> list[int]:
    rows: list[int] = nearest.search(asked, limit).tolist()
    return rows


def test_few_rows_are_all_compared() -> None:
    vectors = like_sentences(400)
    nearest = Nearest(vectors)
    assert found(nearest, vectors[[5]], 3) == exact(vectors, vectors[[5]], 3)
    assert len(nearest.search(vectors[[5]], 1_000)) == 400
    assert found(Nearest(vectors[:0]), vectors[[5]], 3) == []


def test_among_many_rows_a_sketch_loses_hardly_any_of_the_nearest() -> None:
    vectors = like_sentences(MANY)
    nearest = Nearest(vectors)
    asked = [vectors[[row, row + 1]] for row in range(0, MANY, 500)]
    kept = [len(set(found(nearest, two, 20)) & set(exact(vectors, two, 20))) / 20 for two in asked]
    assert all(found(nearest, two[:1], 1) == exact(vectors, two[:1], 1) for two in asked)
    assert np.mean(kept) >= 0.98


def test_rows_added_later_are_found_with_the_directions_of_before() -> None:
    vectors = like_sentences(MANY)
    grown = Nearest(vectors, Nearest(vectors[: MANY - 100]))
    assert found(grown, vectors[[MANY - 1]], 1) == [MANY - 1]
    assert found(grown, vectors[[3]], 1) == [3]

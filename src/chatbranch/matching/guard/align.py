"""Which token of a message stands where which token of the wording stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chatbranch.matching.guard.tokens import Token

LONGEST_WORDING = 320  # tokens; what a claim says, it says by then
LONGEST_MESSAGE = 700
_BESIDE = 0.5  # a match whose neighbour also matches is worth half as much again, on each side
_EQUAL_VALUE = 0.6  # and more when the slots agree
_ALONE = 0.15  # two slots of one type with different values and no common neighbour hardly belong together


@dataclass(frozen=True)
class Alignment:
    """Pairs (i, j), both strictly increasing; ``coverage`` is the aligned share of the wording's weight, 0..1."""

    pairs: tuple[tuple[int, int], ...]
    coverage: float


def align(ours: Sequence[Token], yours: Sequence[Token], equal: set[tuple[int, int]]) -> Alignment:
    """The heaviest common subsequence (Wagner and Fischer 1974), matches weighted by what stands beside them.

    ``equal`` names the pairs of slots whose values agree. Time grows with ``len(ours) * len(yours)``, both capped.
    """
    if not ours or not yours:
        return Alignment((), 0.0)
    weights = _weights(ours, yours, equal)
    pairs = tuple(_trace(weights, _best(weights)))
    total = sum(t.weight for t in ours)
    return Alignment(pairs, sum(ours[i].weight for i, _ in pairs) / total if total else 0.0)


def _weights(ours: Sequence[Token], yours: Sequence[Token], equal: set[tuple[int, int]]) -> np.ndarray:
    numbers: dict[str, int] = {}
    a = np.array([numbers.setdefault(t.key, len(numbers)) for t in ours])
    b = np.array([numbers.setdefault(t.key, len(numbers)) for t in yours])
    same = (a[:, None] == b[None, :]).astype(np.float32)
    told = same * np.array([max(t.weight, 0.05) for t in ours], dtype=np.float32)[:, None]
    beside = np.zeros_like(same)
    beside[1:, 1:] += told[:-1, :-1]
    beside[:-1, :-1] += told[1:, 1:]
    weights: np.ndarray = told + same * _BESIDE * beside
    slots_a = [i for i, t in enumerate(ours) if t.type not in ("word", "stop")]
    slots_b = [j for j, t in enumerate(yours) if t.type not in ("word", "stop")]
    for i in slots_a:
        for j in slots_b:
            if same[i, j]:
                weights[i, j] = _slot_weight(float(weights[i, j]), float(beside[i, j]), (i, j) in equal)
    return weights


def _slot_weight(weight: float, beside: float, agrees: bool) -> float:
    if agrees:
        return weight + _EQUAL_VALUE
    return weight if beside else _ALONE


def _best(weights: np.ndarray) -> np.ndarray:
    """``best[i, j]``: the heaviest subsequence of the first i and j tokens, one numpy pass for each row."""
    n, m = weights.shape
    best = np.zeros((n + 1, m + 1), dtype=np.float32)
    for i in range(n):
        matched = np.where(weights[i] > 0, best[i, :-1] + weights[i], 0)
        best[i + 1, 1:] = np.maximum.accumulate(np.maximum(best[i, 1:], matched))
    return best


def _trace(weights: np.ndarray, best: np.ndarray) -> list[tuple[int, int]]:
    i, j = weights.shape
    pairs: list[tuple[int, int]] = []
    while i and j:
        if best[i, j] == best[i, j - 1]:
            j -= 1
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


@dataclass(frozen=True)
class Gap:
    """What stands between two neighbouring pairs: half-open ranges of tokens on either side."""

    ours: range
    yours: range


def gaps(alignment: Alignment, len_ours: int, len_yours: int) -> list[Gap]:
    """The unaligned stretches, in order, before the first pair and after the last included."""
    bounds = [(-1, -1), *alignment.pairs, (len_ours, len_yours)]
    return [Gap(range(i + 1, k), range(j + 1, m)) for (i, j), (k, m) in pairwise(bounds)]

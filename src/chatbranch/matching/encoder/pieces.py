"""Cutting a text into the word pieces that a sentence encoder was taught with. Pure.

SentencePiece's unigram model: of all ways to cut a text into pieces the most probable one, found with Viterbi's algorithm.
Kudo, "Subword Regularization" (ACL 2018); Kudo and Richardson, "SentencePiece" (EMNLP 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SPACE = "\u2581"  # stands for a space, and begins every text
_UNKNOWN_COSTS = 10.0  # more than the least probable piece, as SentencePiece has it


@dataclass(frozen=True)
class Vocabulary:
    """Pieces with their numbers and log-probabilities, and how characters are written before they are looked up."""

    numbers: Mapping[str, int]
    scores: Sequence[float]
    written: Mapping[int, str]  # of a code point, for str.translate
    unknown: int
    longest: int = field(init=False)
    unknown_score: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest", max(map(len, self.numbers), default=0))
        object.__setattr__(self, "unknown_score", min(self.scores, default=0.0) - _UNKNOWN_COSTS)

    def cut(self, text: str) -> list[int]:
        """The numbers of the pieces of a text, in order; characters in no piece are one unknown piece together."""
        words = self._written(text)
        end = len(words)
        best, begins, numbers = [0.0] + [float("-inf")] * end, [0] * (end + 1), [self.unknown] * (end + 1)
        known, scores, longest = self.numbers, self.scores, self.longest
        for start in range(end):
            so_far = best[start]
            if so_far + self.unknown_score > best[start + 1]:
                best[start + 1], begins[start + 1], numbers[start + 1] = (
                    so_far + self.unknown_score,
                    start,
                    self.unknown,
                )
            for stop in range(start + 1, min(end, start + longest) + 1):
                number = known.get(words[start:stop])
                if number is not None and (score := so_far + scores[number]) > best[stop]:
                    best[stop], begins[stop], numbers[stop] = score, start, number
        return self._path(begins, numbers)

    def _written(self, text: str) -> str:
        return _SPACE + _SPACE.join(text.translate(self.written).split())

    def _path(self, begins: Sequence[int], numbers: Sequence[int]) -> list[int]:
        backwards: list[int] = []
        at = len(begins) - 1
        while at > 0:
            number = numbers[at]
            if number != self.unknown or not backwards or backwards[-1] != number:
                backwards.append(number)
            at = begins[at]
        return backwards[::-1]

"""Cutting a text into the word pieces that a sentence encoder was taught with. Pure.

SentencePiece's unigram model: of all ways to cut a text into pieces the most probable one, found with Viterbi's algorithm.
Kudo, "Subword Regularization" (ACL 2018); Kudo and Richardson, "SentencePiece" (EMNLP 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chatbranch.matching.encoder.base import Vectors

_SPACE = "\u2581"  # stands for a space, and begins every text
_UNKNOWN_COSTS = 10.0  # more than the least probable piece, as SentencePiece has it


class Vocabulary:
    """Pieces with their numbers and log-probabilities.

    A quarter of a million pieces as strings would take 50 MB; of each only its hash is kept, 64 bits of SipHash.
    """

    def __init__(
        self, pieces: Sequence[bytes], scores: Vectors, written: Mapping[int, str], unknown: int
    ) -> None:
        """pieces: in UTF-8, each with its score, in the order of their numbers. written: code point -> what it is written as
        before it is looked up, for str.translate. unknown: the number of what is in no piece."""
        hashes = np.fromiter(map(hash, pieces), np.int64, len(pieces))
        order = np.argsort(hashes)
        self._numbers = order[order != unknown].astype(np.int32)
        self._hashes, self._scores = hashes[self._numbers], scores[self._numbers]
        self._longest = max((len(piece.decode()) for piece in pieces), default=0)  # characters
        self._written, self.unknown = written, unknown
        self._unknown_score = float(scores.min(initial=0.0)) - _UNKNOWN_COSTS

    def cut(self, text: str) -> list[int]:
        """The numbers of the pieces of a text, in order; characters in no piece are one unknown piece together."""
        words = self._say(text)
        end = len(words)
        best, begins, numbers = [0.0] + [float("-inf")] * end, [0] * (end + 1), [self.unknown] * (end + 1)
        known = self._known(words)
        for start in range(end):
            alone = start + 1, self.unknown, self._unknown_score
            for stop, number, score in (alone, *known.get(start, ())):
                if (whole := best[start] + score) > best[stop]:
                    best[stop], begins[stop], numbers[stop] = whole, start, number
        return self._path(begins, numbers)

    def _say(self, text: str) -> str:
        return _SPACE + _SPACE.join(text.translate(self._written).split())

    def _known(self, words: str) -> dict[int, list[tuple[int, int, float]]]:
        """Where pieces stand: start -> (stop, number, score) of each that begins there; all are looked up at once."""
        end = len(words)
        spans = [(i, j) for i in range(end) for j in range(i + 1, min(end, i + self._longest) + 1)]
        # hashed as bytes: a str's hash is that of its memory, in which 十 and AS are the same
        asked = np.array([hash(words[i:j].encode("utf-8", "surrogatepass")) for i, j in spans], np.int64)
        places = np.minimum(np.searchsorted(self._hashes, asked), len(self._hashes) - 1)
        found: dict[int, list[tuple[int, int, float]]] = {}
        for at in np.flatnonzero(self._hashes[places] == asked).tolist():
            (start, stop), place = spans[at], places[at]
            piece = (stop, int(self._numbers[place]), float(self._scores[place]))
            found.setdefault(start, []).append(piece)
        return found

    def _path(self, begins: Sequence[int], numbers: Sequence[int]) -> list[int]:
        backwards: list[int] = []
        at = len(begins) - 1
        while at > 0:
            number = numbers[at]
            if number != self.unknown or not backwards or backwards[-1] != number:
                backwards.append(number)
            at = begins[at]
        return backwards[::-1]

"""Texts as vectors that lie near each other where the texts mean the same: an encoder for each language.

English is read by MiniLM, or by a model that a deployment names; Chinese by E5, which reads a hundred languages and
measured no better in English. Vectors of the two are never compared with each other; the shorter ones end in zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chatbranch.matching.encoder.base import Encodes, ModelUnusable, Progress, Vectors, joined
from chatbranch.matching.encoder.e5 import E5
from chatbranch.matching.encoder.minilm import MiniLM

__all__ = ["Encoder", "Encodes", "ModelUnusable", "Progress", "Vectors", "same_space"]


def same_space(lang: str, other: str) -> bool:
    """Whether vectors of texts in these two languages can be compared."""
    return _chinese(lang) == _chinese(other)


def _chinese(lang: str) -> bool:
    return lang.startswith("zh")


class Encoder:
    """The encoders in use, each for its language. Each is read into memory with the first text it is given."""

    def __init__(self, english: MiniLM, chinese: E5) -> None:
        self._english, self._chinese = english, chinese
        self.digest = joined(english.digest, chinese.digest)
        self.dimension = max(english.dimension, chinese.dimension)

    @classmethod
    def open(cls, folder: Path | None = None) -> Encoder:
        """The packaged encoders, or for English the one in ``folder``; ModelUnusable if their files will not do."""
        return cls(MiniLM.open(folder), E5.open())

    def of(self, lang: str) -> MiniLM | E5:
        """The encoder for a language."""
        return self._chinese if _chinese(lang) else self._english

    def encode(self, texts: Sequence[str], lang: str, progress: Progress | None = None) -> Vectors:
        """One unit vector a text, in the order given; ``progress(done, total)`` is called after each batch."""
        return self._as_long(self.of(lang).encode(texts, progress))

    def encode_message(self, text: str, lang: str) -> Vectors:
        """A message's vector and, in further rows, those of its first sentences where it has several."""
        return self._as_long(self.of(lang).encode_message(text))

    def _as_long(self, vectors: Vectors) -> Vectors:
        return np.pad(vectors, ((0, 0), (0, self.dimension - vectors.shape[1])))

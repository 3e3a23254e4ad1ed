"""Files kept under the hash of what is in them, so that the same file is kept once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def keep(root: Path, data: bytes) -> str:
    """Write `data` durably below `root` and return its SHA-256 in hex: the name under which `path_of` finds it."""
    digest = hashlib.sha256(data).hexdigest()
    target = path_of(root, digest)
    if target.exists():
        os.utime(target)
        return digest
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(target)
    return digest


def path_of(root: Path, digest: str) -> Path:
    """Where the file with this hash is (or would be)."""
    return root / digest[:2] / digest

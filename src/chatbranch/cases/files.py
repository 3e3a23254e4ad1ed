"""Files brought as evidence, or forwarded to be checked: kept under their hash, so that the same file is kept once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from django.conf import settings


def keep(data: bytes) -> str:
    """Write `data` durably and return its SHA-256 in hex: the name under which `path_of` finds it."""
    digest = hashlib.sha256(data).hexdigest()
    target = path_of(digest)
    if target.exists():
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


def path_of(digest: str) -> Path:
    """Where the file with this hash is (or would be)."""
    return Path(settings.FILES_DIR) / digest[:2] / digest

"""Secrets, generated on first start, in a folder of their own with modes nobody else can read."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

NAMES = ("django", "contacts", "pseudonyms", "forgotten", "log")


def load_secrets(keys: Path) -> dict[str, str]:
    """Each named secret: 256 random bits in hex, read from keys/<name>.key, made there when missing (mode 0600)."""
    keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # `mode` is that of the last folder only
    keys.mkdir(exist_ok=True, mode=0o700)
    keys.chmod(0o700)
    return {name: _load(keys / f"{name}.key") for name in NAMES}


def _load(file: Path) -> str:
    """The secret in `file`. Written beside it and linked into place, so that two first starts agree on one."""
    if not file.exists():
        draft = file.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_hex(32))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text().strip()

"""The keys this slice works with, from settings; never logged, never in a row."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def of(name: str) -> bytes:
    """The named secret, 32 bytes."""
    return bytes.fromhex(settings.SECRETS[name])


def forgotten_list() -> Path:
    """The file of forgotten pseudonyms: beside the keys, so that no backup of the data holds it."""
    return Path(settings.CONFIG.keys) / "forgotten.list"

"""Files brought as evidence, or forwarded to be checked: kept under their hash, so that the same file is kept once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from django.conf import settings

from chatbranch.cases.models import Evidence, Variant
from chatbranch.kernel import files
from chatbranch.kernel.chunks import in_chunks

UNCLAIMED = 86_400.0  # seconds: a file is written before the row that refers to it


def keep(data: bytes) -> str:
    """Write `data` durably and return its SHA-256 in hex: the name under which `path_of` finds it."""
    return files.keep(_root(), data)


def path_of(digest: str) -> Path:
    """Where the file with this hash is (or would be)."""
    return files.path_of(_root(), digest)


def sweep(also: Collection[str] = ()) -> int:
    """Delete the files older than a day that no variant and no evidence refers to, nor `also`; returns how many."""
    return files.sweep(_root(), lambda names: {*also, *_referred_to(names)}, UNCLAIMED)


def _referred_to(names: list[str]) -> set[str]:
    found: set[str] = set()
    for some in in_chunks(names):
        found.update(Variant.objects.filter(image__in=some).values_list("image", flat=True))
        found.update(Evidence.objects.filter(file__in=some).values_list("file", flat=True))
    return found


def _root() -> Path:
    return Path(settings.FILES_DIR)

"""Files on their way out: kept until every delivery that carries them has ended, then deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings

from chatbranch.deliveries.models import Delivery
from chatbranch.kernel import files
from chatbranch.kernel.messages import Attachment

UNCLAIMED = 3600.0  # seconds: a file is written before the delivery that carries it

Packed = dict[str, str]
"""How a delivery's body names a file: {"file": its SHA-256, "name", "media_type", "url"}."""


def pack(attachments: Iterable[Attachment]) -> list[Packed]:
    """Write attachments down durably, for a delivery to carry."""
    return [
        {
            "file": files.keep(_root(), each.data),
            "name": each.name[:200],
            "media_type": each.media_type[:100],
            "url": each.url,
        }
        for each in attachments
    ]


def unpack(packed: Sequence[Packed]) -> tuple[Attachment, ...]:
    """The attachments a delivery carries. Raises OSError when a file is gone."""
    return tuple(
        Attachment(
            each["name"], each["media_type"], files.path_of(_root(), each["file"]).read_bytes(), each["url"]
        )
        for each in packed
    )


def sweep() -> int:
    """Delete the files that no waiting delivery carries; returns how many."""
    return files.sweep(_root(), lambda _: _carried(), UNCLAIMED)


def _carried() -> set[str]:
    """The hashes of the files that waiting deliveries carry."""
    waiting = Delivery.objects.filter(state=Delivery.State.QUEUED, body__has_key="files")
    return {each["file"] for body in waiting.values_list("body", flat=True) for each in body["files"]}


def _root() -> Path:
    return Path(settings.FILES_DIR) / "passing"

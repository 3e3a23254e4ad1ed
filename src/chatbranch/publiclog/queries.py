"""Reading the log. It is public: whoever looks sees the same, so no query here asks who that is."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings

from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.models import Checkpoint, Cosignature, Entry
from chatbranch.publiclog.proofs import Proof
from chatbranch.publiclog.tiles import BadTile, TiledTree


def proof_of(subject: UUID, version: int = 0) -> Proof | None:
    """The proof that what happened to this subject is in the log: of a claim, its verdict's `version`. None until it is published."""
    row = Entry.objects.filter(subject=subject, version=version).order_by("-index").first()
    return proof(row.index) if row else None


def proof(index: int) -> Proof | None:
    """The proof of one entry under the newest checkpoint; None where there is no such entry, or not published yet."""
    row = Entry.objects.filter(index=index).first()
    signed = newest()
    if row is None or signed is None or signed.size <= index:
        return None
    try:
        hashes = TiledTree(signed.size, Folder(Path(settings.LOG_DIR)).tile).inclusion_proof(index)
    except (OSError, BadTile):
        return None  # the folder is being made anew
    return Proof(index, tuple(hashes), note_of(signed), bytes(row.leaf))


def newest() -> Checkpoint | None:
    """The newest checkpoint."""
    return Checkpoint.objects.order_by("-size").first()


def note_of(checkpoint: Checkpoint) -> str:
    """The checkpoint as it is published: signed by us, and by the witnesses that have cosigned it so far."""
    lines = Cosignature.objects.filter(checkpoint=checkpoint).order_by("id").values_list("line", flat=True)
    return checkpoint.note + "".join(lines)

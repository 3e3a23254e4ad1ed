"""Reading the log. It is public: whoever looks sees the same, so no query here asks who that is, but for what members noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Count, QuerySet

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.claims import queries as claims
from chatbranch.publiclog import entries, words
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.keys import key_at, public_keys
from chatbranch.publiclog.models import Checkpoint, Cosignature, Entry, OutsideRequest
from chatbranch.publiclog.proofs import Proof
from chatbranch.publiclog.tiles import BadTile, TiledTree

WITNESSES = 2
"""So many independent witnesses have to cosign; until then it is said that witnessing is pending."""


def proof_of(subject: UUID, version: int = 0) -> Proof | None:
    """The proof that what happened to this subject is in the log: of a claim, its verdict's `version`. None until it is published."""
    index = index_of(subject, version)
    return None if index is None else proof(index)


def proof(index: int) -> Proof | None:
    """The proof of one entry, under the newest checkpoint that holds it and that enough witnesses have cosigned; until there is one,
    under the one that is published. None where there is no such entry, or not published yet."""
    folder = Folder(Path(settings.LOG_DIR))
    row, there = Entry.objects.filter(index=index).first(), folder.checkpoint()
    signed = newest_witnessed()
    if there and (signed is None or signed.size <= index):
        signed = Checkpoint.objects.filter(size=there.size, root=there.root).first()
    if row is None or there is None or signed is None or signed.size <= index:
        return None
    try:
        hashes = TiledTree(signed.size, folder.tile).inclusion_proof(index)
    except (OSError, BadTile):
        return None  # the folder is being made anew
    return Proof(index, tuple(hashes), note_of(signed), bytes(row.leaf))


def newest() -> Checkpoint | None:
    """The newest checkpoint."""
    return Checkpoint.objects.order_by("-size").first()


def newest_witnessed() -> Checkpoint | None:
    """The newest checkpoint that enough independent witnesses have cosigned."""
    counted = Cosignature.objects.values("checkpoint").annotate(n=Count("witness", distinct=True))
    size = (
        counted.filter(n__gte=WITNESSES).order_by("-checkpoint").values_list("checkpoint", flat=True).first()
    )
    return None if size is None else Checkpoint.objects.get(size=size)


def note_of(checkpoint: Checkpoint) -> str:
    """The checkpoint as it is published: signed by us, and by the witnesses that have cosigned it so far."""
    lines = Cosignature.objects.filter(checkpoint=checkpoint).order_by("id").values_list("line", flat=True)
    return checkpoint.note + "".join(lines)


@dataclass(frozen=True)
class Line:
    """One entry in the list of the newest."""

    index: int
    kind: str
    at: datetime


@dataclass(frozen=True)
class Logged:
    """One entry as its page shows it. salt, words: what opens its commitment, in hex and as canonical text; only of verdicts,
    whose words are public anyway, and empty once the salt is erased. claim: the claim it is about, if any."""

    index: int
    entry: entries.Entry
    leaf: str
    proof: Proof | None
    key: str
    claim: UUID | None
    salt: str = ""
    words: str = ""

    @property
    def checkpoint_size(self) -> int:
        """The size of the checkpoint that its proof leads to; 0 before there is one."""
        return self.proof.size if self.proof else 0


@dataclass(frozen=True)
class State:
    """How far the log is. witnesses: who has cosigned its checkpoint, with the time."""

    origin: str
    size: int
    vkey: str
    first_vkey: str
    note: str
    witnesses: tuple[tuple[str, datetime], ...]

    @property
    def witnessed(self) -> bool:
        """Whether enough independent witnesses have cosigned."""
        return len(self.witnesses) >= WITNESSES


def state(size: int = 0) -> State | None:
    """The state at the newest checkpoint, or at the one of `size`; None while there is none."""
    signed = Checkpoint.objects.filter(size=size).first() if size else newest()
    keys = public_keys()
    if signed is None or not keys:
        return None
    rows = Cosignature.objects.filter(checkpoint=signed).order_by("at").values_list("witness", "at")
    key = key_at(signed.size) or keys[0]
    return State(key.name, signed.size, key.vkey, keys[0].vkey, note_of(signed), tuple(rows))


def entries_before(before: int | None, most: int) -> list[Line]:
    """The newest entries, or those below an index, newest first."""
    rows = Entry.objects.order_by("-index")
    rows = rows if before is None else rows.filter(index__lt=before)
    return [Line(*row) for row in rows.values_list("index", "kind", "at")[:most]]


def entries_about(subject: UUID, kind: str) -> list[tuple[entries.Entry, int]]:
    """(entry, index) of what the log says of a subject in this way, oldest first."""
    rows = Entry.objects.filter(subject=subject, kind=kind).order_by("index")
    return [(entries.Entry.read(bytes(leaf)), index) for leaf, index in rows.values_list("leaf", "index")]


def index_of(subject: UUID, version: int) -> int | None:
    """Where this version of a verdict was logged."""
    return _rows_of(subject, version).values_list("index", flat=True).first()


def logged(index: int) -> Logged | None:
    """One entry with all there is to show of it."""
    row = Entry.objects.filter(index=index).select_related("salt").first()
    if row is None:
        return None
    said = entries.Entry.read(bytes(row.leaf))
    proved = proof(index)
    salt, text = _opened(row, said)
    key = key_at(proved.size) if proved else None
    return Logged(
        index, said, bytes(row.leaf).decode(), proved, key.vkey if key else "", _claim_of(said), salt, text
    )


def _claim_of(said: entries.Entry) -> UUID | None:
    if said.kind in entries.VERDICTS:
        return said.subject
    claim = said.says.get("claim")
    return UUID(str(claim)) if claim else None


def _opened(row: Entry, said: entries.Entry) -> tuple[str, str]:
    """Salt and words of a verdict's entry, where both are there and fit."""
    if said.kind not in entries.VERDICTS or not hasattr(row, "salt"):
        return "", ""
    card = claims.decided_card(said.subject, row.version)
    salt = bytes(row.salt.salt)
    text = words.of_verdict(card, int(said.says.get("wordings", 0))) if card else {}
    if entries.commitment(salt, text) != said.says.get("words"):
        return "", ""  # the log speaks of another verdict than the library now has under this version
    return salt.hex(), entries.canonical(text).decode()


def _rows_of(subject: UUID, version: int) -> QuerySet[Entry]:
    found: QuerySet[Entry] = Entry.objects.filter(subject=subject, version=version).order_by("-index")
    return found


def requests(actor: Member, most: int = 200) -> list[OutsideRequest]:
    """What was asked from outside, newest first; for members."""
    branch.insider(actor)
    return list(OutsideRequest.objects.select_related("noted_by").order_by("-at")[:most])

"""The log's rows. They are the truth; the published files are made from them, and can be made anew."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from chatbranch.claims.models import Appended, Claim
from chatbranch.kernel import clock, ids
from chatbranch.publiclog.entries import ASKING, ASKS


class LogKey(Appended):
    """A public key of this log, as a verifier key line. since: it signs every checkpoint larger than this."""

    since = models.BigIntegerField(primary_key=True)
    vkey = models.CharField(max_length=400)

    def __str__(self) -> str:
        return self.vkey


class Entry(Appended):
    """One entry. Indexes have no gap. leaf: the bytes that are logged. version: of the verdict that it tells of, else 0."""

    index = models.BigIntegerField(primary_key=True)
    leaf = models.BinaryField()
    kind = models.CharField(max_length=20)
    subject = models.UUIDField()
    version = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subject", "version"]), models.Index(fields=["kind", "index"])]

    def __str__(self) -> str:
        return f"{self.index} {self.kind}"


def size() -> int:
    """How many entries the log has."""
    last: int | None = Entry.objects.aggregate(last=models.Max("index"))["last"]
    return 0 if last is None else last + 1


class Salt(models.Model):
    """What opens the commitment in an entry. Erased, the hash in the entry tells nothing of what somebody wrote."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT, related_name="salt")
    salt = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return "a salt"


class Checkpoint(Appended):
    """A state of the log that was signed. note: as it was signed, without the witnesses' lines."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.size} entries"


class Cosignature(models.Model):
    """A witness's line under a checkpoint."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.CharField(max_length=200)
    line = models.TextField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="one_cosignature_a_witness")
        ]

    def __str__(self) -> str:
        return self.witness


class OutsideRequest(models.Model):
    """That somebody outside asked to have something changed or removed, as a member noted it down. text: in their words.

    asks, by: as in entries of the kind `request.made`. claim: which claim it is about, if any.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    asks = models.CharField(max_length=10, choices=[(each, each) for each in ASKS])
    by = models.CharField(max_length=10, choices=[(each, each) for each in ASKING])
    claim = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.asks} by {self.by}"


class Witness(models.Model):
    """How far a witness is. name: of its key. size: what it has cosigned, as far as we know. problem: why it last did not."""

    name = models.CharField(max_length=200, primary_key=True)
    size = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=clock.now)
    problem = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name


class Follower(models.Model):
    """How far something was followed: events of the journal up to `seq` are logged, entries below `seq` have taken effect."""

    name = models.CharField(max_length=20, primary_key=True)
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name} {self.seq}"


def reached(name: str) -> int:
    """How far the follower of this name is."""
    return Follower.objects.filter(name=name).values_list("seq", flat=True).first() or 0

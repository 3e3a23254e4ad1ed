"""The log's rows. They are the truth; the published files are made from them, and can be made anew."""

from __future__ import annotations

from django.db import models

from chatbranch.claims.models import Appended
from chatbranch.kernel import clock


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


class Follower(models.Model):
    """How far the journal was read: the events up to `seq` are logged, where they are to be. One row."""

    name = models.CharField(max_length=20, primary_key=True)
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name} {self.seq}"

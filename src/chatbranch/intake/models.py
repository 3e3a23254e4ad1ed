"""What came in. A submission is written before anything is done with it; a repeated message is taken once."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from chatbranch.kernel import clock, ids


class Submission(models.Model):
    """One message someone sent to have checked, what was answered, and why.

    `sealed` holds the message and its reply address, encrypted, until it is answered; the row is erased after 30 days.
    `pseudonym` holds for the day of arrival only. Refused: set aside, since it could neither be matched nor handed on.
    asked: the answer ended in asking whether the suggestion is what was meant, and no word has come back.
    """

    class State(models.TextChoices):
        RECEIVED = "received"
        ANSWERED = "answered"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    token = models.CharField(max_length=64, unique=True, default=ids.new_token)
    channel = models.CharField(max_length=40)
    pseudonym = models.CharField(max_length=64, db_index=True)
    replay = models.CharField(max_length=64, unique=True)
    sealed = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.RECEIVED)
    received_at = models.DateTimeField(default=clock.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)
    asked = models.BooleanField(default=False)
    result = models.JSONField(default=dict)
    claim_id = models.UUIDField(null=True, blank=True, db_index=True)
    case_id = models.UUIDField(null=True, blank=True, db_index=True)
    fingerprint = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "received_at"]),
            models.Index(fields=["fingerprint", "id"], name="matched_message", condition=~Q(fingerprint="")),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"


class Flood(models.Model):
    """How often one pseudonym of a day has asked: of an asker, a room or a network. Gone with the day.

    in_minute: in the window (of a minute; for objections, an hour) that began at `minute`.
    """

    pseudonym = models.CharField(max_length=64, primary_key=True)
    day = models.DateField(db_index=True)
    count = models.PositiveIntegerField(default=0)
    minute = models.DateTimeField(default=clock.now)
    in_minute = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.count} today"


class Meant(models.Model):
    """An asker's own word on whether a suggested claim is what they meant: for matching to learn from, and nothing else.

    `pseudonym` is the asker's in the case. fitted: the version of matching's numbers that made the suggestion.
    """

    pseudonym = models.CharField(max_length=64)
    case_id = models.UUIDField(db_index=True)
    claim_id = models.UUIDField()
    meant = models.BooleanField()
    fitted = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pseudonym", "claim_id"], name="one_word_a_suggestion")
        ]

    def __str__(self) -> str:
        return "meant" if self.meant else "not meant"


class Room(models.Model):
    """A room that was told what we do, once. `destination` is a keyed hash of where it is; nothing said in it is here."""

    destination = models.CharField(max_length=64, primary_key=True)
    greeted_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return "a room"


class Memory(models.Model):
    """What a connector must remember across restarts: a sync token, a cursor. Secrets in it are sealed."""

    channel = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="one_memory_a_key")]

    def __str__(self) -> str:
        return f"{self.channel} {self.key}"

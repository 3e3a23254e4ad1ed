"""The outbox and its lanes."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from chatbranch.deliveries import rules
from chatbranch.kernel import clock, ids


def give_up_time() -> datetime:
    """When a delivery accepted now is given up."""
    return clock.now() + rules.GIVE_UP_AFTER


class Lane(models.Model):
    """One destination that has something waiting. Whoever holds its lease sends; `fence` refuses a holder come back late.

    `name` is a keyed hash of channel and address. It would link one asker's subjects, so a lane is dropped once empty.
    """

    name = models.CharField(max_length=64, primary_key=True)
    channel = models.CharField(max_length=40)
    fence = models.BigIntegerField(default=0)
    leased_until = models.DateTimeField(default=clock.now)
    next_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["channel", "next_at"])]

    def __str__(self) -> str:
        return f"a lane of {self.channel}"


class Channel(models.Model):
    """How a channel is, as its connector last said: connected, reconnecting, or broken and why."""

    name = models.CharField(max_length=40, primary_key=True)
    health = models.CharField(max_length=12)
    why = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.name} {self.health}"


class Delivery(models.Model):
    """One message to one destination: queued, then sent or failed, with a reason people can read (reasons.py).

    body: what leaves, as deliveries.actions.Message says it.
    lane: only while there is something to send (a pulled channel keeps it a day longer, for a page that is reloaded).
    attempted_at: set before a message leaves, cleared when its end is known. Still set on a queued row that nobody
    holds, it means: may have been sent. repeats: how often such a message was sent again.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    # Lanes are only ever dropped by deliveries.lanes, under lock and after a look; no cascade may guess.
    lane = models.ForeignKey(Lane, null=True, on_delete=models.DO_NOTHING, related_name="deliveries")
    channel = models.CharField(max_length=40)
    pseudonym = models.CharField(max_length=64, db_index=True)
    about = models.UUIDField(null=True, db_index=True)
    kind = models.CharField(max_length=40)
    body = models.JSONField()
    once = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    repeats = models.PositiveIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    receipt = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    give_up_at = models.DateTimeField(default=give_up_time)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["lane", "state", "id"]),
            models.Index(fields=["state", "give_up_at"]),
            models.Index(fields=["channel", "state"]),
            models.Index(fields=["receipt"], name="delivery_by_receipt", condition=~models.Q(receipt="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

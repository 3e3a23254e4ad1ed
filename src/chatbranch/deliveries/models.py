"""The outbox and its lanes."""

from __future__ import annotations

from django.db import models

from chatbranch.kernel import clock, ids


class Lane(models.Model):
    """One destination. Whoever holds its lease sends its deliveries in order; `fence` refuses a holder come back late."""

    name = models.CharField(max_length=120, primary_key=True)
    channel = models.CharField(max_length=40)
    fence = models.BigIntegerField(default=0)
    leased_until = models.DateTimeField(default=clock.now)
    next_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["channel", "next_at"])]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message to one destination: queued, then sent or failed, with the reason in words a person can read."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="deliveries")
    pseudonym = models.CharField(max_length=64, db_index=True)
    about = models.UUIDField(null=True, db_index=True)
    kind = models.CharField(max_length=40)
    body = models.JSONField()
    once = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    receipt = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["lane", "state", "id"]), models.Index(fields=["state", "created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

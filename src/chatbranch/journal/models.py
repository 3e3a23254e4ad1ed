"""Event rows."""

from __future__ import annotations

from django.db import models

from chatbranch.kernel import clock


class Event(models.Model):
    """One thing that happened. `seq` orders all events; written in the transaction of the change it tells of."""

    seq = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=60)
    subject = models.UUIDField()
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["kind", "seq"]), models.Index(fields=["subject", "seq"])]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.subject}"

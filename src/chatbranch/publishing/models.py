"""The hub's rows: what its topics say, who wants to hear of it, and what each has heard. Subscribers are machines with a public
address; no person is here."""

from __future__ import annotations

from django.db import models

from chatbranch.kernel import clock, ids
from chatbranch.publishing.rules import LONGEST_CALLBACK, SUBSCRIBE, UNSUBSCRIBE


class Topic(models.Model):
    """A feed as it was last written down to be distributed. seq: the event of the journal that it was made after."""

    url = models.CharField(max_length=500, primary_key=True)
    seq = models.BigIntegerField(default=-1)
    tag = models.CharField(max_length=40, blank=True)
    media_type = models.CharField(max_length=80, blank=True)
    body = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return self.url


class Called(models.Model):
    """Whom we call: its address, and when next. failures: in a row. leased_until: one process calls it at a time."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    callback = models.CharField(max_length=LONGEST_CALLBACK)
    host = models.CharField(max_length=255, db_index=True)
    secret = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=clock.now, db_index=True)
    leased_until = models.DateTimeField(default=clock.now)

    class Meta:
        abstract = True


class Intent(Called):
    """Somebody asked for a subscription to begin or to end; whoever answers at the callback is asked whether they mean it.

    settled_at: when that was known; kept for an hour longer, to be counted.
    """

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=12, choices=[(each, each) for each in (SUBSCRIBE, UNSUBSCRIBE)])
    lease = models.DurationField()
    asked_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.mode} {self.host}"


class Subscription(Called):
    """Whoever answers at the callback hears of each change of the topic until `expires_at`.

    told: the tag of what it was last told. telling: the tag of what it is being told; still set when nobody holds the lease, it
    means that it may have arrived. repeats: how often such a one was sent again.
    """

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="subscriptions")
    expires_at = models.DateTimeField()
    told = models.CharField(max_length=40, blank=True)
    telling = models.CharField(max_length=40, blank=True)
    repeats = models.PositiveIntegerField(default=0)

    class Meta(Called.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["callback", "topic"], name="one_subscription_a_topic")]

    def __str__(self) -> str:
        return f"{self.host} {self.topic_id}"

"""The library's tables. Wordings, verdicts and sources are appended; nothing here is ever edited."""

from __future__ import annotations

from django.db import models

from chatbranch.claims.rules import RATINGS
from chatbranch.kernel import clock, ids


class Claim(models.Model):
    """One checkable statement. `origin` names whom it was imported from; empty means this branch checked it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    key = models.CharField(max_length=300, unique=True)
    topic = models.CharField(max_length=60, blank=True)
    origin = models.CharField(max_length=200, blank=True)
    origin_url = models.URLField(max_length=2000, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.key


class Wording(models.Model):
    """One way this claim is said. The first of a language is its headline; later ones were met in the wild."""

    seq = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="wordings")
    lang = models.CharField(max_length=10)
    text = models.TextField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["claim", "seq"])]

    def __str__(self) -> str:
        return self.text[:60]


class Verdict(models.Model):
    """One verdict of a claim's history; the current one is the newest version. Withdrawal is a version too."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="verdicts")
    version = models.PositiveIntegerField()
    rating = models.CharField(max_length=20, choices=[(rating, rating) for rating in RATINGS])
    as_of = models.DateField()
    expires = models.DateField(null=True, blank=True)
    scope = models.JSONField(default=dict)
    explanation = models.JSONField(default=dict)
    reason = models.JSONField(default=dict)
    basis = models.JSONField(default=dict)
    published_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "version"], name="one_verdict_a_version")]

    def __str__(self) -> str:
        return f"{self.rating} v{self.version}"


class Source(models.Model):
    """What a verdict rests on."""

    verdict = models.ForeignKey(Verdict, on_delete=models.CASCADE, related_name="sources")
    url = models.URLField(max_length=2000)
    title = models.CharField(max_length=500, blank=True)
    publisher = models.CharField(max_length=200, blank=True)
    lang = models.CharField(max_length=10, blank=True)

    def __str__(self) -> str:
        return self.url

"""The library's tables. Wordings, verdicts, sources and card codes are appended, never edited or removed.

Three guards hold that: the models below refuse, foreign keys protect, and database triggers refuse what
goes past Django (migration 0002).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models import F, Q

from chatbranch.claims.codes import LENGTH
from chatbranch.claims.rules import RATINGS, WITHDRAWN
from chatbranch.kernel import clock, ids


class AppendOnly(Exception):
    """Code tried to edit or remove a row that is history. A defect, never a person's mistake."""


class AppendedQuerySet(models.QuerySet[Any]):
    """Rows that may be added and read."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly(f"{self.model.__name__} rows are never edited")

    def bulk_update(
        self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None
    ) -> NoReturn:
        raise AppendOnly(f"{self.model.__name__} rows are never edited")

    def delete(self) -> NoReturn:
        raise AppendOnly(f"{self.model.__name__} rows are never removed")


class Appended(models.Model):
    """A row that is written once and then stays as it is."""

    objects: ClassVar[models.Manager[Any]] = models.Manager.from_queryset(AppendedQuerySet)()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly(f"{type(self).__name__} {self.pk} is never edited")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(f"{type(self).__name__} {self.pk} is never removed")


class Claim(models.Model):
    """One checkable statement. `origin` names whom it was imported from; empty: this branch brought it in.

    key: what the origin calls it, unique within that origin (our own: the id). digest: hash of the row it was
    last imported from, so that an unchanged row writes nothing. version: that of the newest verdict in effect, 0 before there is one.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    key = models.CharField(max_length=300)
    topic = models.CharField(max_length=60, blank=True, db_index=True)
    origin = models.CharField(max_length=200, blank=True)
    origin_url = models.URLField(max_length=2000, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["origin", "key"], name="one_claim_a_key")]

    def __str__(self) -> str:
        return self.key


class Wording(Appended):
    """One way this claim is said. A language's first is its headline.

    learnt: when it was learnt from a message somebody forwarded. Then it is for recognising the next one only: it may hold a
    name or a number of its sender, so no page, API or export shows it.
    """

    seq = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="wordings")
    lang = models.CharField(max_length=10)
    text = models.TextField()
    at = models.DateTimeField(default=clock.now)
    learnt = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["claim", "seq"])]

    def __str__(self) -> str:
        return self.text[:60]


class VerdictQuerySet(AppendedQuerySet):
    def current(self) -> VerdictQuerySet:
        """The verdict of each claim that is in effect now: the newest but for what the public log does not have yet."""
        return self.filter(version=F("claim__version"))

    def taken_effect(self) -> VerdictQuerySet:
        """The verdicts that are or were in effect: all there is to see for anybody."""
        return self.filter(version__lte=F("claim__version"))


class Verdict(Appended):
    """One verdict of a claim's history; the current one is the newest in effect. Withdrawal is a version too.

    origin: who decided it; empty means this branch did, also about a claim that came from elsewhere.
    scope, explanation, reason: texts by language; reason says why this version follows the one before.
    basis: how it came about, for machines (votes, or the rating as its publisher worded it).
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="verdicts")
    version = models.PositiveIntegerField()
    rating = models.CharField(max_length=20, choices=[(rating, rating) for rating in RATINGS])
    as_of = models.DateField()
    expires = models.DateField(null=True, blank=True)
    scope = models.JSONField(default=dict, blank=True)
    explanation = models.JSONField(default=dict, blank=True)
    reason = models.JSONField(default=dict, blank=True)
    basis = models.JSONField(default=dict, blank=True)
    origin = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[Any] = models.Manager.from_queryset(VerdictQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["claim", "version"], name="one_verdict_a_version")]
        indexes = [  # of the few that may not be given as an answer
            models.Index(fields=["expires"], condition=Q(expires__isnull=False), name="verdicts_that_expire"),
            models.Index(
                fields=["rating"], condition=Q(rating__in=[WITHDRAWN, "unknown"]), name="verdicts_not_told"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} v{self.version}"


class Source(Appended):
    """What a verdict rests on."""

    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT, related_name="sources")
    url = models.URLField(max_length=2000)
    title = models.CharField(max_length=500, blank=True)
    publisher = models.CharField(max_length=200, blank=True)
    lang = models.CharField(max_length=10, blank=True)

    def __str__(self) -> str:
        return self.url


class CardCode(Appended):
    """What the cards of one version of a verdict carry (codes.py)."""

    code = models.CharField(max_length=LENGTH, primary_key=True)
    verdict = models.OneToOneField(Verdict, on_delete=models.PROTECT, related_name="card_code")

    def __str__(self) -> str:
        return self.code

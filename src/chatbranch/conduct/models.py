"""Complaints, matters and all that happened to them. What is history is appended: models, foreign keys and triggers hold it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from chatbranch.branch.models import Outlet
from chatbranch.claims.models import Appended, AppendOnly
from chatbranch.conduct.measures import Measure
from chatbranch.conduct.states import Kind
from chatbranch.kernel import clock, ids

ROUNDS = [(1, "first"), (2, "appeal")]


class Edition(Appended):
    """A later edition of the code of conduct; the first ships with the program. clauses: number -> text by language."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    version = models.PositiveIntegerField(unique=True)
    clauses = models.JSONField()
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"edition {self.version}"


class Matter(models.Model):
    """One post of a member outlet under complaint, however many complain; or (without a `url`) a pattern of findings.

    key: hash of the post's one address, so that it cannot be two matters at once. due_at: when the clock next has something
    to do, derived from the events.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    key = models.CharField(max_length=64, unique=True)
    url = models.URLField(max_length=2000, blank=True)
    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="matters")
    opened_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.url or "a pattern"


class MatterEvent(Appended):
    """One thing that happened to a matter (states.Event). place: its order. says: what the kind needs; names no reader."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="events")
    place = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=[(each.value, each.value) for each in Kind])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    says = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["matter", "place"], name="one_matter_event_a_place")]

    def __str__(self) -> str:
        return f"{self.place} {self.kind}"


class Complaint(models.Model):
    """What one person said against a post. pseudonym: of a reader who is to be told; by: a member.

    key_hash: of the key with which its writer sees where the matter stands. insists: why a person should look although
    it reads as an opinion.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="complaints")
    key_hash = models.CharField(max_length=64, unique=True)
    passage = models.TextField()
    clause = models.CharField(max_length=3)
    grounds = models.TextField()
    insists = models.TextField(blank=True)
    lang = models.CharField(max_length=10)
    pseudonym = models.CharField(max_length=64, blank=True, db_index=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.passage[:60]


class Kept(models.QuerySet[Any]):
    """Rows that go only by the action for it, never from a list."""

    def delete(self) -> Any:
        raise AppendOnly(f"{self.model.__name__} rows are not removed")


class Evidence(models.Model):
    """What was brought to a matter: a link or a quotation. sealed: given in confidence; jurors alone see its text, and only a
    salted hash of it is in the log. Its text is let go at the earliest when nothing can be appealed any more.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="evidence")
    url = models.URLField(max_length=2000, blank=True)
    text = models.TextField(blank=True)
    note = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64)
    sealed = models.BooleanField(default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    objects = models.Manager.from_queryset(Kept)()

    def __str__(self) -> str:
        return self.url or self.text[:60]

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise AppendOnly("evidence is not removed")


class Reply(Appended):
    """What the outlet says to a matter: in its own words, and never edited."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="replies")
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.text[:60]


class Lot(Appended):
    """The seed of a round's lot: a secret until it is drawn, and fixed in the public log before."""

    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="lots")
    round = models.PositiveSmallIntegerField(choices=ROUNDS)
    seed = models.BinaryField(max_length=32)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["matter", "round"], name="one_lot_a_round")]

    def __str__(self) -> str:
        return f"lot of round {self.round}"


class Decision(Appended):
    """A statement of reasons, as two jurors stand by it. measure: empty where there is no finding, or none that stands."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    matter = models.ForeignKey(Matter, on_delete=models.PROTECT, related_name="decisions")
    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="decisions")
    round = models.PositiveSmallIntegerField(choices=ROUNDS)
    measure = models.CharField(
        max_length=12, blank=True, choices=[(each.word, each.word) for each in Measure]
    )
    statement = models.JSONField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["matter", "round"], name="one_decision_a_round")]

    def __str__(self) -> str:
        return self.measure or "no finding"


class Pace(models.Model):
    """How many complaints came from one pseudonym of a day (a reader, a network). warned: they were told of the limit, and
    that they were is in the log. Gone with the day."""

    pseudonym = models.CharField(max_length=64, primary_key=True)
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)
    warned = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.count} on {self.day}"

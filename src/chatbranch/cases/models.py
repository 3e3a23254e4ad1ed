"""A case and everything that hangs on it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from chatbranch.claims.models import Claim
from chatbranch.claims.rules import SCALE
from chatbranch.kernel import clock, ids


class Case(models.Model):
    """One suspicious message that was not checked before, however many ask about it. `code` is what people type."""

    class State(models.TextChoices):
        OPEN = "open"
        DECIDED = "decided"
        OPINION = "opinion"
        PRIVATE = "private"
        MERGED = "merged"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    code = models.CharField(max_length=8, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    lang = models.CharField(max_length=10, default="zh-Hans")
    resembles = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    why = models.JSONField(default=dict)
    same_as = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    same_as_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    claim = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.PROTECT, related_name="cases")
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    urgent = models.BooleanField(default=False)
    askers_count = models.PositiveIntegerField(default=0)
    duty = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        indexes = [models.Index(fields=["state", "opened_at"])]

    def __str__(self) -> str:
        return self.code

    @property
    def standing(self) -> str:
        """Its state as everyone but the members may know it: still open until a verdict on its claim is in effect."""
        waits = self.claim is not None and not self.claim.version
        return self.State.OPEN if waits else self.state


class Variant(models.Model):
    """One wording in which the message arrived. Identical ones (after normalising) are one variant with a count."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="variants")
    fingerprint = models.CharField(max_length=64, db_index=True)
    text = models.TextField()
    lang = models.CharField(max_length=10)
    link = models.URLField(max_length=2000, blank=True)
    image = models.CharField(max_length=64, blank=True)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.text[:60]


class Band(models.Model):
    """A MinHash band of a variant: how near-duplicates of open cases are found without reading them all."""

    band = models.BigIntegerField(db_index=True)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="bands")

    def __str__(self) -> str:
        return str(self.band)


class Asker(models.Model):
    """Someone who asked, under a pseudonym that holds for one `subject` (a case or a claim). Told once a version.

    variant: the first they sent; others are in AlsoSent.
    counted: in the case's askers_count; not for a second address of the same asker, nor for more askers of one network
    than may add to the number.
    """

    pseudonym = models.CharField(max_length=64, unique=True)
    subject = models.UUIDField()
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.CASCADE, related_name="askers")
    claim = models.ForeignKey(Claim, null=True, blank=True, on_delete=models.CASCADE, related_name="askers")
    variant = models.ForeignKey(Variant, null=True, blank=True, on_delete=models.SET_NULL)
    counted = models.BooleanField(default=True)
    told_version = models.PositiveIntegerField(default=0)
    told_state = models.CharField(max_length=10, blank=True)
    asked_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["claim", "told_version"])]

    def __str__(self) -> str:
        return "an asker"


class AlsoSent(models.Model):
    """A further variant that an asker of a case sent. When a split parts the two, they become an asker of both cases
    (asking.do_rekey), and this row goes: nothing says that the two are one person."""

    asker = models.ForeignKey(Asker, on_delete=models.CASCADE, related_name="also_sent")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="also_sent_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["asker", "variant"], name="a_variant_once_an_asker")]

    def __str__(self) -> str:
        return "another variant of an asker"


class Evidence(models.Model):
    """What a member brought to the case: a link, a file, or a quotation; with hash and time."""

    class Kind(models.TextChoices):
        LINK = "link"
        FILE = "file"
        QUOTE = "quote"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    url = models.URLField(max_length=2000, blank=True)
    quote = models.TextField(blank=True)
    file = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.url or self.file_name or self.quote[:60]


class Comment(models.Model):
    """One turn of the members' discussion of a case."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="comments")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    text = models.TextField()
    at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.text[:60]


class Note(models.Model):
    """A proposed verdict with its explanation and sources. Accepted by rule, never by one person; never edited.

    media: kind and category of the picture, video or recording that it is about (claims.media), or empty.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    wording = models.JSONField(default=dict)
    rating = models.CharField(
        max_length=20, choices=[*((rating, rating) for rating in SCALE), ("withdrawn", "withdrawn")]
    )
    as_of = models.DateField()
    expires = models.DateField(null=True, blank=True)
    scope = models.JSONField(default=dict)
    explanation = models.JSONField(default=dict)
    reason = models.JSONField(default=dict)
    sources = models.JSONField(default=list)
    media = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.rating} for {self.case_id}"


class Rating(models.Model):
    """One rater's word on a note: 1 helpful, 0.5 somewhat, 0 not helpful, and why. Replaced by a later row, never edited.

    reasons: codes of consensus.reasons. reason: a sentence of their own.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="ratings")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    value = models.FloatField(choices=[(1.0, "helpful"), (0.5, "somewhat"), (0.0, "not helpful")])
    reasons = models.JSONField(default=list)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(value__in=[0.0, 0.5, 1.0]), name="a_rating_of_three")
        ]

    def __str__(self) -> str:
        return self.get_value_display()


class RatingLink(models.Model):
    """A link with which one member rates one note once, without signing in. Only its hash is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="links")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    made_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return "a link to rate with"


class Digest(models.Model):
    """That a rater gets, once a day in a chat of theirs, the notes that wait for their word.

    The chat is connected by sending the bot a code that only the rater was shown. pseudonym: of that chat, in the subject
    of the rater's own id; empty until then, and again once the chat asked to be forgotten. sent_on: a day at digest_at's offset.
    """

    rater = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE)
    code_hash = models.CharField(max_length=64, blank=True, db_index=True)
    code_made_at = models.DateTimeField(null=True, blank=True)
    channel = models.CharField(max_length=40, blank=True)
    pseudonym = models.CharField(max_length=64, blank=True)
    sent_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return "a daily digest"


class Party(models.Model):
    """That an outlet is party to a case (it published the message, or is what it is about), and so decides nothing in it.

    Declared by a member, with a reason; answered by the outlet if it sees that otherwise; taken back, never deleted, by
    whoever declared it or a steward. `by` and `at` are empty in rows older than these columns.
    """

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="parties")
    outlet = models.ForeignKey("branch.Outlet", on_delete=models.CASCADE)
    why = models.CharField(max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(null=True, blank=True, default=clock.now)
    reply = models.TextField(blank=True)
    replied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    replied_at = models.DateTimeField(null=True, blank=True)
    undone_why = models.CharField(max_length=200, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "outlet"], condition=models.Q(undone_at=None), name="a_party_once"
            )
        ]

    def __str__(self) -> str:
        return self.why


class Objection(models.Model):
    """ "This verdict is wrong": grounds and evidence from anyone, answered by a person."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="objections")
    verdict_version = models.PositiveIntegerField()
    grounds = models.TextField()
    url = models.URLField(max_length=2000, blank=True)
    pseudonym = models.CharField(max_length=64, blank=True)
    lang = models.CharField(max_length=10, default="zh-Hans")
    at = models.DateTimeField(default=clock.now)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.grounds[:60]

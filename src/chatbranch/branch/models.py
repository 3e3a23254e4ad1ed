"""Tables of the association. Nobody outside it has a row here, and nobody a score."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

from chatbranch.branch.recovery import rules as recovery_rules
from chatbranch.kernel import clock, ids


class Branch(models.Model):
    """The association itself: one row, written when it is founded. Its key is fixed, so that two foundings cannot both stand."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=120)
    charter = models.TextField(blank=True)
    founded_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Bloc(models.Model):
    """A group of outlets with the same kind of readers or the same region; never a political side."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    name = models.CharField(max_length=80, unique=True)
    means = models.CharField(max_length=10, choices=[("audience", "audience"), ("region", "region")])

    def __str__(self) -> str:
        return self.name


class Outlet(models.Model):
    """A publishing account that belongs to the branch. Outlets of one `owner` count as one outlet.

    `rests_until`: until then its members' word counts for nothing; a decision about its own conduct, with an end.
    `peer`: the name of the branch it belongs to, where that is not this one. Its raters then fill vacancies, and do nothing
    else here; it has no bloc.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    name = models.CharField(max_length=120, unique=True)
    platform = models.CharField(max_length=40)
    address = models.CharField(max_length=300, blank=True)
    owner = models.CharField(max_length=120)
    peer = models.CharField(max_length=120, blank=True)
    bloc = models.ForeignKey(Bloc, null=True, blank=True, on_delete=models.PROTECT, related_name="outlets")
    bloc_since = models.DateTimeField(default=clock.now)
    joined_at = models.DateTimeField(default=clock.now)
    left_at = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(peer="", bloc__isnull=False) | ~models.Q(peer="") & models.Q(bloc=None),
                name="a_bloc_unless_a_peer",
            )
        ]

    def __str__(self) -> str:
        return self.name


class MemberManager(BaseUserManager["Member"]):
    def get_by_natural_key(self, username: str | None) -> Member:
        return self.get(username__iexact=username)


class Member(AbstractBaseUser):
    """A person who works in the branch, or (a `peer`) rates for a peer branch. Signs in with a passkey, or a password with a
    one-time code."""

    class Role(models.TextChoices):
        MEMBER = "member"
        STEWARD = "steward"
        PEER = "peer"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    username = models.CharField(max_length=60, unique=True)
    email = models.EmailField(blank=True)
    name = models.CharField(max_length=80)
    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="members")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    founder = models.BooleanField(default=False)
    lang = models.CharField(max_length=10, default="zh-Hans")
    joined_at = models.DateTimeField(default=clock.now)
    left_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    is_staff = False
    is_superuser = False

    objects = MemberManager()

    def __str__(self) -> str:
        return self.name


class Interest(models.Model):
    """A declared interest: what this member (or their outlet) is bound to, and so does not decide about."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="interests")
    matter = models.CharField(max_length=200)
    declared_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.matter


class Invitation(models.Model):
    """A single-use link: founds the branch, makes its holder a member, or lets a member in again. Only its hash is kept.

    After the founding month it admits nobody before two members have vouched. `whom`: what the others know the newcomer by.
    `new_outlet` holds the details of an outlet that joins together with its first member; `renews` names the member
    who sets a new password with it.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    token_hash = models.CharField(max_length=64, unique=True)
    founding = models.BooleanField(default=False)
    outlet = models.ForeignKey(Outlet, null=True, blank=True, on_delete=models.CASCADE)
    new_outlet = models.JSONField(default=dict)
    renews = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.CASCADE, related_name="renewals"
    )
    role = models.CharField(max_length=10, choices=Member.Role.choices, default=Member.Role.MEMBER)
    whom = models.CharField(max_length=80, blank=True)
    invited_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitations"
    )
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation {self.id}"


class Voucher(models.Model):
    """A member's word for somebody who is to be admitted: I know this person, and they work for that outlet."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="vouchers")
    by = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invitation", "by"], name="one_word_for_a_newcomer")]

    def __str__(self) -> str:
        return f"voucher {self.id}"


class Signature(models.Model):
    """That a member signed the code of conduct: which version, in which language, and the hash of the text they saw."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="signatures")
    version = models.CharField(max_length=20)
    lang = models.CharField(max_length=10)
    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "version"], name="signed_once")]

    def __str__(self) -> str:
        return f"{self.member_id} signed {self.version}"


class Account(models.Model):
    """One place where an outlet publishes; it may have several. What is known of it is shown, by provings, or not.

    `closed_why`: "platform", where the platform closed it, or "outlet". What was proved of it stays readable.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    outlet = models.ForeignKey(Outlet, on_delete=models.PROTECT, related_name="accounts")
    address = models.URLField(max_length=400)
    added_by = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_why = models.CharField(
        max_length=10, blank=True, choices=[("platform", "platform"), ("outlet", "outlet")]
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["outlet", "address"],
                condition=models.Q(closed_at=None),
                name="one_open_account_of_an_address",
            )
        ]

    def __str__(self) -> str:
        return self.address


class Proving(models.Model):
    """One way in which an outlet shows that it controls an account, from the code it was given on.

    `proved_at`: first seen; `seen_at`: last seen; `doubt_since`: when a look first found nothing since; `unproved_at`: when
    that ended what was shown. `due_at`: when to look next. `known`: what the account is known by on its platform.
    """

    class Method(models.TextChoices):
        DNS = "dns"
        WELLKNOWN = "wellknown"
        RELME = "relme"
        BLUESKY = "bluesky"
        POST = "post"
        SHOWN = "shown"

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="provings")
    method = models.CharField(max_length=10, choices=Method.choices)
    token = models.CharField(max_length=40)
    post = models.URLField(max_length=400, blank=True)
    known = models.CharField(max_length=300, blank=True)
    started_by = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=clock.now)
    proved_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    doubt_since = models.DateTimeField(null=True, blank=True)
    unproved_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=20, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"])]
        constraints = [models.UniqueConstraint(fields=["account", "method"], name="one_proving_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.method} for {self.account_id}"


class Sighting(models.Model):
    """What one look found: kept as evidence, in full, with its hash; appended, never edited. `by`: the member who looked,
    where it was not the program."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    proving = models.ForeignKey(Proving, on_delete=models.CASCADE, related_name="sightings")
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    good = models.BooleanField()
    why = models.CharField(max_length=20, blank=True)
    text = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {self.why or 'good'}"


class Notice(models.Model):
    """What a member is told because it concerns them: on the desk until they have read it, and once in the chat they
    connected. `texts`: language -> words; `link`: a page of ours where they can do something about it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="notices")
    texts = models.JSONField()
    link = models.CharField(max_length=200, blank=True)
    about = models.UUIDField()
    at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"notice {self.id}"


class Session(models.Model):
    """Where a member is signed in: what kind of device, since when, and the day it was last used. No network address.

    `key`: of the session in Django's table, so that it can be ended.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="sessions")
    key = models.CharField(max_length=40)
    device = models.CharField(max_length=40, blank=True)
    since = models.DateTimeField(default=clock.now)
    seen_on = models.DateField()

    def __str__(self) -> str:
        return f"session {self.id}"


class LinkedSignIn(models.Model):
    """That a member may sign in through the provider of the settings, with their second factor as always.

    `known_as`: a keyed hash of the provider's identifier for them; nothing else it says is kept.
    """

    member = models.OneToOneField(
        Member, primary_key=True, on_delete=models.CASCADE, related_name="linked_sign_in"
    )
    issuer = models.URLField(max_length=300)
    known_as = models.CharField(max_length=64, unique=True)
    linked_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"linked sign-in of {self.member_id}"


class Recovery(models.Model):
    """That somebody asks to be let in again as this member, and who has helped. Empty `member`: a name that nobody has.

    `code`: what they tell their helpers, who have to know them. `opens_at`: a day after the second helped.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    member = models.ForeignKey(Member, null=True, on_delete=models.CASCADE, related_name="recoveries")
    token_hash = models.CharField(max_length=64, unique=True)
    code = models.CharField(max_length=6)
    device = models.CharField(max_length=40, blank=True)
    asked_at = models.DateTimeField(default=clock.now)
    opens_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"recovery {self.id}"

    @property
    def state(self) -> recovery_rules.State:
        """Where it stands now."""
        return recovery_rules.state(
            asked_at=self.asked_at,
            opens_at=self.opens_at,
            ended=bool(self.stopped_at or self.used_at),
            now=clock.now(),
        )


class Helper(models.Model):
    """A member's word that they have spoken with whoever asks, and that it is that member."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    recovery = models.ForeignKey(Recovery, on_delete=models.CASCADE, related_name="helpers")
    by = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recovery", "by"], name="helps_once")]

    def __str__(self) -> str:
        return f"helper {self.id}"

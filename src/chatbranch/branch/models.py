"""Tables of the association. Nobody outside it has a row here, and nobody a score."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

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
    invited_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitations"
    )
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation {self.id}"

"""Linking a member's sign-in at the provider, and unlinking it. Each in one transaction with its event."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.urls import reverse

from chatbranch.branch.models import LinkedSignIn
from chatbranch.branch.notices import do_notify
from chatbranch.branch.provider import queries
from chatbranch.branch.provider.rules import Provider
from chatbranch.branch.queries import Looker, rater
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_link(actor: Looker, provider: Provider, subject: str) -> None:
    """From now on whoever the provider knows as `subject` may sign in as the actor, with the actor's second factor."""
    member = rater(actor)
    now = {
        "issuer": provider.issuer,
        "known_as": queries.known_as(provider, subject),
        "linked_at": clock.now(),
    }
    try:
        with transaction.atomic():
            LinkedSignIn.objects.update_or_create(member=member, defaults=now)
            do_record("member.linked", member.pk)
            do_notify([member], _LINKED, about=member.pk, link=reverse("mfa_index"), name=provider.name)
    except IntegrityError as error:
        raise Refused(
            "linked-already",
            Phrase(
                "您在{name}的这个登录，已经关联着另一位成员。请先在那边的“我”里解除，或换一个登录。",
                "This sign-in at {name} is linked to another member. Unlink it there first, under “Me”, or use another one.",
            ),
            status=409,
            name=provider.name,
        ) from error


def do_unlink(actor: Looker) -> None:
    """The provider no longer lets anybody in as the actor."""
    member = rater(actor)
    with transaction.atomic():
        if LinkedSignIn.objects.filter(member=member).delete()[0]:
            do_record("member.unlinked", member.pk)


_LINKED = Phrase(
    "从现在起，{name}的登录可以代替您的密码（第二道验证照旧）。不是您做的，请马上解除，并换密码。",
    "From now on a sign-in at {name} stands in for your password; your second factor is asked for as before. If this was not you, unlink it at once and change your password.",
)

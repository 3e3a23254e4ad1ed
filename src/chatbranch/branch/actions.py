"""Founding, renewing, leaving, and what members declare; how they come in is in admitting.py. Each do_ is one transaction
with its events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet

from chatbranch.branch import queries, rules
from chatbranch.branch.admitting import (
    add_member,
    do_add_member,
    do_invite,
    do_join,
    do_sign_code,
    do_vouch,
    do_withdraw_invitation,
    make_bloc,
    make_outlet,
    new_link,
    one_at_a_time,
    use_link,
)
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import (
    Branch,
    Interest,
    Invitation,
    LinkedSignIn,
    Member,
    Outlet,
)
from chatbranch.branch.notices import do_mark_told, do_notify
from chatbranch.branch.sessions.actions import do_end_all
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

__all__ = [
    "do_add_member",
    "do_change_bloc",
    "do_declare_interest",
    "do_end_interest",
    "do_end_peer",
    "do_found",
    "do_found_together",
    "do_invite",
    "do_join",
    "do_leave",
    "do_mark_told",
    "do_notify",
    "do_prepare_founding",
    "do_prepare_renewal",
    "do_renew",
    "do_set_role",
    "do_sign_code",
    "do_vouch",
    "do_withdraw_invitation",
    "do_write_charter",
]


def do_prepare_founding() -> str:
    """A one-time token for /found/<token>/; refuses once the branch is founded."""
    _check_not_founded()
    return new_link(founding=True, role=Member.Role.STEWARD, lasts=rules.FOUNDING_LINK_LASTS)[0]


def do_found(token: str, *, name: str, charter: str, outlet: NewOutlet, person: Person) -> Member:
    """Found the branch: its name and charter, the first outlet with its bloc, and the first member, who is steward.

    Of two foundings at once, with one link or two, one succeeds and the other is refused.
    """
    name = name.strip()
    if not name:
        raise Refused(
            "branch-unnamed", Phrase("请给分会起个名字。", "Please give the branch a name."), field="branch"
        )
    outlet.check()
    person.check()
    with transaction.atomic():
        # Whoever founds holds every founding link, in one order: others wait here, and then find theirs gone.
        list(Invitation.objects.select_for_update().filter(founding=True).order_by("pk"))
        link = use_link(token)
        if not link.founding:
            raise queries.link_is_over()
        branch, made = Branch.objects.get_or_create(
            pk=1, defaults={"name": name[:120], "charter": charter.strip()}
        )
        if not made:
            raise _already_founded()
        steward = add_member(person, make_outlet(outlet), Member.Role.STEWARD)
        Invitation.objects.filter(founding=True).exclude(pk=link.pk).delete()
        do_record("branch.founded", steward.pk, name=branch.name)
    return steward


def do_found_together(
    token: str,
    *,
    name: str,
    charter: str,
    outlet: NewOutlet,
    person: Person,
    others: Sequence[NewOutlet] = (),
) -> tuple[Member, list[tuple[str, str]]]:
    """As do_found, with the other outlets of the first day: for each, its name and a token for /join/<token>/."""
    for each in others:
        each.check()
    with transaction.atomic():
        steward = do_found(token, name=name, charter=charter, outlet=outlet, person=person)
        return steward, [(each.name, do_invite(steward, each)) for each in others]


def do_prepare_renewal(member: Member) -> str:
    """A token for /renew/<token>/, with which a member who lost their keys sets a new password (`chatbranch member reset`).

    Their old password, passkeys and codes hold until the link is used; then they are void. The member is told.
    """
    with transaction.atomic():
        token, _ = new_link(renews=member, role=member.role)
        do_notify(
            [member],
            Phrase(
                "照看机器的人为您做了一个重设密码的链接。不是您要的话，请马上问清楚。",
                "Whoever looks after the machine made a link to reset your password. If you did not ask for it, please find out why.",
            ),
            about=member.pk,
        )
        do_record("member.reset-prepared", member.pk)
    return token


def do_renew(token: str, password: str) -> Member:
    """Let a member in again: a new password, and no second factor until they set one up at once afterwards."""
    with transaction.atomic():
        link = use_link(token)
        member = link.renews
        if member is None or not queries.is_member(member):
            raise queries.link_is_over()
        do_set_new_password(member, password)
        do_record("member.renewed", member.pk, by="machine")
    return member


def do_set_new_password(member: Member, password: str) -> None:
    """A new password, in the caller's transaction: the old one and every other way in are void."""
    Person(member.name, member.username, password).check_password()
    member.set_password(password)
    member.save(update_fields=["password"])
    _void_keys(Member.objects.filter(pk=member.pk))


def do_leave(actor: queries.Looker) -> None:
    """A member leaves. What they wrote stays with their name; they can no longer sign in, and their invitations are void."""
    member = queries.insider(actor)
    with transaction.atomic():
        one_at_a_time()
        _check_not_last_steward(member)
        _sign_out_for_good(Member.objects.filter(pk=member.pk))
        Invitation.objects.filter(Q(invited_by=member) | Q(renews=member), used_at=None).delete()
        do_record("member.left", member.pk)
    member.refresh_from_db()


def do_end_peer(actor: queries.Looker, outlet: Outlet) -> None:
    """A steward ends what was agreed with a peer branch: the raters of this outlet can no longer sign in. What they said
    of notes stays."""
    steward = queries.steward(actor)
    with transaction.atomic():
        one_at_a_time()
        if not Outlet.objects.filter(pk=outlet.pk, left_at=None).exclude(peer="").update(left_at=clock.now()):
            raise Refused(
                "no-peer",
                Phrase("没有这个友会账号。", "There is no such outlet of a peer branch."),
                status=404,
            )
        _sign_out_for_good(Member.objects.filter(outlet=outlet, left_at=None))
        Invitation.objects.filter(outlet=outlet, used_at=None).delete()
        do_record("peer.ended", outlet.pk, by=str(steward.pk))


def _sign_out_for_good(who: QuerySet[Member]) -> None:
    """They have left: name and work stay, and whatever lets them in or reaches them goes."""
    _void_keys(who)
    who.update(left_at=clock.now(), is_active=False, email="", password=make_password(None))


def _void_keys(who: QuerySet[Member]) -> None:
    """Every second factor, linked sign-in and session of theirs is void."""
    Authenticator.objects.filter(user__in=who).delete()
    LinkedSignIn.objects.filter(member__in=who).delete()
    do_end_all(who)


def do_set_role(actor: queries.Looker, member: Member, role: str) -> None:
    """A steward makes another member steward, or a steward lays the role down."""
    steward = queries.steward(actor)
    if role not in (rules.MEMBER, rules.STEWARD) or not queries.is_member(member):
        raise Refused(
            "no-such-member",
            Phrase("没有这位成员，或没有这个身份。", "There is no such member, or no such role."),
            status=404,
        )
    if role == member.role:
        return
    if role == Member.Role.MEMBER and steward.pk != member.pk:
        raise Refused(
            "not-yours-to-take",
            Phrase("执事的身份由本人放下。", "A steward lays the role down in person."),
            status=403,
        )
    with transaction.atomic():
        one_at_a_time()
        if role == Member.Role.MEMBER:
            _check_not_last_steward(member)
        Member.objects.filter(pk=member.pk).update(role=role)
        do_record("member.role-changed", member.pk, role=role)
    member.role = role


def do_write_charter(actor: queries.Looker, charter: str) -> None:
    """A steward writes down what the members agreed on."""
    steward = queries.steward(actor)
    with transaction.atomic():
        Branch.objects.update(charter=charter.strip()[:20_000])
        do_record("branch.charter-written", steward.pk)


def do_declare_interest(actor: queries.Looker, matter: str) -> Interest:
    """Declare what one is bound to; every member can read it."""
    member = queries.insider(actor)
    matter = " ".join(matter.split())[:200]
    if not matter:
        raise Refused(
            "interest-empty",
            Phrase("请写明与什么人或机构有关系。", "Please say whom or what you are bound to."),
            field="matter",
        )
    with transaction.atomic():
        interest = Interest.objects.create(member=member, matter=matter)
        do_record("interest.declared", member.pk)
    return interest


def do_end_interest(actor: queries.Looker, interest: Interest) -> None:
    """Say that a declared interest has ended; it stays readable, with both dates."""
    member = queries.insider(actor)
    if interest.member_id != member.pk:
        raise Refused(
            "not-yours", Phrase("只能由本人结束。", "Only the member who declared it can end it."), status=403
        )
    with transaction.atomic():
        Interest.objects.filter(pk=interest.pk, ended_at=None).update(ended_at=clock.now())
        do_record("interest.ended", member.pk)


def do_change_bloc(actor: queries.Looker, outlet: Outlet, bloc: str, means: str) -> None:
    """Declare another bloc for an outlet, at most every 90 days; by one of its members, or a steward."""
    member = queries.insider(actor)
    if member.outlet_id != outlet.pk and member.role != Member.Role.STEWARD:
        raise Refused(
            "not-your-outlet",
            Phrase(
                "只有本账号的成员或执事可以改。", "Only the outlet's own members or a steward may change it."
            ),
            status=403,
        )
    with transaction.atomic():
        one_at_a_time()
        held = Outlet.objects.get(pk=outlet.pk)
        chosen = make_bloc(bloc, means)
        if chosen.pk == held.bloc_id:
            return
        rules.check_bloc_change(held.bloc_since, clock.now())
        Outlet.objects.filter(pk=held.pk).update(bloc=chosen, bloc_since=clock.now())
        do_record("outlet.bloc-changed", held.pk, bloc=chosen.name)
    outlet.refresh_from_db()


def do_let_rest(outlet_id: UUID, until: datetime | None) -> None:
    """Let an outlet's membership rest until then, or (None) no longer; in the transaction of the decision about its conduct."""
    changed = Outlet.objects.filter(pk=outlet_id, peer="").exclude(rests_until=until)
    if until is None:
        changed = Outlet.objects.filter(pk=outlet_id, rests_until__isnull=False)
    if changed.update(rests_until=until):
        do_record("outlet.rests", outlet_id, until=until.isoformat() if until else "")


def _check_not_founded() -> None:
    if queries.is_founded():
        raise _already_founded()


def _already_founded() -> Refused:
    return Refused("already-founded", Phrase("分会已经成立。", "The branch is already founded."), status=409)


def _check_not_last_steward(member: Member) -> None:
    """A branch always has a steward: the last one names another first."""
    others = Member.objects.filter(role=Member.Role.STEWARD, left_at=None, is_active=True).exclude(
        pk=member.pk
    )
    if member.role == Member.Role.STEWARD and not others.exists():
        raise Refused(
            "last-steward",
            Phrase(
                "您是唯一的执事，请先请另一位成员接任。",
                "You are the only steward. Please name another one first.",
            ),
            status=409,
        )

"""Founding, inviting, joining, leaving, and what members declare. Each do_ is one transaction with its events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q, QuerySet

from chatbranch.branch import code, queries, rules
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import (
    Bloc,
    Branch,
    Interest,
    Invitation,
    LinkedSignIn,
    Member,
    Outlet,
    Signature,
    Voucher,
)
from chatbranch.branch.notices import do_mark_told, do_notify
from chatbranch.branch.sessions.actions import do_end_all
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
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
    return _new_link(founding=True, role=Member.Role.STEWARD, lasts=rules.FOUNDING_LINK_LASTS)[0]


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
        link = _use(token)
        if not link.founding:
            raise queries.link_is_over()
        branch, made = Branch.objects.get_or_create(
            pk=1, defaults={"name": name[:120], "charter": charter.strip()}
        )
        if not made:
            raise _already_founded()
        steward = _add(person, _make_outlet(outlet), Member.Role.STEWARD)
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


def do_invite(
    actor: queries.Looker,
    outlet: Outlet | NewOutlet,
    role: str = rules.MEMBER,
    *,
    whom: str = "",
    vouches: bool = True,
) -> str:
    """A token for /join/<token>/: one person joins `outlet` with it; a NewOutlet joins with its first member.

    In the founding month for 7 days, and at once. Afterwards for 14 days, once two members have vouched for `whom`, of whom
    the inviter is one (unless nobody really invites: `vouches`).
    """
    inviter = queries.insider(actor)
    queries.check_not_resting(inviter)
    existing = outlet if isinstance(outlet, Outlet) else None
    if role not in Member.Role.values or not rules.may_invite(
        inviter.role, inviter.outlet_id, existing and existing.pk, role
    ):
        raise Refused(
            "may-not-invite",
            Phrase(
                "您可以邀请本账号的同事；邀请其他账号或执事，请找执事。",
                "You may invite colleagues of your own outlet; for other outlets or stewards, please ask a steward.",
            ),
            status=403,
        )
    if (role == Member.Role.PEER) != bool(outlet.peer):
        raise Refused(
            "peer-outlet",
            Phrase(
                "友会的账号由友会的人来评价。", "Raters of a peer branch rate for its outlets, and only they."
            ),
            field="peer",
        )
    if isinstance(outlet, NewOutlet):
        outlet.check()
    whom = " ".join(whom.split())[:80]
    open_house = queries.is_founding_month()
    if not (whom or open_house):
        raise Refused(
            "whom-missing",
            Phrase(
                "请写对方怎么称呼，好让另一位担保的成员知道是谁。",
                "Please say what the newcomer is called, so that the other member who vouches knows who it is.",
            ),
            field="whom",
        )
    with transaction.atomic():
        token, link = _new_link(
            role=role,
            invited_by=inviter,
            whom=whom,
            lasts=rules.INVITATION_LASTS if open_house else rules.ADMISSION_LASTS,
            outlet=outlet if isinstance(outlet, Outlet) else None,
            new_outlet=outlet.as_dict() if isinstance(outlet, NewOutlet) else None,
        )
        if vouches:
            Voucher.objects.create(invitation=link, by=inviter)
        do_record("admission.opened", link.pk, outlet=outlet.name, by=str(inviter.pk))
    return token


def do_let_rest(outlet_id: UUID, until: datetime | None) -> None:
    """Let an outlet's membership rest until then, or (None) no longer; in the transaction of the decision about its conduct."""
    changed = Outlet.objects.filter(pk=outlet_id, peer="").exclude(rests_until=until)
    if until is None:
        changed = Outlet.objects.filter(pk=outlet_id, rests_until__isnull=False)
    if changed.update(rests_until=until):
        do_record("outlet.rests", outlet_id, until=until.isoformat() if until else "")


def do_vouch(actor: queries.Looker, invitation: Invitation) -> None:
    """A member's word for a newcomer: they know the person, and that they work for that outlet. Once."""
    member = queries.insider(actor)
    queries.check_not_resting(member)
    with transaction.atomic():
        held = Invitation.objects.select_for_update(of=("self",)).filter(pk=invitation.pk)
        if held.filter(queries.OPEN_ADMISSION, expires_at__gt=clock.now()).first() is None:
            raise queries.link_is_over()
        _, made = Voucher.objects.get_or_create(invitation=invitation, by=member)
        if made:
            do_record("admission.vouched", invitation.pk, by=str(member.pk))


def do_sign_code(actor: queries.Looker, shown: str, lang: str) -> None:
    """A member signs the code of conduct in force. `shown`: the hash of the text they saw; refuses any other."""
    member = queries.insider(actor)
    with transaction.atomic():
        _sign(member, shown, lang)


def do_join(token: str, person: Person, *, signed: str = "") -> Member:
    """Make the holder of an invitation a member, once. After the founding month two members have vouched, and the newcomer
    signs the code: `signed` is the hash of the text they saw, in the person's language."""
    person.check()
    with transaction.atomic():
        _one_at_a_time()
        link = _use(token)
        if link.founding or link.renews_id:
            raise queries.link_is_over()
        if link.invited_by_id and not queries.is_member(link.invited_by):
            raise queries.link_is_over()
        if lacks := queries.admission_lacks(link):
            raise Refused("admission-waits", rules.LACKING[lacks], status=409)
        outlet = link.outlet or _make_outlet(NewOutlet.from_dict(link.new_outlet))
        member = _add(person, outlet, link.role)
        if signed or not queries.is_founding_month():
            _sign(member, signed, person.lang)
        return member


def do_withdraw_invitation(actor: queries.Looker, invitation: Invitation) -> None:
    """Make an open invitation useless; by whoever sent it, or a steward."""
    member = queries.insider(actor)
    if invitation not in queries.invitations(member):
        raise queries.link_is_over()
    with transaction.atomic():
        do_record("admission.withdrawn", invitation.pk, by=str(member.pk))
        invitation.delete()


def do_add_member(*, person: Person, outlet: Outlet | NewOutlet, role: str = rules.MEMBER) -> Member:
    """Add a member without an invitation: for whoever already holds the machine (`chatbranch member add`)."""
    person.check()
    if isinstance(outlet, NewOutlet):
        outlet.check()
    with transaction.atomic():
        _one_at_a_time()
        if not queries.is_founded():
            raise Refused(
                "not-founded", Phrase("分会还没有成立。", "The branch is not founded yet."), status=409
            )
        return _add(person, outlet if isinstance(outlet, Outlet) else _make_outlet(outlet), role)


def do_prepare_renewal(member: Member) -> str:
    """A token for /renew/<token>/, with which a member who lost their keys sets a new password (`chatbranch member reset`).

    Their old password, passkeys and codes hold until the link is used; then they are void. The member is told.
    """
    with transaction.atomic():
        token, _ = _new_link(renews=member, role=member.role)
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
        link = _use(token)
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
        _one_at_a_time()
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
        _one_at_a_time()
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
        _one_at_a_time()
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
        _one_at_a_time()
        held = Outlet.objects.get(pk=outlet.pk)
        chosen = _bloc(bloc, means)
        if chosen.pk == held.bloc_id:
            return
        rules.check_bloc_change(held.bloc_since, clock.now())
        Outlet.objects.filter(pk=held.pk).update(bloc=chosen, bloc_since=clock.now())
        do_record("outlet.bloc-changed", held.pk, bloc=chosen.name)
    outlet.refresh_from_db()


def _new_link(
    *,
    role: str,
    lasts: timedelta = rules.INVITATION_LASTS,
    founding: bool = False,
    outlet: Outlet | None = None,
    new_outlet: dict[str, str] | None = None,
    invited_by: Member | None = None,
    renews: Member | None = None,
    whom: str = "",
) -> tuple[str, Invitation]:
    """A token, and its row, which holds only the hash."""
    token = ids.new_token()
    link = Invitation.objects.create(
        token_hash=ids.token_hash(token),
        founding=founding,
        role=role,
        outlet=outlet,
        new_outlet=new_outlet or {},
        invited_by=invited_by,
        renews=renews,
        whom=whom,
        expires_at=clock.now() + lasts,
    )
    return token, link


def _use(token: str) -> Invitation:
    """Take the link, inside the caller's transaction: of several at once exactly one gets it, and a refusal gives it back."""
    link = queries.invitation(token)
    if not Invitation.objects.filter(pk=link.pk, used_at=None).update(used_at=clock.now()):
        raise queries.link_is_over()
    return link


def _one_at_a_time() -> None:
    """Until this transaction ends, nobody else joins, leaves or changes a bloc: names stay unique, and a steward stays."""
    list(Branch.objects.select_for_update())


def _add(person: Person, outlet: Outlet, role: str) -> Member:
    founded = Branch.objects.get().founded_at
    if Member.objects.filter(username__iexact=person.username).exists():
        raise Refused(
            "name-taken",
            Phrase("这个登录名已有人用，请换一个。", "This sign-in name is taken. Please choose another."),
            status=409,
            field="username",
        )
    now = clock.now()
    member = Member(
        username=person.username, name=person.name, outlet=outlet, role=role, lang=person.lang, joined_at=now
    )
    member.founder = rules.joins_as_founder(founded, now, role)
    member.set_password(person.password)
    member.save()
    do_record("member.joined", member.pk, outlet=outlet.name)
    return member


def _sign(member: Member, shown: str, lang: str) -> None:
    signed = code.current()
    said = "en" if lang == "en" else "zh-Hans"
    if shown != signed.sha256(said):
        raise Refused(
            "code-unsigned",
            Phrase(
                "请读一读我们的守则，同意的话在旁边打勾。",
                "Please read our code of conduct, and tick the box beside it if you agree.",
            ),
            field="signed",
        )
    _, made = Signature.objects.get_or_create(
        member=member, version=signed.version, defaults={"lang": said, "sha256": shown}
    )
    if made:
        do_record("code.signed", member.pk, version=signed.version, lang=said, sha256=shown)


def _make_outlet(details: NewOutlet) -> Outlet:
    """The outlet of these details; one already here under the same name and owner is the same outlet."""
    held = Outlet.objects.filter(name=details.name, left_at=None).first()
    if held is None:
        return Outlet.objects.create(
            name=details.name,
            platform=details.platform,
            address=details.address,
            owner=_known_owner(details.owner),
            peer=details.peer,
            bloc=None if details.peer else _bloc(details.bloc, details.means),
        )
    if held.peer != details.peer or not rules.count_as_one(held.owner, details.owner):
        raise Refused(
            "outlet-taken",
            Phrase("已有同名账号属于另一位负责人。", "An outlet of this name belongs to another owner."),
            status=409,
            field="outlet",
        )
    return held


def _known_owner(owner: str) -> str:
    """The spelling under which this owner is already here, so that their outlets are seen to be one."""
    here = Outlet.objects.values_list("owner", flat=True).distinct()
    return next((each for each in here if rules.count_as_one(each, owner)), owner)


def _bloc(name: str, means: str) -> Bloc:
    name = " ".join(name.split())[:80]
    if not name or means not in rules.BLOC_MEANS:
        raise Refused(
            "bloc-unclear",
            Phrase(
                "请写明圈的名字，并说明是读者相近还是同一地区。",
                "Please name the bloc, and say whether it means the same readers or the same region.",
            ),
            field="bloc",
        )
    held = Bloc.objects.filter(name__iexact=name).first()
    return held or Bloc.objects.create(name=name, means=means)


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

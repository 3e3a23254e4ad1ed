"""How people and outlets come in: a link, two members who vouch, a signed code; and what founding shares with it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from chatbranch.branch import code, queries, rules
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Bloc, Branch, Invitation, Member, Outlet, Signature, Voucher
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


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
        token, link = new_link(
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


def do_join(token: str, person: Person, *, signed: str = "") -> Member:
    """Make the holder of an invitation a member, once. After the founding month two members have vouched, and the newcomer
    signs the code: `signed` is the hash of the text they saw, in the person's language."""
    person.check()
    with transaction.atomic():
        one_at_a_time()
        link = use_link(token)
        if link.founding or link.renews_id:
            raise queries.link_is_over()
        if link.invited_by_id and not queries.is_member(link.invited_by):
            raise queries.link_is_over()
        if lacks := queries.admission_lacks(link):
            raise Refused("admission-waits", rules.LACKING[lacks], status=409)
        outlet = link.outlet or make_outlet(NewOutlet.from_dict(link.new_outlet))
        member = add_member(person, outlet, link.role)
        if signed or not queries.is_founding_month():
            _sign(member, signed, person.lang)
        return member


def do_sign_code(actor: queries.Looker, shown: str, lang: str) -> None:
    """A member signs the code of conduct in force. `shown`: the hash of the text they saw; refuses any other."""
    member = queries.insider(actor)
    with transaction.atomic():
        _sign(member, shown, lang)


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
        one_at_a_time()
        if not queries.is_founded():
            raise Refused(
                "not-founded", Phrase("分会还没有成立。", "The branch is not founded yet."), status=409
            )
        return add_member(person, outlet if isinstance(outlet, Outlet) else make_outlet(outlet), role)


def new_link(
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


def use_link(token: str) -> Invitation:
    """Take the link, inside the caller's transaction: of several at once exactly one gets it, and a refusal gives it back."""
    link = queries.invitation(token)
    if not Invitation.objects.filter(pk=link.pk, used_at=None).update(used_at=clock.now()):
        raise queries.link_is_over()
    return link


def one_at_a_time() -> None:
    """Until this transaction ends, nobody else joins, leaves or changes a bloc: names stay unique, and a steward stays."""
    list(Branch.objects.select_for_update())


def add_member(person: Person, outlet: Outlet, role: str) -> Member:
    """The new member's row, in the caller's transaction; refuses a sign-in name that is taken."""
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


def make_outlet(details: NewOutlet) -> Outlet:
    """The outlet of these details; one already here under the same name and owner is the same outlet."""
    held = Outlet.objects.filter(name=details.name, left_at=None).first()
    if held is None:
        return Outlet.objects.create(
            name=details.name,
            platform=details.platform,
            address=details.address,
            owner=_known_owner(details.owner),
            peer=details.peer,
            bloc=None if details.peer else make_bloc(details.bloc, details.means),
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


def make_bloc(name: str, means: str) -> Bloc:
    """The bloc of this name; one already here keeps what it means."""
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

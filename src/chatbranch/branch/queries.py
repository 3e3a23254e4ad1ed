"""Reads about the association. The first argument is who looks: whoever is not a member gets nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Prefetch, Q, QuerySet

from chatbranch.branch import code, rules
from chatbranch.branch.models import Bloc, Branch, Interest, Invitation, Member, Notice, Outlet
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

Looker = Member | AbstractBaseUser | AnonymousUser | None


@dataclass(frozen=True)
class Standing:
    """What a rule needs to know of a member: never more than this leaves the slice for a decision.

    outlet: the key of the outlet's owner, so that outlets of one owner are one. peer: of a peer branch.
    counts_from: from when the member's word counts.
    """

    member: UUID
    outlet: str
    peer: bool
    counts_from: datetime


@dataclass(frozen=True)
class Seat:
    """A vote of the branch: the key of an owner, their bloc by name, and who may speak for them. Outlets of one owner
    share a seat, in the bloc of the one that joined first."""

    outlet: str
    bloc: str
    members: tuple[UUID, ...]


def branch() -> Branch | None:
    """The association, None before it is founded."""
    return Branch.objects.first()


def branch_name() -> str:
    """The association's name, empty before it is founded."""
    return Branch.objects.values_list("name", flat=True).first() or ""


def is_founded() -> bool:
    return Branch.objects.exists()


def is_rater(looker: Looker) -> bool:
    """Whether `looker` may rate notes now: a member, or a peer."""
    return isinstance(looker, Member) and looker.is_active and looker.left_at is None


def is_member(looker: Looker) -> bool:
    """Whether `looker` belongs to the association now."""
    return isinstance(looker, Member) and is_rater(looker) and looker.role != Member.Role.PEER


def insider(looker: Looker) -> Member:
    """`looker` as the member they are; refuses everybody else."""
    if isinstance(looker, Member) and is_member(looker):
        return looker
    raise Refused(
        "members-only",
        Phrase("这里只对分会成员开放。", "This is open to members of the branch only."),
        status=403,
    )


def rater(looker: Looker) -> Member:
    """`looker` as the member or peer they are; refuses everybody else."""
    if isinstance(looker, Member) and is_rater(looker):
        return looker
    raise Refused(
        "raters-only",
        Phrase(
            "这里只对分会成员和友会评价人开放。", "This is open to members, and to raters of peer branches."
        ),
        status=403,
    )


def is_steward(looker: Looker) -> bool:
    """Whether `looker` looks after the machinery now."""
    return isinstance(looker, Member) and is_member(looker) and looker.role == Member.Role.STEWARD


def steward(looker: Looker) -> Member:
    """`looker` as the steward they are; refuses everybody else."""
    member = insider(looker)
    if is_steward(member):
        return member
    raise Refused("stewards-only", Phrase("请找执事来做。", "Please ask a steward to do this."), status=403)


def member_count() -> int:
    """How many people belong to the branch now."""
    return _present().count()


def _present() -> QuerySet[Member]:
    return Member.objects.filter(left_at=None, is_active=True).exclude(role=Member.Role.PEER)


def desk_is_open() -> bool:
    """Whether enough people are here to decide anything: nobody decides alone."""
    return member_count() >= rules.PEOPLE_NEEDED


def members(actor: Looker) -> list[Member]:
    """Everybody in the branch, by name, with outlet, bloc and open interests (`open_interests`)."""
    insider(actor)
    held = Prefetch("interests", Interest.objects.filter(ended_at=None), to_attr="open_interests")
    return list(_present().select_related("outlet__bloc").prefetch_related(held).order_by("name"))


def outlets(actor: Looker) -> list[Outlet]:
    """The branch's outlets with bloc and members (`present`), by bloc and name."""
    insider(actor)
    return list(_outlets().filter(peer="").order_by("bloc__name", "name"))


def peers(actor: Looker) -> list[Outlet]:
    """Outlets of peer branches whose raters may fill vacancies here, with those raters (`present`), by branch and name."""
    insider(actor)
    return list(_outlets().exclude(peer="").order_by("peer", "name"))


def _outlets() -> QuerySet[Outlet]:
    present = Prefetch(
        "members", Member.objects.filter(left_at=None, is_active=True).order_by("name"), to_attr="present"
    )
    return Outlet.objects.filter(left_at=None).select_related("bloc").prefetch_related(present)


def blocs(actor: Looker) -> list[Bloc]:
    insider(actor)
    return list(Bloc.objects.order_by("name"))


def interests(actor: Looker, member: Member) -> list[Interest]:
    """What `member` has declared, newest first, ended ones too: interests are public to members."""
    insider(actor)
    return list(member.interests.order_by("-declared_at"))


def notices(actor: Looker) -> list[Notice]:
    """What concerns the actor and they have not read yet, newest first."""
    return list(rater(actor).notices.filter(read_at=None).order_by("-at"))


def untold_notices(most: int = 50) -> list[Notice]:
    """Notices that were not sent to their member's chat yet, oldest first; for the sender. Old ones are left on the desk."""
    waiting = Notice.objects.filter(told_at=None, at__gt=clock.ago(days=7), member__left_at=None)
    return list(waiting.select_related("member").order_by("at")[:most])


def invitations(actor: Looker) -> list[Invitation]:
    """Invitations still open that `actor` may see: all of them for a steward, else their own."""
    member = insider(actor)
    waiting = Invitation.objects.filter(used_at=None, founding=False, renews=None, expires_at__gt=clock.now())
    if member.role != Member.Role.STEWARD:
        waiting = waiting.filter(invited_by=member)
    return list(waiting.select_related("outlet", "invited_by").order_by("-created_at"))


OPEN_ADMISSION = Q(used_at=None, founding=False, renews=None)


@dataclass(frozen=True)
class Admission:
    """Somebody whom two members are to vouch for: who has, and what it still lacks."""

    invitation: Invitation
    outlet: str
    vouchers: list[Member]
    lacks: Phrase
    mine: bool


def admissions(actor: Looker) -> list[Admission]:
    """Newcomers who still need somebody's word, oldest first; for every member, who may know them."""
    member = insider(actor)
    waiting = Invitation.objects.filter(OPEN_ADMISSION, expires_at__gt=clock.now())
    found = []
    for each in waiting.select_related("outlet").order_by("created_at"):
        if lacks := admission_lacks(each):
            name = each.outlet.name if each.outlet else str(each.new_outlet.get("name", ""))
            given = [voucher.by for voucher in each.vouchers.select_related("by").order_by("at")]
            found.append(Admission(each, name, given, rules.LACKING[lacks], member in given))
    return found


def is_founding_month() -> bool:
    """Whether who joins now is a founder, admitted by an invitation alone."""
    founded = branch()
    return founded is not None and rules.joins_as_founder(founded.founded_at, clock.now())


def admission_lacks(link: Invitation) -> rules.Lacks:
    """What this invitation needs before it admits anybody; empty where nothing, as in the founding month."""
    if is_founding_month():
        return ""
    voices = {member: rules.Voice(seat.outlet, seat.bloc) for seat in seats() for member in seat.members}
    given = [voices[key] for key in link.vouchers.values_list("by", flat=True) if key in voices]
    return rules.admission_lacks(given, list(voices.values()))


def unsigned(actor: Looker) -> bool:
    """Whether this member has not signed the code in force yet."""
    return not insider(actor).signatures.filter(version=code.current().version).exists()


def invitation(token: str) -> Invitation:
    """The invitation a link leads to; refuses an unknown, used or expired one with the same words."""
    found = (
        Invitation.objects.filter(token_hash=ids.token_hash(token), used_at=None)
        .filter(Q(expires_at__gt=clock.now()))
        .select_related("outlet__bloc", "invited_by", "renews")
        .first()
    )
    if found is None:
        raise link_is_over()
    return found


def link_is_over() -> Refused:
    """A link that leads nowhere (any more), whatever the reason."""
    return Refused(
        "link-is-over",
        Phrase(
            "这个链接已经用过或已过期。请向发给您的人再要一个。",
            "This link has been used or has expired. Please ask whoever sent it for a new one.",
        ),
        status=410,
    )


def founding_is_over() -> Refused:
    """A founding link that leads nowhere (any more): nobody sent it, it was printed, and can be printed again."""
    if is_founded():
        said = Phrase(
            "这里的分会已经成立。成员请登录；想加入，请向一位执事要邀请链接。",
            "The branch here is founded already. Members sign in; to join, ask a steward for an invitation.",
        )
    else:
        said = Phrase(
            "这个链接已过期或不完整。把 chatbranch 停下再启动，会打印一个新的。",
            "This link has expired or is incomplete. Stop chatbranch and start it again: it prints a new one.",
        )
    return Refused("link-is-over", said, status=410)


def standings(members: Iterable[UUID]) -> dict[UUID, Standing]:
    """For a decision: each member's outlet key and from when their word counts; who left is missing."""
    found = Member.objects.filter(pk__in=list(members), left_at=None).select_related("outlet")
    return {each.pk: standing(each) for each in found}


def standing(member: Member) -> Standing:
    return Standing(
        member.pk,
        rules.owner_key(member.outlet.owner),
        bool(member.outlet.peer),
        rules.counts_from(member.joined_at, member.founder, member.outlet.rests_until),
    )


def check_not_resting(member: Member) -> None:
    """Refuses a member of an outlet whose membership rests: they read, discuss and answer, and decide nothing."""
    until = member.outlet.rests_until
    if until is not None and until > clock.now():
        raise Refused("rests", _RESTS, status=403, day=f"{until:%Y-%m-%d}")


def interest_in(member: Member, text: str) -> str:
    """The first open declared interest of this member that the text speaks of; empty where there is none."""
    matters = member.interests.filter(ended_at=None).order_by("declared_at").values_list("matter", flat=True)
    return next((matter for matter in matters if rules.speaks_of(text, matter)), "")


def seats() -> list[Seat]:
    """Every vote of the branch, in the order in which the outlets joined; an outlet without members has none."""
    bloc: dict[str, str] = {}
    people: dict[str, list[UUID]] = {}
    for member in _present().select_related("outlet__bloc").order_by("outlet__joined_at", "outlet_id", "pk"):
        key = rules.owner_key(member.outlet.owner)
        bloc.setdefault(key, str(member.outlet.bloc))
        people.setdefault(key, []).append(member.pk)
    return [Seat(key, bloc[key], tuple(members)) for key, members in people.items()]


def interests_of(members: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The open declared interests of these members, so that a case can show who should step aside."""
    found: dict[UUID, list[str]] = {}
    for member, matter in Interest.objects.filter(member__in=list(members), ended_at=None).values_list(
        "member_id", "matter"
    ):
        found.setdefault(member, []).append(matter)
    return found


_RESTS = Phrase(
    "贵账号的成员资格暂停到 {day}，这期间不能参与裁定、邀请和担保；仍可查看、补充证据和参与讨论。",
    "Your outlet's membership rests until {day}: you cannot decide, invite or vouch until then; you can still read, add evidence and discuss.",
)

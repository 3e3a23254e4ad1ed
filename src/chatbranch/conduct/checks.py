"""What stands before what a person does: may they, and is anything written."""

from __future__ import annotations

from uuid import UUID

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member, Outlet
from chatbranch.branch.queries import Looker
from chatbranch.branch.rules import count_as_one
from chatbranch.conduct.measures import MemberOutlet, NotAMember
from chatbranch.conduct.models import Matter
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean

LONGEST = 10_000  # characters of one thing a person writes


def check_written(text: str, field: str, most: int = LONGEST) -> str:
    """What was written, without what hides or reorders; refuses nothing at all, and far too much."""
    written = clean(text).strip()
    if not written:
        raise Refused("empty", Phrase("这里不能空着。", "Please write something here."), field=field)
    if len(written) > most:
        raise Refused("too-long", _TOO_LONG, field=field, most=most)
    return written


def check_outlet(key: str) -> Outlet:
    """The member outlet that was chosen; refuses any other."""
    try:
        outlet = Outlet.objects.filter(pk=UUID(key)).first()
    except ValueError:
        outlet = None
    try:
        if outlet is not None:
            MemberOutlet(outlet)
            return outlet
    except NotAMember:
        pass
    raise Refused("outlet", _WHICH_OUTLET, field="outlet")


def is_of(looker: Looker, matter: Matter) -> bool:
    """Whether somebody works for the outlet that the matter is about, or for another of its owner."""
    return (
        isinstance(looker, Member)
        and branch.is_member(looker)
        and count_as_one(looker.outlet.owner, matter.outlet.owner)
    )


def check_of_outlet(actor: Looker, matter: Matter) -> Member:
    """The actor, if they speak for the outlet; refuses everybody else."""
    member = branch.insider(actor)
    if not is_of(member, matter):
        raise Refused("not-yours", _NOT_YOURS, status=403)
    return member


def check_unbound(actor: Looker, matter: Matter) -> Member:
    """The actor, if nothing binds them to the matter; refuses the outlet's own people, and whoever has declared an interest."""
    member = branch.insider(actor)
    if is_of(member, matter):
        raise Refused("own-outlet", _OWN_OUTLET, status=403)
    if interest := branch.interest_in(member, about(matter)):
        raise Refused("interest", _INTEREST, status=403, why=interest)
    return member


def about(matter: Matter) -> str:
    """What a declared interest is looked for in: the outlet, its owner, the post, and what was complained about."""
    outlet = matter.outlet
    passages = matter.complaints.values_list("passage", flat=True)[:20]
    return "\n".join([outlet.name, outlet.owner, outlet.address, matter.url, *passages])


_TOO_LONG = Phrase(
    "太长了，请控制在 {most} 字以内。", "That is too long; please keep it under {most} characters."
)
_WHICH_OUTLET = Phrase(
    "请选一个分会的账号。守则只管分会成员账号的内容；别人的内容，可以在“问一问”里请我们查证。",
    'Please choose an outlet of the branch. The code is about its members\' posts only; anything else you can have checked under "Ask".',
)
_NOT_YOURS = Phrase("这要由被投诉的账号来做。", "This is for the outlet that the matter is about.")
_OWN_OUTLET = Phrase(
    "这个事项与您的账号有关，由别的账号的成员来办；您可以答复。",
    "This matter is about your own outlet. Members of other outlets see to it; you can reply.",
)
_INTEREST = Phrase(
    "您声明过与此有利害关系（{why}），由别人来办。",
    "You have declared an interest in this ({why}), so others see to it.",
)

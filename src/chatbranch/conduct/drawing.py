"""Drawing a panel: who is in the pool, by rule, at this moment; and what is put into the public log so that anyone can draw again."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

from django.db.models import Q

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member, Outlet, Voucher
from chatbranch.branch.rules import owner_key
from chatbranch.conduct import lots
from chatbranch.conduct.checks import about
from chatbranch.conduct.lots import HOME, PEER, Missing, Slip
from chatbranch.conduct.matters import Held, events_of
from chatbranch.conduct.models import Lot, Matter
from chatbranch.conduct.rules import DRAW_AGAIN, Person, may_judge
from chatbranch.conduct.states import Kind
from chatbranch.conduct.telling import tell_seated
from chatbranch.kernel import clock
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.actions import Draft, do_append


def do_draw(held: Held) -> Missing | None:
    """Draw the panel of the present round, or say what is missing; the clock tries again daily."""
    matter, number = held.matter, held.now.round
    pool = _pool(matter, number, frozenset(held.now.first.jurors if number == 2 else ()))
    found = _drawn(matter, number, pool)
    if isinstance(found, Missing):
        if not held.now.short_at:
            held.write(Kind.SHORT, says={"owners": found.owners, "views": found.views})
        held.wake(clock.now() + DRAW_AGAIN)
        return found
    jurors = [pool[slip] for slip in found]
    place = held.write(Kind.DRAWN, says={"jurors": jurors})
    _log(matter, number, place, pool, found)
    tell_seated(matter, jurors)
    return None


def do_replace(held: Held, gone: str, why: str, by: Member | None = None) -> Missing | None:
    """Seat the next in the order of the same lot in place of a juror; or say what is missing, and leave everyone in their place."""
    matter, number = held.matter, held.now.round
    earlier = set(held.now.first.jurors) if number == 2 else set[str]()
    left = {str(each.says["gone"]) for each in events_of(matter) if each.kind is Kind.REPLACED}
    pool = _pool(matter, number, earlier | left | {gone})
    stay = [each for each in held.now.panel.jurors if each != gone]
    seated = {person: slip for slip, person in pool.items()}
    keep = [seated[each].mark for each in stay if each in seated]
    found = _drawn(matter, number, pool, keep) if len(keep) == len(stay) else Missing(1, 0)
    if isinstance(found, Missing):
        held.wake(clock.now() + DRAW_AGAIN)
        return found
    jurors = [pool[slip] for slip in found]
    place = held.write(Kind.REPLACED, by, {"gone": gone, "why": why, "jurors": jurors})
    _log(matter, number, place, pool, found)
    tell_seated(matter, set(jurors) - set(stay))
    return None


def _drawn(
    matter: Matter, number: int, pool: Collection[Slip], keep: Collection[str] = ()
) -> tuple[Slip, ...] | Missing:
    seed = bytes(Lot.objects.get(matter=matter, round=number).seed)
    return lots.draw(seed, pool, blocs=_blocs(), appeal=number == 2, keep=tuple(keep))


def _log(matter: Matter, number: int, place: int, pool: Collection[Slip], found: Collection[Slip]) -> None:
    seed = bytes(Lot.objects.get(matter=matter, round=number).seed)
    says: dict[str, str | int] = {
        "version": place,
        "round": number,
        "seed": seed.hex(),
        "pool": lots.write_pool(pool),
        "panel": ".".join(slip.mark for slip in found),
        "blocs": _blocs(),
    }
    do_append([Draft(log.LOT_DRAWN, clock.now(), matter.id, says)])


def _blocs() -> int:
    return len({seat.bloc for seat in branch.seats()})


def _pool(matter: Matter, number: int, without: Collection[str]) -> dict[Slip, str]:
    """Whoever may judge now, as slips of this lot -> their identifiers."""
    lot = f"{matter.id}:{number}"
    accused = owner_key(matter.outlet.owner)
    blocs = {seat.outlet: seat.bloc for seat in branch.seats()}
    people = {
        str(member.pk): member
        for member in Member.objects.filter(left_at=None, is_active=True).select_related("outlet")
        if str(member.pk) not in without and may_judge(_person(member, matter), accused, clock.now())
    }
    owners = _numbers(lot, {owner_key(each.outlet.owner) for each in people.values()})
    home = blocs.get(accused, str(matter.outlet.bloc))
    elsewhere = _numbers(lot, set(blocs.values()) - {home})
    return {
        Slip(
            lots.mark(lot, key),
            owners[owner_key(member.outlet.owner)],
            PEER if member.outlet.peer else {home: HOME, **elsewhere}[blocs[owner_key(member.outlet.owner)]],
        ): key
        for key, member in people.items()
    }


def _numbers(lot: str, names: Collection[str]) -> dict[str, str]:
    """A number from 1 on for each name, in an order that holds for this lot only."""
    ordered = sorted(names, key=lambda name: sha256(f"{lot}\n{name}".encode()).digest())
    return {name: str(place) for place, name in enumerate(ordered, 1)}


def _person(member: Member, matter: Matter) -> Person:
    return Person(
        str(member.pk),
        owner_key(member.outlet.owner),
        branch.standing(member).counts_from,
        complained=matter.complaints.filter(by=member).exists(),
        interest=branch.interest_in(member, about(matter)),
        vouched=_vouched(member, matter),
    )


def _vouched(member: Member, matter: Matter) -> bool:
    """Whether this member vouched for somebody of the accused outlet, or somebody of it for one of theirs."""
    theirs = _for(matter.outlet) & Q(by=member)
    ours = _for(member.outlet) & Q(by__outlet=matter.outlet)
    return Voucher.objects.filter(theirs | ours).exists()


def _for(outlet: Outlet) -> Q:
    """Vouchers for whoever joined this outlet, or joined together with it."""
    return Q(invitation__outlet=outlet) | Q(invitation__new_outlet__name=outlet.name)

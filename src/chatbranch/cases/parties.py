"""Which outlets a case concerns, and so do not decide on it: declared openly, answered by them, taken back with a reason."""

from __future__ import annotations

from django.db import transaction

from chatbranch.branch.models import Member, Outlet
from chatbranch.branch.rules import STEWARD, count_as_one
from chatbranch.cases.checks import held, said
from chatbranch.cases.models import Case, Party
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

LONGEST_REASON = 200  # characters
_LONGEST_REPLY = 2_000
_CARRIED = ("why", "by_id", "at", "reply", "replied_by_id", "replied_at")


def do_declare_party(actor: Member, case: Case, outlet: Outlet, why: str) -> Party:
    """Declare that an outlet is party to the case; from then on its members do not decide on it."""
    with transaction.atomic():
        held(case)
        if case.parties.filter(outlet=outlet, undone_at=None).exists():
            raise Refused(
                "declared",
                Phrase("这个账号已经记为当事方。", "This outlet is on record as a party already."),
                status=409,
                field="outlet",
            )
        party = Party.objects.create(
            case=case, outlet=outlet, why=said(why, "why")[:LONGEST_REASON], by=actor
        )
        do_record("party.declared", case.id, outlet=str(outlet.pk), by=str(actor.pk))
    return party


def do_undo_party(actor: Member, party: Party, why: str) -> None:
    """Take a declaration back; it stays on record with the reason. By whoever declared it, or a steward it does not concern."""
    if not may_undo(actor, party):
        raise Refused(
            "not-yours",
            Phrase(
                "要由声明的人，或不属于这个账号的执事来撤销。您的账号可以答复。",
                "Whoever declared it, or a steward of another outlet, takes it back. Your outlet can answer it.",
            ),
            status=403,
        )
    undone = {"undone_why": said(why, "undone_why")[:LONGEST_REASON], "undone_by": actor}
    with transaction.atomic():
        if not Party.objects.filter(pk=party.pk, undone_at=None).update(undone_at=clock.now(), **undone):
            raise Refused("undone", Phrase("这一条已经撤销。", "This was taken back already."), status=409)
        do_record("party.undone", party.case_id, outlet=str(party.outlet_id), by=str(actor.pk))


def do_answer_party(actor: Member, party: Party, reply: str) -> None:
    """Say, for the outlet declared a party, how it sees that; shown beside the declaration. Once."""
    if not is_of(actor, party):
        raise Refused(
            "not-yours",
            Phrase("由这个账号的成员来答复。", "Members of that outlet answer this."),
            status=403,
        )
    answer = {"reply": said(reply, "reply")[:_LONGEST_REPLY], "replied_by": actor}
    waiting = Party.objects.filter(pk=party.pk, replied_at=None, undone_at=None)
    with transaction.atomic():
        if not waiting.update(replied_at=clock.now(), **answer):
            raise Refused(
                "answered", Phrase("这一条已经有答复。", "This has been answered already."), status=409
            )
        do_record("party.answered", party.case_id, outlet=str(party.outlet_id), by=str(actor.pk))


def is_of(member: Member, party: Party) -> bool:
    """Whether the member speaks for the outlet in question: outlets of one owner are one."""
    return count_as_one(member.outlet.owner, party.outlet.owner)


def may_undo(member: Member, party: Party) -> bool:
    """Nobody lifts what somebody else declared of their own outlet."""
    return party.by_id == member.pk or (member.role == STEWARD and not is_of(member, party))


def copy_parties(case: Case, to: Case) -> None:
    """Whoever was party stays party: no joining or splitting lets them decide."""
    for party in case.parties.filter(undone_at=None):
        carried = {name: getattr(party, name) for name in _CARRIED}
        Party.objects.get_or_create(case=to, outlet_id=party.outlet_id, undone_at=None, defaults=carried)

"""The other ends of a case: no matter for us to check, or the same as a claim of the library; and taking it up again."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.branch.rules import owner_key
from chatbranch.cases.checks import check_desk_open, check_not_party, check_open, held, said
from chatbranch.cases.grouping import lock_opening
from chatbranch.cases.models import Asker, Case, Comment
from chatbranch.cases.teaching import teach
from chatbranch.claims import queries as claims
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_link_to_claim(actor: Member, case: Case, claim_id: UUID) -> bool:
    """Say that a case says what a claim of the library says. Once members of two outlets have said so, its askers are told
    that claim's verdict, and it learns the case's wordings; returns whether that is now."""
    check_desk_open()
    check_not_party(actor, case)
    card = claims.claim_card(claim_id)
    if card is None or not card.answers(clock.now().date()):
        raise Refused(
            "not-in-force",
            Phrase(
                "查证库里的那一条现在没有有效的结论，没有什么可告诉问的人。",
                "That claim has no verdict in force now, so there is nothing to tell those who asked.",
            ),
            status=409,
        )
    with transaction.atomic():
        lock_opening()
        now = held(case)
        check_open(now)
        first = now.same_as_by if now.same_as_id == claim_id else None
        if first is None or owner_key(first.outlet.owner) == owner_key(actor.outlet.owner):
            Case.objects.filter(pk=case.pk).update(same_as=claim_id, same_as_by=first or actor)
            _remark(actor, case, _SEEMS_SAME)
            do_record("case.changed", case.id, what="link", claim=str(claim_id))
            return False
        closed = {"state": Case.State.DECIDED, "claim": claim_id, "closed_at": clock.now()}
        Case.objects.filter(pk=case.pk).update(**closed)
        Asker.objects.filter(case=case).update(claim=claim_id)
        teach(claim_id, case, [text for texts in card.wordings.values() for text in texts])
        _remark(actor, case, _IS_SAME)
        do_record("case.closed", case.id, what="linked", claim=str(claim_id))
    return True


_SEEMS_SAME = Phrase(
    "我看这条与查证库中的那一条相同，请另一个账号的成员确认。",
    "I think this is the same as that claim of the library; a member of another outlet should confirm.",
)
_IS_SAME = Phrase("确认与查证库中的那一条相同。", "Confirmed: the same as that claim of the library.")


def _remark(actor: Member, case: Case, phrase: Phrase) -> None:
    Comment.objects.create(case=case, by=actor, text=phrase.say(actor.lang))


def do_close(actor: Member, case: Case, state: str) -> None:
    """Close a case that is no checkable matter of public concern: `opinion` or `private`. Askers are told courteously."""
    check_desk_open()
    check_not_party(actor, case)
    if state not in (Case.State.OPINION, Case.State.PRIVATE):
        raise ValueError(f"a case is closed as opinion or private, not as {state}")
    with transaction.atomic():
        check_open(held(case))
        Case.objects.filter(pk=case.pk).update(state=state, closed_at=clock.now(), duty=None)
        do_record("case.closed", case.id, what=state)


def do_close_unread(case: Case) -> None:
    """Close a case in the transaction that opened it, because its message reads as an opinion. Members find it among the closed
    ones, and any of them may take it up again."""
    Case.objects.filter(pk=case.pk).update(state=Case.State.OPINION, closed_at=clock.now())
    case.state = Case.State.OPINION
    do_record("case.closed", case.id, what=Case.State.OPINION.value)


def do_reopen(actor: Member, case: Case, why: str) -> None:
    """Take a case closed as opinion or private up again, with a reason, which joins the discussion."""
    reason = said(why, "why")
    with transaction.atomic():
        if held(case).state not in (Case.State.OPINION, Case.State.PRIVATE):
            raise Refused(
                "not-closed",
                Phrase("这个案不需要重新打开。", "This case does not need reopening."),
                status=409,
            )
        Case.objects.filter(pk=case.pk).update(state=Case.State.OPEN, closed_at=None)
        Comment.objects.create(case=case, by=actor, text=reason)
        do_record("case.changed", case.id, what="reopened")

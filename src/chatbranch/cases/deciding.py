"""Deciding: members' words on a note, and the verdict it becomes once the rule is met."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.cases.checks import check_desk_open, check_not_party, check_open, held
from chatbranch.cases.grouping import lock_opening
from chatbranch.cases.models import Approval, Asker, Case, Note
from chatbranch.cases.queries import decision_on, is_overtaken
from chatbranch.claims import actions as claims
from chatbranch.claims.rules import LONGEST_WORDING, WITHDRAWN
from chatbranch.consensus.rules import Decision
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import normalise
from chatbranch.matching import guard


def do_approve(actor: Member, note: Note, *, helpful: bool, reason: str = "") -> Decision:
    """Say whether a note is helpful; the last word of each member counts. When the rule is met, the verdict takes effect now."""
    check_desk_open()
    check_not_party(actor, note.case)
    _check_word(actor, note, helpful, reason)
    with transaction.atomic():
        lock_opening()  # first, so that nobody joins the case between the verdict and the list of its askers
        note = Note.objects.select_for_update(of=("self",)).select_related("case").get(pk=note.pk)
        case = held(note.case)
        _check_undecided(note, case)
        Approval.objects.create(note=note, by=actor, helpful=helpful, reason=reason.strip()[:500])
        decision = decision_on(note)
        if decision.accepted:
            _publish(note, case, decision)
        else:
            do_record("case.changed", case.id, what="approval")
    return decision


def _check_word(actor: Member, note: Note, helpful: bool, reason: str) -> None:
    if note.by_id == actor.pk:
        raise Refused(
            "own-note",
            Phrase("自己提出的结论要由别人来核对。", "Others have to check a note you wrote yourself."),
            status=403,
        )
    if not helpful and not reason.strip():
        raise Refused(
            "reason",
            Phrase("请写一句为什么没有帮助。", "Please say in a sentence why it is not helpful."),
            field="reason",
        )


def _check_undecided(note: Note, case: Case) -> None:
    if note.accepted_at is not None:
        raise Refused(
            "accepted", Phrase("这份结论已经通过。", "This note has been accepted already."), status=409
        )
    if case.state != Case.State.DECIDED:
        check_open(case)
    if is_overtaken(note, case):
        raise Refused(
            "overtaken",
            Phrase(
                "另一份提案已先通过。若仍要改，请针对现在的结论另提，并写明原因。",
                "Another note was accepted first. To change the verdict in force, please propose that, with its reason.",
            ),
            status=409,
        )


def _publish(note: Note, case: Case, decision: Decision) -> None:
    """The note becomes the verdict. Everyone who asked follows from the new version (cases/telling.py)."""
    claim_id = _take_effect(note, case, {"case": case.code, **decision.as_dict()})
    Note.objects.filter(pk=note.pk).update(accepted_at=clock.now())
    Case.objects.filter(pk=case.pk).update(state=Case.State.DECIDED, claim=claim_id, closed_at=clock.now())
    Asker.objects.filter(case=case, claim__isnull=True).update(claim=claim_id)
    if note.rating != WITHDRAWN:
        _teach(claim_id, case, note)
    do_record("note.accepted", case.id, note=str(note.id))


def _take_effect(note: Note, case: Case, basis: dict[str, object]) -> UUID:
    """Publish what the note says, or take back what was published; returns the claim."""
    if note.rating == WITHDRAWN and case.claim_id:
        return claims.do_withdraw(case.claim_id, reason=note.reason, basis=basis).claim_id
    verdict = claims.do_publish(
        claim_id=case.claim_id,
        wordings=note.wording,
        rating=note.rating,
        as_of=note.as_of,
        expires=note.expires,
        scope=note.scope,
        explanation=note.explanation,
        reason=note.reason,
        sources=list(note.sources),
        basis=basis,
    )
    return verdict.claim_id


def _teach(claim_id: UUID, case: Case, note: Note) -> None:
    """What was forwarded becomes wordings of the claim, so that the next forward is recognised; altered versions do not."""
    said = list(note.wording.values())
    for variant in case.variants.order_by("-count", "first_at")[:20]:
        if len(variant.text) > LONGEST_WORDING or not normalise(variant.text).text:
            continue  # an article, or nothing but a link or a picture, is no wording
        if not guard.inspect(variant.text, None, said).conflict:
            claims.do_learn_wording(claim_id, variant.lang, variant.text)

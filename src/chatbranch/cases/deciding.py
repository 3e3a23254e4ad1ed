"""Deciding: raters' words on a note, and the verdict it becomes once the rule is met."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from uuid import UUID

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.branch.rules import count_as_one
from chatbranch.cases.checks import check_desk_open, check_not_party, check_open, held
from chatbranch.cases.grouping import lock_opening
from chatbranch.cases.hearing import decision_on, hearing
from chatbranch.cases.models import Asker, Case, Note, Rating
from chatbranch.cases.queries import RATED, is_overtaken
from chatbranch.cases.teaching import teach
from chatbranch.cases.weighing import bridging_on, has_many_raters, state
from chatbranch.claims import actions as claims
from chatbranch.claims.rules import WITHDRAWN
from chatbranch.consensus.reasons import known
from chatbranch.consensus.rules import HELPFUL, NOT_HELPFUL, SOMEWHAT, Decision
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_rate(
    actor: Member, note: Note, *, value: float, reasons: Iterable[str] = (), reason: str = ""
) -> Decision:
    """Say how helpful a note is; the last word of each rater counts. When the rule is met, the verdict takes effect now; in
    a branch of many raters within seconds, once all their ratings have been weighed (do_weigh)."""
    check_desk_open()
    check_not_party(actor, note.case)
    chosen = known(reasons)
    _check_rating(actor, note, value, chosen, reason)
    with transaction.atomic():
        lock_opening()  # first, so that nobody joins the case between the verdict and the list of its askers
        note = _held(note)
        case = held(note.case)
        _check_undecided(note, case)
        Rating.objects.create(note=note, by=actor, value=value, reasons=chosen, reason=reason.strip()[:500])
        decision = decision_on(note)
        if decision.accepted and not has_many_raters():
            _publish(note, case, decision.as_dict())
        else:
            do_record("case.changed", case.id, what="rating")
    return decision


def do_weigh() -> int:
    """In a branch of many raters: publish the notes that the quorum accepts and that the ratings of the whole branch bear
    out. Returns how many."""
    if not has_many_raters():
        return 0
    waiting = Note.objects.filter(accepted_at=None, case__state__in=RATED).exclude(ratings=None)
    found = waiting.select_related("case", "by__outlet__bloc").order_by("case", "at")
    return sum(_weigh_of(list(notes)) for _, notes in groupby(found, key=lambda note: note.case_id))


def _weigh_of(notes: Sequence[Note]) -> int:
    """Those of one case."""
    heard = hearing(notes[0].case)
    return sum(
        _weigh(note)
        for note in notes
        if not is_overtaken(note, note.case) and decision_on(note, heard).accepted
    )


def _weigh(note: Note) -> bool:
    before = state()
    bridging = bridging_on(note)  # takes its time, and so stands outside the transaction
    if bridging is None or not bridging.accepted:
        return False
    with transaction.atomic():
        lock_opening()
        note = _held(note)
        case = held(note.case)
        decision = decision_on(note)
        if state() != before or note.accepted_at or is_overtaken(note, case) or not decision.accepted:
            return False  # somebody rated meanwhile: weighed again in a moment
        _publish(note, case, {**decision.as_dict(), "bridging": bridging.as_dict()})
    return True


def _held(note: Note) -> Note:
    people = Note.objects.select_for_update(of=("self",)).select_related("case", "by__outlet__bloc")
    return people.get(pk=note.pk)


def _check_rating(actor: Member, note: Note, value: float, reasons: list[str], reason: str) -> None:
    if note.by and count_as_one(note.by.outlet.owner, actor.outlet.owner):
        raise Refused(
            "own-note",
            Phrase(
                "自己账号提出的结论要由别的账号来核对。",
                "Other outlets have to check a note your outlet wrote.",
            ),
            status=403,
        )
    if actor.outlet.peer and not decision_on(note).vacancies:
        raise Refused(
            "no-vacancy",
            Phrase(
                "这份提案不缺友会的意见，本分会自己能决定。",
                "This note needs no peer's word: the branch can decide it by itself.",
            ),
            status=409,
        )
    if value not in (HELPFUL, SOMEWHAT, NOT_HELPFUL):
        raise Refused(
            "value",
            Phrase("请选：有帮助、有些帮助、没有帮助。", "Please choose: helpful, somewhat, not helpful."),
            field="value",
        )
    if value < HELPFUL and not reasons and not reason.strip():
        raise Refused(
            "reason",
            Phrase("请点一个原因，或写一句为什么。", "Please tap a reason, or say in a sentence why."),
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


def _publish(note: Note, case: Case, basis: dict[str, object]) -> None:
    """The note becomes the verdict. Everyone who asked follows from the new version (cases/telling.py)."""
    claim_id = _take_effect(note, case, {"case": case.code, **basis})
    Note.objects.filter(pk=note.pk).update(accepted_at=clock.now())
    Case.objects.filter(pk=case.pk).update(state=Case.State.DECIDED, claim=claim_id, closed_at=clock.now())
    Asker.objects.filter(case=case, claim__isnull=True).update(claim=claim_id)
    if note.rating != WITHDRAWN:
        teach(claim_id, case, list(note.wording.values()))
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
        basis={**basis, "media": note.media} if note.media else basis,
    )
    return verdict.claim_id

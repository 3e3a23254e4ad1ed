"""Correcting what the message that opened a case was matched to."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.cases.checks import check_desk_open, check_not_party, held
from chatbranch.cases.closing import do_link_to_claim
from chatbranch.cases.grouping import lock_opening
from chatbranch.cases.models import Case, Variant
from chatbranch.claims import queries as claims
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.matching import actions as matching
from chatbranch.matching import queries as matches
from chatbranch.matching.actions import SAME, Corrected, Seen

_AT_ONCE = timedelta(seconds=5)  # a case is opened and its first variant written in one short transaction


def do_correct_match(
    actor: Member, case: Case, says: str, claim_id: UUID | None = None, *, note: str = "", keep: bool = False
) -> tuple[Corrected, bool]:
    """Take a member's word on the match of the message that opened the case (matching's do_correct).

    That it is the same as a claim with a verdict in force is a word on the open case as well (do_link_to_claim); returned
    with the correction is whether its askers are told that verdict now.
    """
    check_desk_open()
    check_not_party(actor, case)
    with transaction.atomic():
        lock_opening()
        now = held(case)
        opening = first_message(now)
        if opening is None:
            raise Refused("moved", _MOVED, status=409)
        told = False
        if says == SAME and claim_id is not None and _speaks_of(now, claim_id):
            told = do_link_to_claim(actor, now, claim_id)
        corrected = matching.do_correct(actor, _seen(now, opening), says, claim_id, note=note, keep=keep)
        do_record("case.changed", case.id, what="correction")
    return corrected, told


def _speaks_of(case: Case, claim_id: UUID) -> bool:
    """Whether the claim's verdict can be told to the askers of this case."""
    card = claims.claim_card(claim_id)
    return case.state == Case.State.OPEN and card is not None and card.answers(clock.now().date())


def _seen(case: Case, opening: Variant) -> Seen:
    outcome, fitted = str(case.why.get("outcome") or "new"), str(case.why.get("fitted") or "")
    return Seen(opening.fingerprint, opening.text, outcome, case.resembles_id, fitted)


def first_message(case: Case) -> Variant | None:
    """The variant that opened the case, which is what was matched; None where it has moved to another case."""
    at_once = (case.opened_at, case.opened_at + _AT_ONCE)
    opening = case.variants.filter(first_at__range=at_once).order_by("first_at").first()
    return opening if case.why else None


def panel(case: Case, lang: str) -> matches.Panel | None:
    """What the case's page shows of its match for members to correct; None where nothing was matched."""
    opening = first_message(case)
    if opening is None:
        return None
    near = [UUID(str(each["claim_id"])) for each in case.why.get("nearest", ())]
    return matches.panels({opening.fingerprint: (case.resembles_id, near)}, lang)[opening.fingerprint]


_MOVED = Phrase(
    "这个案里没有可以订正的比对：消息已移到别的个案，或没有比对过。",
    "There is no match to correct here: the message moved to another case, or was never matched.",
)

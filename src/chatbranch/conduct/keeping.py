"""What the clock does about matters: tell in time, close windows, draw, replace, take into effect, let expire. Each turn is one
transaction, safe to repeat."""

from __future__ import annotations

from django.db import transaction

from chatbranch.conduct import rules
from chatbranch.conduct.drawing import do_draw, do_replace
from chatbranch.conduct.judging import do_dismiss, do_lapse
from chatbranch.conduct.matters import Held, events_of
from chatbranch.conduct.models import Matter
from chatbranch.conduct.patterns import do_open_patterns
from chatbranch.conduct.states import IN_EFFECT, Kind, State
from chatbranch.conduct.telling import do_notice, tell_all
from chatbranch.kernel import clock
from chatbranch.publiclog import entries as log
from chatbranch.publiclog import queries as publiclog
from chatbranch.publiclog.actions import Draft, do_append

__all__ = ["do_keep_up", "do_open_patterns"]


def do_keep_up(most: int = 50) -> bool:
    """See to the matters that are due; whether anything happened."""
    due = Matter.objects.filter(due_at__lte=clock.now()).order_by("due_at")[:most]
    return sum(_turn(matter) for matter in due) > 0


@transaction.atomic
def _turn(matter: Matter) -> bool:
    held = Held(matter)
    before = held.place
    match held.now.state:
        case State.RECEIVED:
            do_notice(held)
            held.wake(None)
        case State.EVIDENCE:
            do_dismiss(held)
        case State.REPLY:
            held.write(Kind.CLOSED)
            do_draw(held)
        case State.PANEL:
            _see_to_panel(held)
        case State.DECIDED:
            _take_effect(held)
        case State.APPEALED:
            _see_to_appeal(held)
        case state if state in IN_EFFECT:
            _expire(held)
        case _:
            held.wake(None)
    return held.place > before


def _see_to_panel(held: Held) -> None:
    panel = held.now.panel
    if not panel.jurors:
        do_draw(held)
        return
    for each in panel.waits_for:
        if panel.seated_at[each] + rules.VOTE_WITHIN <= clock.now():
            do_replace(held, each, "late")
            return


def _see_to_appeal(held: Held) -> None:
    now = held.now
    assert now.appealed_at is not None
    if now.panel.approved:
        _settle(held)
    elif clock.now() >= now.appealed_at + rules.APPEAL_LIMIT:
        do_lapse(held)
    else:
        _see_to_panel(held)


def _take_effect(held: Held) -> None:
    """No proof, no effect."""
    entry = _proved(held)
    if entry is None:
        return
    place = held.write(Kind.EFFECTIVE, says={"entry": entry})
    _log(held, log.IN_EFFECT, place)
    tell_all(held, place, also=held.now.first.jurors)


def _settle(held: Held) -> None:
    entry = _proved(held)
    if entry is None:
        return
    measure = held.now.measure
    assert measure is not None
    place = held.write(Kind.SETTLED, says={"entry": entry})
    stands = held.now.measure is not None
    says: dict[str, str | int] = {"version": place, "measure": measure.word}
    if stands and held.now.ends:
        says["ends"] = held.now.ends.date().isoformat()
    do_append([Draft(log.UPHELD if stands else log.REVERSED, clock.now(), held.matter.id, says)])
    tell_all(held, place, also=held.now.panel.jurors)


def _expire(held: Held) -> None:
    place = held.write(Kind.EXPIRED)
    _log(held, log.ENDED, place)
    tell_all(held, place)


def _proved(held: Held) -> int | None:
    """Where the decision that two jurors stand by is in the public log; None until outsiders can prove that it is there."""
    approved = [place for place, each in enumerate(events_of(held.matter), 1) if each.kind is Kind.APPROVED]
    proof = publiclog.proof_of(held.matter.id, approved[-1])
    return None if proof is None else proof.index


def _log(held: Held, kind: str, place: int) -> None:
    assert held.now.measure is not None
    says: dict[str, str | int] = {"version": place, "measure": held.now.measure.word}
    do_append([Draft(kind, clock.now(), held.matter.id, says)])

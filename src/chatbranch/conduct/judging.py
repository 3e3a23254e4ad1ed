"""What jurors do: vote with reasons, step aside, write the decision, stand by it. No one person decides anything."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.branch.queries import Looker
from chatbranch.conduct import rules
from chatbranch.conduct.checks import check_written
from chatbranch.conduct.drawing import do_replace
from chatbranch.conduct.matters import Held, events_of, not_now, progress_of
from chatbranch.conduct.measures import Measure, MemberOutlet
from chatbranch.conduct.models import Decision, Matter
from chatbranch.conduct.rules import Finding, Vote
from chatbranch.conduct.statements import checked
from chatbranch.conduct.states import Kind, Panel, State
from chatbranch.conduct.steps import NotNow
from chatbranch.conduct.telling import subject_of, tell_all
from chatbranch.intake.opinions import reading
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.actions import Draft, do_append


def is_juror(looker: Looker, matter: Matter) -> bool:
    """Whether somebody sits on the matter's present panel."""
    if not isinstance(looker, Member) or not branch.is_rater(looker):
        return False
    return str(looker.pk) in progress_of(matter).panel.jurors


def do_vote(
    actor: Looker,
    matter: Matter,
    *,
    broken: bool,
    reasons: str,
    measure: str = "",
    days: int = 0,
    intent: bool = False,
) -> None:
    """Vote, once, with reasons. broken: the clause was broken; on appeal: the finding stands. When the last vote is there and no
    majority found anything, the matter is dismissed at once, in writing."""
    said = check_written(reasons, "reasons")
    with transaction.atomic():
        held, member = _seated(actor, matter)
        says: dict[str, Any] = {"broken": broken, "reasons": said}
        if broken and held.now.round == 1:
            says |= {"measure": measure, "days": days, "intent": intent}
            _check_measure(measure, days)
        try:
            held.write(Kind.VOTED, member, says)
        except NotNow as problem:
            raise not_now(problem) from problem
        if held.now.round == 1 and rules.all_said(held.now.first.votes) and held.now.first.finding is None:
            do_dismiss(held)


def do_step_aside(actor: Looker, matter: Matter, why: str) -> None:
    """Leave the panel, for a reason; the next in the order of the lot is seated."""
    said = check_written(why, "why")
    with transaction.atomic():
        held, member = _seated(actor, matter)
        try:
            missing = do_replace(held, str(member.pk), said, member)
        except NotNow as problem:
            raise not_now(problem) from problem
        if missing is not None:
            raise Refused("nobody-left", missing.phrase, status=409)


def do_state(actor: Looker, matter: Matter, facts: str) -> None:
    """Write down the facts as the majority found them. Until another juror stands by it, this is a draft."""
    said = check_written(facts, "facts")
    with transaction.atomic():
        held, member = _seated(actor, matter)
        try:
            held.write(Kind.STATED, member, {"facts": said})
        except NotNow as problem:
            raise not_now(problem) from problem


def do_approve(actor: Looker, matter: Matter) -> None:
    """Stand by what another juror wrote. With that it is decided, and appended to the public log; nothing takes effect yet."""
    with transaction.atomic():
        held, member = _seated(actor, matter)
        try:
            place = held.write(Kind.APPROVED, member)
        except NotNow as problem:
            raise not_now(problem) from problem
        if held.now.round == 1:
            _decide(held, place)
        else:
            _decide_appeal(held, place)


def do_dismiss(held: Held) -> None:
    """End a matter without a finding, in writing, and tell everyone who was told of it."""
    matter, panel = held.matter, held.now.first
    place = held.write(Kind.DISMISSED)
    says: dict[str, str | int] = {"version": place, "how": State.DISMISSED.value}
    words: dict[str, object] = {"reason": "no evidence was brought"}
    if panel.votes:
        words = statement(held, panel, "no-finding", facts=_NO_FINDING.en)
        _keep(held, words, None)
    do_append([Draft(log.MATTER_CLOSED, clock.now(), matter.id, says, words)])
    tell_all(held, place)


def do_lapse(held: Held) -> None:
    """End an appeal that nobody decided in time, in the outlet's favour."""
    measure = held.now.measure
    panel = held.now.panel
    place = held.write(Kind.LAPSED)
    words = statement(held, panel, "lapsed", facts=_LAPSED.en)
    _keep(held, words, None)
    assert measure is not None
    about = held.matter.id
    says: dict[str, str | int] = {"version": place, "measure": measure.word}
    do_append(
        [
            Draft(log.APPEAL_DECIDED, clock.now(), about, {**says, "stands": "lapsed"}, words),
            Draft(log.REVERSED, clock.now(), about, says),
        ]
    )
    tell_all(held, place)


def _seated(actor: Looker, matter: Matter) -> tuple[Held, Member]:
    member, held = branch.rater(actor), Held(matter)
    if str(member.pk) not in held.now.panel.jurors:
        raise Refused("no-juror", _NO_JUROR, status=403)
    return held, member


def _check_measure(word: str, days: int) -> None:
    measure = Measure.read(word)
    if measure is None:
        raise Refused("measure", _WHICH_MEASURE, field="measure")
    if not 1 <= days <= measure.longest:
        raise Refused("days", _HOW_LONG, field="days", most=measure.longest)


# --- the decision in writing -----------------------------------------------------------------------------------------------


def _decide(held: Held, place: int) -> None:
    found, now = held.now.first.finding, clock.now()
    assert found is not None
    until = now + held.now.left
    words = statement(held, held.now.first, "finding", facts=_facts(held.matter), found=found, end=until)
    # made through the one constructor there is, so that nobody but a member outlet can come out of it
    found.measure.on(MemberOutlet(held.matter.outlet), until=until, reasons="\n".join(words["reasons"]))
    _keep(held, words, found.measure)
    _, clause = subject_of(held.matter)
    says: dict[str, str | int] = {
        "version": place,
        "measure": found.measure.word,
        "clause": clause,
        "edition": words["edition"],
        "ends": words["end"],
    }
    do_append([Draft(log.DECIDED, now, held.matter.id, says, words)])


def _decide_appeal(held: Held, place: int) -> None:
    now, panel, measure = clock.now(), held.now.panel, held.now.measure
    assert measure is not None
    outcome = "upheld" if panel.stands else "reversed"
    first = held.now.first.finding
    words = statement(
        held,
        panel,
        outcome,
        facts=_facts(held.matter),
        found=first if panel.stands else None,
        end=now + held.now.left,
    )
    _keep(held, words, measure if panel.stands else None)
    says: dict[str, str | int] = {"version": place, "stands": outcome, "measure": measure.word}
    do_append([Draft(log.APPEAL_DECIDED, now, held.matter.id, says, words)])


def statement(
    held: Held, panel: Panel, outcome: str, *, facts: str, found: Finding | None = None, end: Any = None
) -> dict[str, Any]:
    """The statement of reasons, valid against its schema. found, end: of a finding, or of one that stands."""
    matter, now = held.matter, held.now
    passage, clause = subject_of(matter)
    agreed = [vote for vote in panel.votes if vote.broken == panel.stands]
    opened = next((each.says for each in events_of(matter) if each.kind is Kind.OPENED), {})
    return checked(
        {
            "schema": 1,
            "matter": str(matter.id),
            "round": now.round,
            "outcome": outcome,
            "outlet": matter.outlet.name,
            "post": matter.url,
            "passage": passage,
            "clause": clause,
            "edition": opened.get("edition", 1),
            "facts": facts,
            "reasons": _reasons(agreed) or [facts],
            "votes": {
                "for": sum(vote.broken for vote in panel.votes),
                "against": sum(not vote.broken for vote in panel.votes),
            },
            "evidence": [
                {"sha256": each.sha256, "sealed": each.sealed}
                for each in matter.evidence.order_by("at", "pk")
            ],
            "measure": found.measure.word if found else None,
            "end": end.date().isoformat() if found else None,
            "intent": bool(found and found.intent),
            "appeal": {
                "possible": outcome == "finding",
                "months": rules.APPEAL_MONTHS,
                "address": settings.CONFIG.url + reverse("conduct-matter", args=[matter.pk]),
            },
            "automation": {
                "found_by_machine": now.pattern,
                "decided_by_machine": False,
                "opinion_guard": _guard(matter, pattern=now.pattern),
            },
            "decided_on": clock.now().date().isoformat(),
        }
    )


def _reasons(votes: list[Vote]) -> list[str]:
    return [vote.reasons for vote in votes if vote.reasons]


def _guard(matter: Matter, *, pattern: bool) -> str:
    if pattern:
        return "not-asked"
    if matter.complaints.exclude(insists="").exists():
        return "overridden"
    return reading(subject_of(matter)[0])


def _facts(matter: Matter) -> str:
    stated = [each for each in events_of(matter) if each.kind is Kind.STATED]
    return str(stated[-1].says["facts"])


def _keep(held: Held, words: dict[str, Any], measure: Measure | None) -> None:
    Decision.objects.create(
        matter=held.matter,
        outlet=held.matter.outlet,
        round=held.now.round,
        measure=measure.word if measure else "",
        statement=words,
        at=clock.now(),
    )


_NO_JUROR = Phrase("这要由本事项的评议员来做。", "This is for the jurors of this matter.")
_WHICH_MEASURE = Phrase(
    "认为违反了守则的，请选一种处理。", "If the clause was broken, please choose a measure."
)
_HOW_LONG = Phrase("请写天数，1 到 {most} 天。", "Please give the days, from 1 to {most}.")
_NO_FINDING = Phrase("没有多数认为违反了守则。", "No majority found that the clause was broken.")
_LAPSED = Phrase("申诉在 90 天内没有决定。", "The appeal was not decided within 90 days.")

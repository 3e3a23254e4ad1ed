"""What may happen to a matter, and what follows: where it stands is a fold over what happened. Pure.

`STEPS` is the whole of it. Read aloud, a line is "when this happens in one of these states, then that state follows"; `needs` says
what else must be so, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chatbranch.conduct import rules
from chatbranch.conduct.measures import Measure
from chatbranch.conduct.rules import Vote
from chatbranch.conduct.states import (
    ANY,
    APPEALABLE,
    BEFORE_PANEL,
    IN_EFFECT,
    JUDGED,
    Event,
    Kind,
    Panel,
    Progress,
    State,
)


class NotNow(Exception):
    """This cannot happen to the matter as it stands; the message says what is missing."""


Need = Callable[[Progress, Event], bool]
Change = Callable[[Progress, Event], Progress]


@dataclass(frozen=True)
class Step:
    """When `kind` happens in one of `before`, `after` follows (None: the state stays). needs: what else must be so, in words."""

    kind: Kind
    before: frozenset[State]
    after: State | None
    needs: Mapping[str, Need] = field(default_factory=dict)
    change: Change = lambda progress, event: progress


# --- what steps need, and what they leave behind ---------------------------------------------------------------------------


def _is_juror(progress: Progress, event: Event) -> bool:
    return event.by in progress.panel.jurors


def _nobody_who_judged_before(progress: Progress, event: Event) -> bool:
    return progress.round == 1 or not set(_texts(event, "jurors")) & set(progress.first.jurors)


def _set_panel(progress: Progress, panel: Panel) -> Progress:
    return replace(progress, appeal=panel) if progress.appeal is not None else replace(progress, first=panel)


def _asked(progress: Progress, event: Event) -> Progress:
    return replace(progress, reply_until=_moment(event, "until"))


def _extended(progress: Progress, event: Event) -> Progress:
    return replace(progress, reply_until=_moment(event, "until"), extensions=progress.extensions + 1)


def _replied(progress: Progress, event: Event) -> Progress:
    return replace(progress, replies=progress.replies + 1, said_all=bool(event.says.get("all")))


def _drawn(progress: Progress, event: Event) -> Progress:
    jurors = tuple(_texts(event, "jurors"))
    return _set_panel(
        replace(progress, short_at=None),
        replace(progress.panel, jurors=jurors, seated_at=dict.fromkeys(jurors, event.at)),
    )


def _replaced(progress: Progress, event: Event) -> Progress:
    gone, jurors = str(event.says["gone"]), tuple(_texts(event, "jurors"))
    panel = progress.panel
    seated = {each: panel.seated_at.get(each, event.at) for each in jurors if each != gone}
    return _set_panel(progress, replace(panel, jurors=jurors, seated_at=seated))


def _voted(progress: Progress, event: Event) -> Progress:
    vote = Vote(
        event.by,
        bool(event.says["broken"]),
        Measure.read(str(event.says.get("measure", ""))),
        int(str(event.says.get("days", 0))),
        bool(event.says.get("intent")),
        str(event.says.get("reasons", "")),
    )
    return _set_panel(progress, replace(progress.panel, votes=(*progress.panel.votes, vote)))


def _stated(progress: Progress, event: Event) -> Progress:
    return _set_panel(progress, replace(progress.panel, writer=event.by, approvers=frozenset({event.by})))


def _approved(progress: Progress, event: Event) -> Progress:
    panel = replace(progress.panel, approvers=progress.panel.approvers | {event.by})
    if progress.round == 2:
        return replace(progress, appeal=panel, settled_at=event.at)
    found = panel.finding
    assert found is not None
    return replace(
        progress,
        first=panel,
        measure=found.measure,
        intent=found.intent,
        decided_at=event.at,
        left=timedelta(days=found.days),
    )


def _effective(progress: Progress, event: Event) -> Progress:
    until = rules.months_after(event.at, rules.APPEAL_MONTHS)
    return replace(progress, ends=(progress.decided_at or event.at) + progress.left, appeal_until=until)


def _appealed(progress: Progress, event: Event) -> Progress:
    left = max((progress.ends or event.at) - event.at, timedelta(0))
    return replace(progress, appeal=Panel(), appealed_at=event.at, left=left, ends=None)


def _settled(progress: Progress, event: Event) -> Progress:
    if not progress.panel.stands:
        return replace(progress, state=State.REVERSED, measure=None, intent=False, ends=None)
    state = State.UPHELD if progress.left else State.EXPIRED  # what had ended before does not begin anew
    return replace(progress, state=state, ends=(progress.settled_at or event.at) + progress.left)


def _moment(event: Event, name: str) -> datetime:
    said = event.says[name]
    return said if isinstance(said, datetime) else datetime.fromisoformat(str(said))


def _texts(event: Event, name: str) -> list[str]:
    said = event.says[name]
    assert isinstance(said, list | tuple)
    return [str(each) for each in said]


_PROVED: Mapping[str, Need] = {
    "the proof that the reasons are in the public log": lambda progress, event: isinstance(
        event.says.get("entry"), int
    ),
}
_PROPER: Mapping[str, Need] = {
    "the outlet's notice": lambda progress, event: progress.noticed_at is not None,
    "a reply window that is closed": lambda progress, event: progress.closed,
    "two jurors who stand by the reasons": lambda progress, event: progress.panel.approved,
}

STEPS: tuple[Step, ...] = (
    Step(
        Kind.NOTICED,
        frozenset({State.RECEIVED, State.EVIDENCE}),
        None,
        {"an outlet that was not told yet": lambda progress, event: progress.noticed_at is None},
        lambda progress, event: replace(progress, noticed_at=event.at),
    ),
    Step(Kind.SCREENED, frozenset({State.RECEIVED}), None),  # see _state_that_it_says
    Step(Kind.REOPENED, frozenset({State.OPINION, State.OUT_OF_SCOPE, State.DUPLICATE}), State.RECEIVED),
    Step(Kind.OPENED, frozenset({State.RECEIVED}), State.EVIDENCE),
    Step(
        Kind.EVIDENCE,
        BEFORE_PANEL | {State.APPEALED},
        None,
        change=lambda progress, event: replace(progress, evidence=progress.evidence + 1),
    ),
    Step(
        Kind.ASKED,
        frozenset({State.EVIDENCE}),
        State.REPLY,
        {
            "the outlet's notice": lambda progress, event: progress.noticed_at is not None,
            "something in evidence": lambda progress, event: progress.evidence > 0,
        },
        _asked,
    ),
    Step(
        Kind.EXTENDED,
        frozenset({State.REPLY}),
        None,
        {
            "an extension that is left": lambda progress, event: progress.extensions < rules.EXTENSIONS,
            "a later end": lambda progress, event: (
                progress.reply_until is not None and _moment(event, "until") > progress.reply_until
            ),
        },
        _extended,
    ),
    Step(Kind.REPLIED, BEFORE_PANEL | {State.APPEALED}, None, change=_replied),
    Step(Kind.MASKED, ANY, None),
    Step(
        Kind.CORRECTED,
        BEFORE_PANEL,
        State.GUIDED,
        {"a first matter, not a pattern": lambda progress, event: not progress.pattern},
    ),
    Step(
        Kind.CLOSED,
        frozenset({State.REPLY}),
        State.PANEL,
        {
            "the end of the reply window": lambda progress, event: (
                progress.said_all or (progress.reply_until is not None and event.at >= progress.reply_until)
            )
        },
        lambda progress, event: replace(progress, closed=True),
    ),
    Step(
        Kind.SHORT,
        JUDGED,
        None,
        {"a panel still to be drawn": lambda progress, event: not progress.panel.jurors},
        lambda progress, event: replace(progress, short_at=event.at),
    ),
    Step(
        Kind.DRAWN,
        JUDGED,
        None,
        {
            "a panel still to be drawn": lambda progress, event: not progress.panel.jurors,
            "three different jurors": lambda progress, event: (
                len(set(_texts(event, "jurors"))) == rules.JURORS
            ),
            "nobody who judged before": _nobody_who_judged_before,
        },
        _drawn,
    ),
    Step(
        Kind.REPLACED,
        JUDGED,
        None,
        {
            "a juror who has not voted": lambda progress, event: (
                event.says.get("gone") in progress.panel.waits_for
            ),
            "three different jurors": lambda progress, event: (
                len(set(_texts(event, "jurors"))) == rules.JURORS
                and event.says.get("gone") not in _texts(event, "jurors")
            ),
            "everybody else in their place": lambda progress, event: (
                set(progress.panel.jurors) - {str(event.says.get("gone"))} < set(_texts(event, "jurors"))
            ),
            "nobody who judged before": _nobody_who_judged_before,
        },
        _replaced,
    ),
    Step(
        Kind.VOTED,
        JUDGED,
        None,
        {
            "a juror of this panel": _is_juror,
            "a vote that was not given yet": lambda progress, event: event.by in progress.panel.waits_for,
            "a measure, where the clause was broken": lambda progress, event: (
                progress.round == 2
                or not event.says["broken"]
                or (
                    Measure.read(str(event.says.get("measure"))) is not None
                    and int(str(event.says.get("days", 0))) > 0
                )
            ),
        },
        _voted,
    ),
    Step(
        Kind.STATED,
        JUDGED,
        None,
        {
            "a panel that has voted": lambda progress, event: rules.all_said(progress.panel.votes),
            "a finding": lambda progress, event: progress.round == 2 or progress.panel.finding is not None,
            "a juror of the majority": lambda progress, event: event.by in progress.panel.majority,
            "reasons that two do not stand by yet": lambda progress, event: not progress.panel.approved,
        },
        _stated,
    ),
    Step(
        Kind.APPROVED,
        JUDGED,
        None,  # DECIDED in the first round: see _state_that_it_says
        {
            "written reasons": lambda progress, event: bool(progress.panel.writer),
            "another juror of the majority": lambda progress, event: (
                event.by in progress.panel.majority and event.by != progress.panel.writer
            ),
            "reasons that two do not stand by yet": lambda progress, event: not progress.panel.approved,
        },
        _approved,
    ),
    Step(
        Kind.DISMISSED,
        frozenset({State.EVIDENCE, State.PANEL}),
        State.DISMISSED,
        {
            "votes without a finding, or no evidence in time": lambda progress, event: (
                (rules.all_said(progress.first.votes) and progress.first.finding is None)
                or (progress.state is State.EVIDENCE and event.at >= progress.since + rules.EVIDENCE_WITHIN)
            )
        },
    ),
    Step(Kind.EFFECTIVE, frozenset({State.DECIDED}), State.EFFECTIVE, {**_PROPER, **_PROVED}, _effective),
    Step(
        Kind.APPEALED,
        APPEALABLE,
        State.APPEALED,
        {"time left to appeal": lambda progress, event: progress.may_appeal(event.at)},
        _appealed,
    ),
    Step(
        Kind.LAPSED,
        frozenset({State.APPEALED}),
        State.REVERSED,
        {
            "an appeal nobody has decided in time": lambda progress, event: (
                progress.appealed_at is not None
                and event.at >= progress.appealed_at + rules.APPEAL_LIMIT
                and not progress.panel.approved
            )
        },
        lambda progress, event: replace(progress, measure=None, intent=False, ends=None),
    ),
    Step(
        Kind.SETTLED,
        frozenset({State.APPEALED}),
        None,  # UPHELD or REVERSED, as the panel voted: see _settled
        {**_PROPER, **_PROVED},
        _settled,
    ),
    Step(
        Kind.EXPIRED,
        IN_EFFECT,
        State.EXPIRED,
        {
            "the measure's end": lambda progress, event: (
                progress.ends is not None and event.at >= progress.ends
            )
        },
    ),
)
_BY_KIND = {step.kind: step for step in STEPS}
_SCREENED = {each.value: each for each in (State.OPINION, State.OUT_OF_SCOPE, State.DUPLICATE)}


def advance(progress: Progress | None, event: Event) -> Progress:
    """Where the matter stands once this has happened too. Raises NotNow where it cannot."""
    if progress is None:
        if event.kind is not Kind.RECEIVED:
            raise NotNow("a matter begins with a complaint")
        return Progress(State.RECEIVED, event.at, event.at, pattern=bool(event.says.get("pattern")))
    step = _BY_KIND.get(event.kind)
    if step is None or progress.state not in step.before:
        raise NotNow(f"“{event.kind}” cannot happen to a matter that is “{progress.state}”")
    for what, need in step.needs.items():
        if not need(progress, event):
            raise NotNow(f"“{event.kind}” needs {what}")
    changed = step.change(progress, event)
    after = step.after or _state_that_it_says(changed, event)
    return replace(changed, state=after, since=event.at) if after is not progress.state else changed


def _state_that_it_says(changed: Progress, event: Event) -> State:
    """The state after a step that leads to one of several."""
    if event.kind is Kind.SCREENED:
        how = _SCREENED.get(str(event.says.get("how")))
        if how is None:
            raise NotNow("“screened” needs a word for how")
        return how
    if event.kind is Kind.APPROVED and changed.round == 1 and changed.first.approved:
        return State.DECIDED
    return changed.state


def fold(events: Iterable[Event]) -> Progress:
    """Where a matter stands after all of this. Raises NotNow for a list that cannot be, and for an empty one."""
    progress: Progress | None = None
    for event in events:
        progress = advance(progress, event)
    if progress is None:
        raise NotNow("a matter begins with a complaint")
    return progress


def due(progress: Progress) -> datetime | None:
    """When the clock next has something to do about the matter; None where it has not."""
    match progress.state:
        case State.RECEIVED:
            return None if progress.noticed_at else progress.received_at + rules.NOTICE_AT_LATEST
        case State.EVIDENCE:
            return None if progress.evidence else progress.since + rules.EVIDENCE_WITHIN
        case State.REPLY:
            return progress.since if progress.said_all else progress.reply_until
        case State.PANEL:
            return _panel_due(progress)
        case State.DECIDED:
            return progress.since
        case State.EFFECTIVE | State.UPHELD:
            return progress.ends
        case State.APPEALED:
            assert progress.appealed_at is not None
            return min(_panel_due(progress) or progress.since, progress.appealed_at + rules.APPEAL_LIMIT)
        case _:
            return None


def _panel_due(progress: Progress) -> datetime | None:
    panel = progress.panel
    if not panel.jurors and progress.short_at:
        return progress.short_at + rules.DRAW_AGAIN
    if not panel.jurors or panel.approved:
        return progress.since
    waiting = [panel.seated_at[each] for each in panel.waits_for]
    return min(waiting) + rules.VOTE_WITHIN if waiting else None

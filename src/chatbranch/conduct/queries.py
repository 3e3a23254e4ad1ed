"""Reads about matters. Before a measure is in effect nobody but those concerned and the members who see to it read anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member, Outlet
from chatbranch.branch.queries import Looker
from chatbranch.conduct import code, letters, lots, rules
from chatbranch.conduct.checks import about, is_of
from chatbranch.conduct.complaining import key_of
from chatbranch.conduct.lots import Slip
from chatbranch.conduct.matters import events_of, progress_of, said_at
from chatbranch.conduct.models import Complaint, Decision, Evidence, Matter, MatterEvent, Reply
from chatbranch.conduct.states import ENDED, IN_EFFECT, Event, Kind, Progress, State
from chatbranch.conduct.telling import subject_of
from chatbranch.kernel import clock, ids
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import entries as log
from chatbranch.publiclog import queries as publiclog
from chatbranch.publiclog.entries import Entry

OUTLET, JUROR, MEMBER = "outlet", "juror", "member"
MASK = "█"


def outlets() -> list[Outlet]:
    """The branch's outlets by name: whose posts the code is about."""
    return list(Outlet.objects.filter(left_at=None, peer="").order_by("name"))


# --- what is public --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A decision in effect, with the outlet's replies beside it. entry: where its reasons stand in the public log."""

    matter: Matter
    statement: dict[str, Any]
    ends: datetime
    upheld: bool
    replies: Sequence[str]
    entry: int | None
    appeal_until: datetime | None
    clause: dict[str, str]


def in_effect(matter_id: UUID | None = None) -> list[Shown]:
    """The decisions in effect now, newest first, or the one about a matter. What has expired, rests or was reversed is not here."""
    rows = Decision.objects.filter(round=1).exclude(measure="").select_related("matter__outlet")
    rows = rows.filter(matter=matter_id) if matter_id else rows
    shown = []
    for each in rows.prefetch_related("matter__events", "matter__replies").order_by("-at"):
        progress = progress_of(each.matter)
        if progress.is_in_effect(clock.now()) and progress.ends is not None:
            shown.append(_shown(each, progress, progress.ends))
    return shown


def _shown(decision: Decision, progress: Progress, ends: datetime) -> Shown:
    matter: Matter = decision.matter
    effect = [each for each in events_of(matter) if each.kind in (Kind.EFFECTIVE, Kind.SETTLED)]
    entry = effect[-1].says.get("entry")
    clauses = code.edition(decision.statement["edition"]).clauses
    return Shown(
        matter,
        decision.statement,
        ends,
        progress.state is State.UPHELD,
        [masked(each, events_of(matter)) for each in matter.replies.all()],
        entry if isinstance(entry, int) else None,
        progress.appeal_until if progress.may_appeal(clock.now()) else None,
        clauses[decision.statement["clause"]],
    )


def masked(reply: Reply, events: Iterable[Event]) -> str:
    """A reply as it is shown: unedited, but for third persons' data, which is visibly black."""
    text = str(reply.text)
    for each in events:
        if each.kind is Kind.MASKED and each.says.get("reply") == str(reply.pk):
            words = str(each.says["words"])
            text = text.replace(words, MASK * len(words))
    return text


# --- the complainant -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """Where a matter stands, in words: what happens now, what happens next, until when."""

    state: State
    name: Phrase
    now: Phrase
    next: Phrase
    until: datetime | None


def standing(progress: Progress) -> Standing:
    """The same for everybody concerned."""
    state = progress.state
    return Standing(
        state,
        letters.NAMES[state],
        letters.NOW[state],
        letters.NEXT.get(state, letters.ENDED),
        _until(progress),
    )


def _until(progress: Progress) -> datetime | None:
    match progress.state:
        case State.RECEIVED if progress.noticed_at is None:
            return progress.received_at + rules.NOTICE_WITHIN
        case State.EVIDENCE if not progress.evidence:
            return progress.since + rules.EVIDENCE_WITHIN
        case State.REPLY:
            return progress.reply_until
        case State.PANEL if progress.panel.jurors and progress.panel.waits_for:
            return (
                min(progress.panel.seated_at[each] for each in progress.panel.waits_for) + rules.VOTE_WITHIN
            )
        case State.APPEALED if progress.appealed_at:
            return progress.appealed_at + rules.APPEAL_LIMIT
        case state if state in IN_EFFECT:
            return progress.ends
        case _:
            return None


@dataclass(frozen=True)
class Followed:
    """A complaint as its writer sees it. why: why it was closed at the first look, or how it was corrected."""

    complaint: Complaint
    standing: Standing
    why: str
    public: bool


def followed(typed: str) -> Followed | None:
    """The complaint that this key leads to."""
    found = (
        Complaint.objects.filter(key_hash=ids.token_hash(key_of(typed)))
        .select_related("matter__outlet")
        .first()
    )
    if found is None:
        return None
    progress = progress_of(found.matter)
    why = ""
    for each in events_of(found.matter):
        why = str(each.says.get("reason") or each.says.get("correction") or why)
    shown = why if progress.state in ENDED else ""
    return Followed(found, standing(progress), shown, progress.is_in_effect(clock.now()))


# --- members -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One matter in the desk's list. role: what the looker is to it."""

    matter: Matter
    standing: Standing
    role: str
    passage: str
    yours: bool


def listed(looker: Looker, most: int = 100) -> list[Row]:
    """The matters this member may see: of their own outlet, on whose panels they sit, and those that members see to. What waits
    for the looker comes first; how many complained plays no part."""
    member = branch.rater(looker)
    rows = [row for matter in _matters()[: most * 3] if (row := _row(member, matter)) is not None]
    return sorted(rows, key=lambda row: not row.yours)[:most]


def _matters() -> QuerySet[Matter]:
    return Matter.objects.select_related("outlet__bloc").prefetch_related("events").order_by("-opened_at")


def _row(member: Member, matter: Matter) -> Row | None:
    progress = progress_of(matter)
    role = role_of(member, matter, progress)
    if not role:
        return None
    return Row(matter, standing(progress), role, subject_of(matter)[0], _waits(member, role, progress))


def role_of(member: Member, matter: Matter, progress: Progress) -> str:
    """What somebody is to a matter: of the outlet, a juror, or a member who sees to it; a peer who is no juror is nothing to it."""
    if is_of(member, matter):
        return OUTLET
    if str(member.pk) in progress.panel.jurors:
        return JUROR
    return MEMBER if branch.is_member(member) else ""


def _waits(member: Member, role: str, progress: Progress) -> bool:
    if role == OUTLET:
        return progress.state in (State.RECEIVED, State.EVIDENCE, State.REPLY)
    if role == JUROR:
        return progress.state in (State.PANEL, State.APPEALED) and (
            str(member.pk) in progress.panel.waits_for or not progress.panel.waits_for
        )
    return progress.state in (State.RECEIVED, State.EVIDENCE)


@dataclass(frozen=True)
class Page:
    """A matter as one member sees it. said: the replies, as they are shown, with their rows. evidence: what they may read of it
    (a sealed text only as juror or as whoever brought it). statement: a draft or decided, for its jurors and the outlet.
    erasable: whether the looker may erase what evidence says."""

    matter: Matter
    progress: Progress
    standing: Standing
    role: str
    bound: str
    passage: str
    clause: str
    clauses: dict[str, dict[str, str]]
    complaints: Sequence[Complaint]
    evidence: Sequence[tuple[Evidence, bool]]
    said: Sequence[tuple[Reply, str]]
    events: Sequence[Event]
    facts: str
    decisions: Sequence[Decision]
    votes: Sequence[Any]
    rounds: Sequence[int]
    erasable: bool


def page(looker: Looker, matter_id: UUID) -> Page | None:
    """The matter, for a member it concerns; None for anybody else."""
    member = branch.rater(looker)
    matter = _matters().filter(pk=matter_id).first()
    if matter is None:
        return None
    progress, events = progress_of(matter), events_of(matter)
    role = role_of(member, matter, progress)
    if not role:
        return None
    passage, clause = subject_of(matter)
    opened = said_at(matter, Kind.OPENED)
    edition = code.edition(int(str(opened.get("edition", code.in_force(matter.opened_at).version))))
    facts = [str(each.says["facts"]) for each in events if each.kind is Kind.STATED]
    decided = progress.decided_at is not None or progress.state is State.DISMISSED
    return Page(
        matter,
        progress,
        standing(progress),
        role,
        "" if role != MEMBER else branch.interest_in(member, about(matter)),
        passage,
        clause,
        edition.clauses,
        list(matter.complaints.order_by("at", "pk")[:20]),
        [
            (each, not each.sealed or role == JUROR or each.by_id == member.pk)
            for each in matter.evidence.order_by("at", "pk")
        ],
        [(each, masked(each, events)) for each in matter.replies.order_by("at", "pk")],
        events,
        facts[-1] if facts and (role == JUROR or decided) else "",
        list(matter.decisions.order_by("round")) if decided else [],
        progress.panel.votes if role == JUROR and not progress.panel.waits_for else (),
        [each.round for each in drawn(matter.id)],
        role == MEMBER and progress.is_over(clock.now()),
    )


def is_an_appeal_late() -> bool:
    """Whether any appeal has waited longer for its decision than the branch means it to."""
    decided = MatterEvent.objects.filter(
        matter=OuterRef("matter"), kind__in=[Kind.SETTLED.value, Kind.LAPSED.value]
    )
    waiting = MatterEvent.objects.filter(kind=Kind.APPEALED.value, at__lte=clock.now() - rules.APPEAL_TARGET)
    return waiting.filter(~Exists(decided)).exists()


# --- the lot -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draw:
    """A draw as it stands in the public log, and drawn again here. order: the pool in the order of the draw, with whether drawn."""

    round: int
    fixed: Entry
    fixed_index: int
    entry: Entry
    index: int
    order: Sequence[tuple[Slip, bool]]
    hash_fits: bool


def drawn(matter_id: UUID) -> list[Draw]:
    """Every draw of a matter, from the public log alone: it names nobody."""
    fixed = {
        int(entry.says["round"]): (entry, index)
        for entry, index in publiclog.entries_about(matter_id, log.LOT_COMMITTED)
    }
    return [
        _draw(entry, index, *fixed[int(entry.says["round"])])
        for entry, index in publiclog.entries_about(matter_id, log.LOT_DRAWN)
    ]


def _draw(entry: Entry, index: int, fixed: Entry, fixed_index: int) -> Draw:
    seed, panel = bytes.fromhex(str(entry.says["seed"])), str(entry.says["panel"]).split(".")
    order = lots.in_order(seed, lots.read_pool(str(entry.says["pool"])))
    return Draw(
        int(entry.says["round"]),
        fixed,
        fixed_index,
        entry,
        index,
        [(slip, slip.mark in panel) for slip in order],
        lots.seed_hash(seed) == fixed.says["seed_hash"],
    )

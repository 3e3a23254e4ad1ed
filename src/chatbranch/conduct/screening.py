"""A person's first look, gathering evidence, and asking for the outlet's answer. By members whom nothing binds to the matter."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256

from django.db import transaction

from chatbranch.branch.queries import Looker
from chatbranch.conduct import code, rules
from chatbranch.conduct.checks import check_of_outlet, check_unbound, check_written, is_of
from chatbranch.conduct.days import holidays
from chatbranch.conduct.matters import Held, not_now
from chatbranch.conduct.models import Evidence, Matter
from chatbranch.conduct.states import Kind, State
from chatbranch.conduct.steps import NotNow
from chatbranch.conduct.telling import do_notice, tell_all, tell_asked
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.actions import Draft, do_append

CLOSINGS = (State.OPINION, State.OUT_OF_SCOPE, State.DUPLICATE)


def do_screen(actor: Looker, matter: Matter, how: str, reason: str) -> None:
    """End a matter at the first look: an opinion, outside the code, or the same as another. With a reason, told and logged."""
    member = check_unbound(actor, matter)
    said = check_written(reason, "reason")
    if how not in CLOSINGS:
        raise Refused("not-chosen", _HOW, field="how")
    with transaction.atomic():
        held = Held(matter)
        try:
            place = held.write(Kind.SCREENED, member, {"how": how, "reason": said})
        except NotNow as problem:
            raise not_now(problem) from problem
        _log_closing(matter, place, how, said)
        tell_all(held, place)


def _log_closing(matter: Matter, place: int, how: str, reason: str) -> None:
    do_append(
        [Draft(log.MATTER_CLOSED, clock.now(), matter.id, {"version": place, "how": how}, {"reason": reason})]
    )


def do_take_up_again(actor: Looker, matter: Matter, reason: str) -> None:
    """Take up again what was closed at the first look, with a reason: whoever closed it may have been wrong."""
    member = check_unbound(actor, matter)
    said = check_written(reason, "reason")
    with transaction.atomic():
        held = Held(matter)
        try:
            place = held.write(Kind.REOPENED, member, {"reason": said})
        except NotNow as problem:
            raise not_now(problem) from problem
        tell_all(held, place)


def do_open(actor: Looker, matter: Matter, *, passage: str, clause: str, posted: str = "") -> None:
    """Open a matter: say which passage and which clause it is about. The outlet is told in the same moment.

    posted: the day of the post (ISO 8601), by whose edition of the code it is judged; if unknown, that of the first complaint.
    """
    member = check_unbound(actor, matter)
    said = check_written(passage, "passage")
    edition = code.in_force(_posted(posted) or matter.opened_at)
    if clause not in edition.clauses or clause == code.PATTERN_CLAUSE:
        raise Refused("clause", _CLAUSE, field="clause")
    with transaction.atomic():
        held = Held(matter)
        try:
            held.write(Kind.OPENED, member, {"passage": said, "clause": clause, "edition": edition.version})
        except NotNow as problem:
            raise not_now(problem) from problem
        if held.now.noticed_at is None:
            do_notice(held)


def _posted(said: str) -> datetime | None:
    """The end of the day on which it was posted; None where nothing was said. Refuses what is no day, or is yet to come."""
    try:
        day = date.fromisoformat(said.strip()) if said.strip() else None
    except ValueError:
        raise Refused("posted", _WHICH_DAY, field="posted") from None
    if day is not None and day > clock.now().date():
        raise Refused("posted", _WHICH_DAY, field="posted")
    return rules.end_of(day) if day else None


def do_add_evidence(
    actor: Looker, matter: Matter, *, url: str = "", text: str = "", note: str = "", sealed: bool = False
) -> Evidence:
    """Bring evidence. The outlet may too. sealed: only jurors read it; the public log has a salted hash."""
    member = check_of_outlet(actor, matter) if is_of(actor, matter) else check_unbound(actor, matter)
    if url and not url.startswith(("http://", "https://")):
        raise Refused("url", _LINK, field="url")
    if not url.strip():
        text = check_written(text, "text")
    digest = sha256(f"{url.strip()}\n{text.strip()}".encode()).hexdigest()
    with transaction.atomic():
        held = Held(matter)
        made = Evidence(
            matter=matter,
            url=url.strip()[:2000],
            text=text,
            note=note.strip(),
            sha256=digest,
            sealed=sealed,
            by=member,
        )
        try:
            place = held.write(
                Kind.EVIDENCE, member, {"evidence": str(made.id), "sha256": digest, "sealed": sealed}
            )
        except NotNow as problem:
            raise not_now(problem) from problem
        made.save()
        if sealed:
            words = {"text": text, "note": note}
            do_append([Draft(log.SEALED, made.at, matter.id, {"version": place}, words)])
    return made


def do_ask(actor: Looker, matter: Matter) -> None:
    """Ask the outlet for its answer: from now on it has seven working days, and may take longer."""
    member = check_unbound(actor, matter)
    with transaction.atomic():
        held = Held(matter)
        until = rules.working_days_after(clock.now(), rules.REPLY_DAYS, holidays())
        try:
            held.write(Kind.ASKED, member, {"until": until.isoformat()})
        except NotNow as problem:
            raise not_now(problem) from problem
        tell_asked(matter, until)


def do_let_go(actor: Looker, evidence: Evidence) -> None:
    """Erase what a piece of evidence says, once nothing about its matter can be appealed any more. Its hash stays."""
    check_unbound(actor, evidence.matter)
    with transaction.atomic():
        if not Held(evidence.matter).now.is_over(clock.now()):
            raise Refused("still-needed", _STILL_NEEDED, status=409)
        Evidence.objects.filter(pk=evidence.pk).update(url="", text="", note="")


_WHICH_DAY = Phrase(
    "请填发布的那一天，不能是将来。", "Please give the day it was posted; it cannot be yet to come."
)
_HOW = Phrase("请选怎样办结。", "Please choose how it is closed.")
_CLAUSE = Phrase("请选守则里的一条。", "Please choose a clause of the code.")
_LINK = Phrase("链接要以 http:// 或 https:// 开头。", "The link must start with http:// or https://.")
_STILL_NEEDED = Phrase(
    "还可能申诉，材料先不能删。", "There may still be an appeal, so the evidence has to stay for now."
)

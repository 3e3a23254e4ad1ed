"""Following the journal: what happened elsewhere in the house becomes entries. The cursor moves in the transaction of the entries, so
that nothing is logged twice and nothing is left out."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from chatbranch.cases import queries as cases
from chatbranch.claims import queries as claims
from chatbranch.claims.rules import WITHDRAWN
from chatbranch.journal import queries as journal
from chatbranch.journal.actions import take_turn
from chatbranch.journal.queries import Event
from chatbranch.matching import queries as matching
from chatbranch.publiclog import entries, words
from chatbranch.publiclog.appending import Draft, do_append
from chatbranch.publiclog.models import Follower, OutsideRequest, reached

JOURNAL = "journal"


def do_follow(most: int = 200) -> bool:
    """Log what up to `most` further events of the journal tell of; whether there were any."""
    if journal.last_seq() <= reached(JOURNAL):
        return False  # looked at without the writers' lock, which everyone else waits for
    return _follow(most)


@transaction.atomic
def _follow(most: int) -> bool:
    take_turn()
    follower, _ = Follower.objects.get_or_create(name=JOURNAL, defaults={"seq": 0})
    events = journal.events_after(follower.seq, most=most)
    if not events:
        return False
    drafts = [draft for event in events if (draft := _draft(event)) is not None]
    if drafts:
        do_append(drafts)
    Follower.objects.filter(name=JOURNAL).update(seq=events[-1].seq)
    return True


def _draft(event: Event) -> Draft | None:
    """The entry that tells of this event; None where none does."""
    make = _KINDS.get(event.kind)
    return make(event) if make else None


def _verdict(event: Event) -> Draft | None:
    """A verdict of ours; others' are theirs to log. Before there was a log, verdicts took effect without an entry."""
    version = int(event.data["version"])
    card = claims.decided_card(event.subject, version)
    if card is None or card.origin or "entry" in event.data:
        return None
    before = next((each for each in card.history if each.version == version - 1 and not each.origin), None)
    says: dict[str, str | int] = {
        "version": version,
        "rating": card.rating,
        "as_of": card.as_of.isoformat(),
        "sources": len(card.sources),
        "wordings": words.count_of(card.id),
    }
    if card.expires:
        says["expires"] = card.expires.isoformat()
    if before:
        says["previous"] = before.rating
    kind = entries.CHANGED if before else entries.PUBLISHED
    if card.rating == WITHDRAWN:
        kind = entries.WITHDRAWN
    return Draft(kind, event.at, card.id, says, words.of_verdict(card, int(says["wordings"])))


def _case(event: Event) -> Draft:
    return Draft(entries.OPENED, event.at, event.subject, {}, cases.opening_message(event.subject))


def _correction(event: Event) -> Draft:
    says = {name: event.data[name] for name in ("says", "claim", "found", "came") if event.data.get(name)}
    return Draft(entries.CORRECTED, event.at, event.subject, says, matching.correction_said(event.subject))


def _objection(event: Event) -> Draft | None:
    """An objection asks us to change a verdict. Events older than the log do not say which it was."""
    if "objection" not in event.data:
        return None
    objection = UUID(event.data["objection"])
    says: dict[str, str | int] = {
        "asks": "change",
        "by": "reader",
        "claim": str(event.subject),
        "version": int(event.data["version"]),
    }
    return Draft(entries.REQUESTED, event.at, objection, says, cases.objection_said(objection))


def _request(event: Event) -> Draft | None:
    """What a member noted down."""
    row = OutsideRequest.objects.filter(pk=event.subject).first()
    if row is None:
        return None
    says: dict[str, str | int] = {"asks": row.asks, "by": row.by}
    if row.claim_id:
        says["claim"] = str(row.claim_id)
    return Draft(entries.REQUESTED, event.at, row.id, says, {"text": row.text, "url": ""})


_KINDS: dict[str, Callable[[Event], Draft | None]] = {
    "verdict.decided": _verdict,
    "verdict.published": _verdict,
    "case.opened": _case,
    "match.corrected": _correction,
    "objection.made": _objection,
    "request.noted": _request,
}

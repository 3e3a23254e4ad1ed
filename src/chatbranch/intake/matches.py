"""What was matched of late, for members to look over and to correct. Who sent it is neither read nor shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import queries as case_queries
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.intake.answers import Answer
from chatbranch.intake.models import Submission
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import language
from chatbranch.matching import actions as matching
from chatbranch.matching import queries as matches
from chatbranch.matching.actions import Corrected, Seen

OUTCOMES = ("answer", "suggest")
PAGE = 20  # messages a page
_SHOWN = 1200  # characters of a message


@dataclass(frozen=True)
class ShownMatch:
    """A message for which a claim was found, the newest time it came; `times`: how often, in the days it is kept.

    before, span, after: its text, cut where what was matched begins and ends. code: of its case, where one was opened.
    """

    key: UUID
    day: date
    times: int
    answer: Answer
    lang: str
    before: str
    span: str
    after: str
    card: ClaimCard
    panel: matches.Panel
    code: str

    @property
    def cut(self) -> bool:
        """Whether more was sent than is shown."""
        return len(self.before) + len(self.span) + len(self.after) >= _SHOWN


def recent_matches(
    actor: Member, lang: str, *, outcome: str = "", before: UUID | None = None
) -> tuple[list[ShownMatch], UUID | None]:
    """A page of messages with the claim found for each, newest first, each message once; and where the next page begins.

    outcome: only those with this one, as they came last.
    """
    branch.insider(actor)
    found = _matched().filter(
        ~Exists(_matched().filter(fingerprint=OuterRef("fingerprint"), id__gt=OuterRef("id")))
    )
    if outcome in OUTCOMES:
        found = found.filter(outcome=outcome)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found.order_by("-id")[: PAGE + 1])
    return _shown(rows[:PAGE], lang), rows[PAGE - 1].pk if len(rows) > PAGE else None


def _matched() -> Any:
    kept = Submission.objects.filter(state=Submission.State.ANSWERED, outcome__in=OUTCOMES)
    return kept.exclude(fingerprint="")


def _shown(rows: Sequence[Submission], lang: str) -> list[ShownMatch]:
    answers = [Answer(**row.result) for row in rows]
    counted = _matched().filter(fingerprint__in=[row.fingerprint for row in rows]).values("fingerprint")
    times = {each["fingerprint"]: each["n"] for each in counted.order_by().annotate(n=Count("pk"))}
    near = {row.fingerprint: (_found(given), _near(given)) for row, given in zip(rows, answers, strict=True)}
    panels = matches.panels(near, lang)
    cards = {card.id: card for card in claims.claim_cards([claim for claim, _ in near.values()])}
    return [
        _row(row, given, cards[_found(given)], panels[row.fingerprint], times.get(row.fingerprint, 1))
        for row, given in zip(rows, answers, strict=True)
        if _found(given) in cards
    ]


def _row(row: Submission, given: Answer, card: ClaimCard, panel: matches.Panel, times: int) -> ShownMatch:
    before, span, after = _parts(given)
    return ShownMatch(
        key=row.pk,
        day=row.received_at.date(),
        times=times,
        answer=given,
        lang=language(before + span + after),
        before=before,
        span=span,
        after=after,
        card=card,
        panel=panel,
        code=given.case["code"] if given.case else "",
    )


def _parts(given: Answer) -> tuple[str, str, str]:
    """The text where it was matched, with what stands around it, in _SHOWN characters."""
    if not given.matched:
        return "", "", ""
    text, start, end = given.matched["text"], given.matched["start"], given.matched["end"]
    room = max(0, _SHOWN - (end - start))
    begin = max(0, start - room // 2)
    span = text[start:end][:_SHOWN]
    return text[begin:start], span, text[end:][: room - (start - begin)]


def _found(given: Answer) -> UUID:
    assert given.claim is not None
    return UUID(str(given.claim["id"]))


def _near(given: Answer) -> list[UUID]:
    return [UUID(str(each["claim_id"])) for each in given.why.get("nearest", ())]


def do_correct(
    actor: Member, key: UUID, says: str, claim_id: UUID | None = None, *, note: str = "", keep: bool = False
) -> Corrected:
    """Take a member's word on the match of a submission, while that is here; what it says is as in matching's do_correct.

    Where the message has a case, whoever is party to that does not correct.
    """
    cases.check_desk_open()
    with transaction.atomic():
        held = _matched().select_for_update().filter(pk=key).first()  # else its asker is being forgotten
        if held is None:
            raise Refused("no-such-match", _GONE, status=404)
        given = Answer(**held.result)
        case = case_queries.find(given.case["code"]) if given.case else None
        if case is not None:
            cases.check_not_party(actor, case)
        seen = Seen(
            held.fingerprint,
            given.matched["text"] if given.matched else "",
            given.outcome,
            _found(given),
            str(given.why.get("fitted", "")),
        )
        return matching.do_correct(actor, seen, says, claim_id, note=note, keep=keep)


_GONE = Phrase(
    "这条消息已经不在了：满三十天，或发的人请我们忘记。",
    "This message is no longer here: its thirty days are over, or whoever sent it asked to be forgotten.",
)

"""Proposing a verdict: what a note must hold before others may rate it."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.cases.checks import check_desk_open, check_not_party, check_open, filled
from chatbranch.cases.models import Case, Note
from chatbranch.claims.media import check_media
from chatbranch.claims.rules import SCALE, WITHDRAWN, check_sources, check_wording
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


class SourceRow(TypedDict, total=False):
    """One source as proposed with a note."""

    url: str
    title: str
    publisher: str
    lang: str


def do_propose_note(
    actor: Member,
    case: Case,
    *,
    rating: str,
    wording: dict[str, str],
    explanation: dict[str, str],
    sources: list[SourceRow],
    as_of: date,
    scope: dict[str, str] | None = None,
    expires: date | None = None,
    reason: dict[str, str] | None = None,
    media: dict[str, str] | None = None,
) -> Note:
    """Propose a verdict: for an open case, or a change or withdrawal of a decided one (then `reason` says why)."""
    check_desk_open()
    check_not_party(actor, case)
    note = Note(
        case=case,
        by=actor,
        rating=rating,
        wording=filled(wording),
        explanation=filled(explanation),
        sources=sources,
        as_of=as_of,
        scope=filled(scope or {}),
        expires=expires,
        reason=filled(reason or {}),
        media=media or {},
    )
    _check_kind(note)
    check_media(note.media)
    if rating != WITHDRAWN:
        _check_text(note)
        _check_sources(note)
        _check_dates(note)
    with transaction.atomic():
        note.save()
        do_record("note.proposed", case.id, note=str(note.id), rating=rating)
    return note


def _check_kind(note: Note) -> None:
    """A first verdict needs an open case; a change or withdrawal a decided one, and its reason."""
    decided = note.case.state == Case.State.DECIDED
    if not decided:
        check_open(note.case)
    if note.rating not in SCALE and not (decided and note.rating == WITHDRAWN):
        raise Refused("rating", Phrase("请选一个结论。", "Please choose a verdict."), field="rating")
    if decided and not note.reason:
        raise Refused(
            "reason",
            Phrase(
                "更改或撤回要写明原因，会一并告知问过的人。",
                "A change or withdrawal needs its reason; it is told to everyone who asked.",
            ),
            field="reason",
        )


def _check_text(note: Note) -> None:
    if not note.wording:
        raise Refused(
            "wording",
            Phrase(
                "请写明所查的说法，中文或英文至少一种。",
                "Please state the claim that was checked, in Chinese or English at least.",
            ),
            field="wording",
        )
    if not note.explanation:
        raise Refused(
            "explanation",
            Phrase("请用几句话说明理由。", "Please explain in a few sentences."),
            field="explanation",
        )
    for lang, text in note.wording.items():
        check_wording(lang, text)


def _check_sources(note: Note) -> None:
    if not note.sources:
        raise Refused(
            "sources",
            Phrase(
                "请至少给出一个来源；单凭某机构否认不足以定论。",
                "Please give at least one source; an institution's denial alone never makes a verdict.",
            ),
            field="sources",
        )
    check_sources(note.rating, [each.get("url", "") for each in note.sources])


def _check_dates(note: Note) -> None:
    if note.as_of > clock.now().date():
        raise Refused(
            "as-of", Phrase("结论日期不能在将来。", "A verdict cannot be dated in the future."), field="as_of"
        )
    if note.expires and note.expires <= note.as_of:
        raise Refused(
            "expires",
            Phrase("有效期要晚于结论日期。", "The expiry must be later than the verdict's date."),
            field="expires",
        )

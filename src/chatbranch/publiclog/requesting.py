"""Requests from outside to change or remove something: noted down by a member, and logged, whatever becomes of them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.claims import queries as claims
from chatbranch.journal.actions import do_record
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean
from chatbranch.publiclog.entries import ASKING, ASKS
from chatbranch.publiclog.models import OutsideRequest

LONGEST = 20_000  # characters


def do_note_request(
    actor: Member, *, asks: str, by: str, text: str, claim_id: UUID | None = None
) -> OutsideRequest:
    """Note that somebody outside asked for something. Records "request.noted"; the log has it within a second."""
    member = branch.insider(actor)
    said = clean(text).strip()[:LONGEST]
    if not said:
        raise Refused("empty", _EMPTY, field="text")
    if asks not in ASKS or by not in ASKING:
        raise Refused("not-chosen", _NOT_CHOSEN, field="by")
    if claim_id is not None and not claims.known_since([claim_id]):
        raise Refused("no-such-claim", _NO_CLAIM, field="claim")
    with transaction.atomic():
        made = OutsideRequest.objects.create(asks=asks, by=by, claim_id=claim_id, text=said, noted_by=member)
        do_record("request.noted", made.id, asks=asks, by=by)
    return made


_EMPTY = Phrase("请写下对方要求什么。", "Please write down what was asked.")
_NOT_CHOSEN = Phrase("请选是谁、要求什么。", "Please choose who asked, and for what.")
_NO_CLAIM = Phrase("查证库里没有这一条。", "The library has no such claim.")

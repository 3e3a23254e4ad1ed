"""Objections, "this verdict is wrong": recorded from anyone, answered by a person."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.cases.checks import said
from chatbranch.cases.models import Objection
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_object(
    claim_id: UUID,
    version: int,
    *,
    grounds: str,
    url: str = "",
    lang: str,
    channel: str = "",
    address: str = "",
) -> Objection:
    """Record "this verdict is wrong", from anyone; a person answers it, and tells them if they left an address."""
    with transaction.atomic():
        objection = Objection(
            claim_id=claim_id, verdict_version=version, grounds=said(grounds, "grounds"), url=url, lang=lang
        )
        if channel and address:
            objection.pseudonym = contacts.do_keep(channel, address, objection.id, lang)
        objection.save()
        do_record("objection.made", claim_id, objection=str(objection.id), version=version)
    return objection


def do_answer_objection(actor: Member, objection: Objection, answer: str) -> None:
    """Answer an objection in a person's words; shown on the verdict page and told to whoever raised it."""
    with transaction.atomic():
        done = Objection.objects.filter(pk=objection.pk, answered_at__isnull=True).update(
            answer=said(answer, "answer"), answered_by=actor, answered_at=clock.now()
        )
        if not done:
            raise Refused(
                "answered",
                Phrase("这条异议已有人答复。", "This objection has been answered already."),
                status=409,
            )
        if objection.pseudonym:
            lead = Phrase("关于您提出的异议：", "About your objection: ").say(objection.lang)
            deliveries.do_queue(
                pseudonym=objection.pseudonym,
                kind="objection",
                text=lead + answer.strip(),
                once=f"objection:{objection.pk}",
                about=objection.claim_id,
            )
        do_record("objection.answered", objection.claim_id)

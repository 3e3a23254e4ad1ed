"""Looking into a case: discussion, evidence, who is on it, and whether it hurts people now."""

from __future__ import annotations

import hashlib

from django.db import transaction

from chatbranch.branch.models import Member
from chatbranch.cases.checks import check_desk_open, said
from chatbranch.cases.models import Case, Comment, Evidence
from chatbranch.journal.actions import do_record
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_comment(actor: Member, case: Case, text: str) -> Comment:
    """Add a turn to the discussion."""
    check_desk_open()
    with transaction.atomic():
        comment = Comment.objects.create(case=case, by=actor, text=said(text, "text"))
        do_record("case.changed", case.id, what="comment")
    return comment


def do_add_evidence(
    actor: Member,
    case: Case,
    *,
    url: str = "",
    quote: str = "",
    note: str = "",
    file: bytes = b"",
    file_name: str = "",
) -> Evidence:
    """Add a link, a quotation or a file, with its hash and the time. A file is kept under its hash."""
    check_desk_open()
    if not (url or quote or file):
        raise Refused(
            "empty-evidence",
            Phrase("请给出链接、引文或文件。", "Please give a link, a quotation or a file."),
            field="url",
        )
    kind = Evidence.Kind.FILE if file else Evidence.Kind.LINK if url else Evidence.Kind.QUOTE
    digest = hashlib.sha256(file or (url + "\n" + quote).encode()).hexdigest()
    with transaction.atomic():
        evidence = Evidence.objects.create(
            case=case,
            kind=kind,
            url=url,
            quote=quote,
            note=note,
            file=digest if file else "",
            file_name=file_name[:200],
            sha256=digest,
            by=actor,
        )
        do_record("case.changed", case.id, what="evidence")
    return evidence


def do_mark_urgent(actor: Member, case: Case, urgent: bool) -> None:
    """Mark a case whose falsehood may hurt people now."""
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(urgent=urgent)
        do_record("case.changed", case.id, what="urgent")


def do_take_duty(actor: Member, case: Case, mine: bool) -> None:
    """Say that you are looking into it, or that you no longer are."""
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(duty=actor if mine else None)
        do_record("case.changed", case.id, what="duty")

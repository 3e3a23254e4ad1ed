"""Joining cases that say the same, and separating what does not belong together."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.db.models import F

from chatbranch.branch.models import Member
from chatbranch.cases.asking import free_code
from chatbranch.cases.checks import check_desk_open, check_not_party, check_open, held
from chatbranch.cases.grouping import lock_opening
from chatbranch.cases.models import Asker, Case, Evidence, Variant
from chatbranch.cases.parties import copy_parties
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_merge(actor: Member, case: Case, into: Case) -> None:
    """Join `case` to `into`: its variants, askers, evidence and parties move, and it stays urgent if it was.

    Who asked in both is one asker from then on (asking.do_rekey).
    """
    check_desk_open()
    check_not_party(actor, case)
    with transaction.atomic():
        lock_opening()
        case, into = held(case), held(into)
        check_open(case)
        if case.pk == into.pk or into.state == Case.State.MERGED:
            raise Refused(
                "merge",
                Phrase(
                    "请填另一个仍在办的个案的查询码。",
                    "Please give the code of another case that still stands.",
                ),
                field="into",
            )
        Asker.objects.filter(case=case).update(case=into, claim=into.claim_id)
        Variant.objects.filter(case=case).update(case=into)
        Evidence.objects.filter(case=case).update(case=into)
        copy_parties(case, into)
        Case.objects.filter(pk=case.pk).update(
            state=Case.State.MERGED, merged_into=into, closed_at=clock.now(), askers_count=0
        )
        Case.objects.filter(pk=into.pk).update(
            askers_count=F("askers_count") + case.askers_count, urgent=case.urgent or into.urgent
        )
        do_record("case.closed", case.id, what="merged", into=into.code)
        do_record("case.changed", into.id, what="merged", code=case.code)


def do_split(actor: Member, case: Case, variants: list[UUID]) -> Case:
    """Move these variants, and whoever sent them, into a new case of their own; its parties and its urgency are the same."""
    check_desk_open()
    check_not_party(actor, case)
    with transaction.atomic():
        lock_opening()
        check_open(held(case))
        chosen = list(case.variants.filter(pk__in=variants))
        if not chosen or len(chosen) == case.variants.count():
            raise Refused(
                "split",
                Phrase(
                    "请选出要分开的版本，并至少留下一个。",
                    "Choose the variants to separate, and leave at least one.",
                ),
                field="variants",
            )
        new = Case.objects.create(code=free_code(), lang=chosen[0].lang, urgent=case.urgent)
        asked = Asker.objects.filter(case=case, variant__in=chosen)
        moved = asked.filter(counted=True).count()
        asked.update(case=new)
        Variant.objects.filter(pk__in=[each.pk for each in chosen]).update(case=new)
        copy_parties(case, new)
        Case.objects.filter(pk=case.pk).update(askers_count=F("askers_count") - moved)
        Case.objects.filter(pk=new.pk).update(askers_count=moved)
        do_record("case.changed", case.id, what="split", into=new.code)
        do_record("case.opened", new.id, code=new.code)
    return new

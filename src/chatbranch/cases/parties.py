"""Which outlets a case concerns, and so do not decide on it."""

from __future__ import annotations

from django.db import transaction

from chatbranch.branch.models import Member, Outlet
from chatbranch.cases.checks import said
from chatbranch.cases.models import Case, Party
from chatbranch.journal.actions import do_record


def do_declare_party(actor: Member, case: Case, outlet: Outlet, why: str) -> Party:
    """Record that an outlet is party to the case; from then on its members do not decide on it."""
    with transaction.atomic():
        party, _ = Party.objects.get_or_create(
            case=case, outlet=outlet, defaults={"why": said(why, "why")[:200]}
        )
        do_record("case.changed", case.id, what="party")
    return party


def copy_parties(case: Case, to: Case) -> None:
    """Whoever was party stays party: no joining or splitting lets them decide."""
    for party in case.parties.all():
        Party.objects.get_or_create(case=to, outlet_id=party.outlet_id, defaults={"why": party.why})

"""Repeated, intended fabrication: three final findings are put before a panel as such. It is a matter like any other, and no measure
follows from it by itself."""

from __future__ import annotations

from hashlib import sha256

from django.db import transaction

from chatbranch.branch.models import Outlet
from chatbranch.conduct import code, rules
from chatbranch.conduct.complaining import do_fix_seed
from chatbranch.conduct.days import holidays
from chatbranch.conduct.matters import Held, progress_of
from chatbranch.conduct.models import Decision, Evidence, Matter
from chatbranch.conduct.states import Kind
from chatbranch.conduct.telling import do_notice, tell_asked
from chatbranch.kernel import clock


def do_open_patterns() -> int:
    """Put what has become a pattern before a panel, once; returns how many."""
    return sum(
        _look(outlet)
        for outlet in Outlet.objects.filter(left_at=None, peer="", decisions__isnull=False).distinct()
    )


def _look(outlet: Outlet) -> int:
    first = Decision.objects.filter(outlet=outlet, round=1).exclude(measure="").select_related("matter")
    now, final = clock.now(), []
    for each in first.exclude(matter__url=""):
        progress = progress_of(each.matter)
        if progress.is_final(now):
            final.append((str(each.pk), each.at, progress.intent))
    found = rules.pattern(final, now)
    key = sha256("\n".join(found).encode()).hexdigest()
    if not found or Matter.objects.filter(key=key).exists():
        return 0
    with transaction.atomic():
        _open(Matter.objects.create(key=key, outlet=outlet), found)
    return 1


def _open(matter: Matter, found: tuple[str, ...]) -> None:
    held = Held(matter)
    do_fix_seed(matter, 1, held.write(Kind.RECEIVED, says={"pattern": list(found)}))
    edition = code.in_force(clock.now())
    passage = " · ".join(
        str(each.statement["passage"])[:200] for each in Decision.objects.filter(pk__in=found)
    )
    opened = {"passage": passage, "clause": code.PATTERN_CLAUSE, "edition": edition.version}
    held.write(Kind.OPENED, says=opened)
    do_notice(held)
    for each in Decision.objects.filter(pk__in=found).order_by("at"):
        text = "\n".join([str(each.statement["facts"]), *map(str, each.statement["reasons"])])
        digest = sha256(text.encode()).hexdigest()
        made = Evidence.objects.create(
            matter=matter, text=text, url=str(each.statement["post"]), sha256=digest
        )
        held.write(Kind.EVIDENCE, says={"evidence": str(made.id), "sha256": digest, "sealed": False})
    until = rules.working_days_after(clock.now(), rules.REPLY_DAYS, holidays())
    held.write(Kind.ASKED, says={"until": until.isoformat()})
    tell_asked(matter, until)

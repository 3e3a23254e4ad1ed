"""No proof, no effect: a verdict of ours stands from the moment on at which anyone can prove that it is in the public log.

The cursor over the entries moves in the transaction in which the verdicts take effect. A log that cannot be published holds verdicts
back, and members read so on the desk; nobody can let one pass.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from chatbranch.claims.actions import do_take_effect
from chatbranch.journal.actions import take_turn
from chatbranch.journal.queries import first_after
from chatbranch.kernel import clock
from chatbranch.publiclog import entries, queries
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.following import JOURNAL
from chatbranch.publiclog.keys import public_keys
from chatbranch.publiclog.models import Entry, Follower, reached
from chatbranch.publiclog.notes import BadNote

EFFECT = "effect"
ALARM_AFTER = timedelta(minutes=5)


def do_give_effect(most: int = 200) -> bool:
    """Let up to `most` verdicts stand whose entries were published; whether there were any. Raises BadNote where a proof fails."""
    there = Folder(Path(settings.LOG_DIR)).checkpoint()
    if there is None or not _waiting().filter(index__lt=there.size).exists():
        return False  # looked at without the writers' lock, which everyone else waits for
    with transaction.atomic():
        take_turn()
        rows = list(_waiting().filter(index__lt=there.size).order_by("index")[:most])
        for row in rows:
            _prove(row)
            do_take_effect(row.subject, row.version, entry=row.index)
        if rows:
            Follower.objects.update_or_create(name=EFFECT, defaults={"seq": rows[-1].index + 1})
    return bool(rows)


def holds_verdicts_back() -> bool:
    """Whether a verdict of ours has waited for its entry, or for effect, so long that somebody should look at the log."""
    long_ago = clock.now() - ALARM_AFTER
    unlogged = first_after(reached(JOURNAL), "verdict.decided")
    return _waiting().filter(at__lt=long_ago).exists() or (unlogged is not None and unlogged.at < long_ago)


def _waiting() -> QuerySet[Entry]:
    found: QuerySet[Entry] = Entry.objects.filter(index__gte=reached(EFFECT), kind__in=entries.VERDICTS)
    return found


def _prove(row: Entry) -> None:
    proof = queries.proof(row.index)
    if proof is None:
        raise BadNote(f"entry {row.index} is published, and there is no proof of it")
    proof.verified(public_keys())

"""Keeping, forgetting and expiring reply addresses."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from chatbranch.contacts import forgotten, keys, rules, seals
from chatbranch.contacts.models import Contact, Scope, today
from chatbranch.contacts.queries import forgotten_again, named, salts_used_today
from chatbranch.contacts.rules import day_scope
from chatbranch.kernel import clock
from chatbranch.kernel.chunks import in_chunks

__all__ = [
    "day_scope",
    "do_erase",
    "do_expire",
    "do_forget",
    "do_keep",
    "do_scrub",
    "forgotten_again",
    "pseudonym_of",
    "pseudonyms_of",
]

log = logging.getLogger(__name__)


def pseudonym_of(channel: str, address: str, subject: UUID) -> str:
    """The asker's name within one subject (64 hex digits): the same each time they ask, and of no use elsewhere."""
    return named(_salt(subject), channel, address)


def pseudonyms_of(who: Sequence[tuple[str, str, UUID]]) -> list[str]:
    """As `pseudonym_of`, for many (channel, address, subject) of a few subjects: one look for all salts."""
    subjects = {subject for _, _, subject in who}
    salts = salts_used_today(subjects)
    salts |= {subject: _salt(subject) for subject in subjects - salts.keys()}
    return [named(salts[subject], channel, address) for channel, address, subject in who]


def do_keep(channel: str, address: str, subject: UUID, lang: str, days: int = rules.KEEP_DAYS) -> str:
    """Keep where this asker is told about the subject, for `days` (at most 90) from now; returns their pseudonym.

    Asking again moves the window on and never shortens it.
    """
    pseudonym = pseudonym_of(channel, address, subject)
    until = clock.ahead(days=rules.kept_days(days))
    before = Contact.objects.filter(pseudonym=pseudonym).values_list("expires_at", flat=True).first()
    contact = Contact(
        pseudonym=pseudonym,
        scope_id=subject,
        channel=channel,
        sealed=seals.seal(keys.of("contacts"), pseudonym, channel, address),
        lang=lang,
        expires_at=max(until, before or until),
    )
    Contact.objects.bulk_create(
        [contact],
        update_conflicts=True,
        unique_fields=["pseudonym"],
        update_fields=["sealed", "lang", "expires_at"],
    )
    return pseudonym


def do_forget(channel: str, address: str) -> list[str]:
    """Forget an address everywhere: its contacts are erased, and its pseudonyms go on the forgotten list.

    Returns every pseudonym this address has or could have under a living salt; whoever keeps rows by pseudonym erases
    those next, and calls do_scrub() after the commit. The list is written first: a crash in between forgets no less.
    """
    salts = Scope.objects.values_list("salt", flat=True).iterator()
    pseudonyms = [named(bytes(salt), channel, address) for salt in salts]
    forgotten.append(pseudonyms)
    do_erase(pseudonyms)
    return pseudonyms


def do_erase(pseudonyms: Iterable[str]) -> int:
    """Erase the addresses behind these pseudonyms; returns how many there were."""
    with transaction.atomic():
        return sum(Contact.objects.filter(pseudonym__in=chunk).delete()[0] for chunk in in_chunks(pseudonyms))


def do_expire() -> int:
    """Erase contacts whose window has ended, and salts that are no longer needed; returns how many contacts went.

    With its salt gone, a pseudonym cannot be recomputed, not even by a thief who has every key.
    """
    expired = Contact.objects.filter(expires_at__lte=clock.now())
    gone, _ = expired.delete()
    for subject, used_on in Scope.objects.filter(contacts=None).values_list("subject", "used_on"):
        if used_on < rules.oldest_use(subject, today()):
            _erase_scope(subject)
    forgotten.prune()
    return gone


def do_scrub(tables: Sequence[str] = (), *, patience: float = 40.0) -> bool:
    """After a forget has committed: leave no copy of what was deleted in the database's files.

    SQLite overwrites deleted rows as it goes (PRAGMA secure_delete); here its write-ahead log is emptied, waiting up to
    `patience` seconds for readers that still hold it; False when they outlast it: call again. PostgreSQL keeps deleted
    rows until their table is rewritten: VACUUM FULL on this slice's tables and on `tables` (they are locked for as long).
    """
    if connection.in_atomic_block:
        raise RuntimeError("pages are scrubbed after the commit, not inside the transaction")
    if connection.vendor == "postgresql":
        _rewrite([Contact._meta.db_table, Scope._meta.db_table, *tables])
        return True
    return _empty_wal(patience)


def _rewrite(tables: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"VACUUM (FULL, ANALYZE) {connection.ops.quote_name(table)}")
        cursor.execute("VACUUM (FULL) pg_statistic")  # the planner's samples of columns are copies too


def _empty_wal(patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = cursor.fetchone()[0]
        if not busy:
            return True
        if time.monotonic() > deadline:
            log.warning(
                "readers held the write-ahead log for %.0f s; it is emptied at the next try", patience
            )
            return False
        time.sleep(0.2)


def _salt(subject: UUID) -> bytes:
    """The subject's salt, made when missing; marked as in use today, which do_expire respects."""
    day, of_subject = today(), Scope.objects.filter(subject=subject)
    found = of_subject.values_list("salt", "used_on").first()
    if found and found[1] >= day:
        return bytes(found[0])
    if not (found and of_subject.update(used_on=day)):
        Scope.objects.bulk_create([Scope(subject=subject, salt=os.urandom(32))], ignore_conflicts=True)
    return bytes(of_subject.values_list("salt", flat=True).get())


def _erase_scope(subject: UUID) -> None:
    """One statement, so that a salt taken into use meanwhile stays (the row's use has moved) and keeps its contacts."""
    unused = Q(used_on__lt=rules.oldest_use(subject, today()))
    Scope.objects.filter(unused, subject=subject, contacts=None).delete()

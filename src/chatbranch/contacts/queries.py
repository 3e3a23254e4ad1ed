"""Opening addresses. Only whoever sends a message needs to; nothing here is for a page."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from chatbranch.contacts import forgotten, keys, seals
from chatbranch.contacts.models import Contact, Scope
from chatbranch.journal.rows import as_id, as_time, as_uuid
from chatbranch.kernel import clock
from chatbranch.kernel.chunks import in_chunks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reach:
    """Where and in which language ("zh-Hans" | "zh-Hant" | "en") an asker is told."""

    channel: str
    address: str
    lang: str


def open_contact(pseudonym: str, *, hold: bool = False) -> Reach | None:
    """Where the asker behind a pseudonym is told; None once the address is erased or its window has ended.

    hold: nobody erases it before the caller's transaction ends, which keeps it under another pseudonym.
    """
    return open_contacts([pseudonym], hold=hold).get(pseudonym)


def open_contacts(pseudonyms: Sequence[str], *, hold: bool = False) -> dict[str, Reach]:
    """The reaches of those of `pseudonyms` (at most some thousand) that still have one."""
    key = keys.of("contacts")
    opened = ((row[0], _open(key, *row)) for row in _kept(pseudonyms, hold))
    return {pseudonym: reach for pseudonym, reach in opened if reach}


def names_in(subjects: Iterable[UUID], reaches: Iterable[Reach]) -> dict[str, Reach]:
    """pseudonym -> whose it is: the names that these have or could have in the subjects.

    For as long as one telling takes: that they are one person's is written nowhere. A subject whose salt is gone knows nobody.
    """
    salts = Scope.objects.filter(subject__in=list(subjects)).values_list("salt", flat=True)
    known = [bytes(salt) for salt in salts]
    return {named(salt, each.channel, each.address): each for each in reaches for salt in known}


def salts_used_today(subjects: Collection[UUID]) -> dict[UUID, bytes]:
    """The salts of those of the subjects whose salt is marked as used today: nobody erases it meanwhile."""
    if not subjects:
        return {}
    today = connection.ops.adapt_datefield_value(clock.now().date())
    rows = _rows(_SALTS, [as_id(each) for each in subjects], today)
    return {as_uuid(key): bytes(salt) for key, salt in rows}


def named(salt: bytes, channel: str, address: str) -> str:
    """The pseudonym of an address under a subject's salt."""
    return seals.digest(keys.of("pseudonyms"), salt, channel, address)


def destination(channel: str, address: str) -> str:
    """A keyed hash that names one destination without telling it, the same for every subject."""
    return seals.digest(keys.of("pseudonyms"), "destination", channel, address)


def pseudonyms() -> Iterator[str]:
    """Every pseudonym that has an address."""
    return Contact.objects.values_list("pseudonym", flat=True).iterator()


def channels_of(pseudonyms: Sequence[str]) -> dict[str, str]:
    """pseudonym -> the channel its owner asked over, of those whose address is still kept. No address is opened."""
    found: dict[str, str] = {}
    for some in in_chunks(pseudonyms):
        found.update(Contact.objects.filter(pseudonym__in=some).values_list("pseudonym", "channel"))
    return found


def unreachable(pseudonyms: Sequence[str]) -> list[str]:
    """Those of `pseudonyms` without an address (forgotten or expired): nothing more can be told to them."""
    alive = set(Contact.objects.filter(pseudonym__in=pseudonyms).values_list("pseudonym", flat=True))
    return [each for each in pseudonyms if each not in alive]


def forgotten_again(pseudonyms: Iterable[str]) -> list[str]:
    """Those of `pseudonyms` whose owners asked to be forgotten: a restored backup brought them back."""
    return forgotten.among(pseudonyms)


def _kept(pseudonyms: Sequence[str], hold: bool) -> list[tuple[str, str, bytes, str]]:
    """The rows whose window has not ended. For every message that leaves, and so in SQL (deliveries.statements)."""
    if not pseudonyms:
        return []
    locked = " FOR UPDATE" if hold and connection.features.has_select_for_update else ""
    return _rows(_KEPT + locked, pseudonyms, as_time(clock.now()))


def _rows(select: str, among: Sequence[str | UUID | None], since: Any) -> list[Any]:
    places = ", ".join(["%s"] * len(among))
    with connection.cursor() as cursor:
        cursor.execute(select.format(places), [*among, since])
        return list(cursor.fetchall())


_KEPT = "SELECT pseudonym, channel, sealed, lang FROM contacts_contact WHERE pseudonym IN ({}) AND expires_at > %s"
_SALTS = "SELECT subject, salt FROM contacts_scope WHERE subject IN ({}) AND used_on >= %s"


def _open(key: bytes, pseudonym: str, channel: str, sealed: bytes | memoryview, lang: str) -> Reach | None:
    try:
        return Reach(channel, seals.unseal(key, pseudonym, channel, bytes(sealed)), lang)
    except seals.Unreadable:
        log.error(
            "a contact on %s does not open with this branch's key; was it restored without its keys?", channel
        )
        return None

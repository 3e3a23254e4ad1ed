"""Forgetting: the salt goes, the hash in the entry tells nothing any more, and every proof holds as before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import transaction

from chatbranch.cases import queries as cases
from chatbranch.kernel.chunks import in_chunks
from chatbranch.matching import queries as matching
from chatbranch.publiclog import entries
from chatbranch.publiclog.models import Salt

SCRUBBED = ("publiclog_salt",)
"""Tables of which no copy is left in the database's files after somebody was forgotten."""


def do_forget() -> int:
    """Erase the salts of words whose writers are gone; returns how many. Run after each "forget me" (`scrub.wanted`).

    Whoever forgets does not know that this log is there: here is looked at what is left. Of a case, when nobody is left who sent the
    message it opened with; of a correction, when the message's text is kept no more; of an objection, when whoever made it is gone.
    """
    return sum(_erase(kind, gone) for kind, gone in _GONE.items())


@transaction.atomic
def do_erase(indexes: Iterable[int]) -> int:
    """Erase the salts of these entries, whatever they are; returns how many there were."""
    return sum(Salt.objects.filter(entry__in=some).delete()[0] for some in in_chunks(indexes))


def _erase(kind: str, gone: Callable[[Iterable[UUID]], set[UUID]]) -> int:
    kept = Salt.objects.filter(entry__kind=kind).values_list("entry_id", "entry__subject")
    subjects = dict(kept.iterator(chunk_size=2000))
    forgotten = gone(subjects.values())
    return do_erase(index for index, subject in subjects.items() if subject in forgotten)


_GONE: dict[str, Callable[[Iterable[UUID]], set[UUID]]] = {
    entries.OPENED: cases.no_longer_asked,
    entries.CORRECTED: matching.let_go,
    entries.REQUESTED: cases.forgotten_objections,
}

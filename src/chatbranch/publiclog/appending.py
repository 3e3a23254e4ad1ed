"""Appending entries: rows with indexes that have no gap, whoever else appends at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chatbranch.journal.actions import take_turn
from chatbranch.journal.rows import as_id, as_time, insert
from chatbranch.publiclog import entries, keys
from chatbranch.publiclog.models import Entry, Salt, size


@dataclass(frozen=True)
class Draft:
    """What is to be logged. words: what somebody wrote, which enters as a commitment; None where nobody wrote anything."""

    kind: str
    at: datetime
    subject: UUID
    says: Mapping[str, str | int] = field(default_factory=dict)
    words: Mapping[str, object] | None = field(default=None, repr=False)


@transaction.atomic
def do_append(drafts: Iterable[Draft]) -> range:
    """Append entries in one transaction; returns their indexes. Raises entries.BadEntry, and then appends nothing."""
    take_turn()
    keys.do_make_first()
    start = size()
    rows, salts = list[tuple[Any, ...]](), list[tuple[int, bytes]]()
    for index, draft in enumerate(drafts, start):
        says = dict(draft.says)
        if draft.words is not None:
            salt = entries.new_salt()
            says["words"] = entries.commitment(salt, draft.words)
            salts.append((index, salt))
        entry = entries.Entry(draft.kind, draft.at, draft.subject, says)
        rows.append(
            (index, entry.leaf, entry.kind, as_id(entry.subject), says.get("version", 0), as_time(entry.at))
        )
    insert(Entry, "index leaf kind subject version at", rows)
    insert(Salt, "entry_id salt", salts)
    return range(start, start + len(rows))

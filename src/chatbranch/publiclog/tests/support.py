"""A small log, appended and published by the same actions as in life."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from chatbranch.kernel import clock, ids
from chatbranch.publiclog import entries
from chatbranch.publiclog.actions import Draft, do_append, do_publish
from chatbranch.publiclog.audit import Audited, audit
from chatbranch.publiclog.folder import Folder


def drafts(count: int, words: str = "") -> Iterator[Draft]:
    """So many cases opened, each with what somebody wrote."""
    for n in range(count):
        yield Draft(entries.OPENED, clock.now(), ids.new_id(), {}, {"text": f"{words}{n}"})


def appended(count: int) -> None:
    """Append and publish so many entries."""
    do_append(drafts(count))
    do_publish()


def published() -> Folder:
    """The published log."""
    return Folder(Path(settings.LOG_DIR))


def audited(**given: Any) -> Audited:
    """The log as an outsider finds it; raises Refused for whatever is wrong."""
    return audit(published().read, **given)

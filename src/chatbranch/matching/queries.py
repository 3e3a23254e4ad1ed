"""Matching, for the rest of the house: one matcher a process, always as new as the library."""

from __future__ import annotations

import threading
from pathlib import Path
from uuid import UUID

from django.conf import settings

from chatbranch.claims import queries as claims
from chatbranch.matching.engine import Match, Matcher
from chatbranch.matching.index import Wording

_lock = threading.Lock()
_matchers: dict[Path, Matcher] = {}
_NEWEST = 500  # the worker commits every second; after a large import the index catches up from the old end


def matcher() -> Matcher:
    """This process's matcher, opened on first use and refreshed when the worker has written the index."""
    directory = Path(settings.INDEX_DIR)
    with _lock:
        if directory not in _matchers:
            model = settings.CONFIG.model_dir
            _matchers[directory] = Matcher.open(directory, Path(model) if model else None)
        found = _matchers[directory]
    found.refresh()
    return found


def match_text(text: str) -> Match:
    """What the library says of this message. A verdict published a moment ago is found too: rows the index lacks are added."""
    using = matcher()
    return using.match(text, newer=_newer(using), gone=_gone())


def search(text: str, most: int = 20) -> list[UUID]:
    """Claims that speak of `text`, best first: for people who look through the library."""
    using = matcher()
    return [UUID(found) for found in using.search(text, newer=_newer(using), most=most)]


def _newer(using: Matcher) -> list[Wording]:
    rows = claims.newest_wordings(using.watermark, most=_NEWEST)
    return [Wording(str(row.claim_id), row.lang, row.text, row.seq) for row in rows]


def _gone() -> set[str]:
    return {str(claim) for claim in claims.unanswerable_ids()}

"""Matching, for the rest of the house: one matcher a process, always as new as the library."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from django.conf import settings

from chatbranch.claims import queries as claims
from chatbranch.journal.queries import last_seq
from chatbranch.kernel import clock
from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.text import is_cjk, to_simplified, to_traditional
from chatbranch.matching.corrections import Panel, is_set_apart, panels, texts_held
from chatbranch.matching.engine import Match, Matcher
from chatbranch.matching.grouping import fingerprint
from chatbranch.matching.models import Correction
from chatbranch.matching.rules import SET_APART
from chatbranch.matching.table import Wording

__all__ = [
    "Panel",
    "correction_said",
    "let_go",
    "match_text",
    "match_unlearnt",
    "match_unless_new",
    "matcher",
    "panels",
    "search",
    "texts_held",
]


def correction_said(correction_id: UUID) -> dict[str, str] | None:
    """What a member's correction speaks of (the message's fingerprint), and what they noted beside it."""
    row = Correction.objects.filter(pk=correction_id).first()
    return {"message": row.fingerprint, "note": row.note} if row else None


def let_go(correction_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the corrections of which no text is kept."""
    found = set[UUID]()
    for some in in_chunks(set(correction_ids)):
        found |= set(Correction.objects.filter(pk__in=some, text="").values_list("pk", flat=True))
    return found


_lock = threading.Lock()
_matchers: dict[Path, Matcher] = {}
_REMEMBERED = 10_000
_new: dict[str, tuple[tuple[object, ...], Match]] = {}
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


@dataclass(frozen=True)
class _Library:
    """What the index does not know yet, read once for each state of the library."""

    state: tuple[object, ...]
    newer: tuple[Wording, ...]
    gone: frozenset[str]


_library: _Library | None = None


def match_text(text: str) -> Match:
    """What the library says of this message. A verdict published a moment ago is found too: rows the index lacks are added."""
    using = matcher()
    return _match(text, using, _state(using))


def match_unlearnt(text: str) -> Match:
    """As match_text, by the numbers alone: without what members taught from this very message, or said of it."""
    using = matcher()
    library = _read_library(using, _state(using))

    def is_lesson(wording: Wording) -> bool:
        return wording.text == text and claims.is_learnt(UUID(wording.claim_id), text)

    return using.match(text, newer=library.newer, gone=library.gone, without=is_lesson)


def match_unless_new(text: str, fingerprint: str) -> Match:
    """As match_text, remembering which messages were new: a rumour on the move arrives a thousand times, and the library's
    answer to the same words changes only when the library does. `fingerprint`: grouping.fingerprint(text)."""
    using = matcher()
    state = _state(using)
    with _lock:
        known = _new.get(fingerprint)
    if known is not None and known[0] == state:
        return known[1]
    found = _match(text, using, state)
    if found.outcome == "new":
        with _lock:
            if len(_new) >= _REMEMBERED:
                _new.clear()
            _new[fingerprint] = (state, found)
    return found


def search(text: str, most: int = 20) -> list[UUID]:
    """Claims that speak of `text`, best first: for people who look through the library."""
    if len(text) == 1 and is_cjk(text):  # the index knows pairs of Chinese characters
        return claims.saying({text, to_simplified(text), to_traditional(text)}, most)
    using = matcher()
    return [
        UUID(found)
        for found in using.search(text, newer=_read_library(using, _state(using)).newer, most=most)
    ]


def _match(text: str, using: Matcher, state: tuple[object, ...]) -> Match:
    library = _read_library(using, state)
    return _held_apart(text, using.match(text, newer=library.newer, gone=library.gone))


def _held_apart(text: str, found: Match) -> Match:
    """Members of two outlets say that this message, or the forwarded one it repeats, says something else: no answer."""
    if found.claim_id is None:
        return found
    claim_id, alike = UUID(found.claim_id), [fingerprint(text)]
    if found.wording and claims.is_learnt(claim_id, found.wording):
        alike.append(fingerprint(found.wording))
    if not is_set_apart(claim_id, alike):
        return found
    return replace(found, outcome="suggest", rule=SET_APART)


def _read_library(using: Matcher, state: tuple[object, ...]) -> _Library:
    global _library
    known = _library
    if known is not None and known.state == state:
        return known
    rows = claims.newest_wordings(using.watermark, most=_NEWEST)
    newer = tuple(Wording(str(row.claim_id), row.lang, row.text, row.seq) for row in rows)
    _library = _Library(state, newer, frozenset(str(claim) for claim in claims.unanswerable_ids()))
    return _library


def _state(using: Matcher) -> tuple[object, ...]:
    """Changes whenever the library, the index or the day (verdicts expire) does."""
    published = last_seq("verdict.published", "claim.imported")
    return (settings.INDEX_DIR, using.watermark, claims.newest_seq(), published, clock.now().date())

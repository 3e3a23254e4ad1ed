"""A claim with its verdicts as it travels between libraries, whatever the file format."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from chatbranch.claims.rules import (
    check_dates,
    check_rating,
    check_some_wording,
    check_sources,
    check_wording,
)
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase, as_lang
from chatbranch.kernel.text import clean

LONGEST_KEY = 300  # characters
LONGEST_TEXT = 20_000  # characters of an explanation


@dataclass(frozen=True)
class Worded:
    """One way the claim is said."""

    lang: str
    text: str


@dataclass(frozen=True)
class Cited:
    """A source."""

    url: str
    title: str = ""
    publisher: str = ""
    lang: str = ""


@dataclass(frozen=True)
class Ruling:
    """One verdict. scope, explanation, reason: texts by language. origin: None means that of the entry. code: its card code, of
    our own verdicts only: others' cards are theirs to vouch for."""

    rating: str
    as_of: date
    expires: date | None = None
    scope: Mapping[str, str] = field(default_factory=dict)
    explanation: Mapping[str, str] = field(default_factory=dict)
    reason: Mapping[str, str] = field(default_factory=dict)
    basis: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Cited, ...] = ()
    origin: str | None = None
    published_at: datetime | None = None
    code: str = ""

    def decided_by(self, origin: str) -> str:
        """Whom this verdict is from, on a claim of this origin; empty: ours."""
        return origin if self.origin is None else self.origin

    def says_as(self, other: Ruling) -> bool:
        """Whether both are the same verdict, whenever each library took it in."""
        return replace(self, published_at=None, code="") == replace(other, published_at=None, code="")


@dataclass(frozen=True)
class Entry:
    """A claim: its key at its origin, its wordings (headlines first), its verdicts (oldest first)."""

    key: str
    wordings: tuple[Worded, ...]
    rulings: tuple[Ruling, ...]
    topic: str = ""
    origin: str = ""
    origin_url: str = ""


def check_entry(entry: Entry, today: date) -> None:
    """Refuse, with the reason, an entry that the library could not stand behind showing."""
    if not entry.key:
        raise Refused("no-key", _NO_KEY, field="id")
    check_some_wording(worded.text for worded in entry.wordings)
    for worded in entry.wordings:
        check_wording(worded.lang, worded.text)
    if not entry.rulings:
        raise Refused("no-verdict", _NO_VERDICT, field="verdict")
    for ruling in entry.rulings:
        check_rating(ruling.rating)
        check_dates(ruling.as_of, ruling.expires, today)
    newest = entry.rulings[-1]
    check_sources(newest.rating, (cited.url for cited in newest.sources))
    for ruling in entry.rulings[:-1]:
        if ruling.sources:
            check_sources(ruling.rating, (cited.url for cited in ruling.sources))


def short_key(key: str) -> str:
    """The key, or its beginning and a hash of it where it is longer than LONGEST_KEY."""
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:230]}…{hashlib.sha256(key.encode()).hexdigest()}"


def lang_code(tag: str) -> str:
    """Our language code for a BCP 47 tag: zh-Hans, zh-Hant, en; any other language by its own short code."""
    primary = tag.strip().lower().replace("_", "-").split("-")[0]
    return as_lang(tag) if primary in ("zh", "en", "cmn") else primary[:10]


def line_of(text: str, most: int) -> str:
    """The text as it may be shown on one line, at most `most` characters."""
    return " ".join(clean(text).split())[:most]


_NO_KEY = Phrase("缺少编号（id）。", "The row has no id.")
_NO_VERDICT = Phrase("缺少结论（verdict）。", "The row has no verdict.")

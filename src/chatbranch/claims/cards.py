"""A claim with its verdict as anyone may see it: plain values, for pages, chats and the API."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from chatbranch.claims.rules import answers, rating_name
from chatbranch.kernel.phrases import pick


@dataclass(frozen=True)
class SourceCard:
    """What a verdict rests on: an address, and what is known of it."""

    url: str
    title: str = ""
    publisher: str = ""
    lang: str = ""


@dataclass(frozen=True)
class VerdictCard:
    """One line of a claim's history. `origin` is empty where this branch decided."""

    version: int
    rating: str
    as_of: date
    published_at: datetime
    reason: dict[str, str]
    origin: str = ""


@dataclass(frozen=True)
class ClaimCard:
    """A claim and one verdict on it (the current one, unless an older version was asked for).

    wordings: language -> texts, headline first. origin: empty where this branch decided the verdict shown.
    scope, explanation, reason: texts by language. history: all verdicts, newest first. code: the card code of the verdict shown.
    """

    id: UUID
    key: str
    topic: str
    origin: str
    origin_url: str
    wordings: dict[str, list[str]]
    version: int
    rating: str
    as_of: date
    expires: date | None
    scope: dict[str, str]
    explanation: dict[str, str]
    reason: dict[str, str]
    sources: list[SourceCard]
    history: list[VerdictCard]
    published_at: datetime
    verdict_id: UUID
    basis: dict[str, object] = field(default_factory=dict)
    code: str = ""

    def headline(self, lang: str) -> str:
        """The claim in `lang`, or in the language nearest to it."""
        return pick({code: texts[0] for code, texts in self.wordings.items()}, lang)

    @property
    def current(self) -> bool:
        """Whether the verdict shown is the newest."""
        return self.version == self.history[0].version

    @property
    def rating_as_published(self) -> str:
        """The rating in its publisher's own words, where they differ from our scale; else empty."""
        return str(self.basis.get("said") or "")

    @property
    def media(self) -> dict[str, str]:
        """`kind` and `category` of the picture, video or recording that the claim is about (media.py); empty for none."""
        found = self.basis.get("media")
        return dict(found) if isinstance(found, dict) else {}

    def answers(self, today: date) -> bool:
        """Whether this may be given as an answer on that day."""
        return self.current and answers(self.rating, self.expires, today, self.basis)

    def as_dict(self, lang: str) -> dict[str, object]:
        """The card as JSON values, with the headline and the rating's name in `lang`."""
        return {
            "id": str(self.id),
            "claim": self.headline(lang),
            "wordings": self.wordings,
            "topic": self.topic,
            "rating": self.rating,
            "rating_name": rating_name(self.rating, lang),
            "rating_as_published": self.rating_as_published,
            "as_of": self.as_of.isoformat(),
            "expires": self.expires.isoformat() if self.expires else None,
            "scope": self.scope,
            "explanation": self.explanation,
            "reason": self.reason,
            "media": self.media or None,
            "sources": [vars(source) for source in self.sources],
            "origin": self.origin,
            "origin_url": self.origin_url,
            "version": self.version,
            "current": self.current,
            "code": self.code,
            "published_at": self.published_at.isoformat(),
            "history": [_line(verdict) for verdict in self.history],
        }


def _line(verdict: VerdictCard) -> dict[str, object]:
    return {
        **vars(verdict),
        "as_of": verdict.as_of.isoformat(),
        "published_at": verdict.published_at.isoformat(),
    }

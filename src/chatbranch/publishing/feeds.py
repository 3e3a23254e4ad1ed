"""What we decided, newest first, as feeds: Atom (RFC 4287, in pages by RFC 5005), JSON Feed 1.1, and a DataFeed of ClaimReviews.

A claim is one item, with one id for ever; it comes first again when its verdict changes or is withdrawn, and its title says so.
What others decided is theirs to publish.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from chatbranch.branch.queries import branch_name
from chatbranch.claims import exporting
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.rules import WITHDRAWN, rating_name
from chatbranch.kernel.phrases import Phrase, day, pick
from chatbranch.kernel.text import clean
from chatbranch.publishing import cards

PAGE = 30


@dataclass(frozen=True)
class Feed:
    """A feed as it is served: its body, its media type, and when it last changed."""

    body: bytes
    media_type: str
    changed: datetime | None = None


def atom(lang: str, before: UUID | None = None) -> Feed:
    """A page of the Atom feed; `before`: the last verdict of the page before."""
    from chatbranch.publishing.atom import (
        write,  # its XML library takes long to load, and only a feed needs it
    )

    page = Page("feed-atom", lang, before)
    return Feed(write(page, settings.CONFIG.url), "application/atom+xml; charset=utf-8", page.changed)


def jsonfeed(lang: str, before: UUID | None = None) -> Feed:
    """A page of the JSON Feed (jsonfeed.org/version/1.1)."""
    page = Page("feed-json", lang, before)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": page.title,
        "home_page_url": page.links["alternate"],
        "feed_url": page.links["self"],
        **({"next_url": page.links["next"]} if "next" in page.links else {}),
        "language": lang,
        "authors": [{"name": page.branch, "url": settings.CONFIG.url}],
        "hubs": [{"type": "WebSub", "url": page.links["hub"]}],
        "items": [_in_json(item) for item in page.items],
    }
    return Feed(_packed(feed), "application/feed+json; charset=utf-8", page.changed)


def claimreviews(lang: str = "", before: UUID | None = None) -> Feed:
    """All our verdicts of today as ClaimReviews, in one DataFeed; a withdrawn one says since when it no longer holds."""
    out = io.StringIO()
    exporting.write_datafeed(out, site=settings.CONFIG.url, branch=branch_name(), ours=True)
    newest = claims.recent(origin="", most=1)
    return Feed(
        out.getvalue().encode(),
        "application/ld+json; charset=utf-8",
        newest[0].published_at if newest else None,
    )


FEEDS: dict[str, Callable[[str, UUID | None], Feed]] = {
    "feed-atom": atom,
    "feed-json": jsonfeed,
    "feed-claimreview": claimreviews,
}
"""Every feed by the name of its address; each is also a topic of the hub (hub.py)."""


def address(name: str, lang: str = "", before: UUID | None = None) -> str:
    """The one address of a feed's page, which it also calls itself by."""
    asked = [f"lang={lang}"] if lang and name != "feed-claimreview" else []
    asked += [f"before={before}"] if before else []
    return f"{settings.CONFIG.url}{reverse(name)}{'?' if asked else ''}{'&'.join(asked)}"


def title_of(card: ClaimCard, lang: str) -> str:
    """What an item is called: that a verdict was changed or withdrawn comes first."""
    headline, now = clean(card.headline(lang)), rating_name(card.rating, lang)
    before = next((each for each in card.history if each.version == card.version - 1), None)
    if card.rating == WITHDRAWN:
        return _WITHDRAWN.say(lang, headline=headline)
    if before is None or before.rating in (card.rating, WITHDRAWN):
        return (_AGAIN if before else _NEW).say(lang, rating=now, headline=headline)
    return _CHANGED.say(lang, before=rating_name(before.rating, lang), rating=now, headline=headline)


@dataclass(frozen=True)
class Item:
    """A claim as an item of a feed."""

    card: ClaimCard
    lang: str
    branch: str

    @property
    def id(self) -> str:
        return f"urn:uuid:{self.card.id}"

    @property
    def url(self) -> str:
        return f"{settings.CONFIG.url}{reverse('claim', args=[self.card.id])}"

    @property
    def title(self) -> str:
        return title_of(self.card, self.lang)

    @property
    def summary(self) -> str:
        return cards.text_of(self.card, self.lang, self.branch)

    @property
    def html(self) -> str:
        return _html(self.card, self.lang)

    @property
    def published(self) -> str:
        return stamp(self.card.history[-1].published_at)

    @property
    def updated(self) -> str:
        return stamp(self.card.published_at)

    @property
    def terms(self) -> list[str]:
        return [term for term in (self.card.rating, self.card.topic) if term]


class Page:
    """One page of what we decided, and where it leads."""

    def __init__(self, name: str, lang: str, before: UUID | None) -> None:
        found = claims.recent(origin="", before=before, most=PAGE + 1)
        shown = found[:PAGE]
        self.lang = lang
        self.changed = max((card.published_at for card in shown), default=None)
        self.branch = branch_name()
        self.items = [Item(card, lang, self.branch) for card in shown]
        self.title = _TITLE.say(lang, branch=self.branch)
        self.first = address(name, lang)
        self.links = {
            "self": address(name, lang, before),
            "alternate": f"{settings.CONFIG.url}/library/",
            "hub": f"{settings.CONFIG.url}{reverse('hub')}",
            "first": self.first,
        }
        if len(found) > PAGE:
            self.links["next"] = address(name, lang, shown[-1].verdict_id)


def stamp(when: datetime | None) -> str:
    """RFC 3339; of an empty feed the beginning of time as computers have it."""
    return when.isoformat() if when else "1970-01-01T00:00:00+00:00"


def _in_json(item: Item) -> dict[str, object]:
    card = item.card
    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "summary": item.summary,
        "image": cards.picture_url(card, item.lang),
        "date_published": item.published,
        "date_modified": item.updated,
        "tags": item.terms,
        "language": item.lang,
        "_chatbranch": {
            "about": f"{settings.CONFIG.url}/api/v1/openapi.json",
            "claim": str(card.id),
            "version": card.version,
            "rating": card.rating,
            "as_of": card.as_of.isoformat(),
            "expires": card.expires.isoformat() if card.expires else None,
            "code": card.code,
        },
    }


def _html(card: ClaimCard, lang: str) -> str:
    """What an item says: why the verdict changed, what was found, for when, and by what."""
    said = [
        pick(card.reason, lang),
        pick(card.explanation, lang),
        _AS_OF.say(lang, day=day(card.as_of, lang)),
    ]
    if card.expires:
        said.append(_UNTIL.say(lang, day=day(card.expires, lang)))
    parts = [f"<p>{escape(clean(each))}</p>" for each in said if each]
    sources = [
        f'<li><a href="{escape(each.url)}">{escape(clean(each.title or each.url))}</a></li>'
        for each in card.sources
    ]
    return "".join([*parts, f"<ul>{''.join(sources)}</ul>" if sources else ""])


def _packed(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


_TITLE = Phrase("{branch}的结论", "Verdicts of {branch}")
_NEW = Phrase("【{rating}】{headline}", "[{rating}] {headline}")
_AGAIN = Phrase("【结论有补充：{rating}】{headline}", "[Verdict added to: {rating}] {headline}")
_CHANGED = Phrase(
    "【结论有变：由“{before}”改为“{rating}”】{headline}",
    "[Verdict changed from “{before}” to “{rating}”] {headline}",
)
_WITHDRAWN = Phrase("【结论已撤回】{headline}", "[Verdict withdrawn] {headline}")
_AS_OF = Phrase("截至{day}", "As of {day}")
_UNTIL = Phrase("有效期至{day}", "Valid until {day}")

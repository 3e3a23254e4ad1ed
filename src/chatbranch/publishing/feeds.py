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
from typing import Any
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
ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class Feed:
    """A feed as it is served: its body, its media type, and when it last changed."""

    body: bytes
    media_type: str
    changed: datetime | None = None


def atom(lang: str, before: UUID | None = None) -> Feed:
    """A page of the Atom feed; `before`: the last verdict of the page before."""
    from lxml import etree

    page = _Page("feed-atom", lang, before)
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    root.set("{http://www.w3.org/XML/1998/namespace}lang", lang)
    _add(root, "id", page.first)
    _add(root, "title", page.title)
    _add(root, "updated", _stamp(page.changed))
    author = etree.SubElement(root, f"{{{ATOM}}}author")
    _add(author, "name", page.branch)
    _add(author, "uri", settings.CONFIG.url)
    for rel, href in page.links.items():
        _link(root, rel, href)
    for card in page.cards:
        root.append(_entry(card, lang, page.branch))
    return Feed(
        etree.tostring(root, xml_declaration=True, encoding="utf-8"),
        "application/atom+xml; charset=utf-8",
        page.changed,
    )


def jsonfeed(lang: str, before: UUID | None = None) -> Feed:
    """A page of the JSON Feed (jsonfeed.org/version/1.1)."""
    page = _Page("feed-json", lang, before)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": page.title,
        "home_page_url": page.links["alternate"],
        "feed_url": page.links["self"],
        **({"next_url": page.links["next"]} if "next" in page.links else {}),
        "language": lang,
        "authors": [{"name": page.branch, "url": settings.CONFIG.url}],
        "hubs": [{"type": "WebSub", "url": page.links["hub"]}],
        "items": [_item(card, lang, page.branch) for card in page.cards],
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


class _Page:
    """One page of what we decided, and where it leads."""

    def __init__(self, name: str, lang: str, before: UUID | None) -> None:
        found = claims.recent(origin="", before=before, most=PAGE + 1)
        self.cards = found[:PAGE]
        self.changed = max((card.published_at for card in self.cards), default=None)
        self.branch = branch_name()
        self.title = _TITLE.say(lang, branch=self.branch)
        self.first = address(name, lang)
        self.links = {
            "self": address(name, lang, before),
            "alternate": f"{settings.CONFIG.url}/library/",
            "hub": f"{settings.CONFIG.url}{reverse('hub')}",
            "first": self.first,
        }
        if len(found) > PAGE:
            self.links["next"] = address(name, lang, self.cards[-1].verdict_id)


def _entry(card: ClaimCard, lang: str, branch: str) -> Any:
    from lxml import etree

    entry = etree.Element(f"{{{ATOM}}}entry")
    _add(entry, "id", f"urn:uuid:{card.id}")
    _add(entry, "title", title_of(card, lang))
    _add(entry, "updated", _stamp(card.published_at))
    _add(entry, "published", _stamp(card.history[-1].published_at))
    _link(entry, "alternate", _page_of(card))
    for term in (card.rating, card.topic):
        if term:
            etree.SubElement(entry, f"{{{ATOM}}}category").set("term", clean(term))
    _add(entry, "summary", cards.text_of(card, lang, branch))
    _add(entry, "content", _html(card, lang)).set("type", "html")
    return entry


def _item(card: ClaimCard, lang: str, branch: str) -> dict[str, object]:
    return {
        "id": f"urn:uuid:{card.id}",
        "url": _page_of(card),
        "title": title_of(card, lang),
        "content_html": _html(card, lang),
        "summary": cards.text_of(card, lang, branch),
        "image": cards.picture_url(card, lang),
        "date_published": _stamp(card.history[-1].published_at),
        "date_modified": _stamp(card.published_at),
        "tags": [term for term in (card.rating, card.topic) if term],
        "language": lang,
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


def _page_of(card: ClaimCard) -> str:
    return f"{settings.CONFIG.url}{reverse('claim', args=[card.id])}"


def _stamp(when: datetime | None) -> str:
    """RFC 3339; of an empty feed the beginning of time as computers have it."""
    return when.isoformat() if when else "1970-01-01T00:00:00+00:00"


def _packed(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _add(parent: Any, name: str, text: str) -> Any:
    from lxml import etree

    element = etree.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = text
    return element


def _link(parent: Any, rel: str, href: str) -> None:
    from lxml import etree

    link = etree.SubElement(parent, f"{{{ATOM}}}link")
    link.set("rel", rel)
    link.set("href", href)


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

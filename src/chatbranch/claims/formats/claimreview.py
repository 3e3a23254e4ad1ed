"""ClaimReview: how fact checks are published for machines (schema.org/ClaimReview, in JSON-LD 1.1).

What this format cannot say (earlier verdicts, the reasons of changes) only JSON Lines carries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from chatbranch.claims.formats import ratings
from chatbranch.claims.formats.entry import (
    LONGEST_TEXT,
    Cited,
    Entry,
    Ruling,
    Worded,
    lang_code,
    line_of,
    short_key,
)
from chatbranch.claims.formats.jsonlines import day, moment
from chatbranch.claims.rules import WITHDRAWN, opens, rating_name
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase, pick
from chatbranch.kernel.text import clean, language

Json = dict[str, Any]
DEEPEST = 12  # levels of nesting in which reviews are looked for


def reviews_in(document: object, depth: int = DEEPEST) -> Iterator[Json]:
    """Every ClaimReview in a JSON-LD value: alone, in a list, a @graph, a feed, or the page it belongs to."""
    if isinstance(document, list):
        for each in document:
            yield from reviews_in(each, depth)
    elif isinstance(document, dict) and depth:
        if "ClaimReview" in _types(document):
            yield document
        elif "dateDeleted" in document and isinstance(document.get("item"), dict):
            for review in reviews_in(document["item"], depth - 1):
                yield {**review, "dateDeleted": document["dateDeleted"]}
        else:
            for value in document.values():
                if isinstance(value, dict | list):
                    yield from reviews_in(value, depth - 1)


def parse(review: Json) -> Entry:
    """The entry in one ClaimReview. Raises Refused where claim, date or address is missing."""
    said = _said(review)
    url = _url(review)
    wordings = _wordings(review)
    origin = line_of(_name(review.get("author")) or _name(review.get("publisher")), 200)
    when = review.get("datePublished") or review.get("dateCreated") or review.get("dateModified")
    rating, basis = _rating(review)
    deleted = review.get("dateDeleted")
    ruling = Ruling(
        rating=WITHDRAWN if deleted else rating,
        as_of=day(deleted or when, "dateDeleted" if deleted else "datePublished"),
        expires=day(review["expires"], "expires") if review.get("expires") else None,
        scope=_texts(review.get("disambiguatingDescription")),
        explanation=_texts(review.get("description") or review.get("reviewBody")),
        basis={} if deleted else basis,
        sources=_sources(review, url, origin),
        published_at=_stamp(review.get("dateModified")),
    )
    key = _key(review, url, said or (wordings[0].text if wordings else ""))
    topic = line_of(_plain(review.get("articleSection")), 60)
    return Entry(key, wordings, (ruling,), topic=topic, origin=origin, origin_url=url)


def review_of(entry: Entry, *, url: str, author: str) -> Json:
    """The entry's newest verdict as a ClaimReview, to be read by search engines and other libraries.

    url: where the check itself is read. author: who made it. A withdrawn one belongs in a feed (see item_of).
    """
    ruling = entry.rulings[-1]
    lang = entry.wordings[0].lang
    said = str(ruling.basis.get("said") or rating_name(ruling.rating, lang))
    review: Json = {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "@id": entry.key if opens(entry.key) else _identity(url, entry.wordings[0].text),
        "url": url,
        "inLanguage": lang,
        "claimReviewed": entry.wordings[0].text,
        "itemReviewed": {
            "@type": "Claim",
            "name": [_tagged(each.lang, each.text) for each in entry.wordings],
        },
        "author": {"@type": "Organization", "name": author},
        "datePublished": ruling.as_of.isoformat(),
        "dateModified": ruling.published_at.isoformat() if ruling.published_at else "",
        "expires": ruling.expires.isoformat() if ruling.expires else "",
        "reviewRating": {"@type": "Rating", "alternateName": said, **_value(ruling)},
        "reviewBody": pick(dict(ruling.explanation), lang),
        "description": [_tagged(*pair) for pair in ruling.explanation.items()],
        "disambiguatingDescription": [_tagged(*pair) for pair in ruling.scope.items()],
        "articleSection": entry.topic,
        "citation": [_citation(cited) for cited in ruling.sources],
    }
    return _dense(review)


def item_of(entry: Entry, review: Json) -> Json:
    """The review as an item of a DataFeed; a withdrawn one says since when it no longer holds."""
    newest = entry.rulings[-1]
    deleted = {"dateDeleted": newest.as_of.isoformat()} if newest.rating == WITHDRAWN else {}
    return {"@type": "DataFeedItem", **deleted, "item": review}


# --- reading --------------------------------------------------------------------------------------


def _types(document: Json) -> list[str]:
    named = document.get("@type")
    types = named if isinstance(named, list) else [named]
    return [str(each).rpartition("/")[2] for each in types]


def _said(review: Json) -> str:
    return clean(_plain(review.get("claimReviewed"))).strip()


def _url(review: Json) -> str:
    """Where the check is read: its url, or the page it is the main entity of."""
    page = review.get("mainEntityOfPage")
    for value in (
        review.get("url"),
        page,
        page.get("@id") if isinstance(page, dict) else None,
        review.get("@id"),
    ):
        address = clean(_plain(value)).strip()
        if opens(address):
            return address
    return ""


def _key(review: Json, url: str, said: str) -> str:
    """What its publisher calls this review: its @id, else its address and, as a page may hold several, its claim."""
    own = clean(_plain(review.get("@id"))).strip()
    if opens(own) and own != url:
        return short_key(own)
    if not url:
        raise Refused("no-address", _NO_URL, field="url")
    return short_key(_identity(url, said))


def _identity(url: str, said: str) -> str:
    return f"{url}#{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _wordings(review: Json) -> tuple[Worded, ...]:
    """What is reviewed: the claim as reviewed, then as the Claim under review names itself."""
    spoken = _plain(review.get("inLanguage"))
    said = _said(review)
    item = review.get("itemReviewed")
    named = _tagged_texts(item.get("name")) if isinstance(item, dict) and "Claim" in _types(item) else []
    found = [Worded(lang, text) for lang, text in named]
    if said and said not in [worded.text for worded in found]:
        found.insert(0, Worded(_language(said, spoken), said))
    return tuple(dict.fromkeys(found))


def _language(text: str, tag: str) -> str:
    """Chinese is told by its characters, since script tags are rarely set; any other language by its tag."""
    seen = language(text)
    return lang_code(tag) if tag and seen == "en" and not tag.lower().startswith("zh") else seen


def _rating(review: Json) -> tuple[str, Json]:
    """Our rating, and for the record the publisher's own words for it."""
    given = review.get("reviewRating")
    given = given[0] if isinstance(given, list) and given else given
    given = given if isinstance(given, dict) else {}
    label = line_of(_plain(given.get("alternateName") or given.get("name")), 200)
    if label:
        rating = ratings.of_label(label)
        basis: Json = {} if ratings.is_ours(label) else {"said": label}
    else:
        value, best, worst = (given.get(f"{name}Rating") for name in ("", "best", "worst"))
        value = given.get("ratingValue", value)
        rating = ratings.of_value(value, best, worst)
        basis = {"said": line_of(f"{value} ({worst}–{best})", 200)} if value is not None else {}
    return (rating, basis) if rating else ("unknown", {**basis, "mapped": False})


def _sources(review: Json, url: str, origin: str) -> tuple[Cited, ...]:
    """What the review cites; where it cites nothing that opens, the review itself is the source."""
    cited = review.get("citation")
    found = [_cited(each) for each in (cited if isinstance(cited, list) else [cited])]
    kept = tuple(dict.fromkeys(each for each in found if each is not None))
    title = line_of(_plain(review.get("headline") or review.get("name")), 500)
    own = Cited(url, title, origin, lang_code(_plain(review.get("inLanguage"))))
    return kept or ((own,) if url and "dateDeleted" not in review else ())


def _cited(value: object) -> Cited | None:
    if isinstance(value, str):
        value = {"url": value}
    if not isinstance(value, dict):
        return None
    url = clean(_plain(value.get("url") or value.get("@id"))).strip()
    title = line_of(_plain(value.get("name") or value.get("headline")), 500)
    publisher = line_of(_name(value.get("publisher") or value.get("author")), 200)
    return Cited(url, title, publisher, lang_code(_plain(value.get("inLanguage")))) if opens(url) else None


def _texts(value: object) -> dict[str, str]:
    found = {lang: text[:LONGEST_TEXT] for lang, text in reversed(_tagged_texts(value))}
    return {lang: found[lang] for lang in sorted(found)}


def _tagged_texts(value: object) -> list[tuple[str, str]]:
    """Texts with their languages, from plain texts or {"@value", "@language"}, alone or in a list."""
    found: list[tuple[str, str]] = []
    for each in value if isinstance(value, list) else [value]:
        text = clean(_plain(each)).strip()
        tag = _plain(each.get("@language")) if isinstance(each, dict) else ""
        if text:
            found.append((lang_code(tag) if tag else language(text), text))
    return found


def _plain(value: object) -> str:
    """The text in a JSON-LD value: itself, its @value or address, or that of the first in a list."""
    if isinstance(value, list):
        return _plain(value[0]) if value and not isinstance(value[0], list) else ""
    if isinstance(value, dict):
        value = value.get("@value") or value.get("url") or value.get("@id") or value.get("name")
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    """Who someone is: a name, or {"name": …}, or the first of several."""
    if isinstance(value, list):
        value = value[0] if value else None
    return _plain(value.get("name")) if isinstance(value, dict) else _plain(value)


def _stamp(value: object) -> Any:
    """A moment, where the review gives one with its offset; a bare day is no moment."""
    try:
        return moment(value, "dateModified") if "T" in str(value) else None
    except Refused:
        return None


# --- writing --------------------------------------------------------------------------------------


def _tagged(lang: str, text: str) -> Json:
    return {"@language": lang, "@value": text}


def _value(ruling: Ruling) -> Json:
    value = ratings.VALUES.get(ruling.rating)
    return {"ratingValue": value, "bestRating": 5, "worstRating": 1} if value else {}


def _citation(cited: Cited) -> Json:
    publisher = {"@type": "Organization", "name": cited.publisher} if cited.publisher else None
    work = {"@type": "CreativeWork", "url": cited.url, "name": cited.title, "inLanguage": cited.lang}
    return _dense({**work, "publisher": publisher})


def _dense(value: Json) -> Json:
    """Without what is empty, one level of nesting deep."""
    kept = {name: _dense(each) if isinstance(each, dict) else each for name, each in value.items()}
    return {name: each for name, each in kept.items() if each not in ("", None, [], {})}


_NO_URL = Phrase("缺少网址（url），无从查看原文。", "The review has no url, so nobody could read it.")

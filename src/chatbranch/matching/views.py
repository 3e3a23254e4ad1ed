"""Searching the library: public, and the same for everyone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import get_language

from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.rules import RATINGS, rating_name
from chatbranch.claims.topics import topic_name
from chatbranch.kernel import ids
from chatbranch.kernel.phrases import as_lang
from chatbranch.matching import queries as matching

PAGE = 20  # verdicts a page
_FOUND = 200  # claims looked at for one search; a reader who needs more needs other words
_LONGEST = 2000  # characters of a search that count


def library(request: HttpRequest) -> HttpResponse:
    """GET /library/?q=…&topic=…&rating=…: search results, best first; without words, the newest verdicts."""
    lang = as_lang(get_language())
    words = request.GET.get("q", "").strip()[:_LONGEST]
    topic, rating = request.GET.get("topic", ""), request.GET.get("rating", "")
    rating = rating if rating in RATINGS else ""
    cards, onward = _found(request, words, topic, rating) if words else _newest(request, topic, rating)
    return render(
        request,
        "matching/library.html",
        {
            "words": words,
            "topic": topic,
            "chosen_rating": rating,
            "cards": cards,
            "onward": onward,
            "narrowed": bool(words or topic or rating),
            "first_page": not ({"page", "before"} & set(request.GET)),
            "topics": [(code, topic_name(code, lang), count) for code, count in claims.topics()],
            "ratings": [(code, rating_name(code, lang)) for code in RATINGS],
            "total": claims.count(),
        },
    )


def _found(request: HttpRequest, words: str, topic: str, rating: str) -> tuple[list[ClaimCard], str]:
    """The page of claims nearest to `words`, and the query string of the next page (empty on the last)."""
    page = _number(request.GET.get("page", "1"))
    cards = [
        card
        for card in claims.claim_cards(matching.search(words, most=_FOUND))
        if topic in ("", card.topic) and rating in ("", card.rating)
    ]
    more = len(cards) > page * PAGE
    return cards[(page - 1) * PAGE : page * PAGE], _onward(request.GET, page=str(page + 1)) if more else ""


def _newest(request: HttpRequest, topic: str, rating: str) -> tuple[list[ClaimCard], str]:
    """The page of the newest verdicts, and the query string of the next page (empty on the last)."""
    cards = claims.recent(topic, rating, ids.read_id(request.GET.get("before", "")), PAGE + 1)
    if len(cards) <= PAGE:
        return cards, ""
    return cards[:PAGE], _onward(request.GET, before=str(cards[PAGE - 1].verdict_id))


def _onward(asked: QueryDict, **place: str) -> str:
    """The same search at another place, as a query string; its language is kept by the cookie."""
    onward = QueryDict(mutable=True)
    for name in ("q", "topic", "rating"):
        onward[name] = asked.get(name, "")
    onward.update(place)
    return f"?{onward.urlencode()}"


def _number(text: str) -> int:
    return min(max(int(text), 1), _FOUND) if text.isascii() and text.isdigit() else 1

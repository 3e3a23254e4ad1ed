"""The API of claims, version 1: the library to look through, and one claim. Described in openapi.py."""

from __future__ import annotations

import json
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from chatbranch.claims import queries
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.rules import check_rating
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.ids import read_id
from chatbranch.kernel.phrases import Lang, Phrase, as_lang
from chatbranch.publishing import cards, serving

MOST = 100
OURS = "ours"
"""Stands for this branch among origins."""


@csrf_exempt  # nothing is changed here, and a wrong method is to be answered as such
@require_GET
def claims(request: HttpRequest) -> HttpResponse:
    """GET /api/v1/claims: claims with the verdict that holds today, newest change first."""
    asked = request.GET
    rating, origin = asked.get("rating", ""), asked.get("origin")
    if "rating" in asked:
        check_rating(rating)
    before, most = _cursor(asked.get("cursor")), _limit(asked.get("limit", "20"))
    found = queries.recent(
        topic=asked.get("topic", ""),
        rating=rating,
        origin="" if origin == OURS else origin or None,
        before=before,
        most=most + 1,
    )
    lang = as_lang(get_language())
    following = str(found[most - 1].verdict_id) if len(found) > most else None
    return _answer(
        request, {"claims": [_shown(card, lang) for card in found[:most]], "next": following}, lang
    )


@csrf_exempt  # nothing is changed here, and a wrong method is to be answered as such
@require_GET
def claim(request: HttpRequest, claim_id: str) -> HttpResponse:
    """GET /api/v1/claims/<id>: one claim; ?version=N with an earlier verdict."""
    key, lang = read_id(claim_id), as_lang(get_language())
    card = queries.claim_card(key, _version(request.GET.get("version"))) if key else None
    if card is None:
        raise Refused("not-found", _NO_SUCH_CLAIM, status=404)
    return _answer(request, _shown(card, lang), lang)


def _shown(card: ClaimCard, lang: Lang) -> dict[str, object]:
    """The card as everywhere (ClaimCard.as_dict), with its addresses and what there is to pass on."""
    return {
        **card.as_dict(lang),
        "url": f"{settings.CONFIG.url}/claims/{card.id}/",
        "pass_on": {
            "url": cards.url_of(card),
            "picture": cards.picture_url(card, lang),
            "text": cards.text_of(card, lang),
            "kind_text": cards.kind_text_of(card, lang),
        }
        if card.current
        else None,
    }


def _answer(request: HttpRequest, value: object, lang: Lang) -> HttpResponse:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    response = serving.answer(request, body, "application/json", lang=lang)
    response["Vary"] = "Accept-Language, Cookie"
    return response


def _cursor(text: str | None) -> UUID | None:
    found = read_id(text) if text is not None else None
    if text is not None and found is None:
        raise Refused("wrong-cursor", _WRONG_CURSOR, status=422, field="cursor")
    return found


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST):
        raise Refused("wrong-limit", _WRONG_LIMIT, status=422, field="limit", most=MOST)
    return int(text)


def _version(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text)):
        raise Refused("wrong-version", _WRONG_VERSION, status=422, field="version")
    return int(text)


_NO_SUCH_CLAIM = Phrase(
    "没有这条查证，或没有这一版。", "There is no such claim, or no such version of its verdict."
)
_WRONG_CURSOR = Phrase("cursor 要用上一页的 next。", "cursor must be the value of next on the page before.")
_WRONG_LIMIT = Phrase("limit 要在 1 到 {most} 之间。", "limit must be from 1 to {most}.")
_WRONG_VERSION = Phrase("version 要是正整数。", "version must be a positive whole number.")

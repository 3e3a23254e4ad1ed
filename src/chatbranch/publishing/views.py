"""Cards for people: on a claim's page, as a picture, and the page that a card code leads to."""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from chatbranch.branch.pages import lang_of
from chatbranch.claims import codes, passing_on
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.publishing import cards
from chatbranch.publishing.picture import draw

FRESH = "public, max-age=60"
"""For how long others may keep what changes with a verdict."""


@require_safe
def card_picture(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """GET /claims/<id>/card.png?lang=: the card of the verdict that holds today."""
    card = claims.claim_card(claim_id)
    if card is None:
        raise Http404
    lang = lang_of(request)
    words = cards.words_of(card, lang)
    tag = f'"{hashlib.sha256(repr(words).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(draw(words), content_type="image/png")
        response["Content-Disposition"] = f'inline; filename="{card.code}.png"'
    response["Content-Language"], response["ETag"], response["Cache-Control"] = lang, tag, FRESH
    return response


@require_safe
def card_code(request: HttpRequest, code: str) -> HttpResponse:
    """GET /c/<code>: whether a card is genuine, and today's verdict; a code copied by hand is put right first."""
    found = codes.find(code)
    if found and found[0] != code:
        return redirect("card-code", code=found[0])
    then = claims.card_of_code(code) if found else None
    now = claims.claim_card(then.id) if then else None
    lang = lang_of(request)
    context: dict[str, object] = {"code": code[:40], "then": then, "card": now}
    if then is None or now is None:
        context["said"] = passing_on.UNKNOWN_CODE.say(lang, code=code[:40])
        return render(request, "publishing/code.html", context, status=404)
    url = f"{settings.CONFIG.url}{reverse('claim', args=[now.id])}"
    context["said"] = passing_on.of_card(then, now, lang, url=url)
    return render(request, "publishing/code.html", context)


def pass_on_claim_page(request: HttpRequest, card: ClaimCard) -> dict[str, object]:
    """What publishing adds to a claim's page: the card to pass on, of the verdict that holds today."""
    if not card.current:
        return {}
    lang = lang_of(request)
    return {
        "share_text": cards.kind_text_of(card, lang),
        "pass_on": {
            "template": "publishing/_pass_on.html",
            "picture": f"{reverse('card-picture', args=[card.id])}?lang={lang}",
            "text": cards.text_of(card, lang),
        },
    }

"""Cards for people: on a claim's page, as a picture, and the page that a card code leads to."""

from __future__ import annotations

from importlib.resources import files
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from chatbranch.branch.pages import lang_of
from chatbranch.claims import codes, passing_on
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.kernel.ids import read_id
from chatbranch.publishing import cards, feeds, serving


@require_safe
def card_picture(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """GET /claims/<id>/card.png?lang=: the card of the verdict that holds today."""
    from chatbranch.publishing.picture import draw  # with what draws: only who wants a picture waits for it

    card = claims.claim_card(claim_id)
    if card is None:
        raise Http404
    lang = serving.lang_of(request)
    response = serving.answer(request, draw(cards.words_of(card, lang)), "image/png", lang=lang)
    response["Content-Disposition"] = f'inline; filename="{card.code}.png"'
    return response


@require_safe
def feed(request: HttpRequest, name: str) -> HttpResponse:
    """GET /feeds/…?lang=: a feed of what we decided; ?before= for its next page, as the page before links to it."""
    wanted = request.GET.get("before")
    before, lang = read_id(wanted) if wanted else None, serving.lang_of(request)
    if wanted and before is None:
        raise Http404
    made = feeds.FEEDS[name](lang, before)
    response = serving.answer(request, made.body, made.media_type, lang=lang, changed=made.changed)
    if before is None:
        hub, own = f"{settings.CONFIG.url}{reverse('hub')}", feeds.address(name, lang)
        response["Link"] = f'<{hub}>; rel="hub", <{own}>; rel="self"'
    return response


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """GET /schemas/claimreview.json: what our ClaimReviews keep to (JSON Schema, draft 2020-12)."""
    body = (files("chatbranch.publishing") / "claimreview.schema.json").read_bytes()
    return serving.answer(request, body, "application/schema+json", lang="en")


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
            "address": cards.picture_url(card, lang),
            "text": cards.text_of(card, lang),
        },
    }

"""The public page of a claim and its verdict, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from chatbranch.branch.queries import branch_name
from chatbranch.claims import exporting, queries
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.formats import mediareview
from chatbranch.kernel.phrases import as_lang

Addition = Callable[[HttpRequest, ClaimCard], dict[str, object]]
_additions: list[Addition] = []


def add_to_page(addition: Addition) -> None:
    """Let a slice above bring its part of the page (objections, a text to pass on) as template values."""
    _additions.append(addition)


@require_safe
def claim(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """The claim's page; ?version=N shows an earlier verdict."""
    card = _card(request, claim_id)
    context: dict[str, object] = {"card": card, "for_machines": _for_machines(card)}
    for addition in _additions:
        context |= addition(request, card)
    return render(request, "claims/claim.html", context)


@require_safe
def claim_json(request: HttpRequest, claim_id: UUID) -> JsonResponse:
    """The claim as JSON (ClaimCard.as_dict), readable from any site: the library is public."""
    card = _card(request, claim_id)
    response = JsonResponse(card.as_dict(as_lang(get_language())), json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _card(request: HttpRequest, claim_id: UUID) -> ClaimCard:
    wanted = request.GET.get("version", "")
    version = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 6 else None
    card = queries.claim_card(claim_id, version) if version is not None or not wanted else None
    if card is None:
        raise Http404
    return card


def _for_machines(card: ClaimCard) -> list[SafeString]:
    """ClaimReview for search engines, and MediaReview where the claim is about a picture; of our own current verdicts only: others'
    checks are theirs to publish."""
    entry = exporting.entry_of(card.id) if not card.origin and card.current else None
    if entry is None or card.rating == "withdrawn":
        return []
    review = exporting.our_review(card.id, entry, site=settings.CONFIG.url, branch=branch_name())
    made = [review, mediareview.review_of(entry, review)]
    return [in_script(json.dumps(each, ensure_ascii=False)) for each in made if each]


_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def in_script(text: str) -> SafeString:
    """JSON that no text inside it can end early, whatever it holds."""
    return mark_safe(text.translate(_ESCAPES))  # noqa: S308 (nothing is left that HTML would read)

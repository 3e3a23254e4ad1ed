"""Pages of the house itself: what the branch does and never does, the chat, and what machines ask for."""

from __future__ import annotations

from csp.constants import NONE
from csp.decorators import csp_replace
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chatbranch.branch import queries as branch_queries
from chatbranch.claims.rules import SCALE
from chatbranch.connectors.web.wire import sites_of
from chatbranch.kernel.phrases import Phrase, as_lang
from chatbranch.kernel.text import language

_MEANINGS: dict[str, Phrase] = {
    "true": Phrase("与可靠来源一致。", "Reliable sources agree with it."),
    "mostly-true": Phrase("大体正确，个别细节不准。", "Right on the whole, with details that are off."),
    "misleading": Phrase(
        "有真实成分，但少了要紧的背景，容易让人误会。",
        "Something in it is true, but context that matters is missing.",
    ),
    "false": Phrase("与可靠来源不符。", "Reliable sources contradict it."),
    "unknown": Phrase(
        "现有来源还不足以判断；这不等于不实。",
        "What is known does not settle it; that does not mean it is false.",
    ),
}
_ROBOTS = """User-agent: *
Disallow: /account/
Disallow: /answers/
Disallow: /connect/
Disallow: /desk/
Disallow: /status/
"""


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """GET /about/"""
    lang, branch = as_lang(get_language()), branch_queries.branch()
    charter = branch.charter if branch else ""
    context = {
        "meanings": [(code, _MEANINGS[code].say(lang)) for code in SCALE],
        "charter": charter,
        "charter_lang": language(charter),
    }
    return render(request, "about.html", context)


@require_safe
def chat(request: HttpRequest) -> HttpResponseBase:
    """GET /chat/: the page; its words travel over /connect/web/. With ?embed=1 it may stand within the sites of web.sites."""
    if request.GET.get("embed") == "1":
        return csp_replace({"frame-ancestors": _sites()})(_embedded)(request)
    return render(request, "chat.html", {"base": "base.html"})


@xframe_options_exempt
def _embedded(request: HttpRequest) -> HttpResponse:
    return render(request, "chat.html", {"base": "embedded.html", "embedded": True})


def _sites() -> list[str]:
    """The sites that may embed the chat; none where the setting cannot be read, which the start has said."""
    try:
        return list(sites_of(settings.CONFIG.connectors.get("web", {}).get("sites", ""))) or [NONE]
    except ValueError:
        return [NONE]


@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """GET /health: 200 while pages can be served and the database answers; a failing database is a 500."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """GET /robots.txt: verdicts may be found; what belongs to one asker or to members may not."""
    return HttpResponse(_ROBOTS, content_type="text/plain; charset=utf-8")

"""Language of the reader, and refusals shown as pages or JSON."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import as_lang

log = logging.getLogger(__name__)


class LanguageMiddleware:
    """?lang= wins, then the cookie, then the browser's wish, then Simplified Chinese."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("lang", "")
        wish = (
            asked or request.COOKIES.get("lang") or request.headers.get("Accept-Language", "").split(",")[0]
        )
        lang = as_lang(wish)
        with translation.override(lang.lower()):
            request.LANGUAGE_CODE = lang.lower()
            response = self.get_response(request)
        if "Content-Language" in response.headers:  # a feed or a picture, whose language is in its address
            return response
        response.headers["Content-Language"] = lang
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        if asked:
            response.set_cookie(
                "lang", lang, max_age=31_536_000, samesite="Lax", httponly=True, secure=request.is_secure()
            )
        return response


class RefusedMiddleware:
    """A refusal becomes a page, or JSON for the API, in the reader's language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refused):
            return None
        said = error.say(as_lang(translation.get_language()))
        if request.path.startswith("/api/"):
            said_json = {"error": {"code": error.code, "message": said, "field": error.field}}
            return JsonResponse(
                said_json,
                status=error.status,
                headers=error.headers,
                json_dumps_params={"ensure_ascii": False},
            )
        response = render(request, "refused.html", {"said": said, "code": error.code}, status=error.status)
        for name, value in error.headers.items():
            response[name] = value
        return response

"""How machines are answered: in the language their address names, with validators, so that what has not changed is not sent twice,
and readable from any site, for all of it is public."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date

from chatbranch.kernel.phrases import Lang, as_lang

FRESH = "public, max-age=60"
"""For how long others may keep what changes with a verdict."""


def lang_of(request: HttpRequest) -> Lang:
    """The language that the address names (?lang=), else Simplified Chinese: a feed is the same for everyone."""
    return as_lang(request.GET.get("lang"))


def answer(
    request: HttpRequest,
    body: bytes,
    media_type: str,
    *,
    lang: Lang,
    changed: datetime | None = None,
) -> HttpResponse:
    """The body with its entity tag; or 304, where whoever asks has it already (RFC 9110, section 13)."""
    response = HttpResponse(body, content_type=media_type)
    response["Content-Language"] = lang
    response["Cache-Control"] = FRESH
    response["Access-Control-Allow-Origin"] = "*"
    response["ETag"] = tag_of(body)
    seconds = int(changed.timestamp()) if changed else None
    if changed:
        response["Last-Modified"] = http_date(changed.timestamp())
    found = get_conditional_response(request, response["ETag"], seconds, response)
    return found if isinstance(found, HttpResponse) else response


def tag_of(body: bytes) -> str:
    """The strong entity tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'

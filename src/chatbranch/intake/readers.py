"""Who a web reader is: a random cookie, nothing else. It is the address their answers wait under."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chatbranch.kernel import ids

COOKIE = "reader"
_FORM = re.compile(r"[A-Za-z0-9_-]{20,64}")


def reader_of(request: HttpRequest) -> str:
    """The reader's token: from their cookie, or a new one (give it back with `remember`)."""
    token = request.COOKIES.get(COOKIE, "")
    return token if _FORM.fullmatch(token) else ids.new_token()


def remember(response: HttpResponse, token: str) -> None:
    """Keep the reader's token in their browser for 90 days, out of reach of scripts and other sites."""
    response.set_cookie(
        COOKIE, token, max_age=90 * 86_400, httponly=True, samesite="Lax", secure=settings.SECURE
    )


def client_address(request: HttpRequest) -> str:
    """Where a request without a cookie came from, for counting floods: the last hop the reverse proxy vouches for."""
    if settings.CONFIG.behind_proxy:
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        if hops[-1].strip():
            return hops[-1].strip()
    return str(request.META.get("REMOTE_ADDR") or "unknown")

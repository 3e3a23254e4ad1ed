"""Who a web reader is: a random cookie, nothing else. It is the address their answers wait under. And where they come from."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse

from chatbranch.branch.queries import is_member
from chatbranch.intake import rules
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

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


def email_of(request: HttpRequest) -> str:
    """The address a form was given to be told at, empty where none was. Refuses what cannot be one."""
    address: str = request.POST.get("email", "").strip()
    if not address:
        return ""
    try:
        validate_email(address)
    except ValidationError:
        raise Refused(
            "email",
            Phrase(
                "这个邮箱地址似乎不对，请检查，或留空。",
                "That e-mail address does not look right; please check it, or leave it empty.",
            ),
            field="email",
        ) from None
    return address


def network_of(request: HttpRequest) -> str:
    """The network a request came from, for counting floods; empty for a member, whom no limit of a network concerns."""
    if is_member(request.user):
        return ""
    return network_behind(
        request.headers.get("X-Forwarded-For", ""), str(request.META.get("REMOTE_ADDR") or "")
    )


def network_behind(forwarded_for: str, peer: str) -> str:
    """The network of whoever is at the other end: the last hop that the reverse proxy vouches for, where one is
    configured; else, or where it vouches for none, the peer itself."""
    vouched = forwarded_for.rpartition(",")[2] if settings.CONFIG.behind_proxy else ""
    return rules.network(vouched) or rules.network(peer) or "unknown"

"""Where Django tells of signing in and out, and of each request; the list of sessions follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.signals import password_changed
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from chatbranch.branch.models import Member
from chatbranch.branch.queries import is_rater
from chatbranch.branch.sessions import actions


class SessionsMiddleware:
    """A session that its member has ended is signed out; any other is noted as in use, once a day."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, Member):
            agent = request.headers.get("User-Agent", "")
            if not actions.do_notice(request.user, request.session, agent):
                logout(request)
        return self.get_response(request)


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    if isinstance(user, Member):
        actions.do_begin(user, request.session, request.META.get("HTTP_USER_AGENT", ""))


@receiver(user_logged_out)
def _signed_out(request: HttpRequest, user: Any, **_: Any) -> None:
    key = actions.current(request.session)
    if isinstance(user, Member) and is_rater(user) and key:
        actions.do_end(user, key)


@receiver(password_changed)
def _changed_password(request: HttpRequest, user: Any, **_: Any) -> None:
    if isinstance(user, Member) and is_rater(user):
        actions.do_end_others(user, request.session)

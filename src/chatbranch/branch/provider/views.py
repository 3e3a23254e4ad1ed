"""Signing in through the provider, and the page on which a member links it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Literal

from allauth.account.decorators import reauthentication_required
from allauth.account.utils import get_next_redirect_url, perform_login
from allauth.core.internal.ratelimit import consume
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chatbranch.branch.access import rater_required
from chatbranch.branch.pages import lang_of, say
from chatbranch.branch.provider import actions, asking, queries, rules
from chatbranch.branch.provider.rules import Asked, Provider
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

_ASKED = "provider_asked"
_TRIES = {"provider": "20/m/ip"}  # each makes us ask the provider
View = Callable[[HttpRequest], HttpResponse]
asked_again: Callable[[View], View] = reauthentication_required


def kindly(view: View) -> View:
    """What is refused on the way to the provider and back is said on a page that leads to the other ways of signing in."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except Refused as error:
            said = {"said": error.say(lang_of(request)), "code": error.code}
            return render(request, "branch/not_signed_in.html", said, status=error.status)

    return guarded


@never_cache
@require_safe
@kindly
def go(request: HttpRequest) -> HttpResponse:
    """GET /account/provider/: to the provider, to sign in there."""
    return redirect(_question(request, queries.configured(), "sign-in"))


@never_cache
@require_safe
@kindly
def back(request: HttpRequest) -> HttpResponse:
    """GET /account/provider/back/: from the provider, with its answer. An answer is used once."""
    provider, asked = queries.configured(), _asked(request)
    code = rules.read_answer(provider, request.GET.dict(), asked, clock.now())
    subject = asking.who(provider, code, asked, _back())
    if asked.why == "link":
        actions.do_link(request.user, provider, subject)
        messages.success(request, say(request, "已关联{name}。", "{name} is linked.", name=provider.name))
        return redirect("linked")
    answer: HttpResponse = perform_login(
        request, queries.linked_to(provider, subject), redirect_url=asked.then or None
    )
    return answer


@require_safe
@rater_required
def linked(request: HttpRequest) -> HttpResponse:
    """GET /account/linked/: whether one can sign in through the provider."""
    provider = queries.configured()
    held = queries.linked(request.user, provider)
    return render(request, "branch/linked.html", {"provider": provider, "linked": held})


@never_cache
@require_safe
@rater_required
@asked_again
@kindly
def link(request: HttpRequest) -> HttpResponse:
    """GET /account/linked/link/: the way to the provider, to link it; a link to press, which nobody else can make."""
    provider = queries.configured()
    return render(
        request, "branch/link.html", {"provider": provider, "address": _question(request, provider, "link")}
    )


@require_POST
@rater_required
def unlink(request: HttpRequest) -> HttpResponse:
    actions.do_unlink(request.user)
    messages.success(request, say(request, "已解除关联。", "It is unlinked."))
    return redirect("linked")


def _back() -> str:
    return str(settings.CONFIG.url + reverse("provider_back"))


def _question(request: HttpRequest, provider: Provider, why: Literal["sign-in", "link"]) -> str:
    """The address at the provider that begins it; what was asked is kept in the session."""
    if not consume(request, app="branch", action="provider", config=_TRIES, limit_get=True):
        raise Refused(
            "provider-slowly",
            Phrase(
                "试的次数太多了，请过几分钟再来。",
                "That was too many tries. Please come back in a few minutes.",
            ),
            status=429,
        )
    asked = rules.new_question(why, get_next_redirect_url(request) or "", clock.now())
    address = rules.question(provider, asking.places(provider), asked, _back())
    request.session[_ASKED] = asdict(asked)
    return address


def _asked(request: HttpRequest) -> Asked:
    """What this session asked last; from now on nothing, so that an answer counts once."""
    held = request.session.pop(_ASKED, None)
    if held is None:
        raise rules.nothing_asked()
    return Asked(**held)

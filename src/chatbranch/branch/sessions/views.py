"""The page of one's sessions."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chatbranch.branch.access import rater_of, rater_required
from chatbranch.branch.pages import say
from chatbranch.branch.sessions import actions
from chatbranch.branch.sessions.devices import words
from chatbranch.kernel import clock

STAYS = timedelta(days=14)  # how long one stays signed in (SESSION_COOKIE_AGE, Django's default)


@require_safe
@rater_required
def sessions(request: HttpRequest) -> HttpResponse:
    """GET /account/sessions/: where one is signed in."""
    here = actions.current(request.session)
    held = rater_of(request).sessions.filter(seen_on__gte=(clock.now() - STAYS).date())
    shown = [(each, words(each.device), each.pk == here) for each in held.order_by("-seen_on", "-since")]
    return render(request, "branch/sessions.html", {"sessions": shown})


@require_POST
@rater_required
def end(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_end(rater_of(request), key)
    messages.success(request, say(request, "已退出那台设备。", "That device is signed out."))
    return redirect("sessions")


@require_POST
@rater_required
def end_others(request: HttpRequest) -> HttpResponse:
    actions.do_end_others(rater_of(request), request.session)
    messages.success(request, say(request, "其他设备都已退出。", "All other devices are signed out."))
    return redirect("sessions")

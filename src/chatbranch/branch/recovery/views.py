"""Pages of being let in again: of whoever asks, of those who help, and of the member who can say no."""

from __future__ import annotations

from uuid import UUID

from allauth.core.ratelimit import consume
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatbranch.branch.access import member_of, member_required
from chatbranch.branch.models import Member, Recovery
from chatbranch.branch.pages import refused, say
from chatbranch.branch.queries import link_is_over, members
from chatbranch.branch.recovery import actions, rules
from chatbranch.branch.sessions.devices import words
from chatbranch.branch.signin import welcome
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Whoever is locked out says who they are; nothing follows from it but a page with a code."""
    username = request.POST.get("username", "")
    if not consume(request, action="recover", key=username.casefold()):
        raise Refused(
            "recover-slowly",
            Phrase(
                "试的次数太多了，请过一小时再来。", "That was too many tries. Please come back in an hour."
            ),
            status=429,
        )
    return redirect("recover", actions.do_ask(username, request.headers.get("User-Agent", "")))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
def recover(request: HttpRequest, token: str) -> HttpResponse:
    """The page of whoever asked: the code to tell, how far it is, and in the end a new password."""
    found = Recovery.objects.filter(token_hash=ids.token_hash(token)).select_related("member").first()
    if found is None or found.state == "over":
        raise link_is_over()
    context = {"recovery": found, "state": found.state, "helpers": found.helpers.count()}
    if request.method != "POST":
        return render(request, "branch/recover.html", context)
    try:
        member = actions.do_recover(token, request.POST.get("password", ""))
    except Refused as error:
        if not error.field:
            raise
        return refused(request, "branch/recover.html", error, **context)
    return welcome(request, member)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def help_back(request: HttpRequest) -> HttpResponse:
    """A member helps another: whom, and the code that they were told."""
    actor = member_of(request)
    context = {"members": [each for each in members(actor) if each.pk != actor.pk]}
    if request.method != "POST":
        return render(request, "branch/help_back.html", context)
    member = get_object_or_404(Member, pk=ids.read_id(request.POST.get("member", "")), left_at=None)
    try:
        found = actions.do_help(actor, member, request.POST.get("code", ""))
    except Refused as error:
        return refused(request, "branch/help_back.html", error, **context)
    if found.opens_at:
        done = say(
            request,
            "两位都确认了。一天以后，{name}可以在自己的页面设新密码。",
            "Both of you have confirmed. In a day {name} can set a new password on their page.",
            name=member.name,
        )
    else:
        done = say(
            request,
            "记下了。还要一位其他负责人的账号的成员，也这样确认。",
            "Noted. One more member, of another owner, has to confirm it the same way.",
        )
    messages.success(request, done)
    return redirect("members")


@require_safe
@member_required
def recoveries(request: HttpRequest) -> HttpResponse:
    """GET /account/recoveries/: who is being let in again in one's name, to be stopped."""
    mine = member_of(request).recoveries.prefetch_related("helpers__by").order_by("-asked_at")
    shown = [(each, words(each.device)) for each in mine if each.state != "over" and each.helpers.all()]
    return render(request, "branch/recoveries.html", {"recoveries": shown, "hours": rules.WAITS})


@require_POST
@member_required
def stop(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_stop(member_of(request), get_object_or_404(Recovery, pk=key))
    messages.success(
        request,
        say(
            request,
            "已叫停。若不是您要找回的，请告诉帮忙的那两位，有人冒充您。",
            "Stopped. If it was not you who asked, please tell those who helped that somebody posed as you.",
        ),
    )
    return redirect("recoveries")

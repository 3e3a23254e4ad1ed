"""Rating notes: at the desk, one after another, or with a single-use link on a phone. Parse, call one action, render."""

from __future__ import annotations

from typing import Any, TypedDict
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chatbranch.branch import queries as branch
from chatbranch.branch.access import rater_of, rater_required
from chatbranch.branch.models import Member
from chatbranch.branch.pages import lang_of, refused, say
from chatbranch.cases import actions, queries
from chatbranch.cases.digests import digest_of
from chatbranch.cases.hearing import decision_on
from chatbranch.cases.models import Digest, Note
from chatbranch.cases.rating_links import rating_link
from chatbranch.cases.views import case_context
from chatbranch.cases.weighing import bridging_on, why
from chatbranch.consensus.reasons import SHOWN
from chatbranch.kernel.errors import Refused

_NEXT = "next"


class Said(TypedDict):
    """What the form says."""

    value: float
    reasons: list[str]
    reason: str


@require_safe
@never_cache
@rater_required
def next_note(request: HttpRequest) -> HttpResponse:
    """The note that has waited longest for the word of whoever looks."""
    rater = rater_of(request)
    waiting = queries.waiting_notes(rater)
    if not waiting:
        return render(
            request, "cases/rated.html", {"member": branch.is_member(rater), "digest": _digest_of(rater)}
        )
    page = _page(waiting[0], more=len(waiting) - 1, then=_NEXT)
    return render(request, "cases/rate.html", {**page, "digest": _digest_of(rater)})


@require_POST
@rater_required
def rate(request: HttpRequest, key: UUID) -> HttpResponse:
    """A rating by somebody signed in: from the case page, or one after another."""
    rater = rater_of(request)
    note = get_object_or_404(Note.objects.select_related("case", "by__outlet__bloc"), pk=key)
    here = request.POST.get("then") == _NEXT or not branch.is_member(rater)
    try:
        decision = actions.do_rate(rater, note, **_said(request))
    except Refused as error:
        if here:
            return refused(request, "cases/rate.html", error, failed="rate", **_page(note, then=_NEXT))
        page = case_context(request, note.case.code)
        return refused(request, "cases/case.html", error, failed=f"rate-{key}", **page)
    messages.success(request, why(note, decision).say(lang_of(request)))
    return redirect("rate-next") if here else redirect("case", code=note.case.code)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a single-use link. Looking uses nothing up: chats fetch links to show a preview."""
    link = rating_link(token)
    if request.method != "POST":
        return _private(render(request, "cases/rate.html", _page(link.note)))
    try:
        decision = actions.do_rate_by_link(token, **_said(request))
    except Refused as error:
        if not error.field:
            raise
        return _private(refused(request, "cases/rate.html", error, failed="rate", **_page(link.note)))
    said = {"decision": decision, "why": why(link.note, decision)}
    return _private(render(request, "cases/rated.html", said))


def _digest_of(rater: Member) -> dict[str, Digest | None]:
    return {"of": digest_of(rater)}


@require_POST
@rater_required
def digest(request: HttpRequest) -> HttpResponse:
    """Connect a chat for the daily digest: shows the code to send; or end it."""
    rater = rater_of(request)
    if request.POST.get("do") == "end":
        actions.do_end_digest(rater)
        messages.success(request, say(request, "不再发了。", "It has ended."))
        return redirect("rate-next")
    return render(request, "cases/digest.html", {"code": actions.do_prepare_digest(rater)})


def _page(note: Note, *, more: int = 0, then: str = "") -> dict[str, Any]:
    """then: what comes after the rating; without it the page posts to its own address, a link."""
    decision = decision_on(note)
    return {
        "action": reverse("rate", args=[note.pk]) if then else "",
        "note": note,
        "case": note.case,
        "passage": note.case.variants.order_by("-count", "first_at").first(),
        "decision": decision,
        "why": why(note, decision),
        "bridging": bridging_on(note),
        "reasons": SHOWN,
        "more": more,
        "then": then,
    }


def _said(request: HttpRequest) -> Said:
    try:
        value = float(request.POST.get("value", ""))
    except ValueError:
        value = -1.0
    return {
        "value": value,
        "reasons": request.POST.getlist("reasons"),
        "reason": request.POST.get("reason", ""),
    }


def _private(response: HttpResponse) -> HttpResponse:
    """No other site learns the address, which is a key."""
    response["Referrer-Policy"] = "no-referrer"
    return response

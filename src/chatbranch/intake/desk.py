"""The members' page of recent matches: parse, call one action, render."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chatbranch.branch import queries as branch
from chatbranch.branch.access import member_of, member_required
from chatbranch.branch.pages import lang_of, refused
from chatbranch.intake import matches
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.matching.actions import choice_of, no_such_claim, said_of


@require_safe
@member_required
def recent_matches(request: HttpRequest) -> HttpResponse:
    """What was matched of late, newest first; ?outcome=answer or suggest, ?before= for the next page."""
    return render(request, "intake/matches.html", _page(request))


def _page(request: HttpRequest) -> dict[str, object]:
    outcome = request.GET.get("outcome", "")
    rows, onward = matches.recent_matches(
        member_of(request),
        lang_of(request),
        outcome=outcome,
        before=ids.read_id(request.GET.get("before", "")),
    )
    return {
        "rows": rows,
        "next": onward,
        "outcome": outcome if outcome in matches.OUTCOMES else "",
        "may_correct": branch.desk_is_open(),
        "here": request.GET.urlencode(),
    }


@require_POST
@member_required
def correct_match(request: HttpRequest, key: UUID) -> HttpResponse:
    """A member's word on one match; back to the page it was said on, where the message stands."""
    said = choice_of(request.POST.get("is", ""), request.POST.get("at", ""))
    try:
        if said is None:
            raise no_such_claim()
        corrected = matches.do_correct(
            member_of(request),
            key,
            *said,
            note=request.POST.get("note", ""),
            keep=request.POST.get("keep") == "yes",
        )
    except Refused as error:
        if error.status == 404:
            raise Http404 from error
        return refused(request, "intake/matches.html", error, failed=f"correct-{key}", **_page(request))
    messages.success(request, said_of(corrected.came).say(lang_of(request)))
    here = request.GET.urlencode()
    return redirect(f"{reverse('matches')}{'?' + here if here else ''}#match-{key}")

"""What everyone may read and do: the code of conduct, complaining, where a complaint stands, decisions in effect, draws, remedies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chatbranch.branch.models import Member
from chatbranch.branch.pages import lang_of, refused
from chatbranch.branch.queries import is_member, unsigned
from chatbranch.conduct import code, complaining, queries
from chatbranch.conduct.actions import Complainant, Post, do_complain
from chatbranch.intake.readers import email_of, network_of, reader_of, remember
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

_TYPED = ("url", "outlet", "passage", "clause", "grounds", "insists")


@require_safe
def code_of_conduct(request: HttpRequest) -> HttpResponse:
    """The clauses; ?edition=N for an earlier edition."""
    known = code.editions()
    wanted = request.GET.get("edition", "")
    shown = next((each for each in known if str(each.version) == wanted), known[0])
    context = {
        "code": shown,
        "editions": known,
        "sha256": code.as_signed(shown).sha256("en" if lang_of(request) == "en" else "zh-Hans"),
        "unsigned": shown is known[0] and is_member(request.user) and unsigned(request.user),
    }
    return render(request, "conduct/code.html", context)


@require_safe
def decisions(request: HttpRequest) -> HttpResponse:
    """The decisions in effect, each with the outlet's reply beside it."""
    return render(request, "conduct/decisions.html", {"shown": queries.in_effect()})


@require_safe
def decision(request: HttpRequest, key: UUID) -> HttpResponse:
    """One decision in effect. When it rests, was reversed or has expired, there is no such page."""
    found = queries.in_effect(key)
    if not found:
        raise Http404
    return render(request, "conduct/decision.html", {"each": found[0]})


@require_safe
def remedies(request: HttpRequest) -> HttpResponse:
    """What else there is: courts and other bodies, told neutrally. Nothing here reports anybody to anyone."""
    return render(request, "conduct/remedies.html")


@require_safe
def draws(request: HttpRequest, key: UUID) -> HttpResponse:
    """How the panels of a matter were drawn, with all that is needed to draw again."""
    found = queries.drawn(key)
    if not found:
        raise Http404
    return render(request, "conduct/draws.html", {"draws": found, "matter": key})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def complain(request: HttpRequest) -> HttpResponse:
    """Complain about a post of a member outlet; a refusal keeps what was typed."""
    context = _form_context()
    if request.method != "POST":
        return render(request, "conduct/complain.html", context)
    reader = reader_of(request)
    try:
        post = Post(**{name: request.POST.get(name, "")[:25_000] for name in _TYPED})
        taken = do_complain(post, _who(request, reader))
    except Refused as error:
        return refused(request, "conduct/complain.html", error, **context)
    shown = {
        "key": complaining.shown_key(taken.key),
        "warning": complaining.WARNING if taken.warned else None,
        "found": queries.followed(taken.key),
    }
    response = render(request, "conduct/complained.html", shown)
    remember(response, reader)
    return response


def _form_context() -> dict[str, Any]:
    clauses = {
        number: text for number, text in code.editions()[0].clauses.items() if number != code.PATTERN_CLAUSE
    }
    works = "mail" in settings.CONFIG.connectors
    return {"outlets": queries.outlets(), "clauses": clauses, "mail_works": works}


def _who(request: HttpRequest, reader: str) -> Complainant:
    lang = lang_of(request)
    if isinstance(request.user, Member) and is_member(request.user):
        return Complainant(lang, member=request.user)
    if email := email_of(request):
        return Complainant(lang, "mail", email, network_of(request))
    return Complainant(lang, "web", reader, network_of(request))


@require_safe
@never_cache
def status(request: HttpRequest) -> HttpResponse:
    """Where a complaint stands, for whoever types its key."""
    typed = request.GET.get("key", "").strip()
    found = queries.followed(typed) if typed else None
    if typed and found is None:
        problem = Refused("no-such-key", _NO_SUCH_KEY, field="key", status=404)
        return refused(request, "conduct/status.html", problem, values={"key": typed[:40]})
    return render(request, "conduct/status.html", {"found": found})


_NO_SUCH_KEY = Phrase(
    "没有这个投诉码，请看看有没有抄错。", "There is no complaint with this key; please check it."
)

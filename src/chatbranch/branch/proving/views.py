"""Pages of accounts: for everybody what was proved, for an outlet's members the way to prove it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chatbranch.branch.access import member_of, member_required
from chatbranch.branch.models import Account, Outlet, Proving
from chatbranch.branch.pages import refused, say
from chatbranch.branch.proving import actions, dns, places, queries, rules, wellknown
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused


@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """GET /accounts/: where the branch's outlets publish, and how each account was shown to be theirs."""
    return render(request, "branch/accounts.html", {"outlets": queries.accounts()})


@require_safe
def account(request: HttpRequest, key: UUID) -> HttpResponse:
    """GET /accounts/<id>/: one account, its evidence, and where its outlet is now if it was closed."""
    found = get_object_or_404(Account.objects.select_related("outlet"), pk=key)
    context = {"card": queries.card(found), "elsewhere": queries.elsewhere(found)}
    return render(request, "branch/account.html", context)


@require_safe
def evidence(request: HttpRequest, key: UUID) -> HttpResponse:
    """GET /accounts/evidence/<id>.txt: what was seen, as it was kept."""
    found = queries.evidence(key)
    if found is None:
        raise Http404
    answer = HttpResponse(found.text.encode(), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.sha256[:16]}.txt"'
    return answer


@require_safe
@member_required
def own(request: HttpRequest) -> HttpResponse:
    """GET /desk/accounts/: the accounts of one's outlet, and codes that wait for one's eyes."""
    return render(request, "branch/own_accounts.html", _own_page(request))


@require_POST
@member_required
def add(request: HttpRequest) -> HttpResponse:
    actor = member_of(request)
    outlet = get_object_or_404(Outlet, pk=ids.read_id(request.POST.get("outlet", "")) or actor.outlet_id)
    try:
        made = actions.do_add_account(actor, outlet, request.POST.get("address", ""))
    except Refused as error:
        return refused(request, "branch/own_accounts.html", error, **_own_page(request))
    return redirect("prove", made.pk)


@require_safe
@member_required
def prove(request: HttpRequest, key: UUID) -> HttpResponse:
    """GET /desk/accounts/<id>/: the ways to prove one account, and how each stands."""
    return render(request, "branch/prove.html", _prove_page(request, _account(request, key)))


@require_POST
@member_required
def start(request: HttpRequest, key: UUID) -> HttpResponse:
    found = _account(request, key)
    try:
        actions.do_start_proving(member_of(request), found, request.POST.get("method", ""))
    except Refused as error:
        return refused(request, "branch/prove.html", error, **_prove_page(request, found))
    return redirect(f"{reverse('prove', args=[key])}#way-{request.POST['method']}")


@require_POST
@member_required
def look(request: HttpRequest, key: UUID) -> HttpResponse:
    """The code is in place: it is written that it shall be looked at, and then looked at, at once."""
    proving = get_object_or_404(Proving.objects.select_related("account__outlet"), pk=key)
    try:
        actions.do_ask_look(member_of(request), proving, request.POST.get("post", ""))
        good = actions.do_look(proving)
    except Refused as error:
        page = _prove_page(request, proving.account)
        return refused(request, "branch/prove.html", error, failed=proving.method, **page)
    if good:
        messages.success(request, say(request, "看到了，已核验。", "Seen: the account is proved."))
    elif good is None and proving.method == Proving.Method.SHOWN:
        messages.success(
            request,
            say(
                request,
                "记下了。请两位其他账号的成员在“主页”页上确认。",
                "Noted. Two members of other outlets can now confirm it under “Accounts”.",
            ),
        )
    return redirect(f"{reverse('prove', args=[proving.account_id])}#way-{proving.method}")


@require_POST
@member_required
def see(request: HttpRequest, key: UUID) -> HttpResponse:
    """A member of another outlet has seen the code with their own eyes."""
    actions.do_see(member_of(request), get_object_or_404(Proving, pk=key))
    messages.success(request, say(request, "谢谢，记下了。", "Thank you; noted."))
    return redirect("own_accounts")


@require_POST
@member_required
def close(request: HttpRequest, key: UUID) -> HttpResponse:
    found = get_object_or_404(Account.objects.select_related("outlet"), pk=key)
    actions.do_close_account(member_of(request), found, request.POST.get("why", ""))
    messages.success(
        request,
        say(
            request,
            "记下了。读者在这个主页的页面上会看到你们现在在哪里。",
            "Noted. On this account's page readers now see where you are.",
        ),
    )
    return redirect("account", key)


@require_POST
@member_required
def reopen(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_reopen_account(member_of(request), get_object_or_404(Account, pk=key))
    return redirect("prove", key)


def _account(request: HttpRequest, key: UUID) -> Account:
    found = get_object_or_404(Account.objects.select_related("outlet"), pk=key)
    queries.may_tend(member_of(request), found.outlet)
    return found


def _own_page(request: HttpRequest) -> dict[str, Any]:
    actor = member_of(request)
    mine = queries.own_accounts(actor)
    return {
        "outlet": actor.outlet,
        "cards": [queries.card(each) for each in mine],
        "to_look_at": queries.to_look_at(actor),
        "suggested": actor.outlet.address if not mine and "." in actor.outlet.address else "",
    }


def _prove_page(request: HttpRequest, found: Account) -> dict[str, Any]:
    """Each way with its state, and what is to be put where."""
    place = places.read(found.address)
    held = {each.method: each for each in found.provings.all()}
    now = clock.now()
    ways = []
    for method in rules.methods_for(place):
        proving = held.get(method)
        state = "" if proving is None else _state(proving)
        until = proving.started_at + rules.lasts(method) if proving else now
        ways.append(
            {
                "method": method,
                "name": rules.METHODS[method],
                "proving": proving,
                "state": state,
                "why": rules.WHY.get(proving.why) if proving else None,
                "until": until,
            }
        )
    return {
        "account": found,
        "place": place,
        "ways": ways,
        "record_name": dns.name(place.host) if place.is_site else "",
        "file": wellknown.address(place.site),
        "ours": queries.our_page(found),
    }


def _state(proving: Proving) -> str:
    return rules.state(
        rules.method(proving.method),
        started_at=proving.started_at,
        proved_at=proving.proved_at,
        unproved_at=proving.unproved_at,
        now=clock.now(),
    )

"""Pages of founding, joining and membership: parse, call one action, render."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import views as webauthn
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chatbranch.branch import actions, code, notices, queries, rules
from chatbranch.branch.access import member_of, member_required, rater_of, rater_required
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Interest, Invitation, Member, Notice, Outlet
from chatbranch.branch.pages import lang_of, refused, say
from chatbranch.branch.signin import MFAAdapter, welcome
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused

form_page = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@form_page
@sensitive_post_parameters("password")
def found(request: HttpRequest, token: str) -> HttpResponse:
    """The founding link: name, charter, first outlet, first member; then on to the second factor."""
    try:
        _check_link(token, founding=True)
    except Refused:
        raise queries.founding_is_over() from None
    if request.method != "POST":
        return render(request, "branch/found.html", {"means": rules.BLOC_MEANS, "places": _OTHERS})
    try:
        steward, links = actions.do_found_together(
            token,
            name=request.POST.get("branch", ""),
            charter=request.POST.get("charter", ""),
            outlet=_outlet(request),
            person=_person(request),
            others=_other_outlets(request),
        )
    except Refused as error:
        if not error.field:
            raise
        return refused(request, "branch/found.html", error, means=rules.BLOC_MEANS, places=_OTHERS)
    onward = welcome(request, steward)
    if not links:
        return onward
    shown = [(name, settings.CONFIG.url + reverse("join", args=[link])) for name, link in links]
    context = {"links": shown, "days": rules.INVITATION_LASTS.days, "onward": onward["Location"]}
    return render(request, "branch/founded.html", context)


@never_cache
@form_page
@sensitive_post_parameters("password")
def join(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation: one's name, a sign-in name, a password; then on to the second factor."""
    link = _check_link(token, founding=False)
    lacks = queries.admission_lacks(link)
    context = {
        "link": link,
        "outlet": link.outlet.name if link.outlet else link.new_outlet.get("name"),
        "lacks": rules.LACKING[lacks] if lacks else None,
        "founding_month": queries.is_founding_month(),
        "code": code.current(),
        "code_hash": code.current().sha256(_signing_lang(request)),
    }
    if request.method != "POST":
        return render(request, "branch/join.html", context)
    try:
        member = actions.do_join(token, _person(request), signed=request.POST.get("signed", ""))
    except Refused as error:
        if not error.field:
            raise
        return refused(request, "branch/join.html", error, **context)
    return welcome(request, member)


@never_cache
@form_page
@sensitive_post_parameters("password")
def renew(request: HttpRequest, token: str) -> HttpResponse:
    """A member who lost their keys sets a new password; the second factor is set up anew afterwards."""
    link = queries.invitation(token)
    if link.renews is None:
        raise queries.link_is_over()
    if request.method != "POST":
        return render(request, "branch/renew.html", {"link": link})
    try:
        member = actions.do_renew(token, request.POST.get("password", ""))
    except Refused as error:
        if not error.field:
            raise
        return refused(request, "branch/renew.html", error, link=link)
    return welcome(request, member)


@require_GET
def lost_keys(request: HttpRequest) -> HttpResponse:
    """What to do when a password or a phone is lost."""
    return render(request, "branch/lost.html")


def remove_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """allauth's page, unless this passkey is the only second factor."""
    held = Authenticator.objects.filter(pk=pk, user_id=request.user.pk).first()
    if held is not None and not MFAAdapter().can_delete_authenticator(held):
        messages.warning(request, str(MFAAdapter.error_messages["cannot_delete_authenticator"]))
        return redirect("mfa_list_webauthn")
    response: HttpResponse = webauthn.remove_webauthn(request, pk=pk)
    return response


@require_GET
@member_required
def members(request: HttpRequest) -> HttpResponse:
    """Everybody and every outlet of the branch, with blocs and declared interests, and the way to invite more."""
    return render(request, "branch/members.html", _members_page(request))


@require_POST
@member_required
def invite(request: HttpRequest) -> HttpResponse:
    """Make an invitation and show its link, once."""
    actor = member_of(request)
    outlet: Outlet | NewOutlet
    if request.POST.get("to") == "new":
        outlet = replace(_outlet(request), peer=" ".join(request.POST.get("peer", "").split()))
    else:
        outlet = get_object_or_404(Outlet, pk=ids.read_id(request.POST.get("to", "")), left_at=None)
    role = rules.PEER if outlet.peer else request.POST.get("role", rules.MEMBER)
    try:
        token = actions.do_invite(actor, outlet, role, whom=request.POST.get("whom", ""))
    except Refused as error:
        return refused(request, "branch/members.html", error, **_members_page(request))
    link = settings.CONFIG.url + reverse("join", args=[token])
    return render(
        request,
        "branch/invited.html",
        {
            "link": link,
            "outlet": outlet.name,
            "peer": outlet.peer,
            "founding_month": queries.is_founding_month(),
            "days": (rules.INVITATION_LASTS if queries.is_founding_month() else rules.ADMISSION_LASTS).days,
        },
    )


@require_POST
@member_required
def vouch(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_vouch(member_of(request), get_object_or_404(Invitation, pk=key))
    messages.success(request, say(request, "谢谢，您的担保记下了。", "Thank you; your word is noted."))
    return redirect("members")


@require_POST
@member_required
def sign_code(request: HttpRequest) -> HttpResponse:
    actions.do_sign_code(member_of(request), request.POST.get("signed", ""), lang_of(request))
    messages.success(request, say(request, "已签。", "Signed."))
    return redirect("code-of-conduct")


@require_POST
@member_required
def withdraw_invitation(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_withdraw_invitation(member_of(request), get_object_or_404(Invitation, pk=key))
    messages.success(
        request,
        say(request, "邀请已收回，链接不再有效。", "The invitation is withdrawn; its link no longer works."),
    )
    return redirect("members")


@require_POST
@member_required
def declare_interest(request: HttpRequest) -> HttpResponse:
    try:
        actions.do_declare_interest(member_of(request), request.POST.get("matter", ""))
    except Refused as error:
        return refused(request, "branch/members.html", error, **_members_page(request))
    messages.success(request, say(request, "已记下，其他成员都看得到。", "Noted, for every member to see."))
    return redirect("members")


@require_POST
@member_required
def end_interest(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_end_interest(member_of(request), get_object_or_404(Interest, pk=key))
    return redirect("members")


@require_POST
@member_required
def change_bloc(request: HttpRequest, key: UUID) -> HttpResponse:
    outlet = get_object_or_404(Outlet, pk=key, left_at=None)
    actions.do_change_bloc(
        member_of(request), outlet, request.POST.get("bloc", ""), request.POST.get("means", "")
    )
    messages.success(request, say(request, "所属圈已更改。", "The bloc is changed."))
    return redirect("members")


@require_POST
@member_required
def end_peer(request: HttpRequest, key: UUID) -> HttpResponse:
    outlet = get_object_or_404(Outlet, pk=key, left_at=None)
    actions.do_end_peer(member_of(request), outlet)
    messages.success(
        request,
        say(
            request, "{outlet}不再评价这里的提案。", "{outlet} rates no more notes here.", outlet=outlet.name
        ),
    )
    return redirect("members")


@require_POST
@member_required
def write_charter(request: HttpRequest) -> HttpResponse:
    actions.do_write_charter(member_of(request), request.POST.get("charter", ""))
    messages.success(request, say(request, "章程已更新。", "The charter is updated."))
    return redirect("members")


@require_POST
@member_required
def set_role(request: HttpRequest, key: UUID) -> HttpResponse:
    actions.do_set_role(member_of(request), get_object_or_404(Member, pk=key), request.POST.get("role", ""))
    return redirect("members")


@form_page
@member_required
def leave(request: HttpRequest) -> HttpResponse:
    """Leaving: said what it means first, then done."""
    if request.method != "POST":
        return render(request, "branch/leave.html")
    actions.do_leave(member_of(request))
    logout(request)
    messages.success(
        request,
        say(
            request,
            "您已离开分会。谢谢您做过的事。",
            "You have left the branch. Thank you for what you did here.",
        ),
    )
    return redirect("/")


@require_POST
@rater_required
def read_notice(request: HttpRequest, key: UUID) -> HttpResponse:
    notices.do_read(rater_of(request), get_object_or_404(Notice, pk=key))
    return redirect("desk")


def _members_page(request: HttpRequest) -> dict[str, object]:
    actor = member_of(request)
    return {
        "me": actor,
        "branch": queries.branch(),
        "members": queries.members(actor),
        "outlets": queries.outlets(actor),
        "peers": queries.peers(actor),
        "blocs": queries.blocs(actor),
        "invitations": queries.invitations(actor),
        "admissions": queries.admissions(actor),
        "founding_month": queries.is_founding_month(),
        "unsigned": queries.unsigned(actor),
        "means": rules.BLOC_MEANS,
        "is_steward": actor.role == Member.Role.STEWARD,
        "alone": not queries.desk_is_open(),
        "now": clock.now(),
    }


def _check_link(token: str, *, founding: bool) -> Invitation:
    link = queries.invitation(token)
    if link.founding is not founding or link.renews_id:
        raise queries.link_is_over()
    return link


def _outlet(request: HttpRequest, place: str = "") -> NewOutlet:
    """The outlet of the form's fields; `place` stands after their names where there are several."""
    names = {
        "name": "outlet",
        "platform": "platform",
        "owner": "owner",
        "bloc": "bloc",
        "means": "means",
        "address": "address",
    }
    return NewOutlet.from_dict(
        {field: request.POST.get(posted + place, "") for field, posted in names.items()}
    )


_OTHERS = ("-2", "-3", "-4", "-5", "-6")
"""Places of the founding page for other outlets of the first day."""


def _other_outlets(request: HttpRequest) -> list[NewOutlet]:
    """The other outlets that were filled in; a refusal names the field at its place."""
    found = []
    for place in _OTHERS:
        outlet = _outlet(request, place)
        if not outlet.name:
            continue
        try:
            outlet.check()
        except Refused as error:
            error.field += place
            raise
        found.append(outlet)
    return found


def _signing_lang(request: HttpRequest) -> str:
    return "en" if lang_of(request) == "en" else "zh-Hans"


def _person(request: HttpRequest) -> Person:
    given = {name: " ".join(request.POST.get(name, "").split()) for name in ("person", "username")}
    return Person(given["person"], given["username"], request.POST.get("password", ""), lang_of(request))

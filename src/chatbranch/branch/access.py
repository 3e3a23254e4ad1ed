"""Who may enter the members' pages: members of the branch, signed in, with a second factor set up."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from chatbranch.branch import queries
from chatbranch.branch.models import Member

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

SECOND_FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


def has_second_factor(member: Member) -> bool:
    """Whether a passkey or an authenticator app is set up; recovery codes alone do not count."""
    return bool(is_mfa_enabled(member, SECOND_FACTORS))


def rater_of(request: HttpRequest) -> Member:
    """The member or peer who looks. For views behind rater_required; refuses anybody else."""
    return queries.rater(request.user)


def member_of(request: HttpRequest) -> Member:
    """The member who looks. For views behind member_required; refuses anybody else."""
    return queries.insider(request.user)


def member_required(view: View[P]) -> View[P]:
    """Only members come in. Others are led to sign in, and a member without a second factor to set one up."""

    @wraps(view)
    @rater_required
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not queries.is_member(request.user):
            return redirect("rate-next")  # all there is here for a peer
        return view(request, *args, **kwargs)

    return guarded


def rater_required(view: View[P]) -> View[P]:
    """As member_required, for members and for peers."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not queries.is_rater(request.user):
            return redirect_to_login(request.get_full_path())
        if not has_second_factor(rater_of(request)):
            return redirect("mfa_index")
        return view(request, *args, **kwargs)

    return guarded


def steward_required(view: View[P]) -> View[P]:
    """Only stewards come in; other members are told whom to ask."""

    @wraps(view)
    @member_required
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        queries.steward(request.user)
        return view(request, *args, **kwargs)

    return guarded

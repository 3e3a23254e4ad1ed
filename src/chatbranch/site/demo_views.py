"""The page of the demo on which one chooses whom to be. It exists only in a demo's data folder, and only on this machine."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from chatbranch.branch.models import Member
from chatbranch.site.demo import MARK


def is_demo() -> bool:
    """Whether this data folder holds the fictional branch, listening on this machine only."""
    try:
        local = settings.CONFIG.host == "localhost" or ipaddress.ip_address(settings.CONFIG.host).is_loopback
    except ValueError:
        local = False
    return local and not settings.CONFIG.public_url and (settings.CONFIG.data / MARK).exists()


@require_http_methods(["GET", "POST"])
def demo(request: HttpRequest) -> HttpResponse:
    """Choose a member of the fictional branch, and be signed in as them."""
    if not is_demo():
        raise Http404
    if request.method == "POST":
        member = get_object_or_404(Member, username=request.POST.get("username", ""), left_at=None)
        login(request, member, backend="allauth.account.auth_backends.AuthenticationBackend")
        return redirect("/desk/")
    return render(
        request, "demo.html", {"members": Member.objects.filter(left_at=None).select_related("outlet__bloc")}
    )

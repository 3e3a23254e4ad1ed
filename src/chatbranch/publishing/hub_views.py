"""The hub's address."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatbranch.branch.pages import lang_of
from chatbranch.kernel.errors import Refused
from chatbranch.publishing.hub import do_ask, topics
from chatbranch.publishing.rules import check_asked


@csrf_exempt
@require_POST
def hub(request: HttpRequest) -> HttpResponse:
    """POST /hub: subscribe or unsubscribe; 202, for whoever answers at the callback is asked first (WebSub, section 5)."""
    try:
        do_ask(check_asked(request.POST.dict(), topics()))
    except Refused as refused:
        said = refused.say(lang_of(request))
        response = HttpResponse(said, "text/plain; charset=utf-8", status=refused.status)
        for name, value in refused.headers.items():
            response[name] = value
        return response
    return HttpResponse(status=202)

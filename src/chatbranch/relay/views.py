"""The members' page of conversations over several platforms; stewards join and part rooms there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from chatbranch.branch.access import member_of, member_required
from chatbranch.branch.pages import lang_of, refused, say
from chatbranch.branch.queries import is_steward
from chatbranch.deliveries.queries import channels, reason_in_words
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.relay import actions, queries
from chatbranch.relay.models import Route
from chatbranch.relay.picture import HEIGHT, ROOM_HEIGHT, ROOM_WIDTH, WIDTH, spokes
from chatbranch.relay.platforms import rooms, title

PAGE = "relay/rooms.html"
HEALTH = {
    "connected": Phrase("已连接", "connected"),
    "reconnecting": Phrase("重新连接中", "reconnecting"),
    "broken": Phrase("需要处理", "needs attention"),
}
LENGTHS = (
    (86_400.0, Phrase("{n}天", "{n} d")),
    (3_600.0, Phrase("{n}小时", "{n} h")),
    (60.0, Phrase("{n}分钟", "{n} min")),
    (1.0, Phrase("{n}秒", "{n} s")),
)


@require_safe
@member_required
def conversations(request: HttpRequest) -> HttpResponse:
    """GET /desk/rooms/: every route as a picture and a list."""
    return render(request, PAGE, _context(request))


@require_POST
@member_required
def make_route(request: HttpRequest) -> HttpResponse:
    """A new conversation; by a steward."""
    try:
        actions.do_make_route(member_of(request), request.POST.get("name", ""), lang_of(request))
    except Refused as error:
        return refused(request, PAGE, error, failed="make-route", **_context(request))
    messages.success(request, say(request, "已建立。现在把群接进来。", "Made. Now join rooms to it."))
    return redirect("conversations")


@require_POST
@member_required
def join_room(request: HttpRequest, key: UUID) -> HttpResponse:
    """Join a room to a conversation; by a steward."""
    route, given = get_object_or_404(Route, pk=key), request.POST
    try:
        actions.do_join(member_of(request), route, given.get("channel", ""), given.get("address", ""))
    except Refused as error:
        return refused(request, PAGE, error, failed=f"join-{route.pk}", **_context(request))
    messages.success(request, say(request, "已接入，各群都会收到通知。", "Joined; every room is told."))
    return redirect("conversations")


@require_POST
@member_required
def part_room(request: HttpRequest, key: UUID) -> HttpResponse:
    """Take a room out; by a steward."""
    actions.do_part(member_of(request), key)
    messages.success(request, say(request, "已移出，各群都会收到通知。", "Taken out; every room is told."))
    return redirect("conversations")


@require_POST
@member_required
def end_route(request: HttpRequest, key: UUID) -> HttpResponse:
    """End a conversation; by a steward."""
    actions.do_end_route(member_of(request), get_object_or_404(Route, pk=key))
    return redirect("conversations")


def _context(request: HttpRequest) -> dict[str, Any]:
    actor, lang = member_of(request), lang_of(request)
    return {
        "routes": [(route, _drawn(legs, lang)) for route, legs in queries.routes(actor)],
        "channels": [
            {
                "title": title(each.name, lang),
                "health": each.health,
                "said": _said(each.health, lang),
                "why": each.why,
                "since": each.since,
            }
            for each in channels().values()
        ],
        "choices": [(name, title(name, lang)) for name in rooms()],
        "is_steward": is_steward(actor),
        "size": {
            "width": WIDTH,
            "height": HEIGHT,
            "x": WIDTH // 2,
            "y": HEIGHT // 2,
            "room_width": ROOM_WIDTH,
            "room_height": ROOM_HEIGHT,
        },
    }


def _drawn(legs: list[queries.LegView], lang: str) -> list[dict[str, Any]]:
    places = spokes([each.traffic.accepted for each in legs])
    return [
        {
            "leg": each.leg,
            "title": title(each.leg.channel, lang),
            "health": each.channel.health if each.channel else "unknown",
            "said": _said(each.channel.health if each.channel else "", lang),
            "traffic": each.traffic,
            "waited": _waited(each.traffic.lag, lang),
            "failures": [(reason_in_words(reason, lang), n) for reason, n in each.traffic.failed.items()],
            "spoke": spoke,
        }
        for each, spoke in zip(legs, places, strict=True)
    ]


def _waited(seconds: float, lang: str) -> str:
    """A stretch of time in its largest unit, short enough for the picture."""
    length, unit = next((each for each in LENGTHS if seconds >= each[0]), LENGTHS[-1])
    return unit.say(lang, n=round(seconds / length))


def _said(health: str, lang: str) -> str:
    return HEALTH.get(health, Phrase("尚无消息", "not heard of yet")).say(lang)

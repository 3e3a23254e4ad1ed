"""GET /metrics: how the channels and the legs of every route are, in Prometheus' text format (version 0.0.4).

Open to this machine and to members: it names no asker, no address and no text, but how busy a branch is, is its own affair.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chatbranch.branch.queries import is_member
from chatbranch.deliveries import queries as deliveries
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.relay import queries as relay
from chatbranch.relay.rules import mark

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
HELP = {
    "channel_up": "Whether a channel is connected (1) or not (0).",
    "deliveries": "Messages of a channel in the outbox, by state.",
    "leg_accepted": "Messages carried to a room in the last day.",
    "leg_queued": "Messages that wait for a room.",
    "leg_lag_seconds": "How long the oldest waiting message has waited.",
    "leg_failed": "Messages to a room that failed in the last day, by reason.",
    "leg_last_success_timestamp_seconds": "When a room last took a message.",
}

Sample = tuple[str, Mapping[str, str], float]


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Refuses whoever is neither on this machine nor a member."""
    if not (_is_local(request.META.get("REMOTE_ADDR", "")) or is_member(request.user)):
        raise Refused(
            "members-only",
            Phrase("这里只对本机和成员开放。", "This is open to this machine and to members only."),
            status=403,
        )
    return HttpResponse(exposition([*_channels(), *_legs()]), content_type=FORMAT)


def exposition(samples: list[Sample]) -> str:
    """Samples (name, labels, value), those of one name together, as text."""
    lines: list[str] = []
    for name in HELP:
        own = [(labels, value) for each, labels, value in samples if each == name]
        if own:
            lines += [f"# HELP chatbranch_{name} {HELP[name]}", f"# TYPE chatbranch_{name} gauge"]
            lines += [f"chatbranch_{name}{{{_labels(labels)}}} {value:.15g}" for labels, value in own]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _channels() -> Iterator[Sample]:
    for each in deliveries.channels().values():
        yield "channel_up", {"channel": each.name}, float(each.health == "connected")
    for tally in deliveries.tallies():
        for state in ("queued", "sent", "failed"):
            yield "deliveries", {"channel": tally.channel, "state": state}, getattr(tally, state)


def _legs() -> Iterator[Sample]:
    for route, legs in relay.all_routes():
        for view in legs:
            traffic = view.traffic
            room = {
                "route": route.name,
                "channel": view.leg.channel,
                "room": mark(view.leg.channel, view.leg.address),
            }
            yield "leg_accepted", room, traffic.accepted
            yield "leg_queued", room, traffic.queued
            yield "leg_lag_seconds", room, traffic.lag
            for reason, count in traffic.failed.items():
                yield "leg_failed", {**room, "reason": reason}, count
            if traffic.last_sent:
                yield "leg_last_success_timestamp_seconds", room, traffic.last_sent.timestamp()


def _is_local(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

"""Reading routes, and finding what a message of one room is called elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from chatbranch.branch.queries import Looker, insider
from chatbranch.deliveries import queries as deliveries
from chatbranch.deliveries.queries import ChannelHealth, Traffic
from chatbranch.relay.models import Carried, Leg, Route


@dataclass(frozen=True)
class LegView:
    """One room of a route: who it is, how its channel is, and how much goes there."""

    leg: Leg
    channel: ChannelHealth | None
    traffic: Traffic


def leg_at(channel: str, address: str) -> Leg | None:
    """The leg of a room, with its route and all its legs at hand; None for a room in no route."""
    found = Leg.objects.filter(channel=channel, address=address).select_related("route")
    return found.prefetch_related("route__legs").first()


def legs_with(rooms: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Leg]:
    """(channel, address) -> leg, of these rooms (at most some hundred) and all that share a route with them."""
    these = [Q(channel=channel, address=address) for channel, address in set(rooms)]
    if not these:
        return {}
    routes = Leg.objects.filter(reduce(or_, these)).values("route")
    found = Leg.objects.filter(route__in=routes).select_related("route").order_by("id")
    return {(leg.channel, leg.address): leg for leg in found}


def carried_as(leg: Leg, message_id: str) -> Carried | None:
    """The message that a room knows by this id: said there, or our copy of one said elsewhere."""
    if not message_id:
        return None
    said = Carried.objects.filter(leg=leg, message_id=message_id, deed="").select_related("leg").first()
    if said is not None:
        return said
    about = deliveries.about_receipt(leg.pseudonym, message_id)
    return Carried.objects.filter(pk=about, deed="").select_related("leg").first() if about else None


def routes(actor: Looker) -> list[tuple[Route, list[LegView]]]:
    """Every route with its rooms, for members."""
    insider(actor)
    return all_routes()


def all_routes() -> list[tuple[Route, list[LegView]]]:
    """Every route with its rooms; for whoever has looked at who asks."""
    channels = deliveries.channels()
    found = []
    for route in Route.objects.prefetch_related("legs").order_by("name"):
        legs = sorted(route.legs.all(), key=lambda leg: (leg.channel, leg.address))
        found.append((route, _views(legs, channels)))
    return found


def _views(legs: Sequence[Leg], channels: dict[str, ChannelHealth]) -> list[LegView]:
    traffic = deliveries.traffic([leg.pseudonym for leg in legs])
    return [LegView(leg, channels.get(leg.channel), traffic[leg.pseudonym]) for leg in legs]

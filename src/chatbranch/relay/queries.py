"""Reading routes, and finding what a message of one room is called elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chatbranch.branch.queries import Looker, insider
from chatbranch.deliveries import queries as deliveries
from chatbranch.deliveries.queries import ChannelHealth, Traffic
from chatbranch.relay import statements
from chatbranch.relay.models import Carried, Leg, Route


@dataclass(frozen=True)
class LegView:
    """One room of a route: who it is, how its channel is, and how much goes there."""

    leg: Leg
    channel: ChannelHealth | None
    traffic: Traffic


@dataclass(frozen=True)
class Room:
    """A leg as carrying sees it."""

    id: UUID
    route: UUID
    lang: str
    channel: str
    address: str
    pseudonym: str


def rooms_with(places: Iterable[tuple[str, str]]) -> list[Room]:
    """These rooms (channel, address; at most some hundred), where they are in a route, and all that share it with them."""
    return [Room(*row) for row in statements.rooms(places)]


def carried_as(room: Room, message_id: str) -> Carried | None:
    """The message that a room knows by this id: said there, or our copy of one said elsewhere."""
    if not message_id:
        return None
    said = Carried.objects.filter(leg_id=room.id, message_id=message_id, deed="").first()
    if said is not None:
        return said
    about = deliveries.about_receipt(room.pseudonym, message_id)
    return Carried.objects.filter(pk=about, deed="").first() if about else None


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

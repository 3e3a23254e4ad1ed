"""Making and ending routes, and joining rooms to them: on the desk, by a word said in the room, or in the settings file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction

from chatbranch.branch.queries import Looker, steward
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries.actions import Message
from chatbranch.journal.actions import do_record, take_turn
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS, Phrase
from chatbranch.relay import rules
from chatbranch.relay.models import Leg, Route
from chatbranch.relay.platforms import able, title


def do_make_route(actor: Looker, name: str, lang: str = "zh-Hans") -> Route:
    """A new conversation without rooms yet; by a steward. Refuses a name that is taken, or empty."""
    steward(actor)
    name = " ".join(name.split())[:80]
    if not name or Route.objects.filter(name=name).exists():
        raise Refused(
            "route-name",
            Phrase("请起一个还没用过的名字。", "Please give it a name that is not taken yet."),
            field="name",
        )
    return _make_route(name, lang, in_file=False)


def do_join(actor: Looker, route: Route, channel: str, address: str) -> Leg:
    """Join a room to a route, by a steward's hand. Refuses a channel that is off, and a room that is in a route already."""
    steward(actor)
    return _join(route, channel, address.strip())


def do_join_by_word(inbound: Inbound) -> Leg | None:
    """Join the room a message was said in, where it is addressed to us and says a route's word; None otherwise."""
    word = "" if inbound.direct or not inbound.mentioned else rules.word_in(inbound.text)
    route = Route.objects.filter(word=word).first() if word else None
    return _join(route, inbound.channel, inbound.address) if route else None


def do_part(actor: Looker, leg_id: UUID) -> None:
    """Take a room out of its route. What is still on its way to it is not sent."""
    steward(actor)
    leg = Leg.objects.select_related("route").filter(pk=leg_id).first()
    if leg is None:
        raise Refused("no-such-room", Phrase("没有这个群。", "There is no such room."), status=404)
    _part(leg)


def do_end_route(actor: Looker, route: Route) -> None:
    """End a conversation: its rooms stay, each by itself."""
    steward(actor)
    for leg in route.legs.select_related("route"):
        _part(leg)
    route.delete()


@transaction.atomic
def do_follow_settings(routes: Mapping[str, Mapping[str, object]]) -> None:
    """Bring the routes of the settings file into being: `[relay.<name>] lang = "en", rooms = ["irc #water", …]`.

    A route that is no longer there ends. Raises Refused for a room that another route has, or a channel that is off, and then changes
    nothing.
    """
    take_turn()  # two processes may start at once
    for route in Route.objects.filter(in_file=True).exclude(name__in=routes):
        for leg in route.legs.select_related("route"):
            _part(leg)
        route.delete()
    for name, wanted in routes.items():
        lang = str(wanted.get("lang", "zh-Hans"))
        route = Route.objects.filter(name=name).first() or _make_route(name, lang, in_file=True)
        rooms = {tuple(str(each).split(None, 1)) for each in _rooms(name, wanted)}
        for leg in route.legs.select_related("route"):
            if (leg.channel, leg.address) not in rooms:
                _part(leg)
        known = {(leg.channel, leg.address) for leg in route.legs.all()}
        for channel, address in sorted(rooms - known):
            _join(route, channel, address)


def _rooms(name: str, wanted: Mapping[str, object]) -> list[str]:
    rooms = wanted.get("rooms")
    if not isinstance(rooms, list) or not all(len(str(each).split(None, 1)) == 2 for each in rooms):
        raise Refused(
            "route-rooms",
            Phrase(
                "[relay.{name}] 需要 rooms = ['渠道 地址', …]。",
                "[relay.{name}] needs rooms = ['channel address', …].",
            ),
            name=name,
        )
    return [str(each) for each in rooms]


def _make_route(name: str, lang: str, *, in_file: bool) -> Route:
    lang = lang if lang in LANGS else "zh-Hans"
    return Route.objects.create(name=name, lang=lang, in_file=in_file, word=secrets.token_hex(4))


def _join(route: Route, channel: str, address: str) -> Leg:
    if not able(channel).rooms or not address:
        raise Refused(
            "no-such-channel",
            Phrase("“{channel}”没有开通，或者没有群。", "“{channel}” is not switched on, or has no rooms."),
            field="channel",
            channel=channel,
        )
    key = ids.new_id()
    try:
        with transaction.atomic():
            pseudonym = contacts.do_keep(channel, address, key, route.lang)
            leg = Leg.objects.create(
                pk=key, route=route, channel=channel, address=address, pseudonym=pseudonym
            )
            do_record("relay.joined", route.pk, channel=channel)
            _announce(leg, "joined", rules.JOINED)
    except IntegrityError:
        return _already(route, channel, address)
    return leg


def _already(route: Route, channel: str, address: str) -> Leg:
    leg = Leg.objects.select_related("route").get(channel=channel, address=address)
    if leg.route_id != route.pk:
        raise Refused(
            "room-taken",
            Phrase("这个群已经在“{route}”里。", "This room is in “{route}” already."),
            field="address",
            status=409,
            route=leg.route.name,
        )
    return leg


def _part(leg: Leg) -> None:
    with transaction.atomic():
        do_record("relay.parted", leg.route_id, channel=leg.channel)
        contacts.do_erase([leg.pseudonym])
        _announce(leg, "parted", rules.PARTED)
        leg.delete()


def _announce(leg: Leg, what: str, phrase: Phrase) -> None:
    """Tell every room of a route who joined it or left it: nobody speaks into rooms they do not know of."""
    lang = leg.route.lang
    text = phrase.say(lang, platform=title(leg.channel, lang), route=leg.route.name)
    deliveries.do_queue_many(
        Message(each.pseudonym, "relay-notice", text, f"relay:{what}:{leg.pk}:{each.pk}", leg.route_id)
        for each in Leg.objects.filter(route=leg.route)
    )

"""Carrying what is said in one room of a route to its other rooms, and joining rooms to routes.

Each message and each deed is taken once (the platform's id says which), in one transaction with the deliveries to the other
rooms; the outbox does the rest: order, retries, receipts. Where an edit, a reply or a reaction must find the copy in
another room, it names the delivery that carried it, so it finds it also while that is still waiting, and weeks later.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from chatbranch.branch.queries import Looker, steward
from chatbranch.connectors.contract import Capabilities
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries.actions import Message
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Change, Gap, Inbound
from chatbranch.kernel.phrases import LANGS, Phrase
from chatbranch.relay import queries, rules
from chatbranch.relay.models import Carried, Leg, Route
from chatbranch.relay.platforms import able, title

KEEP = timedelta(days=90)

# --- carrying ----------------------------------------------------------------------------------------------------------


def do_carry(inbound: Inbound) -> list[str]:
    """Carry a message of a room to the other rooms of its route; returns the channels that have something to send.

    A message said one to one is never carried, whatever it holds and wherever it was said.
    """
    here = None if inbound.direct else queries.leg_at(inbound.channel, inbound.address)
    inbound = _in_own_words(inbound)
    if here is None or not (inbound.text.strip() or inbound.attachments):
        return []
    others = _others(here, inbound.trail)
    trail = rules.onward(inbound.trail, [rules.mark(leg.channel, leg.address) for leg in [here, *others]])
    about = queries.carried_as(here, inbound.in_reply_to)
    root = queries.carried_as(here, inbound.thread)
    packed = deliveries.pack(inbound.attachments) if any(able(leg.channel).files for leg in others) else []
    by = rules.name_of(inbound)
    carried = Carried(id=ids.new_id(), leg=here, message_id=inbound.message_id, gist=rules.gist(inbound.text))
    messages: list[Message] = []
    for leg in others:
        copy = _copy(inbound, by, here, leg, about)
        carried.parts[str(leg.pk)] = len(copy.parts)
        messages += _messages(carried, leg, copy, trail, about, root, packed)
    return _write(carried, inbound.sender, messages)


def do_change(change: Change) -> list[str]:
    """Carry an edit, a deletion or a reaction to where its message went; returns the channels that have something to send."""
    here = queries.leg_at(change.channel, change.address)
    if here is None:
        return []
    found = queries.carried_as(here, change.target)
    if not _may(change, here, found):
        return []
    carried = Carried(id=ids.new_id(), leg=here, message_id=change.message_id, deed=change.deed)
    by = rules.name_of(_as_said(change))
    messages = [each for leg in _others(here, ()) if (each := _deed(carried, leg, here, change, by, found))]
    return _write(carried, change.sender, messages)


def do_tell_gap(missed: Gap) -> list[str]:
    """Tell the other rooms of a route that something is missing; returns the channels that have something to send."""
    here = queries.leg_at(missed.channel, missed.address)
    if here is None:
        return []
    carried = Carried(leg=here, message_id=f"gap:{missed.since.isoformat()}", deed="gap")
    text = rules.gap(title(here.channel, here.route.lang), missed.since, missed.until, here.route.lang)
    messages = [_words(carried, leg, text) for leg in [here, *_others(here, ())]]
    return _write(carried, "", messages)


def do_forget() -> int:
    """Erase what was carried of those who asked to be forgotten meanwhile; returns how many messages.

    What is already in the other rooms is out of our hands; here nothing of it is kept.
    """
    known = set(Carried.objects.exclude(pseudonym="").values_list("pseudonym", flat=True).distinct())
    gone = contacts.forgotten_again(known)
    theirs = Carried.objects.filter(pseudonym__in=gone)
    keys = list(theirs.values_list("pk", flat=True))
    deliveries.do_erase(keys)
    theirs.delete()
    return len(keys)


def do_tidy() -> int:
    """Daily care: forget what was carried when its deliveries' texts go, and keep the rooms' addresses open."""
    for leg in Leg.objects.select_related("route"):
        contacts.do_keep(leg.channel, leg.address, leg.pk, leg.route.lang)
    return Carried.objects.filter(at__lt=clock.now() - KEEP).delete()[0]


def _in_own_words(inbound: Inbound) -> Inbound:
    """Whoever only asks about another's message is not made to say it."""
    return inbound if inbound.said is None else replace(inbound, text=inbound.said, attachments=())


def _others(here: Leg, trail: Iterable[str]) -> list[Leg]:
    legs = {rules.mark(leg.channel, leg.address): leg for leg in here.route.legs.all()}
    wanted = rules.destinations(rules.mark(here.channel, here.address), legs, trail)
    return [legs[each] for each in wanted if able(legs[each].channel).sends]


def _copy(inbound: Inbound, by: str, here: Leg, leg: Leg, about: Carried | None) -> rules.Copy:
    there, lang = able(leg.channel), leg.route.lang
    lost = () if there.files else inbound.attachments
    missing = [f"{rules.WITHOUT.say(lang, name=each.name)} {each.url}".rstrip() for each in lost]
    quoted = "" if there.replies or about is None else about.gist
    who = rules.who(by, title(here.channel, lang), lang)
    return rules.copy(inbound.text, who, there, lang, quoted=quoted, missing=missing)


def _messages(
    carried: Carried,
    leg: Leg,
    copy: rules.Copy,
    trail: tuple[str, ...],
    about: Carried | None,
    root: Carried | None,
    packed: Sequence[dict[str, str]],
) -> list[Message]:
    """The deliveries of one copy: the first carries files and links, the others follow in order."""
    there = able(leg.channel)
    target, refers = _pointer(about, leg) if there.replies else ("", "")
    thread, thread_refers = _pointer(root, leg) if there.threads else ("", "")
    return [
        Message(
            pseudonym=leg.pseudonym,
            kind="relay",
            text=text,
            once=_once(carried, leg) + (f":{n}" if n else ""),
            about=carried.pk,
            author=copy.author,
            thread=thread,
            thread_refers=thread_refers,
            trail=trail,
            html=copy.html,
            target="" if n else target,
            refers="" if n else refers,
            files=() if n or not there.files else tuple(packed),
        )
        for n, text in enumerate(copy.parts)
    ]


def _may(change: Change, here: Leg, found: Carried | None) -> bool:
    if found is None:
        return (
            change.deed == "edit"
        )  # from before our time: its new text is told in words, under the editor's own name
    writer = found.leg_id == here.pk and found.pseudonym == _pseudonym(here, change.sender)
    return rules.may(change, writer) and (found.leg_id == here.pk or change.deed in ("react", "unreact"))


def _deed(
    carried: Carried, leg: Leg, here: Leg, change: Change, by: str, found: Carried | None
) -> Message | None:
    """The delivery of a deed to one room: done there, or told in words. None where it is not worth words."""
    there, lang = able(leg.channel), leg.route.lang
    who = rules.who(by, title(here.channel, lang), lang)
    target, refers = _pointer(found, leg)
    copy = rules.copy(change.text, who, there, lang) if change.deed == "edit" else rules.Copy((change.text,))
    if found is None or not _can(there, change.deed, found, leg, copy):
        words = rules.in_words(change, who, found.gist if found else "…", lang)
        return _words(carried, leg, words, target, refers) if words else None
    return Message(
        pseudonym=leg.pseudonym,
        kind="relay",
        text=copy.parts[0],
        html=copy.html,
        author=copy.author,
        once=_once(carried, leg),
        about=carried.pk,
        deed=change.deed,
        target=target,
        refers=refers,
    )


def _can(there: Capabilities, deed: str, found: Carried, leg: Leg, copy: rules.Copy) -> bool:
    """Whether the platform can do it. A message that took several copies is not changed piece by piece."""
    whole = found.parts.get(str(leg.pk), 1) == 1 and len(copy.parts) == 1
    able_to = {"edit": there.edits and whole, "delete": there.deletes and whole}
    return able_to.get(deed, there.reacts)


def _words(carried: Carried, leg: Leg, text: str, target: str = "", refers: str = "") -> Message:
    points = able(leg.channel).replies
    return Message(
        pseudonym=leg.pseudonym,
        kind="relay",
        text=text,
        once=_once(carried, leg),
        about=carried.pk,
        target=target if points else "",
        refers=refers if points else "",
    )


def _pointer(found: Carried | None, leg: Leg) -> tuple[str, str]:
    """(target, refers) of a carried message as one room knows it: by the platform's id, or by our delivery."""
    if found is None:
        return "", ""
    return (found.message_id, "") if found.leg_id == leg.pk else ("", _once(found, leg))


def _once(carried: Carried, leg: Leg) -> str:
    return f"relay:{carried.pk}:{leg.pk}"


def _as_said(change: Change) -> Inbound:
    return Inbound(
        change.channel,
        change.address,
        change.sender,
        change.message_id,
        change.text,
        change.sent_at,
        sender_name=change.sender_name,
    )


def _pseudonym(leg: Leg, sender: str) -> str:
    return contacts.pseudonym_of(leg.channel, sender, leg.pk) if sender else ""


def _write(carried: Carried, sender: str, messages: Sequence[Message]) -> list[str]:
    """Everything in one transaction; nothing when it was taken before."""
    with transaction.atomic():
        carried.pseudonym = _pseudonym(carried.leg, sender)
        if not Carried.objects.bulk_create([carried], ignore_conflicts=True) or not _is_ours(carried):
            return []
        queued = deliveries.do_queue_many(messages)
    channels = {leg.channel for leg in carried.leg.route.legs.all()}
    return sorted(channels) if queued else []


def _is_ours(carried: Carried) -> bool:
    return Carried.objects.filter(pk=carried.pk).exists()


# --- routes ------------------------------------------------------------------------------------------------------------


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


def do_follow_settings(routes: Mapping[str, Mapping[str, object]]) -> None:
    """Bring the routes of the settings file into being: `[relay.<name>] lang = "en", rooms = ["irc #water", …]`.

    A route that is no longer there ends. Raises Refused for a room that another route has, or a channel that is off.
    """
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

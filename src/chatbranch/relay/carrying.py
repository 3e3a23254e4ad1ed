"""Carrying what is said in one room of a route to its other rooms.

Each message and each deed is taken once (the platform's id says which), in one transaction with the deliveries to the other
rooms; the outbox does the rest: order, retries, receipts. What waits at the same time is carried in one transaction
together. Routes are read anew in each: nobody hears what is said after they left. Where an edit, a reply or a reaction
must find the copy in another room, it names the delivery that carried it, so it finds it also while that is still
waiting, and weeks later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from chatbranch.connectors.contract import Capabilities
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries.actions import Message, Packed
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Change, Gap, Inbound
from chatbranch.relay import queries, rules, statements
from chatbranch.relay.models import Carried, Leg
from chatbranch.relay.platforms import able, title
from chatbranch.relay.queries import Room

KEEP = timedelta(days=90)


@dataclass(frozen=True)
class Brought:
    """What a room brought: a message or a deed. files: what `do_keep_files` gave for it."""

    what: Inbound | Change
    files: Sequence[Packed] = ()


Went = list[str] | None | Exception
"""The channels that have something to send now; None from a room in no route; or why it could not be carried."""


def do_carry(brought: Sequence[Brought]) -> list[Went]:
    """Carry what rooms brought, in order, in one transaction; returns what became of each. A message said one to one is never
    carried, whatever it holds and wherever it was said.

    Where one of them breaks that, each is carried in a transaction of its own. Raises OperationalError or InterfaceError
    while the database is away: then all of it is to be brought again.
    """
    try:
        return [*_carry_together(brought)]
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever it is, it is one message's: the others go on
        return [error] if len(brought) == 1 else [went for each in brought for went in do_carry([each])]


def do_keep_files(inbound: Inbound) -> list[Packed]:
    """Write a message's files down, before the transaction that carries it; nothing where no other room takes files."""
    inbound = _in_own_words(inbound)
    if inbound.direct or not inbound.attachments:
        return []
    routes = _Routes([inbound])
    here = routes.at(inbound)
    takes = here and any(able(leg.channel).files for leg in routes.others(here, inbound.trail))
    return deliveries.pack(inbound.attachments) if takes else []


def do_tell_gap(missed: Gap) -> list[str]:
    """Tell the other rooms of a route that something is missing; returns the channels that have something to send."""
    with transaction.atomic():
        routes = _Routes([missed])
        here = routes.at(missed)
        if here is None:
            return []
        carried = Carried(leg_id=here.id, message_id=f"gap:{missed.since.isoformat()}", deed="gap")
        text = rules.gap(title(here.channel, here.lang), missed.since, missed.until, here.lang)
        messages = [_words(carried, leg, text) for leg in [here, *routes.others(here)]]
        return [here.channel, *routes.channels(here)] if _write([_Draft(carried, messages)]) else []


def do_forget() -> int:
    """Erase what was carried of those who asked to be forgotten meanwhile; returns how many messages.

    What is already in the other rooms is out of our hands; here nothing of it is kept. The caller scrubs after it.
    """
    known = set(Carried.objects.exclude(pseudonym="").values_list("pseudonym", flat=True).distinct())
    theirs = Carried.objects.filter(pseudonym__in=contacts.forgotten_again(known))
    keys = list(theirs.values_list("pk", flat=True))
    if keys:
        deliveries.do_erase(keys)
        with transaction.atomic():
            theirs.delete()
            do_record("scrub.wanted", ids.new_id())
    return len(keys)


def do_tidy() -> int:
    """Daily care: forget what was carried when its deliveries' texts go, and keep the rooms' addresses open."""
    for leg in Leg.objects.select_related("route"):
        contacts.do_keep(leg.channel, leg.address, leg.pk, leg.route.lang)
    return Carried.objects.filter(at__lt=clock.now() - KEEP).delete()[0]


def _in_own_words(inbound: Inbound) -> Inbound:
    """Whoever only asks about another's message is not made to say it."""
    return inbound if inbound.said is None else replace(inbound, text=inbound.said, attachments=())


class _Routes:
    """The routes that some rooms are in, as they are in this transaction."""

    def __init__(self, places: Iterable[Inbound | Change | Gap]) -> None:
        self._rooms: dict[tuple[str, str], Room] = {}
        self._routes: dict[UUID, list[Room]] = {}
        for room in queries.rooms_with((each.channel, each.address) for each in places):
            self._rooms[room.channel, room.address] = room
            self._routes.setdefault(room.route, []).append(room)

    def at(self, place: Inbound | Change | Gap) -> Room | None:
        """The room as one of a route; None where it is in none."""
        return self._rooms.get((place.channel, place.address))

    def others(self, here: Room, trail: Iterable[str] = ()) -> list[Room]:
        """Where a message goes from here."""
        legs = {rules.mark(leg.channel, leg.address): leg for leg in self._routes[here.route]}
        wanted = rules.destinations(rules.mark(here.channel, here.address), legs, trail)
        return [legs[each] for each in wanted if able(legs[each].channel).sends]

    def channels(self, here: Room) -> list[str]:
        """The channels of the route's other rooms."""
        return sorted({leg.channel for leg in self._routes[here.route] if leg != here})


@dataclass(frozen=True)
class _Draft:
    """What is written down for one message or deed."""

    carried: Carried
    messages: list[Message] = field(default_factory=list)


def _carry_together(brought: Sequence[Brought]) -> list[list[str] | None]:
    whats = [_in_own_words(each.what) if isinstance(each.what, Inbound) else each.what for each in brought]
    with transaction.atomic():
        routes = _Routes(whats)
        heres = [None if _one_to_one(what) else routes.at(what) for what in whats]
        names = _pseudonyms(whats, heres)
        desk = _Desk(routes)
        drafts = [
            desk.draft(what, here, name, each.files) if here else None
            for what, here, name, each in zip(whats, heres, names, brought, strict=True)
        ]
        written = _write([draft for draft in drafts if draft])
    return [
        None if here is None else routes.channels(here) if draft and draft.carried.pk in written else []
        for here, draft in zip(heres, drafts, strict=True)
    ]


def _one_to_one(what: Inbound | Change) -> bool:
    return isinstance(what, Inbound) and what.direct


def _pseudonyms(whats: Sequence[Inbound | Change], heres: Sequence[Room | None]) -> list[str]:
    """Who each is from, in its room."""
    known = [(what, leg) for what, leg in zip(whats, heres, strict=True) if leg and what.sender]
    named = iter(contacts.pseudonyms_of([(leg.channel, what.sender, leg.id) for what, leg in known]))
    return [next(named) if leg and what.sender else "" for what, leg in zip(whats, heres, strict=True)]


class _Desk:
    """Where drafts are made: a later one may be about an earlier one that is not written down yet."""

    def __init__(self, routes: _Routes) -> None:
        self._routes = routes
        self._drafted: dict[tuple[UUID, str], Carried] = {}

    def draft(
        self, what: Inbound | Change, here: Room, pseudonym: str, files: Sequence[Packed]
    ) -> _Draft | None:
        """What is to be written of one message or deed; None where it is not carried."""
        if isinstance(what, Change):
            return self._change(what, here, pseudonym)
        if not (what.text.strip() or what.attachments):
            return None
        return self._message(what, here, pseudonym, files)

    def _message(self, inbound: Inbound, here: Room, pseudonym: str, files: Sequence[Packed]) -> _Draft:
        others = self._routes.others(here, inbound.trail)
        trail = rules.onward(inbound.trail, [rules.mark(leg.channel, leg.address) for leg in [here, *others]])
        about, root = self._find(here, inbound.in_reply_to), self._find(here, inbound.thread)
        by = rules.name_of(inbound.sender, inbound.sender_name)
        carried = Carried(
            leg_id=here.id, message_id=inbound.message_id, pseudonym=pseudonym, gist=rules.gist(inbound.text)
        )
        draft = _Draft(carried)
        for leg in others:
            copy = _copy(inbound, by, here, leg, about, files)
            carried.parts[str(leg.id)] = len(copy.parts)
            draft.messages.extend(_messages(carried, leg, copy, trail, about, root, files))
        self._drafted.setdefault((here.id, inbound.message_id), carried)
        return draft

    def _change(self, change: Change, here: Room, pseudonym: str) -> _Draft | None:
        found = self._find(here, change.target)
        if not _may(change, here, found, pseudonym):
            return None
        carried = Carried(leg_id=here.id, message_id=change.message_id, pseudonym=pseudonym, deed=change.deed)
        by = rules.name_of(change.sender, change.sender_name)
        deeds = [_deed(carried, leg, here, change, by, found) for leg in self._routes.others(here)]
        return _Draft(carried, [each for each in deeds if each])

    def _find(self, here: Room, message_id: str) -> Carried | None:
        """The message that a room knows by this id."""
        if not message_id:
            return None
        return queries.carried_as(here, message_id) or self._drafted.get((here.id, message_id))


def _copy(
    inbound: Inbound, by: str, here: Room, leg: Room, about: Carried | None, files: Sequence[Packed]
) -> rules.Copy:
    """What is said in another room. Files that do not go along are named: also those that no room of the route took when
    they were to be written down, a moment ago."""
    there, lang = able(leg.channel), leg.lang
    lost = () if there.files and files else inbound.attachments
    missing = [f"{rules.WITHOUT.say(lang, name=each.name)} {each.url}".rstrip() for each in lost]
    quoted = "" if there.replies or about is None else about.gist
    who = rules.who(by, title(here.channel, lang), lang)
    return rules.copy(inbound.text, who, there, lang, quoted=quoted, missing=missing)


def _messages(
    carried: Carried,
    leg: Room,
    copy: rules.Copy,
    trail: tuple[str, ...],
    about: Carried | None,
    root: Carried | None,
    packed: Sequence[Packed],
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


def _may(change: Change, here: Room, found: Carried | None, pseudonym: str) -> bool:
    if found is None:
        # from before our time: its new text is told in words, under the editor's own name
        return change.deed == "edit"
    writer = found.leg_id == here.id and found.pseudonym == pseudonym
    return rules.may(change, writer) and (found.leg_id == here.id or change.deed in ("react", "unreact"))


def _deed(
    carried: Carried, leg: Room, here: Room, change: Change, by: str, found: Carried | None
) -> Message | None:
    """The delivery of a deed to one room: done there, or told in words. None where it is not worth words."""
    there, lang = able(leg.channel), leg.lang
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


def _can(there: Capabilities, deed: str, found: Carried, leg: Room, copy: rules.Copy) -> bool:
    """Whether the platform can do it. A message that took several copies is not changed piece by piece."""
    whole = found.parts.get(str(leg.id), 1) == 1 and len(copy.parts) == 1
    able_to = {"edit": there.edits and whole, "delete": there.deletes and whole}
    return able_to.get(deed, there.reacts)


def _words(carried: Carried, leg: Room, text: str, target: str = "", refers: str = "") -> Message:
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


def _pointer(found: Carried | None, leg: Room) -> tuple[str, str]:
    """(target, refers) of a carried message as one room knows it: by the platform's id, or by our delivery."""
    if found is None:
        return "", ""
    return (found.message_id, "") if found.leg_id == leg.id else ("", _once(found, leg))


def _once(carried: Carried, leg: Room) -> str:
    return f"relay:{carried.pk}:{leg.id}"


def _write(drafts: Sequence[_Draft]) -> set[UUID]:
    """Write down what was not taken before; returns the keys of what has something to send now."""
    if not drafts:
        return set()
    new = statements.take([draft.carried for draft in drafts])
    going = [draft for draft in drafts if draft.carried.pk in new and draft.messages]
    queued = deliveries.do_queue_many(message for draft in going for message in draft.messages)
    return {draft.carried.pk for draft in going} if queued else set()

"""Carrying what is said in one room of a route to its other rooms.

Each message and each deed is taken once (the platform's id says which), in one transaction with the deliveries to the other
rooms; the outbox does the rest: order, retries, receipts. Where an edit, a reply or a reaction must find the copy in
another room, it names the delivery that carried it, so it finds it also while that is still waiting, and weeks later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db import IntegrityError, transaction

from chatbranch.connectors.contract import Capabilities
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries.actions import Message
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Change, Gap, Inbound
from chatbranch.relay import queries, rules
from chatbranch.relay.models import Carried, Leg
from chatbranch.relay.platforms import able, title

KEEP = timedelta(days=90)


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
    by = rules.name_of(inbound.sender, inbound.sender_name)
    carried = Carried(leg=here, message_id=inbound.message_id, gist=rules.gist(inbound.text))
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
    carried = Carried(leg=here, message_id=change.message_id, deed=change.deed)
    by = rules.name_of(change.sender, change.sender_name)
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
        # from before our time: its new text is told in words, under the editor's own name
        return change.deed == "edit"
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


def _pseudonym(leg: Leg, sender: str) -> str:
    return contacts.pseudonym_of(leg.channel, sender, leg.pk) if sender else ""


def _write(carried: Carried, sender: str, messages: Sequence[Message]) -> list[str]:
    """Everything in one transaction; nothing when it was taken before."""
    with transaction.atomic():
        carried.pseudonym = _pseudonym(carried.leg, sender)
        try:
            with transaction.atomic():
                carried.save(force_insert=True)
        except IntegrityError:  # its platform brought it again
            return []
        queued = deliveries.do_queue_many(messages)
    channels = {leg.channel for leg in carried.leg.route.legs.all()}
    return sorted(channels) if queued else []

"""Queueing what is to be told, and looking after the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet

from chatbranch.branch.queries import Looker, insider
from chatbranch.connectors.contract import Health
from chatbranch.contacts.queries import Reach, destination, open_contact, open_contacts
from chatbranch.deliveries import bulk, files, lanes, rules, statements
from chatbranch.deliveries.files import Packed, pack
from chatbranch.deliveries.models import Channel, Delivery, Lane, give_up_time
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Deed
from chatbranch.kernel.phrases import Phrase

__all__ = [
    "Message",
    "Packed",
    "do_erase",
    "do_forget",
    "do_free_lanes",
    "do_handed_over",
    "do_prune",
    "do_queue",
    "do_queue_many",
    "do_report",
    "do_retry",
    "pack",
]


@dataclass(frozen=True)
class Message:
    """What is to be told to one asker or room, in their language. `once`: however often it is queued, it is told once.

    deed: what is done to an earlier message, instead of saying something new.
    target: the platform's id of the message the deed is done to, or that is replied to.
    refers: the same, where it is a message of ours that may still be waiting: the `once` of its delivery.
    thread_refers: as `refers`, of the message the thread began with.
    author, thread, trail: as in kernel.messages.Outbound. files: what deliveries.files.pack gave.
    """

    pseudonym: str
    kind: str
    text: str
    once: str
    about: UUID | None = None
    html: str = ""
    subject: str = ""
    reply_to: str = ""
    deed: Deed | Literal[""] = ""
    target: str = ""
    refers: str = ""
    author: str = ""
    thread: str = ""
    thread_refers: str = ""
    trail: tuple[str, ...] = ()
    files: tuple[Packed, ...] = ()

    def body(self) -> dict[str, Any]:
        """The parts that leave; those that are empty are left out."""
        names = (
            "text html subject reply_to deed target refers author thread thread_refers trail files".split()
        )
        return {name: part for name in names if (part := getattr(self, name))}


def do_queue(
    *,
    pseudonym: str,
    kind: str,
    text: str,
    once: str,
    about: UUID | None = None,
    html: str = "",
    subject: str = "",
    reply_to: str = "",
) -> Delivery | None:
    """Queue one message in the caller's transaction.

    None when `once` was queued before, or when the asker's address has been erased: there is nobody to tell.
    """
    queued = do_queue_many([Message(pseudonym, kind, text, once, about, html, subject, reply_to)])
    return Delivery.objects.get(pk=queued[0]) if queued else None


def do_queue_many(messages: Iterable[Message]) -> list[UUID]:
    """Queue many messages in the caller's transaction; returns the ids of the deliveries that are new, in order.

    500 take some 40 ms on SQLite: callers with more bring them in transactions of 500.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a delivery is written in the transaction of what it tells")
    return [key for chunk in in_chunks(messages) for key in _queue(chunk)]


def do_handed_over(channel: str, address: str, cursor: str) -> int:
    """Mark one message of a pulled conversation as fetched; returns whether (1 or 0) it still waited there.

    The conversation keeps it a day longer, for a page that is reloaded (see do_prune).
    """
    which = ids.read_id(cursor)
    if which is None:
        return 0
    waiting = Delivery.objects.filter(
        pk=which, lane=destination(channel, address), state=Delivery.State.QUEUED
    )
    return waiting.update(
        state=Delivery.State.SENT, sent_at=clock.now(), attempts=F("attempts") + 1, reason="", detail=""
    )


def do_free_lanes() -> int:
    """Free every leased lane; returns how many. Only for a process that knows itself to be the only one that sends."""
    return lanes.free()


def do_erase(about: Sequence[UUID]) -> int:
    """Erase every delivery about these subjects, whoever it is to; returns how many."""
    gone = 0
    for chunk in in_chunks(about):
        with transaction.atomic():
            theirs = Delivery.objects.filter(about__in=chunk)
            names = lanes.lock(
                theirs.exclude(lane=None).values_list("lane_id", flat=True).distinct(), wait=True
            )
            gone += theirs.delete()[0]
            lanes.drop_empty(names.keys())
    return gone


def do_report(channel: str, health: Health, why: str = "") -> None:
    """Write down how a channel is; `since` moves only when that changes."""
    now = {"health": health, "why": why[:300]}
    if not Channel.objects.filter(name=channel, **now).exists():
        Channel.objects.update_or_create(name=channel, defaults={**now, "since": clock.now()})


def do_forget(pseudonyms: Iterable[str]) -> int:
    """Erase every delivery to these pseudonyms, and the lanes that were theirs; returns how many deliveries went."""
    gone = 0
    with transaction.atomic():
        for chunk in in_chunks(pseudonyms):
            theirs = Delivery.objects.filter(pseudonym__in=chunk)
            names = lanes.lock(
                theirs.exclude(lane=None).values_list("lane_id", flat=True).distinct(), wait=True
            )
            gone += theirs.delete()[0]
            lanes.drop_empty(names.keys())
    return gone


def do_retry(actor: Looker, delivery_id: UUID) -> Delivery:
    """Queue a failed delivery again, by a member's hand. Refuses what did not fail or cannot be told any more."""
    insider(actor)
    with transaction.atomic():
        delivery = Delivery.objects.filter(pk=delivery_id).select_for_update().first()
        reach = _check_retry(delivery)
        assert delivery is not None
        name = destination(reach.channel, reach.address)
        lanes.ensure([(name, reach.channel)])
        delivery.lane_id, delivery.state, delivery.attempts = name, Delivery.State.QUEUED, 0
        delivery.reason, delivery.detail, delivery.give_up_at = "", "", give_up_time()
        delivery.save(update_fields=["lane", "state", "attempts", "reason", "detail", "give_up_at"])
        do_record(
            "delivery.retried",
            delivery.about or delivery.pk,
            delivery=str(delivery.pk),
            channel=delivery.channel,
        )
    return delivery


def do_prune() -> int:
    """Daily care; returns how many texts were erased.

    Gives up what waited seven days (also on a channel that is switched off), parts handed-over messages from their
    conversation after a day, drops empty lanes, and erases texts, receipts and pseudonyms 90 days after the end.
    """
    _give_up()
    done = Delivery.objects.exclude(state=Delivery.State.QUEUED)
    _unlink(done.filter(sent_at__lt=clock.now() - rules.KEEP_CONVERSATION).exclude(lane=None))
    _drop_idle_lanes()
    files.sweep()
    return _erase_texts(done.filter(created_at__lt=clock.now() - rules.KEEP_TEXT).exclude(body={}))


def _queue(messages: Sequence[Message]) -> list[UUID]:
    """One statement each for: what is queued already, addresses, lanes, deliveries, and what got in."""
    known = statements.queued([each.once for each in messages])
    fresh = {each.once: each for each in messages if each.once not in known}
    reaches = open_contacts([*{each.pseudonym for each in fresh.values()}])
    rows = [_row(each, reaches[each.pseudonym]) for each in fresh.values() if each.pseudonym in reaches]
    if not rows:
        return []
    lanes.ensure((row.lane, row.channel) for row in rows)
    bulk.insert_deliveries(rows)
    keys = [row.id for row in rows]
    if connection.vendor == "sqlite":
        return keys  # its one writer is this transaction: nobody can have queued the same in between
    landed = set(Delivery.objects.filter(pk__in=keys).values_list("pk", flat=True))
    return [key for key in keys if key in landed]


def _row(message: Message, reach: Reach) -> bulk.Row:
    return bulk.Row(
        id=ids.new_id(),
        lane=destination(reach.channel, reach.address),
        channel=reach.channel,
        pseudonym=message.pseudonym,
        about=message.about,
        kind=message.kind,
        body=message.body(),
        once=message.once,
    )


def _check_retry(delivery: Delivery | None) -> Reach:
    """Where to; refuses a delivery that is unknown, did not fail, or whose text or address is gone."""
    if delivery is None:
        raise Refused("no-such-delivery", Phrase("没有这条投递。", "There is no such delivery."), status=404)
    if delivery.state != Delivery.State.FAILED:
        raise Refused(
            "not-failed",
            Phrase(
                "这条投递没有失败，不用重试。", "This delivery has not failed; there is nothing to retry."
            ),
            status=409,
        )
    reach = open_contact(delivery.pseudonym)
    if reach is None or not delivery.body:
        raise Refused(
            "address-erased",
            Phrase(
                "联系方式已按约定删除，无法再发。",
                "The address was erased, as promised; this can no longer be sent.",
            ),
            status=410,
        )
    return reach


def _give_up() -> None:
    """Fail what nobody sent or fetched in time. A lane under lease is left to its holder."""
    now = clock.now()
    late = Delivery.objects.filter(state=Delivery.State.QUEUED, give_up_at__lte=now)
    free = late.filter(lane__leased_until__lte=now).order_by("id")
    while keys := dict(free.values_list("pk", "lane_id")[:500]):
        with transaction.atomic():
            held = lanes.lock({name for name in keys.values() if name}, wait=True)
            rows = list(
                free.filter(pk__in=keys)
            )  # looked at again: a sender may have been quicker than the lock
            for channel in sorted({row.channel for row in rows}):
                _fail([row for row in rows if row.channel == channel], channel)
            lanes.drop_empty(held.keys())


def _fail(rows: Sequence[Delivery], channel: str) -> None:
    reasons = {row.pk: "gave-up" if row.attempts else "unfetched" for row in rows}
    for reason in set(reasons.values()):
        late = Delivery.objects.filter(pk__in=[pk for pk, why in reasons.items() if why == reason])
        late.update(state=Delivery.State.FAILED, reason=reason, detail="", lane=None, attempted_at=None)
    lanes.record_failures(channel, [lanes.failure_of(row, reasons[row.pk]) for row in rows])


def _unlink(done: QuerySet[Delivery]) -> None:
    while keys := list(done.values_list("pk", flat=True)[:500]):
        Delivery.objects.filter(pk__in=keys).update(lane=None)


def _drop_idle_lanes() -> None:
    idle = Lane.objects.filter(deliveries=None, next_at__lte=clock.now(), leased_until__lte=clock.now())
    for names in in_chunks(list(idle.values_list("name", flat=True))):
        with transaction.atomic():
            lanes.drop_empty(lanes.lock(names, wait=True).keys())


def _erase_texts(old: QuerySet[Delivery]) -> int:
    erased = 0
    while keys := list(old.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            erased += Delivery.objects.filter(pk__in=keys).update(
                body={}, pseudonym="", receipt="", detail="", lane=None
            )
    return erased

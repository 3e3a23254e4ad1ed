"""Leasing lanes and writing down how sending ended: short transactions, the same on SQLite and PostgreSQL.

Every transaction here locks its lanes first, and passes over lanes that another transaction has locked; so the sender
never waits for whoever is queueing, and no two of them can deadlock.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chatbranch.contacts.queries import Reach, open_contacts
from chatbranch.deliveries import bulk, rules, statements
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.deliveries.statements import Head
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock

REFERENCES = {"refers": "target", "thread_refers": "thread"}
"""Parts of a body that name an earlier delivery, and the part that its receipt becomes."""
QUEUED, SENT, FAILED = Delivery.State.QUEUED, Delivery.State.SENT, Delivery.State.FAILED


@dataclass(frozen=True)
class Manners:
    """How a channel wants to be used. interval: seconds of rest on one lane between two messages."""

    channel: str
    idempotent: bool
    interval: float

    @property
    def batch(self) -> int:
        """How many messages of one lane a lease may cover: what a crash leaves in doubt must be recognised."""
        return rules.BATCH if self.idempotent and not self.interval else 1


@dataclass(frozen=True)
class Job:
    """One message to send now, held under the fence of its lane. repeat: an earlier attempt may have arrived."""

    delivery: UUID
    lane: str
    fence: int
    attempts: int
    give_up_at: datetime
    about: UUID | None
    kind: str
    repeat: bool
    address: str = field(repr=False)
    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Done:
    """A job and how it ended."""

    job: Job
    outcome: rules.Outcome


@dataclass(frozen=True)
class Turn:
    """What one transaction brought: `jobs` to send, those of one lane in order and to be handed in together;
    `unwritten` results to hand in again; `more`: lanes still wait."""

    jobs: list[Job]
    unwritten: list[Done]
    more: bool


@dataclass(frozen=True)
class _Failure:
    delivery: UUID
    about: UUID | None
    kind: str
    reason: str


def turn(manners: Manners, done: Sequence[Done], room: int) -> Turn:
    """Write down what ended and lease at most `room` free lanes of the channel, in one transaction."""
    with transaction.atomic():
        unwritten, failures = _settle(manners, done)
        jobs, more, refused = _lease(manners, room) if room else ([], False, [])
        record_failures(manners.channel, [*failures, *refused])
    return Turn(jobs, unwritten, more)


def due(channels: Iterable[str]) -> list[str]:
    """Those of `channels` that have a free lane whose time has come."""
    return statements.due(channels, clock.now())


def set_back(by: timedelta) -> None:
    """The wall clock was set back: what was to happen at a moment of the old time happens that much earlier."""
    late = Lane.objects.filter(next_at__gt=clock.now()) | Lane.objects.filter(leased_until__gt=clock.now())
    late.update(next_at=F("next_at") - by, leased_until=F("leased_until") - by)


def free() -> int:
    """Take every lane from its holder, who is dead; one that is not would write nothing under its old fence."""
    held = Lane.objects.filter(leased_until__gt=clock.now())
    return held.update(leased_until=clock.now(), fence=F("fence") + 1)


def ensure(destinations: Iterable[tuple[str, str]]) -> None:
    """Make lanes of (name, channel), and lock them until the transaction ends, so that none is dropped meanwhile."""
    bulk.upsert_lanes(sorted(set(destinations)))


def lock(names: Iterable[str], *, wait: bool) -> dict[str, int]:
    """Lock lanes; returns their fences. Those gone, or (without `wait`) locked by another transaction, are missing."""
    return statements.fences(list(names), wait=wait)


def drop_empty(names: Collection[str]) -> None:
    """Drop those of the (locked) lanes that hold no delivery any more."""
    statements.drop_empty(names)


def record_failures(channel: str, failures: Iterable[_Failure]) -> None:
    """Tell the journal; call it last in the transaction (it queues for the journal's lock)."""
    for each in failures:
        subject = each.about or each.delivery
        do_record(
            "delivery.failed",
            subject,
            delivery=str(each.delivery),
            channel=channel,
            what=each.kind,
            reason=each.reason,
        )


def failure_of(delivery: Delivery, reason: str) -> _Failure:
    """The event of this delivery's failing."""
    return _Failure(delivery.pk, delivery.about, delivery.kind, reason)


# --- writing down what ended ---------------------------------------------------------------------


def _settle(manners: Manners, done: Sequence[Done]) -> tuple[list[Done], list[_Failure]]:
    """Results of holders that still hold their lane are written; those of a holder come back late are not."""
    if not done:
        return [], []
    now = clock.now()
    fences = lock((each.job.lane for each in done), wait=False)
    held = [
        (each, _judge(each, manners, now)) for each in done if fences.get(each.job.lane) == each.job.fence
    ]
    _write(manners, held, now)
    _release(_pauses(held), now)
    failures = [
        _Failure(each.job.delivery, each.job.about, each.job.kind, settled.reason)
        for each, settled in held
        if settled.state == FAILED
    ]
    return _locked_elsewhere([each for each in done if each.job.lane not in fences]), failures


def _judge(done: Done, manners: Manners, now: datetime) -> rules.Settled:
    return rules.settle(
        done.outcome,
        attempts=done.job.attempts,
        interval=manners.interval,
        left=done.job.give_up_at - now,
        chance=random.random(),  # noqa: S311 (jitter, no secret)
    )


def _write(manners: Manners, held: Sequence[tuple[Done, rules.Settled]], now: datetime) -> None:
    arrived = [
        (each.job.delivery, each.outcome.receipt[:300])
        for each, _ in held
        if isinstance(each.outcome, rules.Sent)
    ]
    statements.write_sent(arrived, now)
    for each, settled in held:
        if settled.state != SENT:
            _write_unsent(manners, each, settled)


def _write_unsent(manners: Manners, done: Done, settled: rules.Settled) -> None:
    changes: dict[str, object] = {
        "state": settled.state,
        "reason": settled.reason,
        "detail": settled.detail[:200],
    }
    not_tried = isinstance(done.outcome, rules.Postponed | rules.Held)
    in_doubt = settled.unsure or (done.job.repeat and (not_tried or manners.idempotent))
    if not in_doubt:
        changes["attempted_at"] = None
    if not_tried:
        changes["attempts"] = F("attempts") - 1
        if done.job.repeat and not manners.idempotent:
            changes["repeats"] = F("repeats") - 1
    if settled.state == FAILED:
        changes["lane"] = None
    Delivery.objects.filter(pk=done.job.delivery, state=QUEUED).update(**changes)


def _pauses(held: Sequence[tuple[Done, rules.Settled]]) -> dict[str, float]:
    """The rest each lane needs, s: the longest that one of its messages asks for."""
    pauses: dict[str, float] = defaultdict(float)
    for each, settled in held:
        pauses[each.job.lane] = max(pauses[each.job.lane], settled.pause)
    return pauses


def _release(pauses: Mapping[str, float], now: datetime) -> None:
    """Give lanes back, each to go on after its pause (s); an empty one that needs no rest is dropped at once."""
    together: dict[float, list[str]] = defaultdict(list)
    for name, pause in pauses.items():
        together[pause].append(name)
    for pause, names in together.items():
        if pause <= 0:
            drop_empty(names)
        statements.release(names, now, now + timedelta(seconds=pause))


def _locked_elsewhere(missing: Sequence[Done]) -> list[Done]:
    """Of results whose lane could not be locked: those whose lane is still theirs, only busy just now."""
    if not missing:
        return []
    fences = dict(
        Lane.objects.filter(name__in=[each.job.lane for each in missing]).values_list("name", "fence")
    )
    return [each for each in missing if fences.get(each.job.lane) == each.job.fence]


# --- leasing -------------------------------------------------------------------------------------


def _lease(manners: Manners, room: int) -> tuple[list[Job], bool, list[_Failure]]:
    now = clock.now()
    fences = statements.free_lanes(manners.channel, now, room)
    if not fences:
        return [], False, []
    heads = _heads(fences, manners.batch)
    drop_empty(fences.keys() - {head.lane for head in heads})
    reaches = open_contacts([*{head.pseudonym for head in heads}])
    _resolve(heads)
    starts = [
        (head, rules.start(_known(head, head.pseudonym in reaches, now), idempotent=manners.idempotent))
        for head in heads
    ]
    going = [head for head, start in starts if start in ("send", "repeat")]
    _mark(going, {head.id for head, start in starts if start == "repeat"}, now)
    failures = [_fail(head, start) for head, start in starts if start not in ("send", "repeat")]
    jobs = [_job(head, fences[head.lane] + 1, reaches[head.pseudonym]) for head in going]
    return jobs, len(fences) == room or bool(failures), failures


def _heads(names: Collection[str], most: int) -> list[Head]:
    """The first waiting deliveries of each of the locked lanes: of a few lanes up to `most`, of many one. A statement
    of its own: it sees what the lock waited for."""
    if most == 1 or len(names) > rules.FEW_LANES:
        return statements.heads(names)
    return [head for name in names for head in _batch(name, most)]


def _batch(name: str, most: int) -> Iterator[Head]:
    """The first waiting deliveries of a lane, up to one that refers to another of them."""
    earlier: set[str] = set()
    for head in statements.front(name, most):
        if earlier & {head.body.get(name) for name in REFERENCES}:
            return
        earlier.add(head.once)
        yield head


def _resolve(heads: Sequence[Head]) -> None:
    """Put the platform's ids of the messages that each refers to into its body, where those arrived."""
    referring = {head.body[name] for head in heads for name in REFERENCES if name in head.body}
    if not referring:
        return
    receipts = statements.receipts(referring)
    for head in heads:
        for name, resolved in REFERENCES.items():
            if receipt := receipts.get(head.body.get(name, "")):
                head.body[resolved] = receipt


def _known(head: Head, reachable: bool, now: datetime) -> rules.Head:
    orphaned = "deed" in head.body and "target" not in head.body
    return rules.Head(head.interrupted, head.repeats, head.give_up_at - now, reachable, orphaned)


def _mark(going: Sequence[Head], repeated: Collection[UUID], now: datetime) -> None:
    """The lease and the attempt are on record before anything leaves."""
    if going:
        statements.lease({head.lane for head in going}, now + rules.LEASE)
        statements.mark([head.id for head in going], now, repeated=repeated)


def _fail(head: Head, reason: str) -> _Failure:
    Delivery.objects.filter(pk=head.id).update(
        state=FAILED, reason=reason, detail="", lane=None, attempted_at=None
    )
    return _Failure(head.id, head.about, head.kind, reason)


def _job(head: Head, fence: int, reach: Reach) -> Job:
    return Job(
        head.id,
        head.lane,
        fence,
        head.attempts + 1,
        head.give_up_at,
        head.about,
        head.kind,
        head.interrupted,
        reach.address,
        head.body,
    )

"""The loop that sends: one courier a channel, each with its own pace, so that a slow platform delays nobody else.

A courier takes turns. One turn is one short transaction (lanes.turn) that writes down what has ended since the last one
and leases lanes for what may leave next; between turns messages are on their way, many at a time, one a lane.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from chatbranch.connectors.contract import Connector, Deletes, Edits, Later, Reacts, Undeliverable
from chatbranch.deliveries import files, lanes, rules
from chatbranch.deliveries.writer import Writer
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Outbound, Receipt

log = logging.getLogger(__name__)

POLL = 0.1
"""Seconds between looks for lanes whose time has come."""
GATHER = 0.002
"""Seconds a turn waits for more to end: what ends together is written down together."""
LANDING = 5.0
"""Seconds that messages on their way get to end when the loop is stopped."""

Stir = Callable[[str], None]
"""Told the name of a channel for which something was just queued in this process."""


async def run(
    connectors: Mapping[str, Connector],
    *,
    per_channel: Mapping[str, float] | None = None,
    ready: Callable[[Stir], None] = lambda _: None,
    writer: Writer | None = None,
) -> None:
    """Send what is queued for these connectors, until cancelled. Several processes may run this at once.

    Connectors that are pulled, or only receive, are passed over. per_channel: messages a second a whole channel may
    send, 0 for no limit; unset, ten times what its connector allows one lane. ready: is handed a function that saves
    what this process queues from waiting for the next look. writer: shared with what else this process writes. On
    cancellation, messages on their way are given a few seconds, and how they ended is written down.
    """
    rates = per_channel or {}
    with contextlib.nullcontext(writer) if writer else Writer() as shared:
        couriers = {
            name: Courier(name, connector, shared, rates.get(name))
            for name, connector in connectors.items()
            if connector.capabilities.sends and not connector.capabilities.pulled
        }
        ready(lambda channel: couriers[channel].stir() if channel in couriers else None)
        loops = [asyncio.create_task(courier.run()) for courier in couriers.values()]
        watch = asyncio.create_task(_watch(couriers, shared))
        try:
            ended, _ = await asyncio.wait([watch, *loops], return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # only a mistake of ours ends a loop: the process shall say so and be started again
        finally:
            watch.cancel()
            for courier in couriers.values():
                courier.stop()
            await asyncio.gather(watch, *loops, return_exceptions=True)


class Courier:
    """Sends one channel's deliveries."""

    def __init__(self, channel: str, connector: Connector, writer: Writer, rate: float | None = None) -> None:
        able = connector.capabilities
        interval = 1 / able.per_second if able.per_second > 0 else 0.0
        self.connector, self.writer = connector, writer
        self.manners = lanes.Manners(channel, able.idempotent, interval)
        self.at_once = rules.AT_ONCE if able.idempotent else rules.AT_ONCE_UNSURE
        self.bucket = rules.Bucket(
            able.per_second * rules.CHANNEL_SHARE if rate is None else rate, time.monotonic
        )
        self.sending: set[asyncio.Task[None]] = set()
        self.done: list[lanes.Done] = []
        self.stirred = asyncio.Event()
        self.stopping = False

    def stir(self) -> None:
        """Something may be due, or has ended: take a turn."""
        self.stirred.set()

    def stop(self) -> None:
        """Lease no more; `run` ends when what is on its way has landed."""
        self.stopping = True
        self.stir()

    async def run(self) -> None:
        """Take turns until stopped."""
        while not self.stopping:
            await self.stirred.wait()
            if self.sending:
                await asyncio.sleep(GATHER)
            self.stirred.clear()
            await self._turn(self.bucket.room(self.at_once - len(self.sending)))
        await self._land()

    async def _turn(self, room: int) -> None:
        if not room and not self.done:
            return
        done, self.done = self.done, []
        try:
            turn = await self.writer.call(lanes.turn, self.manners, done, room)
        except (
            Exception
        ) as error:  # the database is away or busy: nothing is lost, what has ended is written later
            self.done = done + self.done
            log.warning(
                "outbox of %s not reached (%s); trying again", self.manners.channel, type(error).__name__
            )
            await asyncio.sleep(1.0)
            self.stir()
            return
        self.done += turn.unwritten
        self.bucket.take(len(turn.jobs))
        for _, load in groupby(turn.jobs, key=lambda job: job.lane):
            self._start(list(load))
        if turn.more or turn.unwritten:
            self.stir()

    def _start(self, load: Sequence[lanes.Job]) -> None:
        task = asyncio.create_task(self._send(load))
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    async def _send(self, load: Sequence[lanes.Job]) -> None:
        """The messages of one lane, in their order. Once one does not leave, those after it are held."""
        until = time.monotonic() + rules.BATCH_WITHIN
        outcomes: list[rules.Outcome] = []
        for some in self._together(load):
            late = outcomes and time.monotonic() > until
            stuck = not all(isinstance(each, rules.Sent | rules.Refusal) for each in outcomes)
            if late or stuck or (outcomes and self.stopping):
                outcomes += [rules.Held()] * len(some)
                continue
            outcomes += await _attempt_together(self.connector, some)
            for outcome in outcomes[-len(some) :]:
                self.bucket.heard(outcome)
        self.done += [lanes.Done(job, outcome) for job, outcome in zip(load, outcomes, strict=True)]
        self.stir()

    def _together(self, load: Sequence[lanes.Job]) -> list[list[lanes.Job]]:
        """The load in parts that may be on their way at the same time: new words, where the platform keeps their order."""
        if not self.connector.capabilities.in_order:
            return [[job] for job in load]
        return [
            part
            for new, run in groupby(load, key=_is_new_words)
            for part in ([list(run)] if new else [[job] for job in run])
        ]

    async def _land(self) -> None:
        """Let what is on its way end, and write down how; what takes too long stays marked as maybe sent."""
        if self.sending:
            await asyncio.wait(self.sending, timeout=LANDING)
        for task in self.sending:
            task.cancel()
        if self.sending:
            await asyncio.wait(self.sending)
        await self._turn(0)


def _is_new_words(job: lanes.Job) -> bool:
    """Whether nothing has to be looked up or uploaded before it can leave."""
    return not job.repeat and job.body.keys() <= {"text", "html", "author", "trail"}


async def _attempt_together(connector: Connector, some: Sequence[lanes.Job]) -> list[rules.Outcome]:
    if len(some) == 1:
        return [await attempt(connector, some[0])]
    return await asyncio.gather(*(attempt(connector, job) for job in some))  # begun in their order


async def attempt(connector: Connector, job: lanes.Job) -> rules.Outcome:
    """Send one message, and say how it ended. The key is the delivery's id, the same on every attempt."""
    try:
        outbound = (
            await asyncio.to_thread(_outbound, connector, job)
            if "files" in job.body
            else _outbound(connector, job)
        )
        async with asyncio.timeout(rules.SEND_WITHIN):
            receipt = await _do(connector, job.body.get("deed", ""), outbound, job.body.get("target", ""))
    except Later as later:
        return rules.Postponed(later.seconds, _without(job.address, later.reason))
    except Undeliverable as refusal:
        return rules.Refusal(_without(job.address, str(refusal)))
    except (TimeoutError, asyncio.CancelledError):
        return rules.Broken("time-out", unsure=True)
    except Exception as error:  # by the contract anything else means "try again"
        # where a repeat is recognised, a doubt costs a look: a stream may have broken just after the platform had it
        return rules.Broken(type(error).__name__, unsure=connector.capabilities.idempotent)
    return rules.Sent(receipt.message_id)


async def _do(connector: Connector, deed: str, outbound: Outbound, target: str) -> Receipt:
    """Say it, or do it to the message it is about."""
    match deed:
        case "":
            return await connector.send(outbound)
        case "edit" if isinstance(connector, Edits):
            return await connector.edit(outbound, target)
        case "delete" if isinstance(connector, Deletes):
            return await connector.delete(outbound, target)
        case "react" if isinstance(connector, Reacts):
            return await connector.react(outbound, target)
        case "unreact" if isinstance(connector, Reacts):
            return await connector.unreact(outbound, target)
    raise Undeliverable(f"this platform cannot {deed}")


def _outbound(connector: Connector, job: lanes.Job) -> Outbound:
    able, body = connector.capabilities, job.body
    return Outbound(
        key=str(job.delivery),
        address=job.address,
        text=rules.fit(body.get("text", ""), able.characters),
        html=body.get("html", "") if able.html else "",
        reply_to=body.get("reply_to", "") or ("" if "deed" in body else body.get("target", "")),
        subject=body.get("subject", ""),
        attachments=files.unpack(body.get("files", ())),
        author=body.get("author", "") if able.names else "",
        thread=body.get("thread", ""),
        trail=tuple(body.get("trail", ())),
        repeat=job.repeat,
    )


def _without(address: str, said: str) -> str:
    """What a platform said, on one line, without the address it may have quoted: the ledger names nobody."""
    parts = [address, *(part for part in re.split(r"[@:!#/\s]+", address) if len(part) > 2)]
    for part in parts:
        said = re.sub(re.escape(part), "…", said, flags=re.IGNORECASE)
    return " ".join(said.split())[:200]


async def _watch(couriers: Mapping[str, Courier], writer: Writer) -> None:
    """Stir the couriers that have something due. What another process queued is noticed within POLL."""
    wall, steady = clock.now(), time.monotonic()
    while True:
        with contextlib.suppress(Exception):  # the courier's own turn reports a database that is away
            if by := rules.set_back_by(clock.now() - wall, time.monotonic() - steady):
                log.warning("the clock was set back by %s; what waits is not made to wait longer", by)
                await writer.call(lanes.set_back, by)
            wall, steady = clock.now(), time.monotonic()
            for channel in await writer.call(lanes.due, list(couriers)):
                couriers[channel].stir()
        await asyncio.sleep(POLL)

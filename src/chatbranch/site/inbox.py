"""From a connector into the house: accepted durably while the connector waits, answered right after in the background.

What rooms say is carried in one transaction with whatever else waits at that moment: nothing is delayed to be gathered,
and the busier the rooms, the more a transaction holds. What a crash leaves accepted but unanswered is taken up by the worker (intake.actions.do_answer_waiting).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from chatbranch.contacts import actions as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries.sender import Stir
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Change, Gap, Inbound
from chatbranch.kernel.phrases import LANGS
from chatbranch.kernel.text import clean, written_language
from chatbranch.relay import actions as relay
from chatbranch.relay.actions import Brought, Went
from chatbranch.site.overhearing import Overhearing
from chatbranch.site.threads import in_thread

log = logging.getLogger(__name__)

AT_ONCE = 2  # answers worked on at the same time: matching is processor work
TRIES = 3  # before a message that breaks us is set aside
MOST_AT_ONCE = 100  # messages of rooms in one transaction

AWAY = (OperationalError, InterfaceError)
"""What is raised while the database is away."""

Call = Callable[..., Awaitable[Any]]
"""Calls a function that uses the database, somewhere else than on the event loop."""


class Inbox:
    """Takes one process's messages in. write: calls what only writes, and shortly (deliveries.writer)."""

    def __init__(self, write: Call = in_thread) -> None:
        self._write = write
        self._stir: Stir = lambda _: None
        self._ways: dict[str, Sequence[str]] = {}  # channel -> where what came over it went last
        self._waiting: list[_Waiting] = []
        self._carrying: asyncio.Task[None] | None = None
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._overhearing = Overhearing(lambda channel: self._stir(channel))

    async def take(self, inbound: Inbound) -> None:
        """Accept a message, then answer it in the background. Raises Refused for what cannot be checked.

        In a room, what is not addressed to us is not written down.
        """
        if not inbound.direct and not await self._is_for_us(inbound):
            return
        submission = await in_thread(intake.do_accept, inbound)
        task = asyncio.create_task(self._answer(submission.id))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _is_for_us(self, inbound: Inbound) -> bool:
        """Whether a message of a room is to be answered. It is carried to the other rooms of its route; in a room of no
        route we are guests, and mind our manners (intake.rooms)."""
        heard = await self._hear(inbound)
        if heard.as_guest and not inbound.mentioned:
            self._overhearing.hear(inbound)
        return inbound.mentioned and not heard.joins

    async def take_from_chat(self, inbound: Inbound) -> None:
        """As `take`; a refusal is sent to the chat."""
        async with self._setting_aside(inbound):
            try:
                await self.take(inbound)
            except Refused as refused:
                await in_thread(tell_refusal, inbound, refused)

    async def take_change(self, change: Change) -> None:
        """Carry what somebody did to an earlier message of a room."""
        async with self._setting_aside(change):
            await self._hear(change)

    async def take_gap(self, gap: Gap) -> None:
        """Tell the rooms of a route what cannot be had."""
        self._send(await self._write(relay.do_tell_gap, gap))

    async def _hear(self, what: Inbound | Change) -> Heard:
        """Hear it with what else waits; those who wait are served in the order in which they came."""
        waiting = _Waiting(what)
        self._waiting.append(waiting)
        if self._carrying is None or self._carrying.done():
            self._carrying = asyncio.create_task(self._hear_waiting())
        return await waiting.heard

    async def _hear_waiting(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            hearing = asyncio.create_task(self._hear_together([each.what for each in some]))
            stirred = self._stir_early([each.what for each in some])
            try:
                found = await hearing
            except Exception as error:
                found = [error] * len(some)
            if isinstance(away := found[-1], AWAY):
                # Those after it fail with it: else what comes later in a room would be taken before what came earlier.
                found += [away] * len(self._waiting)
                some, self._waiting = some + self._waiting, []
            went = {channel for heard in found if isinstance(heard, Heard) for channel in heard.channels}
            self._send(went - stirred)
            for waiting, heard in zip(some, found, strict=True):
                if isinstance(heard, Heard):
                    self._ways[waiting.what.channel] = heard.channels
                waiting.ends(heard)

    def _stir_early(self, whats: Sequence[Inbound | Change]) -> set[str]:
        """Stir the senders that this most likely goes to, while it is being carried: their turn is then next in the thread that
        carries it, and nothing goes back and forth in between."""
        if any(isinstance(each, Inbound) and each.attachments for each in whats):
            return set()  # files are written down first, and the turn would come too early
        likely = {channel for each in whats for channel in self._ways.get(each.channel, ())}
        self._send(likely)
        return likely

    async def _hear_together(self, whats: Sequence[Inbound | Change]) -> list[Heard | Exception]:
        brought = [await _with_files(each) for each in whats]
        heard = iter(await self._write(hear, [each for each in brought if isinstance(each, Brought)]))
        return [next(heard) if isinstance(each, Brought) else each for each in brought]

    def sends_by(self, stir: Stir) -> None:
        """What is queued here need not wait until the sender looks by itself."""
        self._stir = stir

    def _send(self, channels: Iterable[str]) -> None:
        for channel in channels:
            self._stir(channel)

    @asynccontextmanager
    async def _setting_aside(self, brought: Inbound | Change) -> AsyncIterator[None]:
        """What breaks us again and again is set aside, and logged, so that it never holds up the rest.

        While the database is away this raises, and the connector brings the message again.
        """
        try:
            yield
        except AWAY:
            raise
        except Exception:
            which = (brought.channel, brought.message_id)
            self._failures[which] += 1
            if self._failures[which] < TRIES:
                raise
            del self._failures[which]
            log.exception(
                "a message on %s cannot be taken and is set aside; please report this", brought.channel
            )

    async def _answer(self, submission: UUID) -> None:
        async with self._turn:
            try:
                await in_thread(intake.do_answer, submission)
            except Exception:  # the worker tries again later
                log.exception("a submission could not be answered yet")

    async def finish(self, seconds: float) -> None:
        """Let answers under way end, for at most `seconds`."""
        overhearing = self._overhearing.under_way
        under_way = [*self._answering, *([overhearing] if overhearing else [])]
        if under_way:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await asyncio.gather(*under_way, return_exceptions=True)


@dataclass(frozen=True)
class Heard:
    """What became of what a room brought. channels: which have something to send. joins: it joined the room to a route.
    as_guest: the room is in no route."""

    channels: Sequence[str]
    joins: bool = False
    as_guest: bool = False


@dataclass
class _Waiting:
    """Something a room brought, and who waits until it is heard."""

    what: Inbound | Change
    heard: asyncio.Future[Heard] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def ends(self, how: Heard | Exception) -> None:
        if self.heard.done():  # nobody waits any more
            return
        if isinstance(how, Exception):
            self.heard.set_exception(how)
        else:
            self.heard.set_result(how)


async def _with_files(what: Inbound | Change) -> Brought | Exception:
    """What a room brought, with its files written down before the transaction; or why they could not be."""
    if not (isinstance(what, Inbound) and what.attachments):
        return Brought(what)
    try:
        return Brought(what, await in_thread(relay.do_keep_files, what))
    except AWAY:
        raise
    except Exception as error:
        return error


def hear(brought: Sequence[Brought]) -> list[Heard | Exception]:
    """Carry what is said in rooms of a route, together; greet a room of none, once ever. What breaks us is returned.

    When the database goes away in between, what was heard before stays heard: bringing it again would do it twice.
    """
    found: list[Heard | Exception] = []
    for some in _up_to_calls(brought):
        try:
            found += [_heard(each, went) for each, went in zip(some, relay.do_carry(some), strict=True)]
        except AWAY as away:
            return [*found, *[away] * (len(brought) - len(found))]
    return found


def _up_to_calls(brought: Sequence[Brought]) -> Iterator[list[Brought]]:
    """In order, in lists that end where we are called by name: that may join the room to a route."""
    some: list[Brought] = []
    for each in brought:
        some.append(each)
        if isinstance(each.what, Inbound) and each.what.mentioned:
            yield some
            some = []
    if some:
        yield some


def _heard(brought: Brought, went: Went) -> Heard | Exception:
    if isinstance(went, Exception):
        return went
    if not isinstance(brought.what, Inbound):
        return Heard(went or ())
    try:
        joins = relay.do_join_by_word(brought.what) is not None
        as_guest = went is None and not joins
        if as_guest:
            intake.do_greet(brought.what)
    except Exception as error:
        return error
    return Heard(went or (), joins, as_guest)


def tell_refusal(inbound: Inbound, refused: Refused) -> None:
    """Queue the reason to the chat it came from: once a message, and of a flood only the first time."""
    if refused.places.get("again"):
        return
    written = written_language(clean(inbound.text))
    lang = inbound.lang if inbound.lang in LANGS else written or "zh-Hans"
    today = contacts.day_scope(clock.now().date())
    once = contacts.pseudonym_of(inbound.channel, f"{inbound.address}\n{inbound.message_id}", today)
    with transaction.atomic():
        pseudonym = contacts.do_keep(inbound.channel, inbound.address, today, lang, days=2)
        deliveries.do_queue(
            pseudonym=pseudonym,
            kind="refusal",
            text=refused.say(lang),
            once=f"refusal:{once}",
            reply_to=inbound.reply_to,
        )

"""From a connector into the house: accepted durably while the connector waits, answered right after in the background.

What a crash leaves accepted but unanswered is taken up by the worker (intake.actions.do_answer_waiting).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
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
from chatbranch.relay import queries as routes
from chatbranch.site.overhearing import Overhearing
from chatbranch.site.threads import in_thread

log = logging.getLogger(__name__)

AT_ONCE = 2  # answers worked on at the same time: matching is processor work
TRIES = 3  # before a message that breaks us is set aside


class Inbox:
    """Takes one process's messages in."""

    def __init__(self) -> None:
        self._stir: Stir = lambda _: None
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
        heard = await in_thread(hear, inbound)
        self._send(heard.channels)
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
            self._send(await in_thread(relay.do_change, change))

    async def take_gap(self, gap: Gap) -> None:
        """Tell the rooms of a route what cannot be had."""
        self._send(await in_thread(relay.do_tell_gap, gap))

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
        except (OperationalError, InterfaceError):
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
    """What became of a message of a room. channels: which have something to send. joins: it joined the room to a route.
    as_guest: the room is in no route."""

    channels: Sequence[str]
    joins: bool
    as_guest: bool


def hear(inbound: Inbound) -> Heard:
    """Carry what is said in a room of a route; greet a room of none, once ever."""
    channels = relay.do_carry(inbound)
    joins = relay.do_join_by_word(inbound) is not None
    as_guest = not channels and routes.leg_at(inbound.channel, inbound.address) is None
    if as_guest:
        intake.do_greet(inbound)
    return Heard(channels, joins, as_guest)


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

"""One message of a reader, from its first arrival to its answer.

WeChat waits five seconds for a response, then asks again, three times in all ("被动回复用户消息"); whichever of them is
answered is shown. So a `Turn` outlives its requests: the tries of one message share it, and what was answered once is
answered the same again.

A verified account acknowledges, and its answers are sent. One that is not verified can speak only in a response: there a
turn waits for the answer through all three tries, and hands out what has waited since the reader's last message. What
does not come in time, or does not fit, stays in the outbox and is given at the reader's next message.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from chatbranch.connectors.contract import Mailbox, Said
from chatbranch.connectors.wechat import words
from chatbranch.connectors.wechat.wire import PART_BYTES, PART_CHARACTERS, Push, as_inbound, parts, shown
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

log = logging.getLogger(__name__)

PATIENCE = 4.2  # seconds a try is held; WeChat hangs up after 5, and the way there and back counts
TRIES = 3
BETWEEN = 6.0  # seconds after which no further try of a message is expected
ALREADY_THERE = 1.0  # seconds in which what waits is found when a reader asks for it
TAKE_TRIES = 40  # to put a message into a database that is away, with growing pauses: about ten minutes
HANDING = 1.0  # seconds in which the database has noted that something was handed over
FRESH = "fresh"  # a cursor: what was not handed over yet, and nothing else
MOST_READERS = 2000  # of whom is remembered how far they have read in a long message

Picture = Callable[[Push], Awaitable[bytes]]


class NoPicture(Exception):
    """The picture of a message cannot be had."""


class Turn:
    """A message and its answer. reply: what to respond, "" for an acknowledgement alone; of use once `ready` is set."""

    def __init__(self, push: Push, since: datetime) -> None:
        self.push, self.since = push, since
        self.tries, self.reply = 0, ""
        self.ready, self.over, self.handed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def answer(self, reply: str) -> bool:
        """Decide what is responded; False where that was decided before, and stays."""
        if self.ready.is_set():
            return False
        self.reply = reply
        self.ready.set()
        return True

    def say(self, phrase: Phrase) -> str:
        """The phrase in the reader's language, as far as it is known."""
        return words.say(phrase, self.push.text)

    @property
    def last_try(self) -> bool:
        """Whether WeChat will not ask again."""
        return self.tries >= TRIES


async def take(turn: Turn, mailbox: Mailbox, picture: Picture) -> str | None:
    """Put the message into the house, durably, however long that takes. None: it is there; else why it cannot be."""
    for attempt in range(TAKE_TRIES):
        try:
            data = await picture(turn.push) if turn.push.has_picture else b""
            await mailbox.receive(as_inbound(turn.push, data))
            return None
        except Refused as refused:  # of a flood only the first is told why
            return "" if refused.places.get("again") else turn.say(refused.phrase)
        except NoPicture:
            return words.both(words.NO_PICTURE)
        except Exception as error:  # the database is away; the message is here, and WeChat may bring it again
            log.warning("wechat: a message is not taken yet (%s); trying again", type(error).__name__)
            await asyncio.sleep(min(20.0, 0.25 * 2**attempt))
    log.error("wechat: a message could not be taken; its reader is asked to send it again")
    return turn.say(words.NOT_TAKEN)


# --- an account that may only respond -------------------------------------------------------------


class Reader:
    """What is known of one reader while they are about: one turn at a time, and how far they read in a long message."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.read: dict[str, int] = {}  # cursor -> characters given


class Readers:
    """The readers seen last, by openid."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Reader] = OrderedDict()

    def __getitem__(self, openid: str) -> Reader:
        reader = self._known.setdefault(openid, Reader())
        self._known.move_to_end(openid)
        if len(self._known) > MOST_READERS:
            self._forget_one()
        return reader

    def _forget_one(self) -> None:
        """The one away for longest, unless somebody is talking to them."""
        for openid, reader in self._known.items():
            if not reader.turn.locked():
                del self._known[openid]
                return


async def converse(turn: Turn, mailbox: Mailbox, reader: Reader) -> None:
    """Decide the turn's reply from what waits for the reader, and mark it as handed over once it was responded."""
    async with reader.turn:
        handful = Handful(turn.say)
        try:
            await _gather(turn, mailbox, reader, handful)
            if turn.answer(handful.text or _nothing(turn)):
                with suppress(TimeoutError):
                    async with asyncio.timeout(BETWEEN):
                        await turn.handed.wait()
                if turn.handed.is_set():
                    await handful.hand_over(reader)
        finally:
            await handful.close()


def _nothing(turn: Turn) -> str:
    return turn.say(words.NOTHING_WAITS if turn.push.kind == "fetches" else words.STILL_LOOKING)


async def _gather(turn: Turn, mailbox: Mailbox, reader: Reader, handful: Handful) -> None:
    """What waits, oldest first, up to the answer to this message, the size of a text, or the end of patience."""
    while handful.has_room:
        waiting = handful.look(mailbox, turn.push.reader)
        said = await waiting.next_within(turn.over, _patience(turn, handful))
        if said is None:
            break
        handful.add(waiting, said, reader.read.get(said.cursor, 0))
        if turn.push.kind != "fetches" and said.at >= turn.since:
            return  # the answer itself
    if turn.push.kind != "fetches":
        handful.note(words.STILL_LOOKING)


def _patience(turn: Turn, handful: Handful) -> float:
    """Seconds to wait for the next: who asks for what waits is not kept waiting for what does not."""
    if turn.push.kind == "fetches":
        return ALREADY_THERE if handful.text else PATIENCE - 2 * ALREADY_THERE
    return TRIES * (PATIENCE + 1.0)


@dataclass(frozen=True)
class _Given:
    """A message that is given: as a whole, or up to so many of its characters."""

    waiting: _Waiting
    cursor: str
    until: int | None = None


class Handful:
    """What goes into one response: whole messages as long as they fit, or the next part of one that never would."""

    def __init__(self, say: Callable[[Phrase], str]) -> None:
        self.text, self.has_room = "", True
        self._say, self._after = say, FRESH
        self._given: list[_Given] = []
        self._open: list[_Waiting] = []

    def look(self, mailbox: Mailbox, address: str) -> _Waiting:
        """The message after those taken so far."""
        self._open.append(_Waiting(mailbox, address, self._after))
        return self._open[-1]

    def add(self, waiting: _Waiting, said: Said, start: int) -> None:
        """Take one more, if it fits; of one that fits no response, the next part."""
        rest = shown(said.text)[start:]
        more = "\n" + self._say(words.MORE)
        joined = f"{self.text}\n\n{rest}" if self.text else rest
        self._after = f"{FRESH}:{said.cursor}"
        if _fits(joined + more if self.text else joined):
            self.text, self.has_room = joined, _fits(joined + more)
            self._given.append(_Given(waiting, said.cursor))
            return
        self.has_room = False
        if not self.text:
            self.text = parts(rest, PART_CHARACTERS - len(more), PART_BYTES - len(more.encode()))[0]
            self._given.append(_Given(waiting, said.cursor, start + len(self.text)))
        self.text += more

    def note(self, phrase: Phrase) -> None:
        """Say something after it, where there is something and it fits."""
        said = f"{self.text}\n\n{self._say(phrase)}"
        if self.text and self.has_room and _fits(said):
            self.text = said

    async def hand_over(self, reader: Reader) -> None:
        """It was responded: the whole ones count as handed over, the others go on from where they were cut."""
        await asyncio.gather(*(each.waiting.hand_over() for each in self._given if each.until is None))
        for each in self._given:
            reader.read.pop(each.cursor, None)
            if each.until is not None:
                reader.read[each.cursor] = each.until

    async def close(self) -> None:
        """Let go of what was looked at."""
        await asyncio.gather(*(each.close() for each in self._open))


def _fits(text: str) -> bool:
    return len(text) <= PART_CHARACTERS and len(text.encode("utf-8", "replace")) <= PART_BYTES


class _Waiting:
    """The next message that waits for an address: looked at, and handed over only if told so (see Mailbox.waiting)."""

    def __init__(self, mailbox: Mailbox, address: str, after: str) -> None:
        self._messages = mailbox.waiting(address, after)
        self._asking: asyncio.Task[Said] | None = None

    async def next_within(self, over: asyncio.Event, seconds: float) -> Said | None:
        """The message, or None when there is none before the time is up or `over` is set."""
        self._asking = asyncio.create_task(_next(self._messages))
        stop = asyncio.create_task(over.wait())
        await asyncio.wait({self._asking, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not self._asking.done():
            return None
        try:
            return self._asking.result()
        except Exception as error:  # the database is away: it is given at the reader's next message
            log.warning("wechat: what waits for a reader cannot be read (%s)", type(error).__name__)
            return None

    async def hand_over(self) -> None:
        """Count the message as handed over, which asking for the next one does."""
        self._asking = asyncio.create_task(_next(self._messages))
        await asyncio.wait({self._asking}, timeout=HANDING)

    async def close(self) -> None:
        """Ask for nothing more."""
        if self._asking is not None and not self._asking.done():
            self._asking.cancel()
            await asyncio.wait({self._asking})
        await self._messages.aclose()


async def _next(messages: AsyncGenerator[Said, None]) -> Said:
    return await anext(messages)

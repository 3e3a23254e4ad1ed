"""Reading one archive in order: a room's, or our own account's with all one-to-one conversations (XEP-0313).

Which id is which. An archive gives each message an id (XEP-0359 `stanza-id`), which comes live and from history alike:
it is our `message_id`, and what replies, reactions and retractions in a room name. Corrections name the id that the
*sender* chose; in one-to-one conversations everything does. Sender's ids are resolved here: among the last messages in
memory, else by reading the archive backwards, and only ever among messages of the same sender, so that an id used again
by somebody else leads nowhere. The archive itself is the durable map; nothing is written down for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Generic, TypeVar

from chatbranch.connectors.contract import Host
from chatbranch.connectors.xmpp import compose, wire
from chatbranch.connectors.xmpp.session import Refused, Session
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Gap

log = logging.getLogger(__name__)

RECENT = 4000  # messages whose ids are kept in memory, for each archive
MOST_WAITING = 5000  # live messages that may wait; beyond, they are read from the archive later
LOOK_BACK = timedelta(days=2)  # how far back an earlier attempt is looked for where its age is unknown
MOST_PAGES = 400  # of 50 to 100 messages
EDIT_PAGES = 40  # pages for finding the message a correction means
KEEP_AFTER = 0.3  # seconds after which the place in the archive is written down
MOST_SETS = 200  # people's sets of reactions that are remembered, for each archive
MOST_THREADS = 100
MOST_TOGETHER = 50  # messages brought to the house at the same time
MISTAKES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """A map that forgets what was put into it first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[object, Value] = OrderedDict()

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def get(self, key: object) -> Value | None:
        return self._values.get(key)

    def put(self, key: object, value: Value) -> None:
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)


@dataclass
class Place:
    """How far an archive was read, with what reading on depends on; written down as one value, so never at odds.

    after: the id of the last message taken. at: when we were last known to hear everything. sets: the emoji somebody
    has under a message, by `sender target`. threads: the message each thread began with.
    """

    after: str = ""
    at: str = ""
    sets: dict[str, list[str]] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Place:
        return cls(**json.loads(text)) if text else cls()

    def write(self) -> str:
        return json.dumps(vars(self), ensure_ascii=False, separators=(",", ":"))

    def keep_set(self, key: str, emoji: list[str]) -> None:
        self.sets.pop(key, None)
        if emoji:
            self.sets[key] = emoji
        while len(self.sets) > MOST_SETS:
            del self.sets[next(iter(self.sets))]

    def root(self, thread: str, message_id: str) -> str:
        """The message the thread began with; "" where it begins with this one."""
        root = self.threads.setdefault(thread, message_id)
        while len(self.threads) > MOST_THREADS:
            del self.threads[next(iter(self.threads))]
        return "" if root == message_id else root

    def thread_of(self, root: str) -> str:
        """The name of the thread that began with this message; a new thread is named after it."""
        return next((name for name, began in self.threads.items() if began == root), root)


class Archive:
    """Queries to one archive. jid: whose it is. room: asked as a room's, else as our own."""

    def __init__(self, session: Session, jid: str, *, room: bool) -> None:
        self._session, self.jid, self.is_room = session, jid, room
        self._queries: dict[str, list[wire.Result]] = {}
        self._numbers = count(1)
        self.there = self.by_ids = False

    async def look(self) -> None:
        """Find out what the archive can do."""
        try:
            features = await self._session.features(self.jid)
        except Refused:  # a server that does not say
            features = frozenset()
        self.there, self.by_ids = "urn:xmpp:mam:2" in features, "urn:xmpp:mam:2#extended" in features

    def hear(self, result: wire.Result) -> None:
        """One result of a query under way. What nobody asked this archive for is no result."""
        if result.archive in (self.jid, "") and result.query in self._queries:
            self._queries[result.query].append(result)

    async def page(
        self, fields: dict[str, str] | None = None, **place: str
    ) -> tuple[list[wire.Result], bool]:
        """One page, oldest first, and whether it is the last. Raises Refused or Trouble."""
        query = f"q{next(self._numbers)}"
        found = self._queries[query] = []
        try:
            answer = await self._session.ask(
                "set", self.jid if self.is_room else "", compose.archive_query(query, fields=fields, **place)
            )
        finally:
            del self._queries[query]
        end = answer.find(f"{wire.ARCHIVE}fin")
        return found, not found or (end is not None and end.get("complete") == "true")

    async def backwards(
        self, fields: dict[str, str], before: str = "", most: int = MOST_PAGES
    ) -> AsyncIterator[wire.Result]:
        """Newest first, from the end or before a message."""
        for _ in range(most):
            found, last = await self.page(fields, before=before)
            for result in reversed(found):
                yield result
            if last:
                return
            before = found[0].archive_id

    async def one(self, archive_id: str) -> wire.Message | None:
        """The message with this id, or None."""
        if not (self.by_ids and archive_id):
            return None
        try:
            found, _ = await self.page({"ids": archive_id})
        except Refused:
            return None
        return next((each.message for each in found if each.archive_id == archive_id), None)


Take = Callable[[wire.Message, str], Awaitable[None]]
Sender = Callable[[wire.Message], str]


class Reader:
    """Takes what an archive's conversation brings, history first, then live, each message once, in order.

    take: what to do with a message, given its message_id. sender: who it is from, "" where nobody can tell.
    plain: whether a message has nothing to do with others, and so may be brought without waiting for those before it.
    """

    def __init__(
        self,
        archive: Archive,
        host: Host,
        take: Take,
        sender: Sender,
        plain: Callable[[wire.Message], bool] = lambda _: False,
    ) -> None:
        self.archive, self._host, self._take, self._sender = archive, host, take, sender
        self._plain = plain
        self.place = Place()
        self._key = wire.memory_key("place:", archive.jid)
        self._waiting: asyncio.Queue[wire.Message | None] = asyncio.Queue()
        self._saving: asyncio.Task[None] | None = None
        self._taken: Recent[bool] = Recent(RECENT)
        self._ids: Recent[str] = Recent(RECENT)  # (sender, sender's id) -> message_id
        self._known: Recent[wire.Message] = Recent(RECENT)  # message_id -> what it said
        self._first: Recent[str] = Recent(RECENT)  # message_id of a correction -> of what it corrects

    async def recall(self) -> None:
        """Go on from where the place was last written down."""
        self.place = Place.read(await self._host.recall(self._key))

    def hear(self, message: wire.Message) -> None:
        """Something live; it waits its turn."""
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put_nowait(message)
        elif self._waiting.qsize() == MOST_WAITING:
            self._waiting.put_nowait(None)  # whatever comes from here on is read from the archive

    def stop(self) -> None:
        """We no longer hear everything: `follow` returns after what was heard."""
        self._waiting.put_nowait(None)

    async def follow(self) -> None:
        """Catch up, then go on live until stopped. What arrives meanwhile waits."""
        try:
            await self._catch_up()
            while await self._take_waiting():
                pass
        finally:
            if self._saving is not None and not self._saving.done():
                self._saving.cancel()
                await self._keep()
        while not self._waiting.empty():
            self._waiting.get_nowait()

    # --- history ---

    async def _catch_up(self) -> None:
        if not self.archive.there:
            await self._own_up(clock.now())
        elif not self.place.at:
            await self._begin()
        elif self.place.after:
            try:
                await self._pages({}, self.place.after)
            except Refused as refused:
                if refused.condition != "item-not-found":
                    raise
                await self._own_up(
                    clock.now()
                )  # the archive forgot where we were; what is younger it still has
                await self._pages({"start": self.place.at}, "")
        else:
            await self._pages({"start": self.place.at}, "")
        self.place.at = compose.stamp(clock.now())
        await self._keep()

    async def _begin(self) -> None:
        """We are here for the first time: nothing from before was said to us."""
        found, _ = await self.archive.page({}, before="", most="1")
        self.place.after = found[-1].archive_id if found else ""

    async def _own_up(self, until: datetime) -> None:
        """Say that what was said meanwhile cannot be had, in a room whose server keeps too little history."""
        if self.place.at and self.archive.is_room:
            since = datetime.fromisoformat(self.place.at)
            await self._host.missed(Gap(wire.CHANNEL, self.archive.jid, since, until))

    async def _pages(self, fields: dict[str, str], after: str) -> None:
        last = False
        while not last:
            found, last = await self.archive.page(fields, **({"after": after} if after else {}))
            for result in found:
                if result.message is not None:
                    await self._patiently(result.message)
                else:
                    self._passed(result.archive_id)
            after = found[-1].archive_id if found else after

    # --- one message ---

    async def _take_waiting(self) -> bool:
        """Take what waits live, up to the first message that is not plain; False when there is no more to come."""
        plain: list[wire.Message] = []
        message = await self._waiting.get()
        while message is not None and self._plain(message):
            plain.append(message)
            if self._waiting.empty() or len(plain) == MOST_TOGETHER:
                await self._together(plain)
                return True
            message = self._waiting.get_nowait()
        await self._together(plain)
        if message is not None:
            await self._patiently(message)
        return message is not None

    async def _together(self, messages: list[wire.Message]) -> None:
        """Take plain messages at the same time: the house keeps their order. One that fails, and those after it, again."""
        new = {self.id_of(each): each for each in messages if self.id_of(each) not in self._taken}
        ends = await asyncio.gather(
            *(self._take(message, message_id) for message_id, message in new.items()), return_exceptions=True
        )
        for (message_id, message), end in zip(new.items(), ends, strict=True):
            if end is not None:
                break
            self._is_taken(message, message_id)
        for message in messages:
            await self._patiently(message)  # which passes over what was taken

    async def _patiently(self, message: wire.Message) -> None:
        """Take it, however often the database is away; a place is never passed before what stands in it is safe."""
        for failures in count(1):
            try:
                await self._once(message)
                break
            except Exception as error:
                log.warning("xmpp: a message could not be taken (%s)", type(error).__name__)
                if isinstance(error, MISTAKES) and failures >= 3:  # no further try will mend it
                    self._passed(message.archive_id)
                    break
                await asyncio.sleep(min(60.0, 0.25 * 2**failures))

    async def _once(self, message: wire.Message) -> None:
        message_id = self.id_of(message)
        if message_id not in self._taken:
            await self._take(message, message_id)
            self._is_taken(message, message_id)

    def _is_taken(self, message: wire.Message, message_id: str) -> None:
        self._note(message, message_id)
        self._taken.put(message_id, True)
        self._passed(message.archive_id)

    def id_of(self, message: wire.Message) -> str:
        """The archive's id; where there is no archive, one made of who sent it and what they called it."""
        own = message.ids[0] if message.ids else f"{message.text}{message.sent_at}"
        return message.archive_id or wire.memory_key("", f"{self._sender(message) or message.author} {own}")

    def _note(self, message: wire.Message, message_id: str) -> None:
        """Know it when somebody corrects it or replies to it."""
        if not (message.reacts_to or message.retracts):
            self._known.put(message_id, message)
            self.same(self._sender(message), message.ids, self.first(message_id))

    def _passed(self, archive_id: str) -> None:
        self.place.after, self.place.at = archive_id or self.place.after, compose.stamp(clock.now())
        self.save()

    # --- ids ---

    async def resolve(self, sender: str, own: str, before: str = "") -> str:
        """The message_id of what `sender` called `own`, or "" (see the head of this file)."""
        found = self._ids.get((sender, own))
        if found is not None or not (sender and own and self.archive.there):
            return found or ""
        try:
            found = await self._search(sender, own, before)
        except Refused:
            found = ""
        self.same(sender, (own,), found)
        return found

    async def _search(self, sender: str, own: str, before: str) -> str:
        async for result in self.archive.backwards({}, before, EDIT_PAGES):
            message = result.message
            if message is None or own not in message.ids or self._sender(message) != sender:
                continue
            if not message.replaces:
                return result.archive_id
            own = message.replaces  # a correction of a correction: go on to what was first said
        return ""

    def same(self, sender: str, own: tuple[str, ...], message_id: str) -> None:
        """What `sender` calls `own` is `message_id`."""
        for each in own:
            self._ids.put((sender, each), message_id)

    def corrects(self, message_id: str, target: str) -> None:
        """Whatever is done to the correction is done to what it corrects."""
        self._first.put(message_id, target)

    def first(self, message_id: str) -> str:
        """The message this is a correction of, or itself."""
        return self._first.get(message_id) or message_id

    async def lookup(self, message_id: str) -> wire.Message | None:
        """What a message said, from memory or the archive."""
        return self._known.get(message_id) or await self.archive.one(message_id)

    async def sent(self, own: str, key: str, ours: Callable[[wire.Message], bool], **fields: str) -> str:
        """The message_id of what we ourselves sent as `own` in an earlier attempt at `key`, or ""."""
        if not self.archive.there:
            return ""
        began = (wire.began(key) or clock.now() - LOOK_BACK) - timedelta(minutes=10)  # clocks differ
        try:
            async for result in self.archive.backwards({"start": compose.stamp(began), **fields}):
                if result.message is not None and own in result.message.ids and ours(result.message):
                    return result.archive_id
        except Refused:  # said once more is better than never
            return ""
        return ""

    # --- the place ---

    def save(self) -> None:
        """Write the place down soon: once for all messages of a burst. A crash in between reads them twice, no more."""
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save_soon())

    async def _save_soon(self) -> None:
        await asyncio.sleep(KEEP_AFTER)
        await self._keep()

    async def _keep(self) -> None:
        try:
            await self._host.remember(self._key, self.place.write())
        except Exception as error:  # the next message tries again
            log.warning("xmpp: the place in an archive could not be kept (%s)", type(error).__name__)

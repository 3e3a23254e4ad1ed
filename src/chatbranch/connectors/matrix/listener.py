"""The sync loop of one session: everything it brings is taken durably before its token is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter

from chatbranch.connectors.contract import Host, Later, Undeliverable
from chatbranch.connectors.matrix import wire
from chatbranch.connectors.matrix.crypto import files
from chatbranch.connectors.matrix.crypto.seals import Seals
from chatbranch.connectors.matrix.people import People
from chatbranch.connectors.matrix.reactions import Reactions
from chatbranch.connectors.matrix.rooms import Rooms
from chatbranch.connectors.matrix.session import Session, SignedOut, Trouble
from chatbranch.connectors.matrix.voice import Voice
from chatbranch.connectors.matrix.waiting import Waiting
from chatbranch.kernel.backoff import pause
from chatbranch.kernel.messages import Attachment

log = logging.getLogger(__name__)

POLL = 30.0  # seconds one sync waits for news
LARGEST_FILE = 10 * 1024 * 1024  # bytes
FILE_TRIES = 3  # before a message is taken without the file that its own server does not give
MOST_PAGES = 500  # of 100 events: how far back a gap is filled before the rest is given up, loudly


class Listener:
    """Reads what happens in the rooms of one signed-in account."""

    def __init__(
        self, session: Session, host: Host, *, people: People, seals: Seals, voice: Voice, note: str = ""
    ) -> None:
        self._session, self._host = session, host
        self._people, self._seals, self._note = people, seals, note
        self._rooms = Rooms(session, host, voice)
        self._waiting, self._reactions = Waiting(host), Reactions(host)
        self._place = wire.memory_key("since:", session.me)
        self._missed: Counter[str] = Counter()  # file -> failed tries
        self._looked = False

    async def listen(self) -> None:
        """Until cancelled, or signed out."""
        since = await self._host.recall(self._place)
        await self._rooms.recall_invitations()
        await self._waiting.recall()
        await self._read_again(None)
        failures, well = 0, False
        while True:
            try:
                since = await self._turn(since, POLL if well else 0)
                if not well:
                    await self._host.report("connected", self._note)
                failures, well, self._looked = 0, True, True
            except SignedOut:
                raise
            except Exception as error:  # trouble of the server or of our database: nothing was passed over
                failures, well = failures + 1, False
                await bear(self._host, error, pause(failures))

    def may_yet_enter(self, room: str) -> bool:
        """Whether a room that does not let us speak may do so soon: nobody has looked for invitations, or one waits."""
        return not self._looked or self._rooms.are_invited(room)

    async def _turn(self, since: str, most: float) -> str:
        """One sync. Its token is remembered, and gone on from, only when all it brought is durable."""
        patience = self._waiting.patience(self._rooms.patience(most)) if since and most else 0
        news = await self._session.sync(since, patience)
        arrived = await self._seals.take(news)
        if since:  # what was said in our rooms before we first came is not addressed to us
            for room, info in news.rooms.items():
                await self._read_room(room, info, since)
        await self._read_again(arrived)
        await self._rooms.note_invitations(list(news.invited))
        if news.reached != since:
            await self._host.remember(self._place, news.reached)
        # after our place is kept: what is said once we are in is then never taken for something older than we are
        await self._rooms.take_invitations()
        await self._seals.replenish(news)
        await self._tell_of_unread()
        return news.reached

    async def _read_room(self, room: str, info: wire.RoomNews, since: str) -> None:
        events = info.events
        if info.limited and info.before:
            events = await self._gap(room, info.before, since) + events
        if any(wire.turns_encryption_on(event) for event in events):
            self._seals.encryption_is_on(room)
        moved = any(wire.changes_members(event) for event in events)
        if moved:
            self._people.forget(room)
        came = any(wire.asked_in(event, self._session.me) for event in events)
        if came and await self._people.are_direct(room):  # a shared room is greeted by the house
            await self._rooms.greet(room)
        for event in wire.since_asked_in(events, self._session.me):
            await self._read(room, event)
        if moved and await self._people.are_gone(room):
            await self._rooms.leave(room)
            self._people.forget(room)

    # --- one event ---

    async def _read(self, room: str, event: wire.Event) -> None:
        if event.get("sender") == self._session.me:
            return
        opened = await self._seals.read(room, event)
        if opened is None:
            await self._keep_in_mind(room, event)
        elif message := self._message(opened):
            await self._take(room, message)
        elif done := wire.read_deed(opened, self._session.me, self._session.name):
            await self._take_deed(room, done)

    def _message(self, event: wire.Event) -> wire.Message | None:
        return wire.read_event(event, self._session.me, self._session.name)

    async def _take(self, room: str, message: wire.Message) -> None:
        direct = await self._people.are_direct(room)
        mentioned = message.mentions_me
        if message.reply_to and not direct:
            replied = await self._session.event(room, message.reply_to)
            mentioned = mentioned or replied.get("sender") == self._session.me
            opened = await self._seals.read(room, replied) if mentioned else None
            message = wire.asks_about(message, self._message(opened)) if opened else message
        await self._host.receive(
            wire.as_inbound(
                message,
                room,
                direct=direct,
                mentioned=mentioned,
                name=await self._people.name(room, message.sender),
                attachments=await self._files(message),
            )
        )

    async def _take_deed(self, room: str, done: wire.Done) -> None:
        name = await self._people.name(room, done.sender)
        if done.kind == "redact":
            await self._take_back(room, done, name)
            return
        if done.kind == "react":
            await self._reactions.note(room, done.event_id, done.target, done.text)
        await self._host.change(wire.as_change(done, done.kind, room, name=name))

    async def _take_back(self, room: str, done: wire.Done, name: str) -> None:
        """A redaction: of a reaction we know, else of a message. The server says whose it was, and let it be taken back."""
        if reaction := await self._reactions.about(room, done.target):
            await self._host.change(wire.as_change(done, "unreact", room, name=name, about=reaction))
            return
        target = await self._session.event(room, done.target)
        if target.get("type") in ("m.room.message", "m.room.encrypted"):
            other = target.get("sender") != done.sender
            await self._host.change(wire.as_change(done, "delete", room, name=name, entitled=other))

    # --- files ---

    async def _files(self, message: wire.Message) -> tuple[Attachment, ...]:
        if message.file is None:
            return ()
        # one byte more than is accepted, so that whoever reads it can tell that it is too large
        data = await self._patiently(message.file.where, LARGEST_FILE + 1)
        if message.file.sealed is not None and 0 < len(data) <= LARGEST_FILE:
            data = files.unseal(data, message.file.sealed) or b""
        return (Attachment(message.file.name, message.file.media_type, data),) if data else ()

    async def _patiently(self, where: str, most: int) -> bytes:
        """The file; empty once it could not be had FILE_TRIES times, for every message after it waits meanwhile."""
        try:
            data = await self._session.download(where, most)
        except Trouble:
            self._missed[where] += 1
            if self._missed[where] < FILE_TRIES:
                raise
            log.warning("matrix: a file could not be fetched; its message is taken without it")
            data = b""
        del self._missed[where]
        return data

    # --- what cannot be read yet ---

    async def _keep_in_mind(self, room: str, event: wire.Event) -> None:
        content, event_id = event.get("content"), event.get("event_id")
        session = content.get("session_id") if isinstance(content, dict) else None
        if isinstance(session, str) and isinstance(event_id, str):
            await self._waiting.add(room, event_id, session)
            await self._seals.ask(room, event)

    async def _read_again(self, arrived: set[tuple[str, str]] | None) -> None:
        """Read what waited for these keys; None: for any we have."""
        ready = [
            each
            for each in self._waiting.all()
            if (arrived is None or (each.room, each.session) in arrived)
            and await self._seals.has_key(each.room, each.session)
        ]
        for each in ready:
            event = await self._session.event(each.room, each.event)
            if event and await self._seals.read(each.room, event) is not None:
                await self._read(each.room, event)
        await self._waiting.drop([*ready, *self._waiting.old()])

    async def _tell_of_unread(self) -> None:
        for each in self._waiting.due():
            await self._rooms.explain_encryption(each.room)
            await self._waiting.told(each)

    # --- what a sync left out ---

    async def _gap(self, room: str, before: str, since: str) -> list[wire.Event]:
        """What a `limited` timeline left out, oldest first."""
        found: list[wire.Event] = []
        for _ in range(MOST_PAGES):
            try:
                page, before = await self._session.history(room, before, since)
            except Undeliverable:  # we were put out meanwhile
                break
            found.extend(page)
            if not before or any(wire.asked_in(event, self._session.me) for event in page):
                break
        else:
            log.error("matrix: over %d events were missed in one room; the oldest are given up", len(found))
        return found[::-1]


async def bear(host: Host, trouble: Exception, seconds: float) -> None:
    """Say what is wrong, and wait `seconds`, or as long as the server asks."""
    wait = trouble.seconds if isinstance(trouble, Later) else seconds
    log.warning("matrix: %s; again in %.0f s", words(trouble), wait)
    began = time.monotonic()
    try:
        await host.report("reconnecting", words(trouble))
    except Exception as error:  # the database is away too
        log.warning("matrix: the trouble is not written down: %s", type(error).__name__)
    await asyncio.sleep(max(0.0, wait - (time.monotonic() - began)))


def words(trouble: Exception) -> str:
    """What to log: our own words; of anything else only its kind, for it may quote a message."""
    return str(trouble) if isinstance(trouble, Later | Trouble | SignedOut) else type(trouble).__name__

"""The Matrix connector: a sync loop whose token is kept only once all it covers is safe; idempotent sends."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Mapping

from nio import RoomInfo

from chatbranch.connectors.contract import Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.matrix import wire
from chatbranch.connectors.matrix.rooms import Rooms
from chatbranch.connectors.matrix.session import Session, SignedOut, Trouble
from chatbranch.connectors.matrix.setup import SETUP
from chatbranch.kernel.messages import Attachment, Outbound, Receipt

log = logging.getLogger(__name__)

SETTLED = 60.0  # seconds a session has lasted after which its end counts as the first failure
POLL = 30.0  # seconds one sync waits for news
LARGEST_PICTURE = 10 * 1024 * 1024  # bytes
PICTURE_TRIES = 3  # before a message is taken without the picture that its own server does not give
MOST_PAGES = 500  # of 100 events: how far back a gap is filled before the rest is given up, loudly


class Matrix:
    """Receives from and sends to the rooms one account is in."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._values = _checked(settings)
        self._session: Session | None = None  # while signed in

    async def run(self, host: Host) -> None:
        """Sign in and listen until cancelled; sign in again when the server was away, or has forgotten us."""
        failures = 0
        while True:
            session, started = Session(self._values), time.monotonic()
            try:
                await session.sign_in(host)
                self._session = session
                await _Listener(session, host).listen()
            except (SignedOut, Trouble, Later) as trouble:
                self._session = None
                failures = 1 if time.monotonic() - started > SETTLED else failures + 1
                await _pause(trouble, failures)
            finally:
                self._session = None
                await session.close()

    async def send(self, outbound: Outbound) -> Receipt:
        """Say it in the room. The server takes a repeated key once (for a day, from the same session)."""
        if self._session is None:
            raise Later(2, "not signed in to the homeserver yet")
        try:
            event_id = await self._session.send(
                outbound.address, wire.content_of(outbound), wire.transaction_id(outbound.key)
            )
        except SignedOut as error:
            raise Later(5, "signing in to the homeserver again") from error
        return Receipt(event_id)


def _checked(settings: Mapping[str, str]) -> dict[str, str]:
    if not re.match(r"https?://[^\s/]+", settings["homeserver"]):
        raise Misconfigured("matrix.homeserver must be an address like https://matrix.example.org")
    if not re.fullmatch(r"@[^:\s]+:\S+", settings["user"]):
        raise Misconfigured("matrix.user must be a full user id like @check:example.org")
    if not settings.get("password") and not settings.get("token"):
        raise Misconfigured("matrix needs CHATBRANCH_MATRIX_PASSWORD or CHATBRANCH_MATRIX_TOKEN")
    return dict(settings)


class _Listener:
    """The sync loop of one session."""

    def __init__(self, session: Session, host: Host) -> None:
        self._session, self._host = session, host
        self._rooms = Rooms(session, host)
        self._place = wire.memory_key("since:", session.me)
        self._missed: Counter[str] = Counter()  # picture -> failed tries

    async def listen(self) -> None:
        """Until cancelled, or signed out."""
        since = await self._host.recall(self._place)
        await self._rooms.recall_invitations()
        failures = 0
        while True:
            try:
                since = await self._turn(since)
                failures = 0
            except SignedOut:
                raise
            except Exception as error:  # trouble of the server or of our database: nothing was passed over
                failures += 1
                await _pause(error, failures)

    async def _turn(self, since: str) -> str:
        """One sync. Its token is remembered, and gone on from, only when all it brought is durable."""
        news = await self._session.sync(since, self._rooms.patience(POLL) if since else 0)
        if since:  # what was said in our rooms before we first came is not addressed to us
            for room, info in news.rooms.join.items():
                await self._read_room(room, info, since)
        await self._rooms.take_invitations(list(news.rooms.invite))
        reached: str = news.next_batch
        if reached != since:
            await self._host.remember(self._place, reached)
        return reached

    async def _read_room(self, room: str, info: RoomInfo, since: str) -> None:
        events = [event.source for event in info.timeline.events]
        if info.timeline.limited and info.timeline.prev_batch:
            events = await self._gap(room, info.timeline.prev_batch, since) + events
        if any(wire.changes_members(event) for event in events):
            self._rooms.forget_members(room)
        if any(wire.asked_in(event, self._session.me) for event in events):
            await self._rooms.greet(room)
        for event in wire.since_asked_in(events, self._session.me):
            await self._read(room, event)
        if any(wire.changes_members(event) for event in events):
            await self._rooms.leave_if_alone(room)

    async def _read(self, room: str, event: wire.Event) -> None:
        message = self._message(event)
        if message is not None:
            direct = await self._rooms.is_direct(room)
            mentioned = message.mentions_me
            if message.reply_to and not direct:
                replied = await self._session.event(room, message.reply_to)
                mentioned = mentioned or replied.get("sender") == self._session.me
                message = wire.asks_about(message, self._message(replied))
            files = await self._files(message) if direct or mentioned else ()
            await self._host.receive(
                wire.as_inbound(message, room, direct=direct, mentioned=mentioned, attachments=files)
            )
        elif wire.is_encrypted(event):
            await self._rooms.explain_encryption(room)

    def _message(self, event: wire.Event) -> wire.Message | None:
        return wire.read_event(event, self._session.me, self._session.name)

    async def _files(self, message: wire.Message) -> tuple[Attachment, ...]:
        if message.picture is None:
            return ()
        # one byte more than is accepted, so that whoever reads it can tell that it is too large
        data = await self._patiently(message.picture.where, LARGEST_PICTURE + 1)
        return (Attachment(message.picture.name, message.picture.media_type, data),) if data else ()

    async def _patiently(self, where: str, most: int) -> bytes:
        """The file; empty once it could not be had PICTURE_TRIES times, for every message after it waits meanwhile."""
        try:
            data = await self._session.download(where, most)
        except Trouble:
            self._missed[where] += 1
            if self._missed[where] < PICTURE_TRIES:
                raise
            log.warning("matrix: a picture could not be fetched; its message is taken without it")
            data = b""
        del self._missed[where]
        return data

    async def _gap(self, room: str, before: str, since: str) -> list[wire.Event]:
        """What a `limited` timeline left out, oldest first: the library does not fetch it by itself."""
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


async def _pause(trouble: Exception, failures: int) -> None:
    """Wait as long as the server asks, else 1, 2, 4 … 60 s, at random so that many bots do not return at once."""
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 (no secret hangs on it)
    wait = trouble.seconds if isinstance(trouble, Later) else min(60.0, 2.0 ** (failures - 1)) * jitter
    log.warning("matrix: %s; again in %.0f s", _words(trouble), wait)
    await asyncio.sleep(wait)


def _words(trouble: Exception) -> str:
    """What to log: our own words; of anything else only its kind, for it may quote a message."""
    return str(trouble) if isinstance(trouble, Later | Trouble | SignedOut) else type(trouble).__name__

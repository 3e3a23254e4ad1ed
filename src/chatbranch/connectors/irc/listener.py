"""What the server tells, on its way into the house: messages, gaps, and how the channel is."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from chatbranch.connectors.contract import Health, Host
from chatbranch.connectors.irc import wire, words
from chatbranch.connectors.irc.choices import Choices
from chatbranch.connectors.irc.gathering import Gathering
from chatbranch.connectors.irc.history import SLACK, Unavailable
from chatbranch.connectors.irc.inbox import Inbox
from chatbranch.connectors.irc.link import Link, Trouble
from chatbranch.connectors.irc.presence import DIRECT, Presence
from chatbranch.connectors.irc.session import Session
from chatbranch.connectors.irc.setup import SETUP
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Gap, Inbound

log = logging.getLogger(__name__)

PATIENCE = (
    600.0  # seconds for which the house may take nothing before what is held is given up, and told as a gap
)
SAVE_EVERY = 4.0  # seconds
GOODBYE = 3.0  # seconds for what came last, when the process is asked to end


class Listener:
    """Hears every connection of one run. called_by: is told the id of a message that called us, and whose it is."""

    def __init__(self, host: Host, chosen: Choices, called_by: Callable[[str, str], None]) -> None:
        self._host, self._choices, self._called_by = host, chosen, called_by
        self.inbox = Inbox()
        self._presence = Presence(host, f"heard:{chosen.server}"[:80])
        self._gathering = Gathering(chosen.gather, self._take_direct)
        self._numbers = itertools.count(1)
        self._epoch = ids.new_id()
        self._health: tuple[Health, str] | None = None
        self._save_at = 0.0
        self._worker: asyncio.Task[None] | None = None
        self._session: Session | None = None

    async def start(self) -> None:
        """Recall where we were, and begin to take in what comes."""
        await self._presence.load()
        self._worker = asyncio.create_task(self.inbox.work())

    async def end(self) -> None:
        """Take in what has come, for a moment, and keep up to where that went."""
        self._gathering.close_all()
        with suppress(TimeoutError):
            await self.inbox.drained(GOODBYE)
        if self._worker:
            self._worker.cancel()
        with suppress(Exception):
            await self._presence.save()

    async def tick(self, session: Session) -> None:
        """Once a second: keep how far we have heard, and say how the channel stands."""
        if self.inbox.failing > PATIENCE:
            self.inbox.give_up()
            raise Trouble("十分钟没有能收进任何消息 / the house took nothing in for ten minutes")
        self._reached(session.link)
        if time.monotonic() >= self._save_at:
            self._save_at = time.monotonic() + SAVE_EVERY
            await self._save()
        if session.ready and session.rooms.settled():
            complaints = session.rooms.complaints()
            await self.report("broken" if complaints else "connected", complaints)

    async def disconnected(self, link: Link) -> None:
        """The connection is gone: from here on things may be missed."""
        self._reached(link)
        self._presence.leave_all()
        await self._save()

    async def report(self, health: Health, why: str = "") -> None:
        """Tell how the channel stands, when that has changed."""
        if (health, why) == self._health:
            return
        try:
            await self._host.report(health, why)
            self._health = (health, why)
        except Exception as error:  # told again at the next tick
            log.warning("irc: how the channel is was not kept (%s)", type(error).__name__)

    def _reached(self, link: Link) -> None:
        self._presence.reached(min(link.heard, self.inbox.oldest or link.heard))

    async def _save(self) -> None:
        try:
            await self._presence.save()
        except Exception as error:  # the next one may succeed; the gap only looks longer than it was
            log.warning("irc: how far we heard was not kept (%s)", type(error).__name__)

    # --- Ears ---

    def welcomed(self, session: Session) -> None:
        """The server has let us in."""
        self._session = session
        self._presence.keep_only(session.rooms)
        log.info("irc: on %s as %s", self._choices.server, session.nick)
        at = session.link.heard
        self.inbox.put(at, lambda: self._catch_up_direct(session, at))

    def entered(self, session: Session, channel: str) -> None:
        """We are in a channel."""
        at = session.link.heard
        self.inbox.put(at, lambda: self._catch_up(session, channel, at))

    def left(self, session: Session, channel: str) -> None:
        """We are in a channel no longer. What came from it before is on its way in."""
        self._reached(session.link)
        room = session.fold(channel)

        async def leave() -> None:
            self._presence.leave(room)

        self._presence.leave(room)  # now; and once more after a coming-in that may still wait
        self.inbox.put(session.link.heard, leave)

    def said(self, session: Session, message: wire.Message) -> None:
        """Somebody said something."""
        self._said(session, message, session.link.heard)

    def replayed(self, session: Session, message: wire.Message) -> None:
        """The server plays back what was said in a channel earlier: news only if it came after we last heard."""
        known = self._presence.first(session.fold(message.target))
        if (
            known
            and message.msgid
            and message.at
            and message.at > known
            and session.support.is_channel(message.target)
        ):
            self._said(session, message, session.link.heard)

    def _said(self, session: Session, message: wire.Message, came: datetime) -> None:
        if self._is_peer(session, message):
            return
        if session.support.is_channel(message.target):
            if inbound := self._in_room(session, message, came):
                self.inbox.put(came, lambda: self._host.receive(inbound), together=not inbound.mentioned)
        elif session.fold(message.target) == session.fold(session.nick) and not message.bot:
            self._gathering.add(session.fold(message.source), came, message)

    def _take_direct(self, came: datetime, message: wire.Message) -> None:
        if self._session is not None:
            inbound = self._in_private(self._session, message, came)
            self.inbox.put(came, lambda: self._host.receive(inbound))

    # --- what was missed ---

    async def _catch_up(self, session: Session, channel: str, at: datetime) -> None:
        room, since = session.fold(channel), self._presence.heard(session.fold(channel))
        if since is not None and not await self._filled(session, channel, since):
            name = session.rooms.name(channel) or channel
            await self._host.missed(Gap(SETUP.name, name, since, max(since, at)))
        self._presence.enter(room, at, stays=session.alive and session.rooms.barred(channel) is None)
        await self._presence.save()

    async def _catch_up_direct(self, session: Session, at: datetime) -> None:
        since = self._presence.heard(DIRECT)
        if since is not None and session.replays:
            try:
                people = await session.history.people(since - SLACK, at)
            except Unavailable as why:
                people = []
                log.warning("irc: private messages of the meantime cannot be had: %s", why)
            for nick in people:
                if not session.support.is_channel(nick):
                    await self._filled(session, nick, since)
        self._presence.enter(DIRECT, at, stays=session.alive)
        await self._presence.save()

    async def _filled(self, session: Session, target: str, since: datetime) -> bool:
        """Whether the server has given back all that was said since then."""
        if not session.replays:
            return False
        room = session.fold(target) if session.support.is_channel(target) else DIRECT
        start = max(since - SLACK, self._presence.first(room) or since)
        try:
            async for page in session.history.after(target, start):
                for message in page:
                    await self._take_old(session, message)
        except Unavailable as why:
            log.warning("irc: what was said meanwhile cannot be had: %s", why)
            return False
        return True

    async def _take_old(self, session: Session, message: wire.Message) -> None:
        if session.is_ours(message) or self._is_peer(session, message):
            return
        came = clock.now()
        if session.support.is_channel(message.target):
            inbound = self._in_room(session, message, came)
        else:
            inbound = None if message.bot else self._in_private(session, message, came)
        if inbound:
            await self._host.receive(inbound)

    # --- as the house knows messages ---

    def _is_peer(self, session: Session, message: wire.Message) -> bool:
        peers = {session.fold(each) for each in self._choices.peers}
        return session.fold(message.nick) in peers or (
            message.account != "" and session.fold(message.account) in peers
        )

    def _in_room(self, session: Session, message: wire.Message, came: datetime) -> Inbound | None:
        room = session.rooms.name(message.target)
        if room is None:
            return None
        inbound = self._inbound(session, message, came, room, direct=False)
        if inbound.mentioned:
            self._called_by(inbound.message_id, message.nick)
        return inbound

    def _in_private(self, session: Session, message: wire.Message, came: datetime) -> Inbound:
        return self._inbound(session, message, came, session.fold(message.nick), direct=True)

    def _inbound(
        self, session: Session, message: wire.Message, came: datetime, address: str, *, direct: bool
    ) -> Inbound:
        mentioned, text = words.called(message.text, (session.nick, self._choices.nick))
        message_id = message.msgid or f"{self._epoch}-{next(self._numbers)}"
        calls = mentioned and not message.bot
        return Inbound(
            channel=SETUP.name,
            address=address,
            sender=message.account or session.fold(message.source),
            sender_name=message.nick,
            message_id=message_id,
            text=text,
            sent_at=message.at or came,
            direct=direct,
            mentioned=calls,
            reply_to=message_id if calls and not direct else "",
            in_reply_to=message.reply_to,
            trail=message.trail,
        )

"""One room (XEP-0045): entering it, noticing that we are out of it (XEP-0410), and saying things in it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element

from chatbranch.connectors.contract import Host, Later, Undeliverable
from chatbranch.connectors.xmpp import compose, wire
from chatbranch.connectors.xmpp.archive import Archive
from chatbranch.connectors.xmpp.files import Files
from chatbranch.connectors.xmpp.places import Taker, settled
from chatbranch.connectors.xmpp.session import Refused, Session, Trouble
from chatbranch.kernel.backoff import Attempts

log = logging.getLogger(__name__)

OCCUPANT_IDS = "urn:xmpp:occupant-id:0"
REFLECTED = 20.0  # seconds a room may take to show us what we said
NICKS = 4  # names tried where ours is taken: name, name_, name__ …
KICKED, BANNED = 30.0, 300.0  # seconds before we knock again
NOT_IN = "现在不在群里，正在重新进入 / not in the room now; entering it again"

_WHY_NOT_IN = {
    "not-authorized": "the room wants a password, which this connector cannot give",
    "forbidden": "the room has banned us; ask whoever runs it",
    "registration-required": "the room lets members in only; have the bot's address made a member",
    "item-not-found": "there is no such room",
    "not-allowed": "there is no such room, and we may not make one",
    "conflict": "every name we tried is taken in the room; choose another xmpp.nick",
    "service-unavailable": "the room is full, or no room at all",
    "jid-malformed": "this is no address of a room",
    "remote-server-not-found": "the room's server cannot be found; see xmpp.rooms",
}


class Room:
    """A room we are meant to be in. A Scene, for whoever takes what is said in it."""

    direct = False

    def __init__(
        self,
        jid: str,
        nick: str,
        session: Session,
        host: Host,
        files: Files,
        stands: Callable[[str, str], None],
    ) -> None:
        self.jid, self.nick, self.wished = jid, nick, nick
        self.inside = False
        self._session, self._stands = session, stands
        self._archive = Archive(session, jid, room=True)
        self.taker = Taker(self, self._archive, session, host, files)
        self._occupant = ""  # our own occupant id
        self._occupant_ids = False
        self._addresses: dict[str, str] = {}  # nick -> real address, where the room shows it
        self._entering: asyncio.Future[str] | None = None
        self._awaited: dict[str, asyncio.Future[str]] = {}
        self._rest = 0.0
        self._why = ""
        self.heard = time.monotonic()

    # --- the scene ---

    def sender(self, message: wire.Message) -> str:
        """The occupant id (XEP-0421) where the room vouches for it, else the real address; never the nick."""
        if self._occupant_ids and message.occupant and wire.resource(message.author):
            return f"{self.jid}#{message.occupant}"
        return message.real

    def ours(self, message: wire.Message) -> bool:
        """Whether we said it, perhaps under another name."""
        if self._occupant_ids and self._occupant and message.occupant:
            return message.occupant == self._occupant
        return message.real == self._session.me or (
            not message.real and message.author == f"{self.jid}/{self.nick}"
        )

    def address(self, message: wire.Message) -> str:
        """The room."""
        return self.jid

    # --- being there ---

    async def keep(self) -> None:
        """Be in the room until cancelled: enter, read on, and enter again when put out."""
        await self.taker.reader.recall()
        attempts = Attempts()
        while True:
            attempts.begin()
            self._rest, self._why = 0.0, ""
            try:
                await self._enter()
                self._stands(self.jid, "")
                await self.taker.reader.follow()
            except Refused as refused:
                self._why = _WHY_NOT_IN.get(
                    refused.condition, f"the room does not let us in ({refused.condition})"
                )
                self._rest = 0.0 if refused.wait else BANNED / 10
            except Trouble as trouble:
                self._why = str(trouble)
            self._leave(self._why or NOT_IN)
            self._stands(self.jid, self._why or NOT_IN)
            await asyncio.sleep(max(self._rest, attempts.failed()))

    async def _enter(self) -> None:
        for attempt in range(NICKS):
            try:
                await self._knock(self.wished + "_" * attempt)
                break
            except Refused as refused:
                if refused.condition != "conflict" or attempt + 1 == NICKS:
                    raise
        self._occupant_ids = OCCUPANT_IDS in await self._session.features(self.jid)
        await self._archive.look()
        self.inside, self.heard = True, time.monotonic()

    async def _knock(self, nick: str) -> None:
        self._addresses.clear()
        self._entering = asyncio.get_running_loop().create_future()
        self._session.appear(compose.entering(f"{self.jid}/{nick}"))
        if not await settled(self._entering, self._session, REFLECTED):
            raise Trouble("群没有回答 / the room does not answer")
        self.nick = self._entering.result()

    def hear_presence(self, presence: Element) -> None:
        """Somebody comes, goes, or changes; perhaps ourselves."""
        nick, kind = wire.resource(presence.get("from") or ""), presence.get("type") or ""
        codes = {each.get("code") for each in presence.iterfind(f"{wire.MUC_USER}x/{wire.MUC_USER}status")}
        item = presence.find(f"{wire.MUC_USER}x/{wire.MUC_USER}item")
        if kind == "error":
            self._not_let_in(presence)
        elif kind == "unavailable":
            self._addresses.pop(nick, None)
            if "110" in codes or (self.inside and nick == self.nick):
                self._gone(codes, (item.get("nick") or "") if item is not None else "")
        elif not kind:
            self._addresses[nick] = wire.bare((item.get("jid") or "") if item is not None else "")
            if "110" in codes:
                self._come(presence, nick, made="201" in codes)

    def _come(self, presence: Element, nick: str, *, made: bool) -> None:
        self.nick = nick
        occupant = presence.find(f"{wire.OCCUPANT}occupant-id")
        self._occupant = (occupant.get("id") or "") if occupant is not None else ""
        if made:
            self._unlock()
        if self._entering is not None and not self._entering.done():
            self._entering.set_result(nick)

    def _unlock(self) -> None:
        """The room was not there and is made by our coming: open it as its server makes rooms (section 10.1.2)."""
        log.warning("xmpp: a room of xmpp.rooms did not exist and was made")
        owner = Element("{http://jabber.org/protocol/muc#owner}query")
        owner.append(Element("{jabber:x:data}x", {"type": "submit"}))
        task = asyncio.ensure_future(self._session.ask("set", self.jid, owner))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _not_let_in(self, presence: Element) -> None:
        refusal = wire.read_refusal(presence)
        if refusal is not None and self._entering is not None and not self._entering.done():
            self._entering.set_exception(Refused(refusal.condition, refusal.wait))

    def _gone(self, codes: set[str | None], new_nick: str) -> None:
        if "303" in codes and new_nick:
            self.nick = new_nick
            return
        if "301" in codes or "321" in codes:
            self._why, self._rest = _WHY_NOT_IN["forbidden"], BANNED
        elif "307" in codes:
            self._why, self._rest = "we were put out of the room", KICKED
        self.lost()

    def lost(self) -> None:
        """We are out of the room, however we noticed."""
        self.inside = False
        self.taker.reader.stop()

    def _leave(self, why: str) -> None:
        self.inside = False
        for waiting in self._awaited.values():
            if not waiting.done():
                waiting.set_exception(Trouble(why))

    async def check(self) -> None:
        """Ask ourselves in the room whether we are there (XEP-0410): some ways of being put out are silent."""
        try:
            await self._session.ping(f"{self.jid}/{self.nick}")
        except Refused as refused:
            there = refused.condition in ("service-unavailable", "feature-not-implemented", "item-not-found")
            unsure = refused.condition in ("remote-server-not-found", "remote-server-timeout")
            if self.inside and not (there or unsure):
                log.warning("xmpp: out of a room without a word; entering it again")
                self.lost()
        except Trouble:
            pass  # the stream's own check tells

    # --- what is said ---

    def hear(self, stanza: Element) -> None:
        """A message from the room."""
        self.heard = time.monotonic()
        refusal = wire.read_refusal(stanza)
        if refusal is not None:
            self._refuse(refusal)
            return
        message = wire.read(stanza, by=self.jid)
        if message is None or message.kind != "groupchat":
            return
        # live, the room shows real addresses in presence alone; one inside a message, or a time, is its sender's invention
        message = replace(message, real=self._addresses.get(wire.resource(message.author), ""), sent_at=None)
        if message.author == f"{self.jid}/{self.nick}":
            self._reflect(message)
        self.taker.reader.hear(message)

    def _reflect(self, message: wire.Message) -> None:
        for own in message.ids:
            waiting = self._awaited.get(own)
            if waiting is not None and not waiting.done():
                waiting.set_result(self.taker.reader.id_of(message))

    def _refuse(self, refusal: wire.Refusal) -> None:
        waiting = self._awaited.get(refusal.id)
        if waiting is not None and not waiting.done():
            waiting.set_exception(_why(refusal))
        if refusal.condition == "not-acceptable" and self.inside:
            self.lost()

    async def say(self, stanza: Element) -> str:
        """Say it; the message_id of what the room shows everyone. Raises as Connector.send."""
        if not self.inside:
            raise Later(2, NOT_IN)
        own = stanza.get("id") or ""
        self.taker.said.put(own, True)
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[own] = waiting
        try:
            self._session.say(stanza)
            if not await settled(waiting, self._session, REFLECTED):
                raise Trouble("群没有显示我们说的话 / the room did not show us what we said")
            return waiting.result()
        finally:
            del self._awaited[own]

    async def said(self, own: str, key: str) -> str:
        """The message_id of an earlier attempt that arrived, or ""."""
        if not self.inside:
            raise Later(2, NOT_IN)
        return await self.taker.reader.sent(own, key, self.ours)

    async def own_id(self, target: str) -> str:
        """What we called our message `target`: corrections name that. Raises Undeliverable."""
        said = await self.taker.reader.lookup(target)
        if said is None or not said.ids or not self.ours(said):
            raise Undeliverable(
                "要改的消息已不在群的历史里 / the message to change is not in the room's history any more"
            )
        return said.ids[0]

    def me(self) -> str:
        """Who we are in the room, as `sender` would say."""
        return f"{self.jid}#{self._occupant}" if self._occupant_ids and self._occupant else self._session.me


def _why(refusal: wire.Refusal) -> Exception:
    """What it means for a message that the room does not take it."""
    if refusal.condition == "not-acceptable":
        return Later(2, NOT_IN)
    if refusal.wait or refusal.condition in ("resource-constraint", "policy-violation"):
        return Later(5, "群里要我们慢一点 / the room asks us to slow down")
    if refusal.condition in ("item-not-found", "gone", "recipient-unavailable"):
        return Later(30, "没有这个群 / the room is not there")
    if refusal.condition == "forbidden":
        return Undeliverable(
            "我们在这个群里没有发言权，请群主给我们 / we have no voice in this room; whoever runs it can give it to us"
        )
    return Undeliverable(f"群里不收 / the room does not take it ({refusal.condition})")

"""One-to-one conversations: everybody who writes to our account, with its archive for what came while we were away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container
from dataclasses import replace
from xml.etree.ElementTree import Element

from chatbranch.connectors.contract import Host, Later, Undeliverable
from chatbranch.connectors.xmpp import compose, wire
from chatbranch.connectors.xmpp.archive import Archive, Recent
from chatbranch.connectors.xmpp.files import Files
from chatbranch.connectors.xmpp.places import Taker
from chatbranch.connectors.xmpp.session import Refused, Session, Trouble
from chatbranch.kernel.backoff import Attempts
from chatbranch.kernel.phrases import Phrase

log = logging.getLogger(__name__)

NOT_HERE = Phrase(
    "聊天室里的私聊我不能放心答复，因为名字可能换人用。请直接写到 {jid}。",
    "I cannot safely answer private messages inside a room, for names there change hands. Please write to {jid}.",
)


class People:
    """Everybody who writes to us alone. A Scene, for whoever takes what they say."""

    direct = True
    nick = ""

    def __init__(self, session: Session, host: Host, files: Files, rooms: Container[str]) -> None:
        self._session, self._rooms = session, rooms
        self._archive = Archive(session, session.me, room=False)
        self.taker = Taker(self, self._archive, session, host, files)
        self._refusals: Recent[wire.Refusal] = Recent(1000)  # by the id of what was refused
        self._told: set[str] = set()
        self._keepers = (session.me, session.me.partition("@")[2])

    # --- the scene ---

    def sender(self, message: wire.Message) -> str:
        """Their address."""
        return wire.bare(message.author)

    def ours(self, message: wire.Message) -> bool:
        """Whether we said it."""
        return wire.bare(message.author) == self._session.me

    def address(self, message: wire.Message) -> str:
        """Their address; none for what came through a room, whose names change hands."""
        return (
            ""
            if wire.bare(message.author) in self._rooms or message.kind == "groupchat"
            else wire.bare(message.author)
        )

    # --- listening ---

    async def keep(self) -> None:
        """Read until cancelled."""
        await self.taker.reader.recall()
        attempts = Attempts()
        while True:
            attempts.begin()
            try:
                await self._archive.look()
                await self._ask_to_keep()
                await self._appear()
                await self.taker.reader.follow()
            except (Refused, Trouble) as trouble:
                log.warning("xmpp: our archive cannot be read now: %s", trouble)
                await asyncio.sleep(attempts.failed())

    async def _appear(self) -> None:
        """From now on the server hands us what comes; who asks to see us, only once we asked whom we know."""
        try:
            await self._session.ask("get", "", Element("{jabber:iq:roster}query"))
        except Refused as refused:
            log.info("xmpp: the server keeps no list of contacts (%s)", refused)
        self._session.appear(Element(f"{wire.CLIENT}presence"))

    async def _ask_to_keep(self) -> None:
        if self._archive.there:
            try:
                await self._session.ask("set", "", compose.keep_everything())
            except Refused as refused:
                log.info("xmpp: the server keeps what it keeps (%s)", refused)

    def hear(self, stanza: Element) -> None:
        """A message that is not from a room."""
        refusal = wire.read_refusal(stanza)
        if refusal is not None:
            self._refusals.put(refusal.id, refusal)
            return
        message = wire.read(stanza, by=self._session.me)
        if message is None or message.kind == "groupchat":
            return
        if wire.bare(message.author) in self._rooms:
            self._decline(message.author)
        elif message.kept_by not in self._keepers:
            self.taker.reader.hear(replace(message, sent_at=None))  # anybody can write another time into it
        elif not self._archive.there:  # where it is, it has what the server kept for us, too
            self.taker.reader.hear(message)

    def _decline(self, occupant: str) -> None:
        """Say once to somebody in a room where we can be written to."""
        if occupant in self._told or len(self._told) > 1000 or not wire.resource(occupant):
            return
        self._told.add(occupant)
        words = "\n\n".join(NOT_HERE.say(lang, jid=self._session.me) for lang in ("zh-Hans", "en"))
        self._session.say(compose.said(compose.Target(occupant, "chat", wire.stanza_id(occupant)), words))

    # --- saying ---

    async def say(self, stanza: Element) -> str:
        """Say it to one person; its id once our server has it. Raises as Connector.send."""
        own = stanza.get("id") or ""
        self.taker.said.put(own, True)
        await self._session.acknowledged(stanza)
        refusal = self._refusals.get(own)
        if refusal is not None:
            raise _why(refusal)
        return own

    async def said(self, own: str, key: str, to: str) -> str:
        """The id of an earlier attempt that arrived, or ""."""
        return own if await self.taker.reader.sent(own, key, self.ours, **{"with": to}) else ""

    async def their_id(self, target: str) -> str:
        """What the sender of the message `target` called it; the same for ours."""
        if target.startswith(wire.OURS):
            return target
        said = await self.taker.reader.lookup(target)
        return said.ids[0] if said is not None and said.ids else ""


def _why(refusal: wire.Refusal) -> Exception:
    """What it means for a message that it came back."""
    if refusal.wait:
        return Later(60, f"对方服务器要我们等等 / their server asks us to wait ({refusal.condition})")
    if refusal.condition in ("item-not-found", "service-unavailable", "recipient-unavailable", "gone"):
        return Undeliverable("这个地址没有人 / nobody can be reached at this address")
    return Undeliverable(f"对方服务器不收 / their server does not take it ({refusal.condition})")

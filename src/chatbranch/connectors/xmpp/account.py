"""All that one signed-in account is in: its rooms, and the people who write to it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

from chatbranch.connectors.contract import Host, Undeliverable
from chatbranch.connectors.xmpp import compose, wire
from chatbranch.connectors.xmpp.files import Files
from chatbranch.connectors.xmpp.people import People
from chatbranch.connectors.xmpp.places import set_key
from chatbranch.connectors.xmpp.rooms import Room
from chatbranch.connectors.xmpp.session import Refused, Session, Trouble, normal
from chatbranch.kernel.messages import Attachment, Outbound
from chatbranch.kernel.phrases import Phrase

QUIET = 60.0  # seconds of silence after which we ask whether the server, and we in a room, are still there
LEFT_OUT = Phrase("（附件“{name}”无法在这里发送。）", "(The file “{name}” could not be sent here.)")


class Account:
    """All that one session is in: its rooms, and its people."""

    def __init__(self, session: Session, host: Host, rooms: list[str], nick: str) -> None:
        self._session, self._host = session, host
        self._files = Files(session)
        self._rooms: dict[str, Room] = {}
        self._out: dict[str, str] = dict.fromkeys(rooms, "")  # room -> why we are not in it
        self._changed = asyncio.Event()
        for jid in rooms:
            self._rooms[jid] = Room(jid, nick, session, host, self._files, self._stands)
        self._people = People(session, host, self._files, self._rooms)
        session.on_message, session.on_presence = self._hear, self._hear_presence

    async def stay(self) -> None:
        """Until the stream ends, which it says by raising Trouble."""
        await self._host.report("connected")
        tasks = [
            self._people.keep(),
            *(room.keep() for room in self._rooms.values()),
            self._watch(),
            self._report(),
        ]
        running = [asyncio.create_task(each) for each in tasks]
        try:
            everything: set[asyncio.Future[Any]] = {self._session.ended, *running}
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                if task.done():
                    task.result()  # only a mistake of ours ends one
            raise Trouble(self._session.ended.result())
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def close(self) -> None:
        """Let go of what the files were fetched with."""
        await self._files.close()

    async def _watch(self) -> None:
        """Ask from time to time whether the server answers, and whether we are still in silent rooms."""
        while True:
            await asyncio.sleep(QUIET)
            try:
                await self._session.ping()
            except Trouble:
                self._session.drop("the server no longer answers")
            except Refused:
                pass  # an answer, though not a polite one
            silent = [
                each for each in self._rooms.values() if each.inside and each.heard < time.monotonic() - QUIET
            ]
            await asyncio.gather(*(each.check() for each in silent))

    # --- hearing ---

    def _hear(self, stanza: Element) -> None:
        result = wire.read_result(stanza)
        author = wire.bare(stanza.get("from") or self._session.me)
        room = self._rooms.get(author)
        if result is not None:
            (room or self._people).taker.reader.archive.hear(result)
        elif room is not None and (stanza.get("type") == "groupchat" or stanza.get("type") == "error"):
            room.hear(stanza)
        else:
            self._people.hear(stanza)

    def _hear_presence(self, presence: Element) -> None:
        room = self._rooms.get(wire.bare(presence.get("from") or ""))
        if room is not None:
            room.hear_presence(presence)

    def _stands(self, room: str, why: str) -> None:
        if self._out[room] != why:
            self._out[room] = why
            self._changed.set()

    async def _report(self) -> None:
        """Tell the desk which rooms we cannot get into."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            why = "; ".join(f"{room}: {reason}" for room, reason in self._out.items() if reason)
            await self._host.report("broken" if why else "connected", why)

    # --- saying ---

    async def send(self, outbound: Outbound) -> str:
        """Its text, then its files, a message each; what arrived in an earlier attempt is not said again."""
        fit, left_out = await self._fit(outbound)
        text = "\n".join(each for each in (outbound.text, *left_out) if each)
        receipts = [await self._say_text(outbound, text)] if text or not fit else []
        for number, file in enumerate(fit, 1):
            receipts.append(await self._say_file(outbound, file, number))
        return receipts[0]

    async def edit(self, outbound: Outbound, target: str) -> str:
        """Correct our message."""
        room = self._rooms.get(normal(outbound.address))
        replaces = await room.own_id(target) if room else target
        return await self._say(
            outbound, compose.said(self._target(outbound), outbound.text, replaces=replaces)
        )

    async def delete(self, outbound: Outbound, target: str) -> str:
        """Take our message back."""
        return await self._say(outbound, compose.retraction(self._target(outbound), target))

    async def react(self, outbound: Outbound, target: str, *, on: bool) -> str:
        """Say which emoji we have under a message now that one more, or less, is there."""
        if not wire.is_emoji(outbound.text):
            raise Undeliverable("这不是表情 / this is no emoji")
        room = self._rooms.get(normal(outbound.address))
        named = target if room else await self._people.their_id(target)
        place = (room or self._people).taker.reader.place
        key = set_key(room.me() if room else self._session.me, named)
        others = [each for each in place.sets.get(key, []) if each != outbound.text]
        emoji = [*others, outbound.text] if on else others
        receipt = await self._say(outbound, compose.reactions(self._target(outbound), named, emoji))
        place.keep_set(key, emoji)
        (room or self._people).taker.reader.save()
        return receipt

    def typing(self, address: str, on: bool) -> None:
        """Show that we are at it, as far as anybody looks."""
        jid = normal(address)
        if jid and not self._session.ended.done():
            self._session.say(compose.typing(jid, "groupchat" if jid in self._rooms else "chat", on))

    async def _fit(self, outbound: Outbound) -> tuple[list[Attachment], list[str]]:
        """The files that can go, and words for those that cannot."""
        fit: list[Attachment] = []
        left_out: list[str] = []
        for file in outbound.attachments:
            if await self._files.takes(len(file.data)):
                fit.append(file)
            else:
                left_out += [LEFT_OUT.say(lang, name=file.name) for lang in ("zh-Hans", "en")]
        return fit, left_out

    async def _say_text(self, outbound: Outbound, text: str) -> str:
        room = self._rooms.get(normal(outbound.address))
        reply_to, author, thread = outbound.reply_to, "", outbound.thread
        if reply_to:
            said = await (room or self._people).taker.reader.lookup(reply_to)
            author = said.author if said is not None else ""
            reply_to = reply_to if room else await self._people.their_id(reply_to)
        if thread:
            thread = (room or self._people).taker.reader.place.thread_of(thread)
        stanza = compose.said(
            self._target(outbound),
            text,
            reply_to=reply_to,
            reply_author=author,
            thread=thread,
            trail=outbound.trail,
        )
        return await self._say(outbound, stanza)

    async def _say_file(self, outbound: Outbound, file: Attachment, number: int) -> str:
        target = self._target(outbound, number)
        arrived = await self._arrived(outbound, target.id)
        if arrived:
            return arrived
        url = await self._files.upload(file)
        return await self._say(replace(outbound, repeat=False), compose.file(target, url, outbound.trail))

    async def _say(self, outbound: Outbound, stanza: Element) -> str:
        arrived = await self._arrived(outbound, stanza.get("id") or "")
        if arrived:
            return arrived
        room = self._rooms.get(stanza.get("to") or "")
        return await (room or self._people).say(stanza)

    async def _arrived(self, outbound: Outbound, own: str) -> str:
        """The receipt of an earlier attempt that arrived, or ""."""
        if not outbound.repeat:
            return ""
        jid = normal(outbound.address)
        if jid in self._rooms:
            return await self._rooms[jid].said(own, outbound.key)
        return await self._people.said(own, outbound.key, jid)

    def _target(self, outbound: Outbound, part: int = 0) -> compose.Target:
        jid = normal(outbound.address)
        if not jid or "/" in jid:
            raise Undeliverable("这不是人或群的地址 / this is no address of a person or room")
        kind = "groupchat" if jid in self._rooms else "chat"
        return compose.Target(jid, kind, wire.stanza_id(outbound.key, part))

"""The places where people talk to us: a room, or all one-to-one conversations. What is said there becomes values."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol

from chatbranch.connectors.contract import Host
from chatbranch.connectors.xmpp import compose, wire
from chatbranch.connectors.xmpp.archive import Archive, Reader, Recent
from chatbranch.connectors.xmpp.files import Files
from chatbranch.connectors.xmpp.session import Session
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Attachment, Change, Deed, Inbound
from chatbranch.kernel.phrases import Phrase

log = logging.getLogger(__name__)

CANNOT_READ = Phrase(
    "抱歉，我还读不了加密的消息。请在这里关闭加密（OMEMO）再发一次。",
    "Sorry, I cannot read encrypted messages yet. Please switch encryption (OMEMO) off here and send it again.",
)


class Scene(Protocol):
    """What a place says about a message in it."""

    direct: bool
    nick: str

    def sender(self, message: wire.Message) -> str:
        """Who it is from, stable and never used again by somebody else; "" where nobody can tell."""

    def ours(self, message: wire.Message) -> bool:
        """Whether we said it."""

    def address(self, message: wire.Message) -> str:
        """Where an answer goes; "" for what is not to be answered."""


class Taker:
    """Hands the host what one archive brings."""

    def __init__(self, scene: Scene, archive: Archive, session: Session, host: Host, files: Files) -> None:
        self._scene, self._session, self._host, self._files = scene, session, host, files
        self.reader = Reader(archive, host, self._take, scene.sender, self._plain)
        self.said: Recent[bool] = Recent(1000)  # ids of what this session sent: its effect is noted already

    async def _take(self, message: wire.Message, message_id: str) -> None:
        target = ""
        if message.replaces:
            target = await self._corrected(message, message_id)
        if self._scene.ours(message):
            self._remember_ours(message)
        elif not self._scene.address(message):
            pass
        elif message.sealed:
            await self._explain(self._scene.address(message))
        elif message.retracts or message.reacts_to or target:
            for change in await self._changes(message, message_id, target):
                await self._host.change(change)
            self._keep_set(message)
        else:
            await self._host.receive(await self._inbound(message, message_id))

    def _plain(self, message: wire.Message) -> bool:
        """Whether it is said in a room, to the room, about nothing that was said before."""
        about = message.replaces or message.retracts or message.reacts_to or message.reply or message.thread
        if self._scene.direct or about or message.sealed or message.files:
            return False
        nick = self._scene.nick
        calls = wire.called(message.text, nick) > 0 or wire.mentions(message.text, nick)
        return self._scene.ours(message) or not calls

    async def _corrected(self, message: wire.Message, message_id: str) -> str:
        """The message that this one corrects. "": none of its sender's, and so it is a message of its own."""
        sender = self._scene.sender(message)
        target = await self.reader.resolve(sender, message.replaces, message.archive_id)
        if target:
            self.reader.corrects(message_id, target)
        return target

    def _remember_ours(self, message: wire.Message) -> None:
        if not any(own in self.said for own in message.ids):
            self._keep_set(message)
        if message.thread:
            self.reader.place.root(
                message.thread, message.thread
            )  # we begin none; a new one we name after its root

    # --- deeds ---

    async def _changes(self, message: wire.Message, message_id: str, target: str) -> list[Change]:
        sender = self._scene.sender(message)
        if message.retracts and message.moderated:
            target = self.reader.first(message.retracts)
            return [self._change(message, message_id, target, "delete", sender=message.author, entitled=True)]
        if not sender:  # whoever cannot be told apart from others cannot change what was said
            return []
        if message.retracts:
            target = await self.named(message, message.retracts)
            return [self._change(message, message_id, target, "delete", sender=sender)] if target else []
        if message.reacts_to:
            target = await self.named(message, message.reacts_to)
            return list(self._reacted(message, message_id, target, sender)) if target else []
        text = message.text[wire.called(message.text, self._scene.nick) :]
        return [self._change(message, message_id, target, "edit", sender=sender, text=text)]

    def _reacted(self, message: wire.Message, message_id: str, target: str, sender: str) -> Iterator[Change]:
        """A reaction names the whole set; what is new in it was added, what is no longer in it was taken back."""
        before = self.reader.place.sets.get(set_key(sender, message.reacts_to), [])
        deeds: list[tuple[Deed, str]] = [("react", each) for each in message.emoji if each not in before]
        deeds += [("unreact", each) for each in before if each not in message.emoji]
        for deed, emoji in deeds:
            yield self._change(
                message, f"{message_id}:{deed}:{emoji}", target, deed, sender=sender, text=emoji
            )

    def _keep_set(self, message: wire.Message) -> None:
        if message.reacts_to:
            key = set_key(self._scene.sender(message), message.reacts_to)
            self.reader.place.keep_set(key, list(message.emoji))

    def _change(
        self,
        message: wire.Message,
        message_id: str,
        target: str,
        deed: Deed,
        *,
        sender: str,
        text: str = "",
        entitled: bool = False,
    ) -> Change:
        return Change(
            channel=wire.CHANNEL,
            address=self._scene.address(message),
            sender=sender,
            sender_name=self._name(message),
            message_id=message_id,
            target=target,
            deed=deed,
            sent_at=message.sent_at or clock.now(),
            text=text,
            entitled=entitled,
        )

    async def named(self, message: wire.Message, referred: str) -> str:
        """The message_id of what `message` refers to: a room's messages are called by the room's ids, others' by
        those their senders gave, ours among them."""
        if not self._scene.direct:
            return self.reader.first(referred)
        if referred.startswith(wire.OURS):
            return referred
        return await self.reader.resolve(self._scene.sender(message), referred, message.archive_id)

    # --- words ---

    async def _inbound(self, message: wire.Message, message_id: str) -> Inbound:
        direct, nick = self._scene.direct, self._scene.nick
        called = 0 if direct else wire.called(message.text, nick)
        in_reply_to = await self.named(message, message.reply) if message.reply else ""
        mentioned = called > 0 or wire.mentions(message.text, nick) or await self._is_ours(in_reply_to)
        attachments, missing = await self._attachments(message)
        return Inbound(
            channel=wire.CHANNEL,
            address=self._scene.address(message),
            sender=self._scene.sender(message) or message.author,
            sender_name=self._name(message),
            message_id=message_id,
            text="\n".join([each for each in (message.text[called:], *missing) if each]),
            sent_at=message.sent_at or clock.now(),
            direct=direct,
            mentioned=not direct and mentioned,
            reply_to="" if direct else message_id,
            attachments=attachments,
            in_reply_to=in_reply_to,
            thread=self.reader.place.root(message.thread, message_id) if message.thread else "",
            trail=message.trail,
        )

    def _name(self, message: wire.Message) -> str:
        """How people see the sender: the nick in a room, else what stands before the @."""
        return message.author.partition("@")[0] if self._scene.direct else wire.resource(message.author)

    async def _is_ours(self, message_id: str) -> bool:
        if not message_id or self._scene.direct:
            return False
        replied = await self.reader.lookup(message_id)
        return replied is not None and self._scene.ours(replied)

    async def _attachments(self, message: wire.Message) -> tuple[tuple[Attachment, ...], list[str]]:
        """The files, and the addresses of those that could not be had: people may still follow them."""
        found = [(url, await self._files.fetch(url)) for url in message.files]
        return tuple(file for _, file in found if file), [url for url, file in found if not file]

    async def _explain(self, address: str) -> None:
        """Say that we cannot read this, once ever in a conversation."""
        key = wire.memory_key("sealed:", address)
        if await self._host.recall(key):
            return
        kind = "chat" if self._scene.direct else "groupchat"
        words = f"{CANNOT_READ.say('zh-Hans')}\n\n{CANNOT_READ.say('en')}"
        self._session.say(compose.said(compose.Target(address, kind, wire.stanza_id(key)), words))
        await self._host.remember(key, "told")


def set_key(sender: str, target: str) -> str:
    """What somebody's set of reactions to a message is remembered by."""
    return wire.memory_key("", f"{sender} {target}")[:20]


async def settled(waiting: asyncio.Future[str], session: Session, seconds: float) -> bool:
    """Wait for what the stream brings; whether it came before the stream ended or the time was up."""
    await asyncio.wait({waiting, session.ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return waiting.done()

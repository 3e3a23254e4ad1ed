"""How the bot speaks: each event goes out as its room wants it, in the clear or encrypted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatbranch.connectors.contract import Undeliverable
from chatbranch.connectors.matrix import compose
from chatbranch.connectors.matrix.crypto import files
from chatbranch.connectors.matrix.crypto.seals import Seals
from chatbranch.connectors.matrix.people import People
from chatbranch.connectors.matrix.session import Refused, Session
from chatbranch.kernel.messages import Attachment, Outbound

Composed = Callable[[int], compose.Content]  # bytes it may take -> content


class Voice:
    """Everything that is said. A repeated key is said once (for a day, from the same session)."""

    def __init__(self, session: Session, people: People, seals: Seals) -> None:
        self._session, self._people, self._seals = session, people, seals

    async def say(self, room: str, composed: Composed, transaction: str) -> str:
        """Put a message into a room; returns its event id."""
        if not await self._seals.is_encrypted(room):
            return await self._session.send(room, "m.room.message", composed(compose.MOST_BYTES), transaction)
        content = composed(compose.MOST_SEALED_BYTES)
        sealed = await self._seals.seal(room, await self._people.of(room), "m.room.message", content)
        return await self._session.send(room, "m.room.encrypted", sealed, transaction)

    async def notice(self, room: str, text: str, transaction: str) -> None:
        """Say something of ourselves, which no bot answers."""
        await self.say(room, lambda _: compose.notice(text), transaction)

    async def send(self, outbound: Outbound) -> str:
        """Say what the house wants said. The first of its files carries the text; the others follow."""
        room, key = outbound.address, outbound.key
        shown = [await self._file(room, each) for each in outbound.attachments]
        if not shown:
            return await self.say(room, lambda most: compose.content_of(outbound, most), _id(key))
        first = await self.say(room, lambda most: compose.captioned(outbound, shown[0], most), _id(key))
        for part, file in enumerate(shown[1:], 1):
            await self.say(room, _further(outbound, file, first), _id(key, part))
        return first

    async def _file(self, room: str, attachment: Attachment) -> compose.Content:
        if not await self._seals.is_encrypted(room):
            url = await self._session.upload(attachment.data, attachment.media_type, attachment.name)
            return compose.file_content(attachment, {"url": url})
        sealed, how = files.seal(attachment.data)
        url = await self._session.upload(sealed, "application/octet-stream")
        return compose.file_content(attachment, {"file": {**how, "url": url}})

    async def edit(self, outbound: Outbound, target: str) -> str:
        """Give our message another text."""
        original = await self._original(outbound.address, target)
        return await self.say(
            outbound.address,
            lambda most: compose.edit_of(outbound, target, original, most),
            _id(outbound.key),
        )

    async def _original(self, room: str, event_id: str) -> Any:
        event = await self._seals.read(room, await self._session.event(room, event_id))
        return event.get("content") if event else None

    async def delete(self, outbound: Outbound, target: str) -> str:
        """Take our message back, with the files that followed it."""
        room, key = outbound.address, outbound.key
        done = await self._session.redact(room, target, _id(key))
        near = await self._session.after(room, target, 20)
        ours = [each for each in near if each.get("sender") == self._session.me]
        rest = [str(each.get("event_id")) for each in ours if await self._is_part(room, each, target)]
        for part, event_id in enumerate(rest, 1):
            await self._session.redact(room, event_id, _id(key, part))
        return done

    async def _is_part(self, room: str, event: Any, target: str) -> bool:
        opened = await self._seals.read(room, event)
        return opened is not None and compose.is_part_of(opened.get("content"), target)

    async def react(self, outbound: Outbound, target: str) -> str:
        """Put an emoji under a message. It stands there once, however often it is put."""
        content = compose.reaction(target, outbound.text)
        try:
            return await self._session.send(outbound.address, "m.reaction", content, _id(outbound.key))
        except Refused as refused:
            if refused.code != "M_DUPLICATE_ANNOTATION":
                raise
        return await self._ours(outbound, target)

    async def unreact(self, outbound: Outbound, target: str) -> str:
        """Take our emoji back, if it is there."""
        reaction = await self._ours(outbound, target)
        return await self._session.redact(outbound.address, reaction, _id(outbound.key)) if reaction else ""

    async def _ours(self, outbound: Outbound, target: str) -> str:
        """Our own emoji under a message, or ""."""
        for each in await self._session.reactions(outbound.address, target):
            ours = each.get("sender") == self._session.me
            if ours and compose.reacts(each.get("content"), target, outbound.text):
                return str(each.get("event_id"))
        return ""

    async def typing(self, room: str, on: bool) -> None:
        """Show that we are at it."""
        await self._session.typing(room, on)


def _further(outbound: Outbound, file: compose.Content, first: str) -> Composed:
    return lambda _: compose.further(outbound, file, first)


def _id(key: str, part: int = 0) -> str:
    if not key:
        raise Undeliverable("消息没有密钥 / a message without a key")
    return compose.transaction_id(key, part)

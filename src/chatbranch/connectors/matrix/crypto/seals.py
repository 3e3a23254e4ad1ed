"""The door of this package: opens what comes encrypted, and encrypts what leaves for a room that wants it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from chatbranch.connectors.contract import Host, Later, Undeliverable
from chatbranch.connectors.matrix import wire
from chatbranch.connectors.matrix.crypto import megolm
from chatbranch.connectors.matrix.crypto.devices import MEGOLM, Device, Devices
from chatbranch.connectors.matrix.crypto.identity import Identity
from chatbranch.connectors.matrix.crypto.olm import Olm, Opened, Unreadable
from chatbranch.connectors.matrix.crypto.store import Store
from chatbranch.connectors.matrix.session import Session, Trouble

log = logging.getLogger(__name__)

AT_ONCE = 50  # devices told a room key in one request
HEALING = 3600.0  # seconds between two attempts to begin anew with one device
MOST_ASKED = 500  # keys we have asked for and would take from others


class Seals:
    """Encryption of one signed-in device. `open` first."""

    def __init__(self, session: Session, host: Host) -> None:
        self._session, self._host = session, host
        store = Store(host, f"{session.me}\n{session.device}")
        self._identity = Identity(session, store)
        self._devices = Devices(session, store)
        self._olm = Olm(session, self._identity, store)
        self._inbound = megolm.Inbound(store)
        self._outbound: dict[str, megolm.Outbound] = {}
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # of a room
        self._encrypted: dict[str, bool] = {}
        self._asked: dict[tuple[str, str], str] = {}  # (room, session) -> whose
        self._healed: dict[str, float] = {}

    async def open(self) -> str:
        """Be a device others can encrypt to; returns what is wrong, for the desk, or ""."""
        return await self._identity.open()

    # --- what comes ---

    async def take(self, news: wire.News) -> set[tuple[str, str]]:
        """Take the keys a sync brings; returns the (room, session) of those. Durable when this returns."""
        self._devices.changed(news.devices_changed)
        arrived: set[tuple[str, str]] = set()
        for event in news.to_device:
            if event.get("type") == "m.room.encrypted":
                arrived |= await self._take(event)
        await self._inbound.settle()
        await self._olm.settle()
        return arrived

    async def _take(self, event: Mapping[str, Any]) -> set[tuple[str, str]]:
        try:
            opened = await self._olm.open(event)
        except Unreadable:
            await self._heal(event)
            return set()
        if opened is None:
            return set()
        if opened.kind == "m.dummy":  # they begin anew with us: what we told them last may have been lost
            self._forget_shared(opened.sender)
        sender = opened.sender if opened.kind == "m.room_key" else self._owner(opened)
        taken = await self._inbound.take(opened, sender) if sender else None
        return {taken} if taken else set()

    def _owner(self, opened: Opened) -> str:
        """Whose key is forwarded; "" unless we asked for it, and its owner gives it."""
        if opened.kind != "m.forwarded_room_key":
            return ""
        content = opened.content
        owner = self._asked.get((str(content.get("room_id")), str(content.get("session_id"))), "")
        return owner if owner == opened.sender else ""

    async def replenish(self, news: wire.News) -> None:
        """See to it that others can begin to write to us."""
        await self._identity.replenish(news.keys_left, news.fallback_unused)

    async def read(self, room: str, event: wire.Event) -> wire.Event | None:
        """The event itself, or what was encrypted into it; None where that cannot be read (yet)."""
        return await self._inbound.open(room, event) if wire.is_encrypted(event) else event

    async def has_key(self, room: str, session: str) -> bool:
        """Whether we have a room key."""
        return await self._inbound.has(room, session)

    async def ask(self, room: str, event: wire.Event) -> None:
        """Ask the device that wrote this for its key (section "Key requests"). Best effort."""
        content = event.get("content")
        session = content.get("session_id") if isinstance(content, Mapping) else None
        sender = event.get("sender")
        if not isinstance(session, str) or not isinstance(sender, str) or (room, session) in self._asked:
            return
        self._asked[room, session] = sender
        if len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        request = {
            "action": "request",
            "body": {"algorithm": MEGOLM, "room_id": room, "session_id": session},
            "request_id": secrets.token_hex(8),
            "requesting_device_id": self._session.device,
        }
        await self._try_to_device("m.room_key_request", {sender: {"*": request}})

    async def _heal(self, event: Mapping[str, Any]) -> None:
        """Begin anew with a device whose messages we cannot read, so that it notices (section "Recovering from undecryptable messages")."""
        content, sender = event.get("content"), str(event.get("sender"))
        curve = str(content.get("sender_key")) if isinstance(content, Mapping) else ""
        if time.monotonic() - self._healed.get(curve, -HEALING) < HEALING:
            return
        self._healed[curve] = time.monotonic()
        try:
            device = await self._devices.by_curve(sender, curve)
            sealed = await self._olm.seal([device], "m.dummy", {}, anew=True) if device else {}
        except (Trouble, Later, Undeliverable) as trouble:
            log.info("matrix: a device cannot be begun anew with: %s", trouble)
            return
        log.info("matrix: a key could not be read; its device is asked to begin anew")
        if sealed:
            await self._try_to_device("m.room.encrypted", sealed)

    async def _try_to_device(self, kind: str, messages: Mapping[str, Any]) -> None:
        try:
            await self._session.to_device(kind, messages, secrets.token_hex(12))
        except (Trouble, Later, Undeliverable) as trouble:
            log.info("matrix: a device could not be told something: %s", trouble)

    # --- what leaves ---

    async def is_encrypted(self, room: str) -> bool:
        """Whether this room wants what is said to be encrypted. Once it did it does, whatever a server says later."""
        if room not in self._encrypted:
            key = wire.memory_key("encrypted:", room)
            kept = await self._host.recall(key)
            self._encrypted[room] = bool(kept) or await self._session.is_encrypted(room)
            if self._encrypted[room] and not kept:
                await self._host.remember(key, "yes")
        return self._encrypted[room]

    def encryption_is_on(self, room: str) -> None:
        """Somebody turned it on: look again."""
        if not self._encrypted.get(room):
            self._encrypted.pop(room, None)

    async def seal(
        self, room: str, people: Iterable[str], kind: str, content: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The content of an m.room.encrypted event, whose key everybody in the room has been told."""
        async with self._turn[room]:
            devices = [each for each in await self._devices.of(people) if each.curve != self._identity.curve]
            key = self._outbound.get(room)
            if key is None or not key.serves(devices):
                key = self._outbound[room] = await self._new_key(room)
            await self._share(room, key, [each for each in devices if key.lacks(each)])
            return key.seal(room, kind, content, self._identity, self._session.device)

    async def _new_key(self, room: str) -> megolm.Outbound:
        key = megolm.Outbound()
        await self._inbound.take(key.told(room), self._session.me)  # what we said ourselves can be read again
        await self._inbound.settle()
        return key

    async def _share(self, room: str, key: megolm.Outbound, devices: list[Device]) -> None:
        told = key.told(room)
        for start in range(0, len(devices), AT_ONCE):
            part = devices[start : start + AT_ONCE]
            sealed = await self._olm.seal(part, told.kind, told.content)
            if sealed:
                await self._session.to_device("m.room.encrypted", sealed, _digest(sealed))
            key.tell(part, {each for each in part if each.id in sealed.get(each.user, {})})

    def _forget_shared(self, user: str) -> None:
        for room, key in list(self._outbound.items()):
            if any(device.user == user for device in key.shared):
                del self._outbound[room]


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:40]

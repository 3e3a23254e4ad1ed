"""In a room (section "m.megolm.v1.aes-sha2"): the keys others write with, and the one we write with."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vodozemac import ExportedSessionKey, GroupSession, InboundGroupSession, MegolmMessage, SessionKey

from chatbranch.connectors.matrix.crypto.devices import MEGOLM, Device
from chatbranch.connectors.matrix.crypto.identity import Identity
from chatbranch.connectors.matrix.crypto.olm import Opened
from chatbranch.connectors.matrix.crypto.store import PICKLE_KEY, Store

MOST_MESSAGES, LONGEST = 100, 7 * 86_400.0  # after which a key of ours is changed; the second in seconds
SILENCE = 300.0  # seconds until a device that gave us no key is asked again
IN_MEMORY = 1000  # keys of others; the rest is in the store
REMEMBERED = 20_000  # messages, so that none of them is shown again as another


@dataclass
class RoomKey:
    """One key of one sender in one room. sender: who gave it to us, and alone may use it."""

    sender: str
    key: InboundGroupSession


class Inbound:
    """What others write with."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: OrderedDict[str, RoomKey] = OrderedDict()
        self._unsaved: dict[str, RoomKey] = {}
        self._read: OrderedDict[tuple[str, str, int], str] = OrderedDict()

    async def take(self, opened: Opened, sender: str) -> tuple[str, str] | None:
        """Take the room key `opened` holds, of `sender`; returns (room, session), or None. `settle` keeps it."""
        content = opened.content
        room, session = content.get("room_id"), content.get("session_id")
        if content.get("algorithm") != MEGOLM or not isinstance(room, str) or not isinstance(session, str):
            return None
        try:
            key = _imported(opened.kind, content["session_key"])
        except (KeyError, TypeError, ValueError):
            return None
        if key.session_id != session:
            return None
        known = await self._of(room, session)
        better = known is None or (
            known.sender == sender and key.first_known_index < known.key.first_known_index
        )
        if better:
            name = _name(room, session)
            self._keys[name] = self._unsaved[name] = RoomKey(sender, key)
        return room, session

    async def settle(self) -> None:
        """Keep the keys that were taken."""
        for name, key in list(self._unsaved.items()):
            await self._store.put("megolm", name, partial(_kept, key))
            del self._unsaved[name]

    async def has(self, room: str, session: str) -> bool:
        """Whether we have this key."""
        return await self._of(room, session) is not None

    async def open(self, room: str, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """The event that was encrypted into this one; None where we have not its key, or it is not what it claims."""
        content = event.get("content")
        session = content.get("session_id") if isinstance(content, Mapping) else None
        if not isinstance(content, Mapping) or not isinstance(session, str):
            return None
        known = await self._of(room, session)
        if known is None or known.sender != event.get("sender"):
            return None
        try:
            opened = known.key.decrypt(MegolmMessage.from_base64(content["ciphertext"]))
            payload = json.loads(opened.plaintext)
            fits = payload["room_id"] == room and isinstance(payload["content"], dict)
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        place = (room, session, opened.message_index)
        if not fits or not self._is_first(place, str(event.get("event_id"))):
            return None
        relation = {"m.relates_to": content["m.relates_to"]} if "m.relates_to" in content else {}
        return {**event, "type": payload.get("type"), "content": {**payload["content"], **relation}}

    def _is_first(self, place: tuple[str, str, int], event_id: str) -> bool:
        """A server cannot show one message twice under two ids."""
        first = self._read.setdefault(place, event_id) == event_id
        if len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return first

    async def _of(self, room: str, session: str) -> RoomKey | None:
        name = _name(room, session)
        if name not in self._keys:
            kept = await self._store.get("megolm", name)
            if not kept:
                return None
            key = InboundGroupSession.from_pickle(kept["pickle"], PICKLE_KEY)
            self._keys.setdefault(name, RoomKey(kept["sender"], key))
            if len(self._keys) > IN_MEMORY:
                self._keys.popitem(last=False)
        self._keys.move_to_end(name)
        return self._keys[name]


@dataclass
class Outbound:
    """What we write with in one room, for as long as its people and their devices stay the same."""

    key: GroupSession = field(default_factory=GroupSession)
    began: float = field(default_factory=time.monotonic)
    shared: set[Device] = field(default_factory=set)
    silent: dict[Device, float] = field(default_factory=dict)  # gave us no key of theirs, and when

    def serves(self, devices: Sequence[Device]) -> bool:
        """Whether it may be gone on with: nobody has it who is not there any more, and it is not worn out."""
        fresh = self.key.message_index < MOST_MESSAGES and time.monotonic() - self.began < LONGEST
        return fresh and self.shared <= set(devices)

    def lacks(self, device: Device) -> bool:
        """Whether a device is to be told this key now: one that gave us nothing is asked again after a while."""
        waiting = time.monotonic() - self.silent.get(device, -SILENCE) < SILENCE
        return device not in self.shared and not waiting

    def tell(self, tried: Sequence[Device], told: set[Device]) -> None:
        """Note who was told."""
        self.shared |= told
        self.silent |= {device: time.monotonic() for device in tried if device not in told}

    def told(self, room: str) -> Opened:
        """The key as others are told it, from here on."""
        content = {
            "algorithm": MEGOLM,
            "room_id": room,
            "session_id": self.key.session_id,
            "session_key": self.key.session_key.to_base64(),
        }
        return Opened("", "", "", "m.room_key", content)

    def seal(
        self, room: str, kind: str, content: Mapping[str, Any], identity: Identity, device: str
    ) -> dict[str, Any]:
        """The content of an m.room.encrypted. What an event relates to stays readable for the server."""
        payload = {"room_id": room, "type": kind, "content": dict(content)}
        message = self.key.encrypt(json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace"))
        relation = {"m.relates_to": content["m.relates_to"]} if "m.relates_to" in content else {}
        return {
            "algorithm": MEGOLM,
            "sender_key": identity.curve,
            "device_id": device,
            "session_id": self.key.session_id,
            "ciphertext": message.to_base64(),
            **relation,
        }


def _imported(kind: str, key: str) -> InboundGroupSession:
    if kind == "m.forwarded_room_key":
        return InboundGroupSession.import_session(ExportedSessionKey(key))
    return InboundGroupSession(SessionKey(key))


def _kept(key: RoomKey) -> dict[str, str]:
    return {"sender": key.sender, "pickle": key.key.pickle(PICKLE_KEY)}


def _name(room: str, session: str) -> str:
    return f"{room}\n{session}"

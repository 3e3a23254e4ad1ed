"""What strangers' devices and servers may hand the encryption: any of it gives a value, or clearly nothing."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vodozemac import Account, GroupSession

from chatbranch.connectors.matrix.crypto import files
from chatbranch.connectors.matrix.crypto.canonical import decode, encode, signed_by, to_sign
from chatbranch.connectors.matrix.crypto.devices import MEGOLM, Device, read_device
from chatbranch.connectors.matrix.crypto.megolm import Inbound, Outbound
from chatbranch.connectors.matrix.crypto.olm import OLM, Olm, Opened, Unreadable, one_time_key
from chatbranch.connectors.matrix.crypto.store import Store

ANN, ROOM = "@ann:example.org", "!room:example.org"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


class Memory:
    """The house's memory alone."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def recall(self, key: str) -> str:
        return self.kept.get(key, "")

    async def remember(self, key: str, value: str) -> None:
        self.kept[key] = value


def store(memory: Memory | None = None) -> Store:
    house: Any = memory or Memory()
    return Store(house, "@bot:example.org\nDEVICE")


class Us:
    """Our device, without a server."""

    def __init__(self) -> None:
        self.account = Account()
        self.curve = self.account.curve25519_key.to_base64()
        self.ed = self.account.ed25519_key.to_base64()

    async def save(self) -> None: ...


def olm(us: Us) -> Olm:
    session: Any = SimpleNamespace(me="@bot:example.org", device="DEVICE")
    identity: Any = us
    return Olm(session, identity, store())


def message_for(us: Us, payload: object) -> dict[str, Any]:
    """An event to our device, as somebody's new ratchet makes it."""
    them = Account()
    us.account.generate_one_time_keys(1)
    (key,) = us.account.one_time_keys.values()
    us.account.mark_keys_as_published()
    kind, body = (
        them.create_outbound_session(us.account.curve25519_key, key)
        .encrypt(json.dumps(payload).encode())
        .to_parts()
    )
    sealed = {us.curve: {"type": kind, "body": encode(bytes(body))}}
    content = {"algorithm": OLM, "sender_key": them.curve25519_key.to_base64(), "ciphertext": sealed}
    return {"type": "m.room.encrypted", "sender": ANN, "content": content}


def told(us: Us, **other: object) -> dict[str, object]:
    return {
        "sender": ANN,
        "recipient": "@bot:example.org",
        "recipient_keys": {"ed25519": us.ed},
        "keys": {"ed25519": "k"},
        "type": "m.room_key",
        "content": {},
        **other,
    }


@pytest.mark.parametrize(
    "lie",
    [
        {"sender": "@eve:example.org"},
        {"recipient": "@other:example.org"},
        {"recipient_keys": {"ed25519": "x"}},
        {"content": 7},
        {"keys": None},
    ],
    ids=["sender", "recipient", "recipient key", "content", "keys"],
)
async def test_what_was_not_said_to_us_by_its_sender_is_nothing(lie: dict[str, object]) -> None:
    us = Us()
    assert await olm(us).open(message_for(us, told(us))) is not None
    assert await olm(us).open(message_for(us, told(us, **lie))) is None


async def test_a_repeated_sync_does_not_make_a_device_look_broken() -> None:
    us = Us()
    ours, event = olm(us), message_for(us, told(us))
    assert await ours.open(event) is not None
    assert await ours.open(event) is None
    with pytest.raises(Unreadable):  # the one-time key is spent, and this ratchet not at hand
        await olm(us).open(event)


@settings(max_examples=60, deadline=None)
@given(JSON, JSON)
def test_anything_at_all_to_our_device_is_nothing_or_unreadable(content: Any, body: Any) -> None:
    us = Us()
    sealed = {us.curve: body}
    for given_content in (content, {"algorithm": OLM, "sender_key": "k", "ciphertext": sealed}):
        try:
            assert asyncio.run(olm(us).open({"sender": ANN, "content": given_content})) is None
        except Unreadable:
            continue


@given(JSON)
def test_any_device_and_any_key_is_one_or_none(anything: Any) -> None:
    device = Device(ANN, "D", "c", "e")
    assert read_device(ANN, "D", anything) is None
    assert one_time_key(anything, device) is None
    assert one_time_key({ANN: {"D": anything}}, device) is None
    assert not signed_by(anything, ANN, "ed25519:D", "key")
    assert files.unseal(b"data", anything if isinstance(anything, dict) else {}) is None


def test_a_device_is_who_signed_it() -> None:
    account = Account()
    keys: dict[str, Any] = {
        "user_id": ANN,
        "device_id": "D",
        "algorithms": [MEGOLM],
        "keys": {
            "curve25519:D": account.curve25519_key.to_base64(),
            "ed25519:D": account.ed25519_key.to_base64(),
        },
    }
    keys["signatures"] = {ANN: {"ed25519:D": account.sign(to_sign(keys)).to_base64()}}
    assert read_device(ANN, "D", keys) is not None
    assert read_device("@eve:example.org", "D", keys) is None
    assert read_device(ANN, "D", keys | {"algorithms": []}) is None
    assert read_device(ANN, "D", keys | {"unsigned": {"device_display_name": "Phone"}}) is not None
    assert read_device(ANN, "D", keys | {"extra": 1}) is None


async def room_key(inbound: Inbound, key: Outbound, sender: str) -> None:
    opened = key.told(ROOM)
    assert await inbound.take(Opened(sender, "c", "e", opened.kind, opened.content), sender)


def sealed(
    key: Outbound, text: str, event_id: str = "$1", sender: str = ANN, room: str = ROOM
) -> dict[str, Any]:
    identity: Any = SimpleNamespace(curve="c")
    content = key.seal(room, "m.room.message", {"msgtype": "m.text", "body": text}, identity, "D")
    return {"type": "m.room.encrypted", "sender": sender, "event_id": event_id, "content": content}


async def test_a_room_key_serves_its_sender_alone_in_its_room_alone_and_each_message_once() -> None:
    inbound, key = Inbound(store()), Outbound()
    await room_key(inbound, key, ANN)
    event = sealed(key, "hello")
    opened = await inbound.open(ROOM, event)
    assert opened is not None
    assert opened["content"]["body"] == "hello"
    assert await inbound.open(ROOM, event) is not None  # the same event again
    assert await inbound.open(ROOM, event | {"event_id": "$other"}) is None
    assert await inbound.open(ROOM, event | {"sender": "@eve:example.org", "event_id": "$2"}) is None
    assert await inbound.open("!other:example.org", event) is None
    elsewhere = sealed(key, "hello", "$3", room="!other:example.org")
    assert await inbound.open(ROOM, elsewhere) is None


async def test_nobody_replaces_somebody_else_s_room_key() -> None:
    inbound, key = Inbound(store()), Outbound()
    await room_key(inbound, key, ANN)
    event = sealed(key, "hello")
    await room_key(inbound, key, "@eve:example.org")
    assert await inbound.open(ROOM, event) is not None


async def test_keys_outlive_us() -> None:
    memory, key = Memory(), Outbound()
    inbound = Inbound(store(memory))
    await room_key(inbound, key, ANN)
    assert not await Inbound(store(memory)).has(ROOM, key.key.session_id)
    await inbound.settle()
    opened = await Inbound(store(memory)).open(ROOM, sealed(key, "hello"))
    assert opened is not None
    assert all(len(name) <= 80 for name in memory.kept)


@settings(deadline=None)
@given(JSON)
def test_any_encrypted_event_is_read_or_clearly_not(anything: Any) -> None:
    async def attempts() -> None:
        inbound, key = Inbound(store()), Outbound(GroupSession())
        await room_key(inbound, key, ANN)
        session = key.key.session_id
        for content in (anything, {"session_id": session, "ciphertext": anything}, {"session_id": anything}):
            assert await inbound.open(ROOM, {"sender": ANN, "event_id": "$1", "content": content}) is None
        opened = Opened(ANN, "c", "e", "m.room_key", anything if isinstance(anything, dict) else {})
        assert await inbound.take(opened, ANN) is None

    asyncio.run(attempts())


@given(st.binary(max_size=1000))
def test_a_file_is_sealed_and_opened_and_a_changed_one_is_refused(data: bytes) -> None:
    coded, file = files.seal(data)
    assert files.unseal(coded, json.loads(json.dumps(file))) == data
    assert files.unseal(coded + b"x", file) is None
    assert decode(file["iv"])[8:] == bytes(8)


def test_a_worn_key_or_one_that_somebody_took_along_is_changed() -> None:
    here, gone = Device(ANN, "D", "c", "e"), Device("@ben:example.org", "B", "c2", "e2")
    key = Outbound()
    key.tell([here, gone], {here})
    assert key.serves([here])
    assert key.serves([here, gone])
    assert not key.lacks(here)
    assert not key.lacks(gone)  # it gave us no key of its own just now
    assert not key.serves([gone])
    for _ in range(100):
        key.key.encrypt(b"")
    assert not key.serves([here])

"""Encrypted Matrix rooms against a real Synapse: the people in them use matrix-nio, which the connector does not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.matrix import listener, waiting, wire
from chatbranch.connectors.matrix.crypto.canonical import signed_by
from chatbranch.connectors.matrix.crypto.seals import Seals
from chatbranch.connectors.matrix.transport import Matrix
from chatbranch.kernel.messages import Attachment, Outbound
from tests.servers.encrypted import Encrypted, encrypted
from tests.servers.recorder import Recorder, running, until
from tests.servers.synapse import Person, Synapse

pytestmark = pytest.mark.server
_numbers = itertools.count(1)


@pytest.fixture
def host() -> Recorder:
    return Recorder()


@pytest.fixture
def bot(synapse: Synapse) -> Person:
    return synapse.user(f"sealedbot{next(_numbers)}", "查一查")


@pytest.fixture
def ann(synapse: Synapse, tmp_path: Path) -> Iterator[Encrypted]:
    with encrypted(synapse.user(f"sealedann{next(_numbers)}"), tmp_path) as person:
        yield person


def connect(bot: Person) -> Matrix:
    given = {"homeserver": bot.server.url, "user": bot.id, "password": bot.password}
    connector = build(setups()["matrix"], given)
    assert isinstance(connector, Matrix)
    return connector


async def room_with(bot: Person, ann: Encrypted) -> str:
    room = await asyncio.to_thread(ann.room, bot.id)
    await until(lambda: bot.id in ann.person.members(room), what="the bot's coming")
    await until(lambda: ann.texts(room, bot.id, "m.notice"), what="an encrypted greeting")
    return room


async def say(ann: Encrypted, room: str, text: str, **content: Any) -> str:
    return await asyncio.to_thread(ann.say, room, text, **content)


async def test_what_is_asked_encrypted_is_answered_encrypted(
    bot: Person, ann: Encrypted, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        assert isinstance(connector, Matrix)
        room = await room_with(bot, ann)
        event = await say(ann, room, "转发：吃大蒜能防病毒🧄\n是真的吗？")
        await until(lambda: host.taken)
        answered = await connector.send(Outbound("k1", room, "不实", html="<b>不实</b>"))
        await until(lambda: ann.texts(room, bot.id) == ["不实"])
        await connector.edit(Outbound("k2", room, "不实，见来源"), answered.message_id)
        await until(lambda: len(ann.texts(room, bot.id)) == 2)
    (taken,) = host.taken
    assert (taken.text, taken.sender, taken.message_id) == (
        "转发：吃大蒜能防病毒🧄\n是真的吗？",
        ann.person.id,
        event,
    )
    assert taken.direct
    edit = ann.heard(room, bot.id)[-1]["content"]
    assert edit["m.new_content"]["body"] == "不实，见来源"
    assert edit["m.relates_to"] == {"rel_type": "m.replace", "event_id": answered.message_id}
    assert ann.person.texts(room, bot.id) == []  # nothing of ours is on the server in the clear
    assert not any(each.get("unreadable") for each in ann.heard(room, bot.id))


async def test_pictures_travel_encrypted_both_ways(bot: Person, ann: Encrypted, host: Recorder) -> None:
    theirs, ours = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + b"ours" * 500
    async with running(connect(bot), host) as connector:
        room = await room_with(bot, ann)
        await asyncio.to_thread(ann.show, room, theirs)
        await until(lambda: host.taken)
        picture = Attachment("a.png", "image/png", ours)
        sent = await connector.send(Outbound("k1", room, "看这里", attachments=(picture,)))
        await until(lambda: ann.texts(room, bot.id, "m.image") == ["看这里"])
        assert isinstance(connector, Matrix)
        await connector.edit(Outbound("k2", room, "看图"), sent.message_id)
        await until(lambda: len(ann.texts(room, bot.id, "m.image")) == 2)
    (taken,) = host.taken[0].attachments
    assert (taken.name, taken.media_type, taken.data) == ("screen.png", "image/png", theirs)
    first, second = (each["content"] for each in ann.heard(room, bot.id)[-2:])
    assert ann.fetch(first["file"]) == ours
    assert (first["msgtype"], first["filename"]) == ("m.image", "a.png")
    assert second["m.new_content"]["file"] == first["file"]  # a new caption, the same picture


async def test_a_restart_loses_no_key_and_no_message(bot: Person, ann: Encrypted, host: Recorder) -> None:
    async with running(connect(bot), host) as connector:
        room = await room_with(bot, ann)
        await say(ann, room, "before")
        await until(lambda: host.texts == ["before"])
        await connector.send(Outbound("k1", room, "one"))
    said = [f"while you were away {number}" for number in range(10)]
    for text in said:
        await say(ann, room, text)
    async with running(connect(bot), host) as connector:
        await until(lambda: host.texts == ["before", *said], what="reading all 10")
        await connector.send(Outbound("k2", room, "two"))
        await until(lambda: ann.texts(room, bot.id) == ["one", "two"])


async def test_what_cannot_be_read_is_said_once_and_read_when_its_key_comes(
    bot: Person, ann: Encrypted, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "GRACE", 1.0)
    monkeypatch.setattr(listener, "POLL", 2.0)
    late: list[Any] = []
    take = Seals.take

    async def without_keys(self: Seals, news: wire.News) -> set[tuple[str, str]]:
        late.extend(news.to_device)
        return await take(self, replace(news, to_device=()))

    async def with_late_keys(self: Seals, news: wire.News) -> set[tuple[str, str]]:
        brought, late[:] = (*late, *news.to_device), []
        return await take(self, replace(news, to_device=brought))

    async with running(connect(bot), host):
        room = await room_with(bot, ann)
        monkeypatch.setattr(Seals, "take", without_keys)  # the server hands the keys over late
        await say(ann, room, "sealed 1")
        await say(ann, room, "sealed 2")
        await until(lambda: len(ann.texts(room, bot.id, "m.notice")) == 2, what="being told")
        assert host.taken == []
    monkeypatch.setattr(Seals, "take", with_late_keys)
    async with running(connect(bot), host):
        await until(lambda: host.texts == ["sealed 1", "sealed 2"], what="reading with the key")
    assert len(ann.texts(room, bot.id, "m.notice")) == 2
    assert "加密" in ann.texts(room, bot.id, "m.notice")[1]


async def test_the_account_signs_its_own_session_as_other_apps_now_demand(
    bot: Person, ann: Encrypted, host: Recorder
) -> None:
    for _ in range(2):  # and again after a restart, with the same keys
        async with running(connect(bot), host):
            await until(lambda: ("connected", "") in host.health)
        host.health.clear()
    known = ann.person.call("POST", "keys/query", {"device_keys": {bot.id: []}})
    (self_signing,) = known["self_signing_keys"][bot.id]["keys"].values()
    (master,) = known["master_keys"][bot.id]["keys"].values()
    assert signed_by(known["self_signing_keys"][bot.id], bot.id, f"ed25519:{master}", master)
    signed = [
        device
        for device in known["device_keys"][bot.id].values()
        if signed_by(device, bot.id, f"ed25519:{self_signing}", self_signing)
    ]
    assert len(signed) == 1


async def test_somebody_who_left_cannot_read_what_is_said_after(
    synapse: Synapse, bot: Person, ann: Encrypted, host: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "ben").mkdir()
    with encrypted(synapse.user(f"sealedben{next(_numbers)}"), tmp_path / "ben") as ben:
        async with running(connect(bot), host) as connector:
            room = await room_with(bot, ann)
            ann.person.call("POST", f"rooms/{room}/invite", {"user_id": ben.person.id})
            await asyncio.to_thread(ben.tell, do="join", room=room)
            await say(ann, room, "welcome")
            await until(lambda: host.texts == ["welcome"])
            await connector.send(Outbound("k1", room, "for three"))
            await until(lambda: ben.texts(room, bot.id) == ["for three"])
            ben.person.call("POST", f"rooms/{room}/leave")
            await say(ann, room, "gone")
            await until(lambda: host.texts == ["welcome", "gone"])
            sealed = connector._voice._seals._outbound[room]  # type: ignore[attr-defined]
            await connector.send(Outbound("k2", room, "for two"))
            await until(lambda: ann.texts(room, bot.id) == ["for three", "for two"])
            now = connector._voice._seals._outbound[room]  # type: ignore[attr-defined]
    assert now is not sealed
    assert all(device.user != ben.person.id for device in now.shared)

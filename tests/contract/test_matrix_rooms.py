"""The Matrix connector in the members' rooms, against a real Synapse: what a relay needs of it, both ways."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.matrix.transport import Matrix
from chatbranch.kernel.messages import Attachment, Outbound
from tests.servers.recorder import Recorder, running, until
from tests.servers.synapse import Person, Synapse

pytestmark = pytest.mark.server
_numbers = itertools.count(1)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


@pytest.fixture
def host() -> Recorder:
    return Recorder()


@pytest.fixture
def bot(synapse: Synapse) -> Person:
    return synapse.user(f"roombot{next(_numbers)}", "查一查")


@pytest.fixture
def ann(synapse: Synapse) -> Person:
    return synapse.user(f"roomann{next(_numbers)}", "安娜")


@pytest.fixture
def ben(synapse: Synapse) -> Person:
    return synapse.user(f"roomben{next(_numbers)}", "Ben")


def connect(bot: Person) -> Matrix:
    given = {"homeserver": bot.server.url, "user": bot.id, "password": bot.password}
    connector = build(setups()["matrix"], given)
    assert isinstance(connector, Matrix)
    return connector


async def shared_room(bot: Person, ann: Person, ben: Person) -> str:
    """A room of three."""
    room = ann.room(bot.id, ben.id)
    ben.call("POST", f"join/{room}")
    await until(lambda: bot.id in ann.members(room), what="the bot's coming")
    return room


def react(person: Person, room: str, event: str, emoji: str) -> str:
    relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
    path = f"rooms/{room}/send/m.reaction/r{next(_numbers)}"
    return str(person.call("PUT", path, {"m.relates_to": relation})["event_id"])


def take_back(person: Person, room: str, event: str) -> str:
    return str(person.call("PUT", f"rooms/{room}/redact/{event}/d{next(_numbers)}", {})["event_id"])


def edit(person: Person, room: str, event: str, text: str) -> str:
    relation = {"rel_type": "m.replace", "event_id": event}
    new = {"msgtype": "m.text", "body": text}
    return person.say(room, f"* {text}", **{"m.new_content": new, "m.relates_to": relation})


def event_of(person: Person, room: str, event: str) -> dict[str, Any]:
    found: dict[str, Any] = person.call("GET", f"rooms/{room}/event/{event}")
    return found


async def test_everything_said_in_a_room_comes_in_with_who_said_it_and_what_it_belongs_to(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host):
        room = await shared_room(bot, ann, ben)
        first = ann.say(room, "大家好 👋\n第二行")
        ben.say(room, "你好", **{"m.relates_to": {"m.in_reply_to": {"event_id": first}}})
        in_thread = {"rel_type": "m.thread", "event_id": first, "is_falling_back": True}
        ben.say(room, "in a thread", **{"m.relates_to": {**in_thread, "m.in_reply_to": {"event_id": first}}})
        ben.say(room, "carried", **{"org.chatbranch.trail": ["a1", "b2"]})
        for name, kind in (
            ("a.png", "m.image"),
            ("b.pdf", "m.file"),
            ("c.ogg", "m.audio"),
            ("d.mp4", "m.video"),
        ):
            ann.say(room, name, msgtype=kind, url=ann.upload(PNG, "x/y"), info={"mimetype": "x/y"})
        await until(lambda: len(host.taken) == 8)
    said = [
        (each.sender_name, each.text, each.in_reply_to, each.thread, each.trail) for each in host.taken[:4]
    ]
    assert said == [
        ("安娜", "大家好 👋\n第二行", "", "", ()),
        ("Ben", "你好", first, "", ()),
        ("Ben", "in a thread", "", first, ()),
        ("Ben", "carried", "", "", ("a1", "b2")),
    ]
    assert not any(each.direct or each.mentioned for each in host.taken)
    files = [(each.text, each.attachments[0].name, each.attachments[0].data) for each in host.taken[4:]]
    assert files == [("", name, PNG) for name in ("a.png", "b.pdf", "c.ogg", "d.mp4")]


async def test_two_of_one_name_are_told_apart(bot: Person, ann: Person, ben: Person, host: Recorder) -> None:
    ben.call("PUT", f"profile/{ben.id}/displayname", {"displayname": "安娜"})
    async with running(connect(bot), host):
        room = await shared_room(bot, ann, ben)
        ben.say(room, "I am 安娜")
        await until(lambda: host.taken)
    assert host.taken[0].sender_name == f"安娜 ({ben.id})"


async def test_edits_deletions_and_reactions_come_in_also_after_a_restart(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host):
        room = await shared_room(bot, ann, ben)
        mine, other = ann.say(room, "明天停水"), ann.say(room, "后天停电")
        edit(ann, room, mine, "明天不停水")
        thumb = react(ben, room, mine, "👍")
        await until(lambda: len(host.changes) == 2)
    take_back(ben, room, thumb)
    take_back(ann, room, mine)
    ann.call("PUT", f"rooms/{room}/state/m.room.power_levels", powers(ann, room, ben.id))
    take_back(ben, room, other)  # by a moderator
    async with running(connect(bot), host):
        await until(lambda: len(host.changes) == 5)
    done = [(each.deed, each.sender, each.target, each.text, each.entitled) for each in host.changes]
    assert done == [
        ("edit", ann.id, mine, "明天不停水", False),
        ("react", ben.id, mine, "👍", False),
        ("unreact", ben.id, mine, "👍", False),
        ("delete", ann.id, mine, "", False),
        ("delete", ben.id, other, "", True),
    ]
    assert {each.sender_name for each in host.changes} == {"安娜", "Ben"}
    assert all(each.address == room and each.channel == "matrix" for each in host.changes)


def powers(person: Person, room: str, promoted: str) -> dict[str, Any]:
    levels: dict[str, Any] = person.call("GET", f"rooms/{room}/state/m.room.power_levels")
    return levels | {"users": levels.get("users", {}) | {promoted: 50}}


async def test_what_we_do_is_not_told_us_again(bot: Person, ann: Person, ben: Person, host: Recorder) -> None:
    async with running(connect(bot), host) as connector:
        assert isinstance(connector, Matrix)
        room = await shared_room(bot, ann, ben)
        sent = (await connector.send(Outbound("k1", room, "一"))).message_id
        await connector.edit(Outbound("k2", room, "二"), sent)
        await connector.react(Outbound("k3", room, "👍"), sent)
        await connector.unreact(Outbound("k4", room, "👍"), sent)
        await connector.delete(Outbound("k5", room, ""), sent)
        ann.say(room, "the end")
        await until(lambda: host.texts == ["the end"])
    assert host.changes == []


async def test_what_is_carried_here_stands_where_it_belongs(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = await shared_room(bot, ann, ben)
        root = ann.say(room, "root")
        outbound = Outbound("k1", room, "reply", reply_to=root, trail=("a1",))
        reply = (await connector.send(outbound)).message_id
        threaded = (await connector.send(Outbound("k2", room, "threaded", thread=root))).message_id
    content = event_of(ann, room, reply)["content"]
    assert content["m.relates_to"] == {"m.in_reply_to": {"event_id": root}}
    assert content["org.chatbranch.trail"] == ["a1"]
    relation = event_of(ann, room, threaded)["content"]["m.relates_to"]
    assert (relation["rel_type"], relation["event_id"]) == ("m.thread", root)


async def test_files_go_out_under_the_words_and_all_go_with_them(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    files = (Attachment("截图.png", "image/png", PNG), Attachment("b.pdf", "application/pdf", b"%PDF-"))
    outbound = Outbound("k1", "", "看这两个", html="<b>看</b>这两个", attachments=files)
    async with running(connect(bot), host) as connector:
        assert isinstance(connector, Matrix)
        room = await shared_room(bot, ann, ben)
        sent = await connector.send(replaced(outbound, room))
        again = await connector.send(replaced(outbound, room))  # as after a crash
        shown = [each["content"] for each in ann.heard(room) if "filename" in each["content"]]
        await connector.edit(Outbound("k2", room, "看这个"), sent.message_id)
        changed = ann.heard(room)[-1]["content"]["m.new_content"]
        await connector.delete(Outbound("k3", room, ""), sent.message_id)
        left = [each["content"] for each in ann.heard(room) if "filename" in each["content"]]
    assert again == sent
    assert [(each["msgtype"], each["body"], each["filename"]) for each in shown] == [
        ("m.image", "看这两个", "截图.png"),
        ("m.file", "b.pdf", "b.pdf"),
    ]
    assert fetch(ann, shown[0]["url"]) == PNG
    assert (changed["body"], changed["url"]) == ("看这个", shown[0]["url"])
    assert [each for each in left if "m.new_content" not in each] == []


def replaced(outbound: Outbound, room: str) -> Outbound:
    return Outbound(outbound.key, room, outbound.text, outbound.html, attachments=outbound.attachments)


def fetch(person: Person, url: str) -> bytes:
    where = f"{person.server.url}/_matrix/client/v1/media/download/{url.removeprefix('mxc://')}"
    return bytes(person._http.get(where).raise_for_status().content)


async def test_edits_deletions_and_reactions_go_out_and_may_be_repeated(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        assert isinstance(connector, Matrix)
        room = await shared_room(bot, ann, ben)
        theirs = ann.say(room, "theirs")
        ours = (await connector.send(Outbound("k1", room, "ours"))).message_id
        for _ in range(2):
            await connector.edit(Outbound("k2", room, "changed"), ours)
            await connector.react(Outbound("k3", room, "👍"), theirs)
        await connector.react(
            Outbound("k4", room, "👍"), theirs
        )  # on behalf of somebody else: it is there already
        current = event_of(ann, room, ours)["unsigned"]["m.relations"]["m.replace"]["content"][
            "m.new_content"
        ]
        before = reactions(ann, room, theirs)
    async with running(connect(bot), host) as restarted:
        assert isinstance(restarted, Matrix)
        await until(lambda: restarted._voice is not None)
        for _ in range(2):
            await restarted.unreact(Outbound("k5", room, "👍"), theirs)
            await restarted.delete(Outbound("k6", room, ""), ours)
        assert reactions(ann, room, theirs) == []
        assert event_of(ann, room, ours)["content"] == {}
    assert current["body"] == "changed"
    assert before == ["👍"]


def reactions(person: Person, room: str, event: str) -> list[str]:
    where = f"{person.server.url}/_matrix/client/v1/rooms/{room}/relations/{event}/m.annotation"
    found = person._http.get(where).raise_for_status().json()["chunk"]
    return [each["content"]["m.relates_to"]["key"] for each in found if each["content"]]


async def test_typing_is_shown(bot: Person, ann: Person, ben: Person, host: Recorder) -> None:
    async with running(connect(bot), host) as connector:
        assert isinstance(connector, Matrix)
        room = await shared_room(bot, ann, ben)
        since = ann.call("GET", "sync", timeout="0")["next_batch"]
        await connector.typing(room, True)
        news = await asyncio.to_thread(ann.call, "GET", "sync", since=since, timeout="10000")
        await connector.typing(room, False)
        await connector.typing("!nowhere:localhost", True)  # best effort: nothing is raised
    (told,) = news["rooms"]["join"][room]["ephemeral"]["events"]
    assert told["content"]["user_ids"] == [bot.id]


async def test_no_room_is_entered_before_the_place_to_read_on_from_is_kept(
    bot: Person, ann: Person, ben: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(key: str, value: str) -> None:
        if key.startswith("since:"):
            raise ConnectionError("the database is away")
        host.memory[key] = value

    room = ann.room(bot.id, ben.id)
    with monkeypatch.context() as away:
        away.setattr(host, "remember", die)
        async with running(connect(bot), host):
            await until(lambda: host.health.count(("reconnecting", "ConnectionError")) == 2)
    assert bot.id not in ann.members(room)
    async with running(connect(bot), host):
        await until(lambda: bot.id in ann.members(room), what="the bot's coming")
        ann.say(room, "said as soon as we are in")
        await until(lambda: host.texts == ["said as soon as we are in"])


async def test_both_down_and_ten_said_meanwhile_are_ten(
    synapse: Synapse, bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host):
        room = await shared_room(bot, ann, ben)
    said = [f"message {number}" for number in range(10)]
    for text in said:
        ann.say(room, text)
    await asyncio.to_thread(synapse.kill)
    async with running(connect(bot), host):
        await until(lambda: any(health == "reconnecting" for health, _ in host.health))
        await asyncio.to_thread(synapse.start)
        await until(lambda: len(host.taken) == 10, what="reading all 10")
        await until(lambda: host.health[-1] == ("connected", ""), what="saying that all is well again")
    assert host.texts == said


async def test_a_token_that_ended_and_a_wrong_password_are_reported_with_what_to_do(
    bot: Person, host: Recorder
) -> None:
    given = {"homeserver": bot.server.url, "user": bot.id, "token": "ended"}
    with pytest.raises(Exception, match=r"matrix\.token"):
        await build(setups()["matrix"], given).run(host)
    health, why = host.health[-1]
    assert health == "broken"
    assert "matrix.token" in why

"""The Matrix connector against a real Synapse, with people who use plain HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from chatbranch.connectors.contract import Connector, Later, Misconfigured, Undeliverable
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.matrix.listener import LARGEST_FILE
from chatbranch.connectors.matrix.transport import Matrix
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Outbound
from tests.servers.recorder import Recorder, running, until
from tests.servers.synapse import Person, Synapse, program

pytestmark = pytest.mark.server
_numbers = itertools.count(1)


@pytest.fixture
def host() -> Recorder:
    return Recorder()


@pytest.fixture
def bot(synapse: Synapse) -> Person:
    return synapse.user(f"checkbot{next(_numbers)}", "查一查")


@pytest.fixture
def ann(synapse: Synapse) -> Person:
    return synapse.user(f"ann{next(_numbers)}")


@pytest.fixture
def ben(synapse: Synapse) -> Person:
    return synapse.user(f"ben{next(_numbers)}")


def connect(bot: Person, **settings: str) -> Matrix:
    given = {"homeserver": bot.server.url, "user": bot.id, "password": bot.password, **settings}
    connector = build(setups()["matrix"], given)
    assert isinstance(connector, Matrix)
    return connector


async def has_come(bot: Person, person: Person, room: str) -> None:
    await until(lambda: bot.id in person.members(room), what="the bot's coming")


async def test_what_a_person_says_in_private_comes_in_whole_with_nothing_else(
    bot: Person, ann: Person, host: Recorder
) -> None:
    async with running(connect(bot), host):
        room = ann.room(bot.id, is_direct=True)
        await has_come(bot, ann, room)
        event = ann.say(room, "转发：吃大蒜能防病毒\n是真的吗？")
        await until(lambda: host.taken)
    (taken,) = host.taken
    assert (taken.channel, taken.address, taken.sender, taken.message_id) == ("matrix", room, ann.id, event)
    assert taken.text == "转发：吃大蒜能防病毒\n是真的吗？"
    assert abs((taken.sent_at - clock.now()).total_seconds()) < 60
    assert (taken.direct, taken.mentioned, taken.reply_to) == (True, False, "")


async def test_what_was_said_between_the_invitation_and_our_coming_is_read(
    bot: Person, ann: Person, host: Recorder
) -> None:
    connector = connect(bot)
    async with running(connector, host):
        await until(lambda: any(key.startswith("since:") for key in host.memory))
    room = ann.room()
    ann.say(room, "said before anyone was invited")
    ann.call("POST", f"rooms/{room}/invite", {"user_id": bot.id})
    ann.say(room, "said while the bot was on its way")
    async with running(connect(bot), host):
        await until(lambda: host.taken)
        await asyncio.sleep(1)
    assert host.texts == ["said while the bot was on its way"]


async def test_a_burst_of_200_is_read_as_200_in_order(bot: Person, ann: Person, host: Recorder) -> None:
    async with running(connect(bot), host):
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        await until(lambda: bot_has_greeted(bot, ann, room))
    said = [f"message {number}" for number in range(200)]
    for text in said:  # while we are away: one sync then brings them all, its timeline cut short
        ann.say(room, text)
    async with running(connect(bot), host):
        await until(lambda: len(host.taken) >= 200, what="reading all 200")
    assert host.texts == said


async def test_a_burst_while_listening_is_read_whole(bot: Person, ann: Person, host: Recorder) -> None:
    async with running(connect(bot), host):
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        said = [f"message {number}" for number in range(40)]
        for text in said:
            await asyncio.to_thread(ann.say, room, text)
        await until(lambda: len(host.taken) >= 40)
    assert host.texts == said


async def test_what_could_not_be_kept_is_read_again(bot: Person, ann: Person, host: Recorder) -> None:
    async with running(connect(bot), host):
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        host.failing = 2
        ann.say(room, "first")
        ann.say(room, "second")
        await until(lambda: len(host.taken) == 2)
    assert host.texts == ["first", "second"]


async def test_nothing_is_lost_when_the_server_dies_and_comes_back(
    synapse: Synapse, bot: Person, ann: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        ann.say(room, "before")
        await until(lambda: host.texts == ["before"])
        await asyncio.to_thread(synapse.kill)
        with pytest.raises(Exception, match="cannot be reached"):
            await connector.send(Outbound("k1", room, "an answer"))
        await asyncio.to_thread(synapse.start)
        ann.say(room, "after")
        await until(lambda: host.texts == ["before", "after"])
        await connector.send(Outbound("k1", room, "an answer"))
    assert ann.texts(room, bot.id) == ["an answer"]


async def test_a_repeated_key_is_said_once_even_by_a_new_process(
    bot: Person, ann: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        first = await connector.send(Outbound("delivery-1", room, "不实", html="<b>不实</b>"))
        again = await connector.send(Outbound("delivery-1", room, "不实", html="<b>不实</b>"))
    async with running(connect(bot), host) as restarted:
        await until(lambda: restarted._voice is not None)
        third = await restarted.send(Outbound("delivery-1", room, "不实", html="<b>不实</b>"))
    assert first.message_id == again.message_id == third.message_id
    assert ann.texts(room, bot.id) == ["不实"]
    (content,) = [each["content"] for each in ann.heard(room) if each["event_id"] == first.message_id]
    assert content["formatted_body"] == "<b>不实</b>"
    assert content["m.mentions"] == {}


async def test_in_a_shared_room_only_those_who_call_us_are_marked_as_doing_so(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id, ben.id)
        ben.call("POST", f"join/{room}")
        await has_come(bot, ann, room)
        rumour = ann.say(room, "听说明天停水三天，大家快存水！")
        ben.say(room, "查一查：明天停水三天？")
        ben.say(room, "look", **{"m.mentions": {"user_ids": [bot.id]}})
        ben.say(room, "真的吗？@查一查", **reply(rumour))
        ours = (await connector.send(Outbound("k2", room, "还没查过"))).message_id
        ben.say(room, "谢谢", **reply(ours))
        ann.say(room, "我们自己聊")
        await until(lambda: len(host.taken) == 6)
    assert [(each.text, each.mentioned) for each in host.taken] == [
        ("听说明天停水三天，大家快存水！", False),
        ("明天停水三天？", True),
        ("look", True),
        ("听说明天停水三天，大家快存水！", True),  # a question in reply asks about what it replies to
        ("谢谢", True),
        ("我们自己聊", False),
    ]
    assert not any(each.direct for each in host.taken)
    assert all(each.reply_to == each.message_id for each in host.taken)  # the answer will refer to it


def reply(event: str) -> dict[str, object]:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}


async def test_a_picture_comes_in_whole_and_a_huge_one_as_just_too_large(
    bot: Person, ann: Person, host: Recorder
) -> None:
    small, huge = b"\x89PNG\r\n\x1a\n" + bytes(5000), b"\x89PNG\r\n\x1a\n" + bytes(11 * 1024 * 1024)
    async with running(connect(bot), host):
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        for data in (small, huge):
            where = ann.upload(data, "image/png")
            ann.say(room, "screen.png", msgtype="m.image", url=where, info={"mimetype": "image/png"})
        await until(lambda: len(host.taken) == 2)
    first, second = (each.attachments[0] for each in host.taken)
    assert (first.name, first.media_type, first.data) == ("screen.png", "image/png", small)
    assert len(second.data) == LARGEST_FILE + 1


async def test_a_room_that_grows_is_no_longer_private(
    bot: Person, ann: Person, ben: Person, host: Recorder
) -> None:
    async with running(connect(bot), host):
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        ann.say(room, "alone")
        await until(lambda: len(host.taken) == 1)
        ann.call("POST", f"rooms/{room}/invite", {"user_id": ben.id})
        ben.call("POST", f"join/{room}")
        ann.say(room, "together")
        await until(lambda: len(host.taken) == 2)
        ben.call("POST", f"rooms/{room}/leave")
        ann.say(room, "alone again")
        await until(lambda: len(host.taken) == 3)
    assert [each.direct for each in host.taken] == [True, False, True]


def bot_has_greeted(bot: Person, person: Person, room: str) -> bool:
    return bool(person.notices(room, bot.id))


async def test_we_greet_a_room_once_ever(bot: Person, ann: Person, host: Recorder) -> None:
    async with running(connect(bot), host):
        room = ann.room(bot.id)
        await until(lambda: bot_has_greeted(bot, ann, room))
    ann.call("POST", f"rooms/{room}/kick", {"user_id": bot.id})
    ann.call("POST", f"rooms/{room}/invite", {"user_id": bot.id})
    async with running(connect(bot), host):
        await has_come(bot, ann, room)
        ann.say(room, "hello again")
        await until(lambda: host.texts == ["hello again"])
    (greeting,) = ann.notices(room, bot.id)
    assert "您好" in greeting
    assert "Hello" in greeting


async def test_what_is_to_be_said_in_a_room_that_has_just_invited_us_waits_until_we_have_come(
    bot: Person, ann: Person, host: Recorder
) -> None:
    room = ann.room(bot.id)
    async with running(connect(bot), host) as connector:
        waited = 0
        while True:
            try:
                await connector.send(Outbound("k1", room, "不实"))
                break
            except Later:
                waited += 1
                await asyncio.sleep(0.01)
        assert waited > 0
    assert ann.texts(room, bot.id) == ["不实"]


async def test_a_room_we_were_put_out_of_is_undeliverable(bot: Person, ann: Person, host: Recorder) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        ann.call("POST", f"rooms/{room}/kick", {"user_id": bot.id})
        with pytest.raises(Undeliverable, match="room"):
            await connector.send(Outbound("k3", room, "hello?"))
        with pytest.raises(Undeliverable):
            await connector.send(Outbound("k4", "!nowhere:localhost", "hello?"))
        with pytest.raises(Undeliverable):
            await connector.send(Outbound("k5", "not a room at all/..", "hello?"))


async def test_a_room_everyone_has_left_is_undeliverable_too(
    bot: Person, ann: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        ann.call("POST", f"rooms/{room}/leave")
        await until(lambda: room not in bot.call("GET", "joined_rooms")["joined_rooms"])
        with pytest.raises(Undeliverable):
            await connector.send(Outbound("k6", room, "anyone?"))


async def test_signing_in_again_keeps_the_device_so_that_repeats_are_still_recognised(
    synapse: Synapse, bot: Person, ann: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        first = await connector.send(Outbound("delivery-2", room, "once"))
        kept = json.loads(host.memory["session"])
        await asyncio.to_thread(synapse.expire, kept["token"])
        ann.say(room, "still there?")
        await until(lambda: host.texts == ["still there?"])
        again = await connector.send(Outbound("delivery-2", room, "once"))
    renewed = json.loads(host.memory["session"])
    assert renewed["token"] != kept["token"]
    assert renewed["device"] == kept["device"]
    assert again.message_id == first.message_id
    assert ann.texts(room, bot.id) == ["once"]


async def test_a_wrong_password_or_address_says_which_setting_to_put_right(
    bot: Person, host: Recorder
) -> None:
    with pytest.raises(Misconfigured, match=r"matrix\.password"):
        await connect(bot, password="wrong").run(host)
    with pytest.raises(Misconfigured, match=r"matrix\.homeserver"):
        await connect(bot, homeserver=f"{bot.server.url}/elsewhere").run(host)


async def test_a_token_is_enough(bot: Person, ann: Person, host: Recorder) -> None:
    async with running(connect(bot, password="", token=bot.token), host):
        room = ann.room(bot.id)
        await has_come(bot, ann, room)
        ann.say(room, "hello")
        await until(lambda: host.texts == ["hello"])
    with pytest.raises(Misconfigured, match=r"matrix\.token"):
        await connect(bot, password="", token="not-a-token").run(host)


async def test_throttling_asks_for_patience_and_loses_nothing(
    synapse: Synapse, bot: Person, ann: Person, host: Recorder
) -> None:
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id)
        await until(lambda: bot_has_greeted(bot, ann, room))
        await asyncio.to_thread(synapse.throttle, bot, 4, 2)
        sent = [Outbound(f"many-{number}", room, str(number)) for number in range(12)]
        waited = await asyncio.gather(*(patiently(connector, each) for each in sent))
    assert 0 < max(seconds for each in waited for seconds in each) <= 30
    assert sorted(map(int, ann.texts(room, bot.id))) == list(range(12))


async def patiently(connector: Connector, outbound: Outbound) -> list[float]:
    """Send as the outbox does: told to wait, wait that long. Returns how long, each time."""
    waited: list[float] = []
    while True:
        try:
            await connector.send(outbound)
        except Later as later:
            waited.append(later.seconds)
            await asyncio.sleep(later.seconds)
        else:
            return waited


async def test_an_independent_client_is_understood_and_understands_us(
    bot: Person, ann: Person, host: Recorder, tmp_path: Path
) -> None:
    """matrix-commander shares no code with the connector but the client library."""
    if not program("matrix-commander").exists():
        pytest.skip("needs matrix-commander: python3 tests/servers/install.py")
    account = ("--login", "password", "--homeserver", ann.server.url, "--user-login", ann.id)
    async with running(connect(bot), host) as connector:
        room = ann.room(bot.id, room_version="11")  # later versions' room ids it does not understand
        await has_come(bot, ann, room)
        names = ("--password", ann.password, "--device", "test", "--room-default", room)
        await commander(tmp_path, *account, *names)
        await commander(tmp_path, "--room", room, "--message", "转发：吃大蒜能防病毒，是真的吗？")
        await until(lambda: host.texts == ["转发：吃大蒜能防病毒，是真的吗？"])
        await connector.send(Outbound("k", room, "结论：不实", html="结论：<b>不实</b>"))
        heard = await commander(tmp_path, "--room", room, "--listen", "tail", "--tail", "1", "--listen-self")
    assert "结论：不实" in heard


async def commander(folder: Path, *arguments: str) -> str:
    kept = ("--credentials", str(folder / "credentials.json"), "--store", str(folder / "store"))
    process = await asyncio.create_subprocess_exec(
        program("matrix-commander"), *kept, *arguments, cwd=folder, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()

"""The XMPP connector against a real Prosody, with people who write plain XML."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree.ElementTree import Element

import httpx
import pytest

from chatbranch.connectors.contract import Later, Misconfigured, Undeliverable
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.xmpp import account, archive, files, rooms, session
from chatbranch.connectors.xmpp.transport import Xmpp
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Attachment, Outbound
from tests.servers.prosody import CLIENT, MODERATION, Person, Prosody, person, prosody, soon
from tests.servers.recorder import Recorder, running

__all__ = ["prosody"]
pytestmark = pytest.mark.server
_numbers = itertools.count(1)

REPLY = "{urn:xmpp:reply:0}reply"
REACTIONS = "{urn:xmpp:reactions:0}reactions"
RETRACT = "{urn:xmpp:message-retract:1}retract"
REPLACE = "{urn:xmpp:message-correct:0}replace"


@pytest.fixture
def host() -> Recorder:
    return Recorder()


@pytest.fixture
def number() -> int:
    return next(_numbers)


@pytest.fixture
def room(number: int) -> str:
    return f"room{number}@rooms.localhost"


@pytest.fixture
def bot(prosody: Prosody, number: int) -> str:
    return prosody.account(f"bot{number}")


@pytest.fixture
async def ann(prosody: Prosody, number: int, room: str) -> AsyncIterator[Person]:
    """Ann made the room, and is in it."""
    async with person(prosody, f"ann{number}") as somebody:
        await somebody.enter(room, "安安")
        yield somebody


@pytest.fixture
async def ben(prosody: Prosody, number: int, room: str, ann: Person) -> AsyncIterator[Person]:
    async with person(prosody, f"ben{number}") as somebody:
        await somebody.enter(room, "ben")
        yield somebody


def connect(server: Prosody, bot: str, *rooms: str, **settings: str) -> Xmpp:
    where = {"host": "127.0.0.1", "port": str(server.port), "security": "none"}
    given = {
        "jid": bot,
        "password": bot.partition("@")[0],
        "nick": "查一查",
        "rooms": ",".join(rooms),
        **where,
        **settings,
    }
    connector = build(setups()["xmpp"], given)
    assert isinstance(connector, Xmpp)
    return connector


@asynccontextmanager
async def listening(connector: Xmpp, host: Recorder) -> AsyncIterator[Xmpp]:
    """The connector, once it is in all its rooms and has caught up with our own archive."""
    async with running(connector, host):
        await inside(connector)
        await soon(
            lambda: connector._account and connector._account._people.taker.reader.place.at,
            what="catching up",
        )
        yield connector


async def inside(connector: Xmpp) -> None:
    await soon(lambda: is_inside(connector), what="entering the rooms")


def is_inside(connector: Xmpp) -> bool:
    here = connector._account
    return here is not None and all(
        each.inside and each.taker.reader.place.at for each in here._rooms.values()
    )


def child(messages: list[Element], tag: str) -> list[Element]:
    return [found for each in messages if (found := each.find(tag)) is not None]


# --- words, both ways -----------------------------------------------------------------------------


async def test_what_is_said_in_a_room_comes_in_whole_with_who_said_it(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        own = ann.say(room, '转发：吃大蒜能防病毒 🧄\n是真的吗？ <b> & "quotes"')
        await soon(lambda: host.taken)
        archived = await ann.id_in(room, own)
    (taken,) = host.taken
    assert (taken.channel, taken.address, taken.message_id, taken.reply_to) == (
        "xmpp",
        room,
        archived,
        archived,
    )
    assert taken.text == '转发：吃大蒜能防病毒 🧄\n是真的吗？ <b> & "quotes"'
    assert taken.sender.startswith(f"{room}#")  # the occupant id, which no one else will ever have
    assert (taken.sender_name, taken.direct, taken.mentioned) == ("安安", False, False)
    assert abs((taken.sent_at - clock.now()).total_seconds()) < 60
    assert host.health[-1] == ("connected", "")


async def test_what_we_say_in_a_room_is_heard_and_never_comes_back_to_us(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    said = "不实。\nFalse: “&<>” 🙅" + "很" * 7900
    async with listening(connect(prosody, bot, room), host) as connector:
        receipt = await connector.send(Outbound("k", room, said))
        await soon(lambda: ann.texts(f"{room}/查一查"))
        ann.say(room, "谢谢")
        await soon(lambda: host.taken)
    (heard,) = ann.messages(f"{room}/查一查")
    assert heard.findtext(f"{CLIENT}body") == said
    assert receipt.message_id == await ann.id_in(room, heard.get("id") or "")
    assert host.texts == ["谢谢"]


async def test_a_private_conversation_goes_both_ways(
    prosody: Prosody, bot: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot), host) as connector:
        ann.say(bot, "转发：吃大蒜能防病毒 🧄\n是真的吗？")
        await soon(lambda: host.taken)
        (taken,) = host.taken
        await connector.send(Outbound("k", taken.address, "不实 🙅\n谢谢您来问"))
        await soon(lambda: ann.texts(bot))
    assert (taken.address, taken.sender, taken.sender_name, taken.direct) == (
        ann.jid,
        ann.jid,
        ann.name,
        True,
    )
    assert taken.text == "转发：吃大蒜能防病毒 🧄\n是真的吗？"
    assert (taken.reply_to, taken.mentioned) == ("", False)
    assert ann.texts(bot) == ["不实 🙅\n谢谢您来问"]


async def test_who_calls_us_by_name_or_replies_to_us_is_marked_and_all_others_are_taken_too(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        ours = (await connector.send(Outbound("k", room, "还没查过"))).message_id
        ann.say(room, "查一查：明天停水三天？")
        ann.say(room, "真的吗？@查一查")
        ann.say(room, "谢谢", f"<reply xmlns='urn:xmpp:reply:0' id='{ours}'/>")
        ann.say(room, "我们自己聊，查一查别插嘴")
        await soon(lambda: len(host.taken) == 4)
    assert [(each.text, each.mentioned) for each in host.taken] == [
        ("明天停水三天？", True),
        ("真的吗？@查一查", True),
        ("谢谢", True),
        ("我们自己聊，查一查别插嘴", False),
    ]


async def test_200_messages_keep_their_order_both_ways(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    said = [f"message {number}" for number in range(200)]
    async with listening(connect(prosody, bot, room), host) as connector:
        for text in said:
            ann.say(room, text)
        await asyncio.gather(*(connector.send(Outbound(text, room, f"our {text}")) for text in said))
        await soon(lambda: len(host.taken) == 200 and len(ann.texts(f"{room}/查一查")) == 200)
    assert host.texts == said
    assert ann.texts(f"{room}/查一查") == [f"our {text}" for text in said]


async def test_characters_that_would_break_the_stream_are_left_out(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    nasty = "a\x00b\x0b\x1b[31m\ud800\ufffe</message><presence type='unavailable'/>\u2028z"
    async with listening(connect(prosody, bot, room), host) as connector:
        await connector.send(Outbound("k\x00", room, nasty, thread="t\x01", trail=("a\x02",)))
        await soon(lambda: ann.texts(f"{room}/查一查"))
        assert is_inside(connector)
    assert ann.texts(f"{room}/查一查") == ["ab[31m</message><presence type='unavailable'/>\u2028z"]


async def test_typing_is_shown(prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder) -> None:
    states = "{http://jabber.org/protocol/chatstates}"
    async with listening(connect(prosody, bot, room), host) as connector:
        for address in (room, ann.jid):
            await connector.typing(address, True)
            await connector.typing(address, False)
        await soon(lambda: len(child(ann.messages(room), f"{states}active")) == 1)
        await soon(lambda: len(child(ann.messages(bot), f"{states}active")) == 1)
    assert len(child(ann.messages(room), f"{states}composing")) == 1
    assert len(child(ann.messages(bot), f"{states}composing")) == 1


# --- nothing is lost ------------------------------------------------------------------------------


async def test_what_was_said_while_we_were_away_comes_in_when_we_are_back(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    ann.say(room, "before anybody asked us")
    ann.say(bot, "before we were ever there")
    async with listening(connect(prosody, bot, room), host):
        ann.say(room, "first")
        ann.say(bot, "private first")
        await soon(lambda: len(host.taken) == 2)
        await soon(lambda: len([each for each in host.memory.values() if '"after":""' not in each]) == 2)
    in_room, alone = [f"room {number}" for number in range(120)], [f"alone {number}" for number in range(10)]
    for text in in_room:  # more than two pages
        ann.say(room, text)
    for text in alone:
        ann.say(bot, text)
    await ann.ask("get", "", "<ping xmlns='urn:xmpp:ping'/>")
    async with listening(connect(prosody, bot, room), host):
        ann.say(room, "last")
        await soon(lambda: len(host.taken) >= 133)
    assert [each.text for each in host.taken if not each.direct] == ["first", *in_room, "last"]
    assert [each.text for each in host.taken if each.direct] == ["private first", *alone]
    assert len({each.sender for each in host.taken if not each.direct}) == 1  # live and from history alike


async def test_what_could_not_be_kept_is_taken_again_in_order(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        host.failing = 2
        ann.say(room, "first")
        ann.say(room, "second")
        await soon(lambda: len(host.taken) == 2)
    assert host.texts == ["first", "second"]


async def test_nothing_is_lost_when_the_server_dies_and_comes_back(
    prosody: Prosody, bot: str, room: str, ann: Person, number: int, host: Recorder
) -> None:
    await ann.configure(room, persistentroom="1")
    async with listening(connect(prosody, bot, room), host) as connector:
        ann.say(room, "before")
        await soon(lambda: host.texts == ["before"])
        await asyncio.to_thread(prosody.kill)
        await soon(lambda: host.health[-1][0] == "reconnecting")
        with pytest.raises(Later):
            await connector.send(Outbound("k1", room, "an answer"))
        await asyncio.to_thread(prosody.start)
        async with person(prosody, f"ann{number}") as again:
            await again.enter(room, "安安")
            again.say(room, "after")
            again.say(bot, "alone")
            await soon(lambda: sorted(host.texts) == ["after", "alone", "before"])
            await inside(connector)
            await connector.send(Outbound("k1", room, "an answer", repeat=True))
            assert again.texts(f"{room}/查一查") == ["an answer"]
    assert [each[0] for each in host.health][-1] == "connected"


async def test_a_server_that_falls_silent_is_noticed(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "QUIET", 0.3)
    async with listening(connect(prosody, bot, room), host):
        monkeypatch.setattr(session, "PATIENCE", 1.0)
        prosody.freeze()
        try:
            await soon(lambda: ("reconnecting", "the server no longer answers") in host.health)
        finally:
            prosody.thaw()
            monkeypatch.setattr(session, "PATIENCE", 30.0)
        ann.say(room, "are you there?")
        await soon(lambda: host.texts == ["are you there?"])


async def test_being_out_of_a_room_without_a_word_is_noticed(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "QUIET", 0.3)
    async with listening(connect(prosody, bot, room), host) as connector:
        here = connector._account
        assert here is not None
        monkeypatch.setattr(here._session, "on_presence", lambda _: None)  # the room's word of it is lost
        here._session.appear(Element(f"{CLIENT}presence", {"to": f"{room}/查一查", "type": "unavailable"}))
        await here._session.ping()
        monkeypatch.setattr(here._session, "on_presence", here._hear_presence)
        ann.say(room, "said while the bot was out")
        await soon(lambda: host.texts == ["said while the bot was out"])
        await inside(connector)
        await connector.send(Outbound("k", room, "back again"))


async def test_put_out_of_a_room_we_come_back_after_a_while(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "KICKED", 0.5)
    async with listening(connect(prosody, bot, room), host) as connector:
        await ann.role(room, "查一查", "none")
        await soon(lambda: host.health[-1] == ("broken", f"{room}: we were put out of the room"))
        with pytest.raises(Later):
            await connector.send(Outbound("k", room, "hello?"))
        ann.say(room, "said meanwhile")
        await soon(lambda: host.texts == ["said meanwhile"])
        await soon(lambda: host.health[-1] == ("connected", ""))


async def test_where_the_archive_forgot_our_place_the_rest_is_read_and_the_gap_is_told(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        ann.say(room, "first")
        await soon(
            lambda: any('"after":"' in each and '"after":""' not in each for each in host.memory.values())
        )
        first = host.taken[0].message_id
    for key, value in host.memory.items():
        host.memory[key] = value.replace(first, "no-longer-there")
    ann.say(room, "second")
    await ann.ask("get", "", "<ping xmlns='urn:xmpp:ping'/>")
    async with listening(connect(prosody, bot, room), host):
        await soon(lambda: host.texts == ["first", "second"])
    (gap,) = host.gaps
    assert (gap.address, gap.since <= gap.until) == (room, True)


async def test_a_room_without_history_has_its_gap_told(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    await ann.configure(room, enablearchiving="0")
    async with listening(connect(prosody, bot, room), host):
        ann.say(room, "heard")
        await soon(lambda: host.memory and host.texts == ["heard"])
    ann.say(room, "lost")
    async with listening(connect(prosody, bot, room), host) as connector:
        receipt = await connector.send(Outbound("k", room, "still here"))
        ann.say(room, "heard again")
        await soon(lambda: host.texts == ["heard", "heard again"])
    assert [each.address for each in host.gaps] == [room]
    assert receipt.message_id


# --- nothing is said twice ------------------------------------------------------------------------


async def test_killed_between_sending_and_the_receipt_nothing_is_said_twice(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    """A process of its own is killed with SIGKILL in the middle of 40 messages; then all 40 are tried again."""
    arguments = (str(prosody.port), bot, room, ann.jid)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDER, *arguments, stdout=PIPE, stderr=STDOUT
    )
    await soon(lambda: len(ann.texts(f"{room}/查一查")) >= 5 and ann.texts(bot), what="the first of them")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with listening(connect(prosody, bot, room), host) as connector:
        arrived = len(ann.texts(f"{room}/查一查")), len(ann.texts(bot))
        for number in range(20):
            receipt = await connector.send(Outbound(f"room-{number}", room, f"room {number}", repeat=True))
            assert receipt.message_id in [
                await ann.id_in(room, each.get("id") or "") for each in ann.messages(f"{room}/查一查")
            ]
            await connector.send(Outbound(f"alone-{number}", ann.jid, f"alone {number}", repeat=True))
        await soon(lambda: len(ann.texts(bot)) >= 20)
    assert sorted(ann.texts(f"{room}/查一查")) == sorted(f"room {number}" for number in range(20))
    assert sorted(ann.texts(bot)) == sorted(f"alone {number}" for number in range(20))
    assert 5 <= arrived[0] <= 20
    assert host.taken == []


SENDER = """
import asyncio, sys
from chatbranch.connectors.discover import build, setups
from chatbranch.kernel.messages import Outbound
from tests.servers.recorder import Recorder
port, bot, room, ann = sys.argv[1:]
where = {"host": "127.0.0.1", "port": port, "security": "none", "nick": "查一查", "rooms": room}
connector = build(setups()["xmpp"], {"jid": bot, "password": bot.partition("@")[0], **where})
async def say(address, kind, number):
    while True:
        try:
            return await connector.send(Outbound(f"{kind}-{number}", address, f"{kind} {number}"))
        except Exception:
            await asyncio.sleep(0.02)
async def main():
    running = asyncio.create_task(connector.run(Recorder()))
    while not (connector._account and all(each.inside for each in connector._account._rooms.values())):
        await asyncio.sleep(0.01)
    for number in range(20):
        await asyncio.gather(say(room, "room", number), say(ann, "alone", number))
        await asyncio.sleep(0.02)
    await running
asyncio.run(main())
"""


async def test_a_repeat_is_recognised_even_when_the_room_was_busy_meanwhile(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        first = await connector.send(Outbound("delivery-1", room, "once"))
    for number in range(120):
        ann.say(room, f"chatter {number}")
    async with listening(connect(prosody, bot, room), host) as connector:
        again = await connector.send(Outbound("delivery-1", room, "once", repeat=True))
        fresh = await connector.send(Outbound("delivery-2", room, "another", repeat=True))
    assert again == first
    assert fresh != first
    assert ann.texts(f"{room}/查一查") == ["once", "another"]


# --- edits, retractions, reactions ----------------------------------------------------------------


def replacing(own: str) -> str:
    return f"<replace xmlns='urn:xmpp:message-correct:0' id='{own}'/>"


async def test_a_correction_edits_its_senders_message_also_after_a_restart(
    prosody: Prosody, bot: str, room: str, ann: Person, ben: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        own = ann.say(room, "停水五天")
        await soon(lambda: host.taken)
        first = ann.say(room, "停水三天", replacing(own))
        await soon(lambda: len(host.changes) == 1)
    for number in range(60):
        ben.say(room, f"chatter {number}")
    async with listening(connect(prosody, bot, room), host):
        await soon(lambda: len(host.taken) == 61)
    async with listening(connect(prosody, bot, room), host):  # nothing of it in memory any more
        ann.say(room, "停水两天", replacing(own))
        ann.say(room, "停水一天", replacing(first))  # some clients name the correction itself
        await soon(lambda: len(host.changes) == 3)
    said = host.taken[0]
    assert [(each.deed, each.target, each.text) for each in host.changes] == [
        ("edit", said.message_id, "停水三天"),
        ("edit", said.message_id, "停水两天"),
        ("edit", said.message_id, "停水一天"),
    ]
    assert {(each.sender, each.sender_name, each.address) for each in host.changes} == {
        (said.sender, "安安", room)
    }
    assert not any(each.entitled for each in host.changes)


async def test_an_id_used_again_by_somebody_else_edits_nothing(
    prosody: Prosody, bot: str, room: str, ann: Person, ben: Person, number: int, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        own = ann.say(room, "停水三天", id="same-id")
        await soon(lambda: host.taken)
        ben.say(room, "停水三十天", replacing(own))  # names Ann's id
        ben.say(room, "mine", id="same-id")
        ben.say(room, "mine, corrected", replacing("same-id"))  # and now has a message of that id
        await soon(lambda: host.changes)
        ann.leave(room, "安安")
        ben.write(f"<presence to='{room}/安安'/>")  # and now even her name
        ben.say(room, "停水三百天", replacing("same-id"))
        await soon(lambda: len(host.changes) == 2)
    ann_said, refused, ben_said = host.taken
    assert [each.text for each in host.taken] == ["停水三天", "停水三十天", "mine"]
    assert refused.sender == ben_said.sender != ann_said.sender
    assert [each.target for each in host.changes] == [ben_said.message_id] * 2
    assert {each.sender for each in host.changes} == {ben_said.sender}


async def test_our_own_messages_are_corrected_and_retracted_also_after_a_restart(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        said = (await connector.send(Outbound("k", room, "不实"))).message_id
        alone = (await connector.send(Outbound("k2", ann.jid, "不实"))).message_id
    async with listening(connect(prosody, bot, room), host) as connector:
        await connector.edit(Outbound("k3", room, "部分不实"), said)
        await connector.edit(Outbound("k4", ann.jid, "部分不实"), alone)
        await connector.delete(Outbound("k5", room, ""), said)
        await connector.delete(Outbound("k6", ann.jid, ""), alone)
        with pytest.raises(Undeliverable):
            await connector.edit(Outbound("k7", room, "nothing"), "no-such-message")
        await soon(lambda: child(ann.messages(bot), RETRACT))
    for place in (f"{room}/查一查", bot):
        heard = ann.messages(place)
        (replaced,) = child(heard, REPLACE)
        assert replaced.get("id") == heard[0].get("id")
        assert heard[1].findtext(f"{CLIENT}body") == "部分不实"
        (retracted,) = child(heard, RETRACT)
        assert retracted.get("id") == (said if place != bot else alone)


async def test_a_retraction_takes_a_message_back(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    stand_in = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>"
    async with listening(connect(prosody, bot, room), host):
        archived = await ann.id_in(room, ann.say(room, "oops"))
        alone = ann.say(bot, "oops")
        await soon(lambda: len(host.taken) == 2)
        ann.say(
            room, "/me retracted", f"<retract xmlns='urn:xmpp:message-retract:1' id='{archived}'/>{stand_in}"
        )
        ann.say(bot, "/me retracted", f"<retract xmlns='urn:xmpp:message-retract:1' id='{alone}'/>{stand_in}")
        await soon(lambda: len(host.changes) == 2)
    taken = {each.direct: each for each in host.taken}
    changes = {each.address == room: each for each in host.changes}
    assert len(host.taken) == 2
    assert changes[True].target == archived == taken[False].message_id
    assert changes[False].target == taken[True].message_id
    assert all(each.deed == "delete" and not each.entitled for each in host.changes)
    assert changes[True].sender == taken[False].sender


async def test_a_moderator_may_take_back_what_others_said(
    prosody: Prosody, bot: str, room: str, ann: Person, ben: Person, host: Recorder
) -> None:
    if not MODERATION.exists():
        pytest.skip("needs a Prosody that moderates: apt-get install prosody-modules")
    inner = "<moderate xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/></moderate>"
    async with listening(connect(prosody, bot, room), host):
        spam = await ann.id_in(room, ben.say(room, "spam"))
        ben.say(
            room,
            "",
            f"<retract xmlns='urn:xmpp:message-retract:1' id='{spam}'><moderated xmlns='urn:xmpp:message-moderate:1'/></retract><store xmlns='urn:xmpp:hints'/>",
        )
        await soon(lambda: host.changes)
        answer = await ann.ask(
            "set", room, f"<apply-to xmlns='urn:xmpp:fasten:0' id='{spam}'>{inner}</apply-to>"
        )
        assert answer.get("type") == "result"
        await soon(lambda: len(host.changes) == 2)
    forged, moderated = host.changes
    assert (forged.entitled, forged.sender) == (False, host.taken[0].sender)
    assert (moderated.deed, moderated.target, moderated.entitled, moderated.sender) == (
        "delete",
        spam,
        True,
        room,
    )


def reacting(to: str, *emoji: str) -> str:
    inner = "".join(f"<reaction>{each}</reaction>" for each in emoji)
    return f"<reactions xmlns='urn:xmpp:reactions:0' id='{to}'>{inner}</reactions><store xmlns='urn:xmpp:hints'/>"


async def test_reactions_are_told_one_by_one_also_when_taken_back_after_a_restart(
    prosody: Prosody, bot: str, room: str, ann: Person, ben: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        archived = await ann.id_in(room, ben.say(room, "好消息"))
        ann.say(room, "", reacting(archived, "👍", "🎉"))
        await soon(lambda: len(host.changes) == 2)
        ben.say(room, "", reacting(archived, "👍"))
        await soon(lambda: len(host.changes) == 3)
        await soon(lambda: any("👍" in each for each in host.memory.values()))
    ann.say(room, "", reacting(archived, "🎉", "❤️"))
    async with listening(connect(prosody, bot, room), host):
        await soon(lambda: len(host.changes) == 5)
    assert [(each.deed, each.text, each.sender_name) for each in host.changes] == [
        ("react", "👍", "安安"),
        ("react", "🎉", "安安"),
        ("react", "👍", "ben"),
        ("react", "❤️", "安安"),
        ("unreact", "👍", "安安"),
    ]
    assert {each.target for each in host.changes} == {archived}


async def test_our_own_reactions_add_up(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        archived = await ann.id_in(room, ann.say(room, "好消息"))
        alone = ann.say(bot, "好消息")
        await soon(lambda: len(host.taken) == 2)
        target = next(each.message_id for each in host.taken if each.direct)
        await connector.react(Outbound("k1", room, "👍"), archived)
        await connector.react(Outbound("k2", room, "🎉"), archived)
        await connector.react(Outbound("k3", ann.jid, "👀"), target)
    async with listening(connect(prosody, bot, room), host) as connector:
        await connector.unreact(Outbound("k4", room, "👍"), archived)
        with pytest.raises(Undeliverable):
            await connector.react(Outbound("k5", room, "not an emoji"), archived)
    in_room = child(ann.messages(f"{room}/查一查"), REACTIONS)
    assert [["".join(each.itertext()) for each in found] for found in in_room] == [
        ["👍"],
        ["👍", "🎉"],
        ["🎉"],
    ]
    assert {each.get("id") for each in in_room} == {archived}
    (private,) = child(ann.messages(bot), REACTIONS)
    assert private.get("id") == alone


# --- replies, threads, trails ---------------------------------------------------------------------


async def test_replies_keep_their_link_and_lose_the_quotation(
    prosody: Prosody, bot: str, room: str, ann: Person, ben: Person, host: Recorder
) -> None:
    quotation = "> 听说停水三天\n"
    stand_in = f"<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='{len(quotation)}'/></fallback>"
    async with listening(connect(prosody, bot, room), host) as connector:
        rumour = await ann.id_in(room, ann.say(room, "听说停水三天"))
        ben.say(
            room,
            f"{quotation}真的吗？",
            f"<reply xmlns='urn:xmpp:reply:0' id='{rumour}'/>{stand_in}".replace("\n", "&#10;"),
        )
        await soon(lambda: len(host.taken) == 2)
        await connector.send(Outbound("k", room, "不实", reply_to=rumour))
        own = ann.say(bot, "在吗")
        await soon(lambda: len(host.taken) == 3)
        private = (
            await connector.send(Outbound("k2", ann.jid, "在", reply_to=host.taken[2].message_id))
        ).message_id
        ann.say(bot, "好", f"<reply xmlns='urn:xmpp:reply:0' id='{private}'/>")
        await soon(lambda: len(host.taken) == 4)
    assert [(each.text, each.in_reply_to) for each in host.taken] == [
        ("听说停水三天", ""),
        ("真的吗？", rumour),
        ("在吗", ""),
        ("好", private),
    ]
    (reply,) = child(ann.messages(f"{room}/查一查"), REPLY)
    assert (reply.get("id"), reply.get("to")) == (rumour, f"{room}/安安")
    (private_reply,) = child(ann.messages(bot), REPLY)
    assert private_reply.get("id") == own


async def test_threads_are_named_by_the_message_they_began_with(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        ann.say(room, "begins", "<thread>t-1</thread>")
        ann.say(room, "goes on", "<thread>t-1</thread>")
        await soon(lambda: len(host.taken) == 2)
        root = host.taken[0].message_id
        await connector.send(Outbound("k", room, "ours", thread=root))
        await soon(lambda: host.memory and any("t-1" in each for each in host.memory.values()))
    async with listening(connect(prosody, bot, room), host) as connector:
        ann.say(room, "after a restart", "<thread>t-1</thread>")
        ann.say(room, "stands alone")
        await soon(lambda: len(host.taken) == 4)
        await connector.send(Outbound("k2", room, "a new one", thread=host.taken[3].message_id))
        ann.say(room, "in the new one", f"<thread>{host.taken[3].message_id}</thread>")
        await soon(lambda: len(host.taken) == 5)
    assert [each.thread for each in host.taken] == ["", root, root, "", host.taken[3].message_id]
    assert [each.text for each in child(ann.messages(f"{room}/查一查"), f"{CLIENT}thread")] == [
        "t-1",
        host.taken[3].message_id,
    ]


async def test_a_trail_goes_along_from_relay_to_relay(
    prosody: Prosody, bot: str, room: str, ann: Person, number: int, host: Recorder
) -> None:
    other = prosody.account(f"relay{number}")
    theirs = Recorder()
    trail = ("irc:#rumours", "matrix:!房间:example.org")
    async with (
        listening(connect(prosody, bot, room), host) as connector,
        listening(connect(prosody, other, room, nick="relay"), theirs),
    ):
        await connector.send(Outbound("k", room, "ann (IRC): hello", trail=trail))
        await soon(lambda: theirs.taken)
    assert theirs.taken[0].trail == trail


# --- files ----------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


async def test_pictures_come_in_and_go_out(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        request = f"<request xmlns='urn:xmpp:http:upload:0' filename='截图.png' size='{len(PNG)}' content-type='image/png'/>"
        slot = await ann.ask("get", "upload.localhost", request)
        put, get = (
            next(slot.iter(f"{{urn:xmpp:http:upload:0}}{name}")).get("url") or "" for name in ("put", "get")
        )
        headers = {
            each.get("name") or "": each.text or "" for each in slot.iter("{urn:xmpp:http:upload:0}header")
        }
        httpx.put(put, content=PNG, headers={**headers, "Content-Type": "image/png"}).raise_for_status()
        for where in (room, bot):
            ann.say(where, get, f"<x xmlns='jabber:x:oob'><url>{get}</url></x>")
        await soon(lambda: len(host.taken) == 2)
        picture = Attachment("verdict.png", "image/png", PNG)
        sent = await connector.send(Outbound("k", room, "结论：不实", attachments=(picture,)))
        await connector.send(Outbound("k", room, "结论：不实", attachments=(picture,), repeat=True))
        await soon(lambda: len(ann.texts(f"{room}/查一查")) == 2)
    for taken in host.taken:
        assert (taken.text, [(each.name, each.media_type, each.data) for each in taken.attachments]) == (
            "",
            [("截图.png", "image/png", PNG)],
        )
    words, address = ann.texts(f"{room}/查一查")
    assert words == "结论：不实"
    (url,) = child(ann.messages(f"{room}/查一查"), "{jabber:x:oob}x")
    assert "".join(url.itertext()) == address
    assert httpx.get(address).content == PNG
    assert sent.message_id == await ann.id_in(room, ann.messages(f"{room}/查一查")[0].get("id") or "")


async def test_a_file_the_server_does_not_take_is_named_in_the_text(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    large = Attachment("large.bin", "application/octet-stream", bytes(300_000))
    async with listening(connect(prosody, bot, room), host) as connector:
        await connector.send(Outbound("k", room, "结论", attachments=(large,)))
    assert ann.texts(f"{room}/查一查") == [
        "结论\n（附件“large.bin”无法在这里发送。）\n(The file “large.bin” could not be sent here.)"
    ]


async def test_an_address_inside_our_network_is_never_fetched(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as inner:
        port = inner.sockets[0].getsockname()[1]
        inside_urls = [
            f"http://127.0.0.1:{port}/a.png",
            f"http://localhost:{port}/b.png",
            f"http://[::ffff:127.0.0.1]:{port}/",
        ]
        async with listening(connect(prosody, bot, room), host):
            for url in inside_urls:
                ann.say(room, url, f"<x xmlns='jabber:x:oob'><url>{url}</url></x>")
            await soon(lambda: len(host.taken) == 3)
    assert asked == []
    assert host.texts == inside_urls  # people may still see what was posted
    assert not any(each.attachments for each in host.taken)


async def test_a_huge_file_is_read_only_until_it_is_too_large(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST", 1000)
    async with listening(connect(prosody, bot, room), host) as connector:
        await connector.send(Outbound("k", ann.jid, "", attachments=(Attachment("a.png", "image/png", PNG),)))
        await soon(lambda: ann.texts(bot))
        (url,) = ann.texts(bot)
        ann.say(room, url, f"<x xmlns='jabber:x:oob'><url>{url}</url></x>")
        await soon(lambda: host.taken)
    assert host.taken[0].attachments[0].data == PNG[:1001]


# --- what can be wrong ----------------------------------------------------------------------------


async def test_a_wrong_password_or_an_unsafe_server_says_which_setting_to_put_right(
    prosody: Prosody, bot: str, host: Recorder
) -> None:
    with pytest.raises(Misconfigured, match=r"xmpp\.password"):
        await connect(prosody, bot, password="wrong").run(host)
    assert host.health[-1][0] == "broken"
    with pytest.raises(Misconfigured, match=r"certificate"):
        await connect(prosody, bot, security="starttls").run(host)


async def test_over_tls_with_a_certificate_that_is_trusted_we_come_in(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(prosody.certificate))
    async with listening(connect(prosody, bot, room, security="starttls"), host) as connector:
        await connector.send(Outbound("k", room, "sealed on its way"))
        here = connector._account
        assert here is not None
        assert here._session._client.transport.get_extra_info("cipher") is not None
    assert ann.texts(f"{room}/查一查") == ["sealed on its way"]


async def test_one_room_that_does_not_let_us_in_is_named_and_stops_no_other(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    closed = f"closed-{room}"
    await ann.enter(closed)
    await ann.configure(closed, membersonly="1")
    connector = connect(prosody, bot, closed, room)
    async with running(connector, host):
        await soon(lambda: host.health and host.health[-1][0] == "broken")
        assert "members only" in host.health[-1][1] or "members in only" in host.health[-1][1]
        await soon(lambda: connector._account and connector._account._rooms[room].inside)
        await connector.send(Outbound("k", room, "hello"))
        with pytest.raises(Later):
            await connector.send(Outbound("k2", closed, "hello"))


async def test_a_name_that_is_taken_is_changed_a_little(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room, nick="安安"), host) as connector:
        await connector.send(Outbound("k", room, "hello"))
        ann.say(room, "安安_：在吗")
        await soon(lambda: host.taken)
    assert ann.texts(f"{room}/安安_") == ["hello"]
    assert (host.texts, host.taken[0].mentioned) == (["在吗"], True)


async def test_nobody_at_an_address_and_no_address_at_all_are_undeliverable(
    prosody: Prosody, bot: str, host: Recorder
) -> None:
    async with listening(connect(prosody, bot), host) as connector:
        for address in ("nobody@localhost", "no address", "a@b/c", ""):
            with pytest.raises(Undeliverable):
                await connector.send(Outbound("k", address, "hello?"))


async def test_without_a_voice_nothing_can_be_said(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host) as connector:
        await ann.configure(room, moderatedroom="1")
        await ann.role(room, "查一查", "visitor")
        with pytest.raises(Undeliverable, match="voice"):
            await connector.send(Outbound("k", room, "hello?"))


async def test_encrypted_messages_are_answered_once_that_we_cannot_read_them(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    sealed = "<encrypted xmlns='eu.siacs.conversations.axolotl'/><store xmlns='urn:xmpp:hints'/>"
    async with listening(connect(prosody, bot, room), host):
        for _ in range(2):
            ann.say(bot, "I sent you an OMEMO encrypted message", sealed)
        ann.say(bot, "plain")
        await soon(lambda: host.texts == ["plain"] and ann.texts(bot))
    (notice,) = ann.texts(bot)
    assert "加密" in notice
    assert "OMEMO" in notice


async def test_a_private_message_inside_a_room_is_answered_with_where_to_write(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot, room), host):
        for _ in range(2):
            ann.say(f"{room}/查一查", "一句悄悄话", kind="chat")
        ann.say(room, "aloud")
        await soon(lambda: host.texts == ["aloud"] and ann.texts(f"{room}/查一查"))
    (notice,) = ann.texts(f"{room}/查一查")
    assert bot in notice


async def test_whoever_asks_may_see_whether_we_are_there(
    prosody: Prosody, bot: str, ann: Person, host: Recorder
) -> None:
    async with listening(connect(prosody, bot), host):
        await ann.ask("get", "", "<query xmlns='jabber:iq:roster'/>")
        ann.write(f"<presence to='{bot}' type='subscribe'/>")
        await soon(
            lambda: any(each.get("type") == "subscribed" and each.get("from") == bot for each in ann.stanzas)
        )


async def test_more_than_can_wait_is_read_from_the_archive(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_WAITING", 5)
    said = [f"message {number}" for number in range(60)]
    async with listening(connect(prosody, bot, room), host):
        host.failing = 1
        for text in said:
            ann.say(room, text)
        await soon(lambda: len(host.taken) == 60)
    # The one that failed is brought again, and all after it; those that were under way beside it may have been taken.
    assert sorted(host.texts) == sorted(said)


async def test_an_independent_client_is_understood_and_understands_us(
    prosody: Prosody, bot: str, room: str, ann: Person, host: Recorder, tmp_path: Path
) -> None:
    """go-sendxmpp shares no code with the connector, nor with the tests' own people."""
    if not shutil.which("go-sendxmpp"):
        pytest.skip("needs go-sendxmpp: apt-get install go-sendxmpp")
    cat = prosody.account(f"go{next(_numbers)}")
    account_of = ("-u", cat, "-p", cat.partition("@")[0], "-j", f"127.0.0.1:{prosody.port}", "-n")
    async with listening(connect(prosody, bot, room), host) as connector:
        for chat in (("-c", room), (bot,)):
            await go(tmp_path, *account_of, *chat, said="转发：吃大蒜能防病毒，是真的吗？")
        await soon(lambda: len(host.taken) == 2)
        listener = await asyncio.create_subprocess_exec(
            "go-sendxmpp", *account_of, "-l", cwd=tmp_path, stdout=PIPE, stderr=STDOUT
        )
        try:
            assert listener.stdout is not None
            await connector.send(Outbound("k", cat, "结论：不实"))
            heard = b""
            async with asyncio.timeout(60):
                while "结论：不实" not in heard.decode(errors="replace"):
                    heard += await listener.stdout.read(1000)
        finally:
            listener.kill()
            await listener.wait()
    assert host.texts == ["转发：吃大蒜能防病毒，是真的吗？"] * 2
    assert sorted(each.direct for each in host.taken) == [False, True]


async def go(folder: Path, *arguments: str, said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "go-sendxmpp", *arguments, cwd=folder, stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    out, _ = await process.communicate(said.encode())
    assert process.returncode == 0, out.decode()

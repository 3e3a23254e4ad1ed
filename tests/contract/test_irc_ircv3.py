"""The IRC connector on a server with ids, accounts, labels and a history (a fake: see tests/servers/ircv3.py)."""

from __future__ import annotations

import asyncio

import pytest

from chatbranch.connectors.contract import Connector, Misconfigured, Undeliverable
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.irc import wire
from chatbranch.kernel.messages import Outbound
from tests.servers.ircv3 import Ircv3, ircv3
from tests.servers.recorder import Recorder, running, until

ROOM = "#branch"


@pytest.fixture
def host() -> Recorder:
    return Recorder()


def connect(to: Ircv3, **settings: str) -> Connector:
    given = {"server": "127.0.0.1", "port": str(to.port), "tls": "off", "nick": "checkbot", "channels": ROOM}
    return build(setups()["irc"], given | {"per_second": "0", "gather": "0"} | settings)


async def connected(host: Recorder, times: int = 1) -> None:
    await until(lambda: [each for each, _ in host.health].count("connected") >= times, what="being connected")


async def test_we_sign_in_before_we_are_let_in_and_never_with_the_wrong_password() -> None:
    host = Recorder()
    async with ircv3(bot="right") as server:
        async with running(connect(server, account="bot", password="right"), host):
            await connected(host)
        assert [line.split()[0] for line in server.received[:4]] == ["CAP", "NICK", "USER", "CAP"]
        assert "MODE checkbot +B" in server.received
        with pytest.raises(Misconfigured, match=r"irc\.account and irc\.password") as refused:
            await asyncio.wait_for(connect(server, account="bot", password="wrong-one").run(host), 60)
    assert host.health[-1][0] == "broken"
    assert "wrong-one" not in f"{refused.value} {host.health}"


async def test_what_the_server_knows_of_a_message_is_taken_over(host: Recorder) -> None:
    async with ircv3() as server, running(connect(server, peers="carrier"), host):
        await connected(host)
        first = server.voice("ann", ROOM, "hi", account="Annette")
        server.voice(
            "ann", ROOM, "and more", tags=f"+draft/reply={first.msgid};+chatbranch/trail=matrix:%21r"
        )
        server.voice("nick_of_today", ROOM, "carried over", account="Carrier")
        server.voice("robot", ROOM, "checkbot: hi", tags="bot")
        server.voice("robot", "checkbot", "hi", tags="bot")
        server.voice("ben", "checkbot", "1280")
        await until(lambda: len(host.taken) >= 4)
    assert [(each.text, each.message_id, each.sender) for each in host.taken[:2]] == [
        ("hi", first.msgid, "Annette"),
        ("and more", "m2", "ann!ann@host"),
    ]
    assert host.taken[0].sent_at == wire.moment(first.at)
    assert (host.taken[1].in_reply_to, host.taken[1].trail) == (first.msgid, ("matrix:!r",))
    assert [(each.text, each.mentioned, each.direct) for each in host.taken[2:]] == [
        ("hi", False, False),  # a bot is heard in the channel, and calls nobody
        ("1280", False, True),
    ]


async def test_a_receipt_is_the_servers_id_and_a_refusal_names_its_line(host: Recorder) -> None:
    async with ircv3() as server, running(connect(server), host) as connector:
        await connected(host)
        sent = [
            connector.send(
                Outbound(f"k{number}", address, f"text {number}", reply_to="m0", trail=("a", "b,c"))
            )
            for number, address in enumerate([ROOM, "#closed", "ann", ROOM])
        ]
        ids = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(ids[1], Undeliverable)
    assert [getattr(each, "message_id", "") for each in (ids[0], *ids[2:])] == [
        each.msgid for each in server.stored
    ]
    assert [(each.target, each.text) for each in server.stored] == [
        (ROOM, "text 0"),
        ("ann", "text 2"),
        (ROOM, "text 3"),
    ]
    assert server.stored[0].tags == "+chatbranch/key=k0/0;+draft/reply=m0;+chatbranch/trail=a,b%2Cc"
    assert host.taken == []  # our own words are no news


async def test_what_was_said_while_we_were_away_is_fetched_and_no_gap_is_told(host: Recorder) -> None:
    said = [f"message {number}" for number in range(12)]
    async with ircv3(page=5) as server:
        server.voice("ann", ROOM, "said before we ever came")
        async with running(connect(server), host) as connector:
            await connected(host)
            server.voice("ann", ROOM, "heard")
            await connector.send(Outbound("k", ROOM, "ours"))
            await until(lambda: host.texts == ["heard"])
        for text in said:
            server.voice("ann", ROOM, text)
        server.voice("ben", "checkbot", "asked in private")
        async with running(connect(server), host):
            await connected(host)
            server.voice("ann", ROOM, "heard again")
            await until(lambda: len(host.taken) >= 15)
    assert sorted(host.texts) == sorted(["heard", "asked in private", *said, "heard again"])
    assert [each.text for each in host.taken if not each.direct] == ["heard", *said, "heard again"]
    assert host.gaps == []


async def test_a_history_that_is_refused_is_a_gap(host: Recorder) -> None:
    async with ircv3() as server:
        async with running(connect(server), host):
            await connected(host)
        server.forgetful = True
        async with running(connect(server), host):
            await until(lambda: host.gaps, what="the gap")
    assert [gap.address for gap in host.gaps] == [ROOM]


async def test_a_message_that_may_have_arrived_is_looked_up_before_it_is_said_again(host: Recorder) -> None:
    message = Outbound("k1", ROOM, "one\ntwo\nthree")
    async with ircv3(page=50) as server:
        async with running(connect(server), host) as connector:
            await connected(host)
            server.deaf = True
            sending = asyncio.create_task(connector.send(message))
            await until(lambda: len(server.stored) == 3, what="its arrival")
            sending.cancel()  # killed before any receipt
        del server.stored[2:]
        server.deaf = False
        async with running(connect(server), host) as connector:
            await connected(host, times=2)
            again = Outbound("k1", ROOM, "one\ntwo\nthree", repeat=True)
            receipt = await connector.send(again)
            assert await connector.send(again) == receipt
    assert [each.text for each in server.stored] == ["one", "two", "three"]
    assert receipt.message_id == server.stored[0].msgid


async def test_what_came_before_the_end_is_safe_before_it_counts_as_heard(host: Recorder) -> None:
    """Ended with messages not yet kept: the next start fetches them, for up to there nothing counts as heard."""
    async with ircv3() as server:
        async with running(connect(server), host):
            await connected(host)
            host.failing = 10_000
            server.voice("ann", ROOM, "came while the database was away")
            await until(lambda: host.failing < 10_000)
        host.failing = 0
        async with running(connect(server), host):
            await until(lambda: host.taken)
    assert host.texts == ["came while the database was away"]


# --- the same on a real server that has tags, ids, echoes and labels (InspIRCd; it keeps no history) ---


@pytest.mark.server
async def test_on_a_real_server_with_ids_a_receipt_is_the_id_that_others_see(
    inspircd: int, host: Recorder
) -> None:
    settings = {"server": "127.0.0.1", "port": str(inspircd), "tls": "off", "per_second": "0"}
    other = Recorder()
    irc = setups()["irc"]
    ours = build(irc, settings | {"nick": "checkbot", "channels": ROOM})
    theirs = build(irc, settings | {"nick": "reader", "channels": ROOM, "gather": "0"})
    text = "不实。😀 " * 150
    async with running(ours, host), running(theirs, other):
        await connected(host)
        await connected(other)
        receipts = [await ours.send(Outbound(f"k{n}", ROOM, f"text {n}", trail=("a",))) for n in range(50)]
        with pytest.raises(Undeliverable, match="401"):
            await ours.send(Outbound("x", "nobody", "hi"))
        asked = await theirs.send(Outbound("q", ROOM, "checkbot: 真的吗？"))
        await until(lambda: host.taken)
        await ours.send(Outbound("a", ROOM, text, reply_to=host.taken[0].message_id))
        await until(lambda: "".join(other.texts[50:]).count("不实") == 150, what="the whole long text")
    assert [each.message_id for each in other.taken[:50]] == [each.message_id for each in receipts]
    assert all(each.message_id and each.trail == ("a",) for each in other.taken[:50])
    assert (host.taken[0].message_id, host.taken[0].text) == (asked.message_id, "真的吗？")
    assert other.taken[50].in_reply_to == asked.message_id
    assert other.taken[50].text.startswith("不实")  # "reader: " in front called them
    assert not any(each.mentioned for each in other.taken)  # we are marked as a bot, and bots call nobody

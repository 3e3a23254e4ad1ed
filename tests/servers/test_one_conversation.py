"""One conversation across platforms, whole: our process as it runs in life between a real ngIRCd and a real Prosody.

People on both sides speak by socket, line by line and stanza by stanza; nothing of ours is used by them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import ngircd as irc
from tests.servers import prosody as xmpp
from tests.servers.ngircd import Ngircd, ngircd
from tests.servers.prosody import Prosody, prosody, soon
from tests.support.databases import Database
from tests.support.house import House, house

__all__ = ["ngircd", "prosody"]
pytestmark = [pytest.mark.server]
_numbers = itertools.count(1)

LONG = 200.0  # seconds: how late things may be on a busy machine before they count as lost


@dataclass
class Rooms:
    """A channel and a room that are one conversation, and who the bot is in them."""

    channel: str
    room: str
    nick: str


@pytest.fixture
def rooms() -> Rooms:
    number = next(_numbers)
    return Rooms(f"#water{number}", f"water{number}@rooms.localhost", f"relay{number}")


@pytest.fixture
def branch(
    ngircd: Ngircd, prosody: Prosody, rooms: Rooms, sqlite_database: Database, tmp_path: Path
) -> Iterator[House]:
    """The connectors process, not started yet."""
    config = tmp_path / "chatbranch.toml"
    joined = json.dumps([f"irc {rooms.channel}", f"xmpp {rooms.room}"])
    config.write_text(f'[relay.members]\nlang = "en"\nrooms = {joined}\n')
    settings = {
        "CHATBRANCH_CONFIG": str(config),
        "CHATBRANCH_IRC_SERVER": "127.0.0.1",
        "CHATBRANCH_IRC_PORT": str(ngircd.port),
        "CHATBRANCH_IRC_TLS": "off",
        "CHATBRANCH_IRC_NICK": rooms.nick,
        "CHATBRANCH_IRC_CHANNELS": rooms.channel,
        "CHATBRANCH_IRC_PER_SECOND": "0",
        "CHATBRANCH_XMPP_JID": prosody.account(rooms.nick),
        "CHATBRANCH_XMPP_PASSWORD": rooms.nick,
        "CHATBRANCH_XMPP_ROOMS": rooms.room,
        "CHATBRANCH_XMPP_HOST": "127.0.0.1",
        "CHATBRANCH_XMPP_PORT": str(prosody.port),
        "CHATBRANCH_XMPP_SECURITY": "none",
    }
    with house(sqlite_database, **settings) as made:
        yield made


class Both:
    """Ira on IRC and Xenia on XMPP, in the two rooms, and what each heard from the bot."""

    def __init__(self, ira: irc.Person, xenia: xmpp.Person, rooms: Rooms) -> None:
        self.ira, self.xenia, self.rooms = ira, xenia, rooms

    @property
    def ira_heard(self) -> list[str]:
        return self.ira.texts(self.rooms.nick, self.rooms.channel)

    @property
    def xenia_heard(self) -> list[str]:
        return self.xenia.texts(f"{self.rooms.room}/{self.rooms.nick}")

    def ira_says(self, text: str) -> None:
        self.ira.say(f"PRIVMSG {self.rooms.channel} :{text}")

    def xenia_says(self, text: str, more: str = "", id: str = "") -> str:
        return self.xenia.say(self.rooms.room, text, more, id=id)

    async def connected(self, branch: House) -> None:
        """Until a word said on each side has come through."""
        await asyncio.to_thread(branch.start, "connectors")
        number = next(_numbers)
        for _ in range(400):
            self.ira_says(f"are you there {number}")
            await asyncio.sleep(0.25)
            if any(f"are you there {number}" in text for text in self.xenia_heard):
                break
        self.xenia_says(f"here {number}")
        await soon(lambda: any(f"here {number}" in text for text in self.ira_heard), LONG, "a word from XMPP")


@pytest.fixture
async def both(ngircd: Ngircd, prosody: Prosody, rooms: Rooms) -> AsyncIterator[Both]:
    async with _present(ngircd, prosody, rooms) as people:
        yield people


@asynccontextmanager
async def _present(ngircd: Ngircd, prosody: Prosody, rooms: Rooms) -> AsyncIterator[Both]:
    number = rooms.nick.removeprefix("relay")
    async with (
        irc.person(ngircd.port, f"ira{number}", rooms.channel) as ira,
        xmpp.person(prosody, f"xenia{number}") as xenia,
    ):
        await xenia.enter(rooms.room)
        yield Both(ira, xenia, rooms)


def numbers(texts: list[str]) -> list[int]:
    """Of "name (platform): 17" and such, 17: the messages of a burst, as they were heard."""
    found = (re.search(r"burst (\d+)$", text) for text in texts)
    return [int(each.group(1)) for each in found if each]


async def test_what_is_said_replied_and_corrected_on_one_side_is_heard_on_the_other(
    branch: House, both: Both
) -> None:
    await both.connected(branch)
    both.ira_says("水厂停水是真的吗？ 🚰")
    await soon(lambda: any("水厂停水" in each for each in both.xenia_heard), LONG)
    heard = next(each for each in both.xenia_heard if "水厂停水" in each)
    assert heard == f"{both.ira.nick} (IRC): 水厂停水是真的吗？ 🚰"

    both.xenia_says("gas is at 5%", id="gas")
    await soon(lambda: any("5%" in each for each in both.ira_heard), LONG)
    both.xenia_says("gas is at 50%", "<replace id='gas' xmlns='urn:xmpp:message-correct:0'/>")
    await soon(lambda: any("50%" in each for each in both.ira_heard), LONG)
    assert both.ira_heard[-1] == (f"{both.xenia.name} (XMPP) changed “gas is at 5%” to: gas is at 50%")


async def test_what_is_said_while_we_are_down_comes_when_we_are_back_and_irc_is_told_of_the_gap(
    branch: House, both: Both
) -> None:
    await both.connected(branch)
    await asyncio.to_thread(branch.kill, "connectors")
    for n in range(10):
        both.xenia_says(f"burst {n}")
        both.ira_says(f"burst {n}")
    await both.ira.settle()
    await asyncio.to_thread(branch.start, "connectors")
    await soon(lambda: len(numbers(both.ira_heard)) == 10, LONG, "what was said on XMPP meanwhile")
    assert numbers(both.ira_heard) == [*range(10)]
    await soon(lambda: any("keeps no history" in each for each in both.xenia_heard), LONG, "the gap notice")


@pytest.mark.parametrize("size", [200, pytest.param(1000, marks=pytest.mark.soak)])
async def test_killed_in_the_middle_of_a_burst_nothing_is_lost_and_order_is_kept(
    branch: House, both: Both, size: int
) -> None:
    """XMPP to IRC: the source replays, so nothing is lost; IRC takes no key, so one copy may come twice."""
    await both.connected(branch)
    for n in range(size):
        both.xenia_says(f"burst {n}")
    await soon(lambda: len(numbers(both.ira_heard)) > size // 10, LONG)
    await asyncio.to_thread(branch.kill, "connectors")
    await asyncio.to_thread(branch.start, "connectors")
    await soon(lambda: set(numbers(both.ira_heard)) == set(range(size)), LONG, "the whole burst")
    heard = numbers(both.ira_heard)
    assert [*dict.fromkeys(heard)] == [*range(size)]
    assert sum(Counter(heard).values()) - size <= 1


@pytest.mark.parametrize("size", [200, pytest.param(1000, marks=pytest.mark.soak)])
async def test_a_burst_towards_xmpp_arrives_once_each_though_we_are_killed_in_it(
    branch: House, both: Both, size: int
) -> None:
    """IRC to XMPP: what we had taken when killed arrives exactly once; XMPP's archive tells what had arrived."""
    await both.connected(branch)
    for n in range(size):
        both.ira_says(f"burst {n}")
    await both.ira.settle()
    await soon(lambda: len(numbers(both.xenia_heard)) > size // 10, LONG)
    taken = int(await asyncio.to_thread(branch.run, COUNT_TAKEN))
    await asyncio.to_thread(branch.kill, "connectors")
    await asyncio.to_thread(branch.start, "connectors")
    await soon(lambda: len(numbers(both.xenia_heard)) >= taken, LONG, "what had been taken")
    while await asyncio.to_thread(branch.run, COUNT_WAITING) != "0":
        await asyncio.sleep(0.2)
    heard = numbers(both.xenia_heard)
    assert heard == [*range(len(heard))]


COUNT_TAKEN = "from chatbranch.relay.models import Carried; print(Carried.objects.filter(gist__startswith='burst').count())"
COUNT_WAITING = "from chatbranch.deliveries.models import Delivery; print(Delivery.objects.filter(state='queued').count())"


async def test_a_server_that_is_away_for_a_while_gets_everything_in_order_when_it_is_back(
    branch: House, both: Both, ngircd: Ngircd, prosody: Prosody, rooms: Rooms
) -> None:
    await both.connected(branch)
    ngircd.kill()
    for n in range(30):
        both.xenia_says(f"burst {n}")
    await asyncio.sleep(2)
    ngircd.start()
    async with irc.person(ngircd.port, both.ira.nick, rooms.channel) as ira:
        await soon(lambda: len(numbers(ira.texts(rooms.nick, rooms.channel))) == 30, LONG)
        assert numbers(ira.texts(rooms.nick, rooms.channel)) == [*range(30)]

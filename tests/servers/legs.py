"""One conversation on four platforms, and people in each of its rooms, who use nothing of ours.

Synapse, Prosody and ngIRCd as they run in life; Telegram is the tests' Bot API. What somebody says is "<leg> <number>", so
that everyone's hearing can be counted. A leg's server may be killed and started while people speak: they wait, and come back.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.servers import ngircd as irc
from tests.servers import prosody as xmpp
from tests.servers.ngircd import Ngircd
from tests.servers.prosody import Prosody
from tests.servers.synapse import Synapse
from tests.servers.telegram import Chat, Platform

_numbers = itertools.count(1)
_SAID = re.compile(r"(irc|xmpp|matrix|telegram) (\d+)$")
_MAM, _RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"
_AWAY = (OSError, AssertionError, TimeoutError, httpx.HTTPError)

Words = list[tuple[str, int]]
"""What was heard, in order: from which leg, and which number."""


class Leg(Protocol):
    """A room on one platform, somebody in it, and the bot."""

    name: str
    tries: Counter[int]
    """How often each number was tried to say: where a server falls in the middle, nobody knows whether it heard."""

    @property
    def room(self) -> str:
        """As a route names it."""

    @property
    def environment(self) -> Mapping[str, str]: ...

    async def say(self, number: int) -> None:
        """Somebody says "<name> <number>"; returns once the server has it. Raises one of _AWAY while that is away."""

    async def heard(self) -> Words:
        """All that the bot has said in the room, oldest first."""

    async def kept(self) -> Words:
        """All that people have said in the room, as the platform's history has it."""

    def kill(self) -> None: ...

    async def start(self) -> None:
        """Start the server again, and go back into the room."""


def words(texts: Sequence[str]) -> Words:
    """Of "anna (IRC): irc 17", irc and 17."""
    return [(each[1], int(each[2])) for text in texts if (each := _SAID.search(text))]


class Irc:
    """A channel of ngIRCd, which forgets everything: what was heard is what somebody there has listened to."""

    name = "irc"

    def __init__(self, server: Ngircd) -> None:
        number = next(_numbers)
        self.server, self.channel, self.nick = server, f"#all{number}", f"allbot{number}"
        self._me, self._before = f"iris{number}", Words()
        self._person: irc.Person | None = None
        self.tries: Counter[int] = Counter()

    @property
    def room(self) -> str:
        return f"irc {self.channel}"

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "CHATBRANCH_IRC_SERVER": "127.0.0.1",
            "CHATBRANCH_IRC_PORT": str(self.server.port),
            "CHATBRANCH_IRC_TLS": "off",
            "CHATBRANCH_IRC_NICK": self.nick,
            "CHATBRANCH_IRC_CHANNELS": self.channel,
            "CHATBRANCH_IRC_PER_SECOND": "0",
        }

    async def enter(self) -> None:
        """Be in the channel."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        person = irc.Person(self._me, reader, writer)
        person.say(f"NICK {self._me}\r\nUSER {self._me} 0 * :{self._me}")
        await person.heard(lambda lines: any(" 376 " in line or " 422 " in line for line in lines))
        person.say(f"JOIN {self.channel}")
        await person.heard(lambda lines: any(" 366 " in line for line in lines))
        self._person = person

    async def say(self, number: int) -> None:
        if self._person is None:
            raise ConnectionError
        self._person.say(f"PRIVMSG {self.channel} :irc {number}")
        await self._person.settle()

    async def heard(self) -> Words:
        return self._before + words(self._texts)

    async def heard_of(self, nick: str) -> Words:
        """What somebody else has said in the channel."""
        return words(self._person.texts(nick, self.channel)) if self._person else []

    async def kept(self) -> Words:
        return []

    @property
    def _texts(self) -> list[str]:
        return self._person.texts(self.nick, self.channel) if self._person else []

    def kill(self) -> None:
        self._before += words(self._texts)
        self._person = None
        self.server.kill()

    async def start(self) -> None:
        self.server.start()
        await self.enter()

    async def leave(self) -> None:
        if self._person:
            await self._person.leave()


class Xmpp:
    """A room of Prosody; what was heard is read from its archive."""

    name = "xmpp"

    def __init__(self, server: Prosody) -> None:
        number = next(_numbers)
        self.server, self.address, self.nick = server, f"all{number}@rooms.localhost", f"allbot{number}"
        self._me = f"xerxes{number}"
        self._person: xmpp.Person | None = None
        self._archive: list[tuple[str, str]] = []
        self._after = ""
        self.tries: Counter[int] = Counter()

    @property
    def room(self) -> str:
        return f"xmpp {self.address}"

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "CHATBRANCH_XMPP_JID": self.server.account(self.nick),
            "CHATBRANCH_XMPP_PASSWORD": self.nick,
            "CHATBRANCH_XMPP_ROOMS": self.address,
            "CHATBRANCH_XMPP_HOST": "127.0.0.1",
            "CHATBRANCH_XMPP_PORT": str(self.server.port),
            "CHATBRANCH_XMPP_SECURITY": "none",
        }

    async def enter(self) -> None:
        """Be in the room."""
        person = xmpp.Person(self.server, self._me)
        await person.connect()
        await person.enter(self.address)
        self._person = person

    async def say(self, number: int) -> None:
        if self._person is None:
            raise ConnectionError
        person = self._person
        id = person.say(self.address, f"xmpp {number}")
        echo = f"{self.address}/{self._me}"
        await xmpp.soon(lambda: any(each.get("id") == id for each in person.messages(echo)[-50:]), 30)

    async def heard(self) -> Words:
        return await self.heard_of(self.nick)

    async def kept(self) -> Words:
        return await self.heard_of(self._me)

    async def heard_of(self, nick: str) -> Words:
        """What somebody has said in the room, as its archive has it. It only grows, so it is read on from where we were."""
        if self._person is None:
            return []
        whole = False
        while not whole:
            page, last, whole = await self._page(self._person)
            self._archive += page
            self._after = last or self._after
        by = f"{self.address}/{nick}"
        return words([text for who, text in self._archive if who == by])

    async def _page(self, person: xmpp.Person) -> tuple[list[tuple[str, str]], str, bool]:
        """(who, text) of some messages that follow, the archive's id of the last, and whether there are no more (XEP-0313, XEP-0059)."""
        which = f"q{next(_numbers)}"
        limits = f"<max>200</max>{f'<after>{self._after}</after>' if self._after else ''}"
        asked = f"<query xmlns='{_MAM}' queryid='{which}'><set xmlns='{_RSM}'>{limits}</set></query>"
        answer = await person.ask("set", self.address, asked)
        results = [each for stanza in person.stanzas for each in stanza.iterfind(f"{{{_MAM}}}result")]
        mine = [each for each in results if each.get("queryid") == which]
        messages = [each for result in mine for each in result.iter(f"{xmpp.CLIENT}message")]
        said = [(each.get("from") or "", each.findtext(f"{xmpp.CLIENT}body") or "") for each in messages]
        whole = any(each.get("complete") == "true" for each in answer.iter(f"{{{_MAM}}}fin"))
        last = next(answer.iter(f"{{{_RSM}}}last"), None)
        person.stanzas = [each for each in person.stanzas if each.find(f"{{{_MAM}}}result") is None]
        return said, "" if last is None else last.text or "", whole or last is None

    def kill(self) -> None:
        self._person = None
        self.server.kill()

    async def start(self) -> None:
        self._archive, self._after = [], ""  # what was not on the disk is gone from it
        self.server.start()
        await self.enter()

    async def leave(self) -> None:
        if self._person:
            await self._person.close()


class Matrix:
    """A room of Synapse."""

    name = "matrix"

    def __init__(self, server: Synapse) -> None:
        number = next(_numbers)
        self.server = server
        self.bot = server.user(f"allbot{number}")
        self._person, other = server.user(f"maria{number}"), server.user(f"oscar{number}")
        self.address = self._person.room(self.bot.id, other.id)
        other.call("POST", f"join/{self.address}")
        self.tries: Counter[int] = Counter()

    @property
    def room(self) -> str:
        return f"matrix {self.address}"

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "CHATBRANCH_MATRIX_HOMESERVER": self.server.url,
            "CHATBRANCH_MATRIX_USER": self.bot.id,
            "CHATBRANCH_MATRIX_PASSWORD": self.bot.password,
        }

    async def say(self, number: int) -> None:
        """Under one transaction id, so that trying again is no second saying."""
        body = {"msgtype": "m.text", "body": f"matrix {number}"}
        where = f"rooms/{self.address}/send/m.room.message/n{number}"
        await asyncio.to_thread(self._person.call, "PUT", where, body)

    async def heard(self) -> Words:
        return words(await asyncio.to_thread(self._person.texts, self.address, self.bot.id))

    async def kept(self) -> Words:
        return words(await asyncio.to_thread(self._person.texts, self.address, self._person.id))

    def kill(self) -> None:
        self.server.kill()

    async def start(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def leave(self) -> None:
        self._person.close()


class Telegram:
    """A group of the tests' Bot API, which does not fall."""

    name = "telegram"

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.group: Chat = platform.group("members")
        self.tries: Counter[int] = Counter()

    @property
    def room(self) -> str:
        return f"telegram {self.group.id}"

    @property
    def environment(self) -> Mapping[str, str]:
        settings = {**self.platform.settings, "group_per_minute": "0"}
        return {f"CHATBRANCH_TELEGRAM_{key.upper()}": value for key, value in settings.items()}

    async def say(self, number: int) -> None:
        self.group.says(f"telegram {number}", by="Tara")

    async def heard(self) -> Words:
        return words(self.group.seen)

    async def kept(self) -> Words:
        return words([each["text"] for each in self.group.messages.values() if not each.get("by_bot")])

    def kill(self) -> None: ...

    async def start(self) -> None: ...

    async def leave(self) -> None: ...


def settings_of(legs: Sequence[Leg], folder: Path) -> dict[str, str]:
    """What makes a house join these legs into one route."""
    config = folder / "chatbranch.toml"
    rooms = json.dumps([leg.room for leg in legs])
    config.write_text(f'[relay.everyone]\nlang = "en"\nrooms = {rooms}\n')
    return {"CHATBRANCH_CONFIG": str(config)} | {
        name: value for leg in legs for name, value in leg.environment.items()
    }


@asynccontextmanager
async def present(*legs: Any) -> AsyncIterator[None]:
    """People are in the rooms until the end."""
    for leg in legs:
        if enter := getattr(leg, "enter", None):
            await enter()
    try:
        yield
    finally:
        for leg in legs:
            await leg.leave()


async def said(leg: Leg, number: int) -> None:
    """Say it, however often it takes: somebody whose server is away waits and says it again."""
    while True:
        leg.tries[number] += 1
        try:
            await leg.say(number)
        except _AWAY:
            await asyncio.sleep(0.5)
        else:
            return


async def connected(legs: Sequence[Leg], seconds: float = 200) -> None:
    """Until a word said in each room is heard in every other."""
    async with asyncio.timeout(seconds):
        for leg in legs:
            others = [each for each in legs if each is not leg]
            while True:
                number = 1_000_000 + next(_numbers)
                await said(leg, number)
                if await _hear(others, (leg.name, number), 5):
                    break


async def _hear(legs: Sequence[Leg], word: tuple[str, int], seconds: float) -> bool:
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        if all([word in await leg.heard() for leg in legs]):
            return True
        await asyncio.sleep(0.2)
    return False


async def all_heard(
    leg: Leg, wanted: Mapping[str, set[int]], seconds: float = 400
) -> Counter[tuple[str, int]]:
    """Wait until a room has heard these numbers of each other leg; how often it heard what."""
    missing: dict[str, set[int]] = {}
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        heard = Counter(await leg.heard())
        missing = {
            name: lost
            for name, numbers in wanted.items()
            if name != leg.name and (lost := {n for n in numbers if (name, n) not in heard})
        }
        if not missing:
            return heard
        await asyncio.sleep(1)
    raise AssertionError(f"{leg.name} did not hear {missing}")


def in_order(heard: Words, name: str) -> bool:
    """Whether what came from a leg came in the order in which it was said, a repeat aside."""
    numbers = [n for n in dict.fromkeys(n for leg, n in heard if leg == name) if n < 1_000_000]
    return numbers == sorted(numbers)

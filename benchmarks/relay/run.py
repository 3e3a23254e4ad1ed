"""How fast a word on IRC is heard on XMPP and back, beside biboumi (a gateway in C++ without a database of messages).

    .venv/bin/python -m benchmarks.relay.run [rooms] [messages a room]

A real ngIRCd, a real Prosody and people who speak by socket; ours and biboumi one after the other on the same servers.
Ours writes every message down before it goes on, and again when it has arrived. biboumi holds in memory what is on its way,
writes a history, and its limit of one message in two seconds is switched off; ours on IRC too. Needs
ngircd, prosody and biboumi (Debian packages), and port 6667, the only one biboumi looks at.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.servers import ngircd as irc
from tests.servers import prosody as xmpp
from tests.servers.ngircd import Ngircd
from tests.servers.prosody import Prosody
from tests.support.house import House

PACE = 0.04  # seconds between two messages while latency is measured
SECRET = "benchmark"


class Timed(list[Any]):
    """A list that knows when each thing came."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def append(self, item: Any) -> None:
        super().append(item)
        self.at.append(time.perf_counter())


class Side:
    """Who is on IRC and who on XMPP, room by room, and the numbers each heard with their moments."""

    pid = 0  # of the relay

    def __init__(self, ira: irc.Person, xenia: xmpp.Person, rooms: list[tuple[str, str]]) -> None:
        self.ira, self.xenia, self.rooms = ira, xenia, rooms
        ira.lines = self.lines = Timed()
        xenia.stanzas = self.stanzas = Timed()

    def say(self, towards: str, room: int, number: int) -> None:
        channel, place = self.rooms[room]
        if towards == "XMPP":
            self.ira.say(f"PRIVMSG {channel} :number {number}")
        else:
            self.xenia.say(place, f"number {number}", kind="groupchat")

    def heard(self, towards: str) -> dict[int, float]:
        """number -> when it was first heard on the other side."""
        found: dict[int, float] = {}
        items = self.stanzas if towards == "XMPP" else self.lines
        mine = f"/{self.xenia.name}"
        for item, at in zip(items, items.at, strict=False):
            text = item if isinstance(item, str) else (item.findtext(f"{xmpp.CLIENT}body") or "")
            if not isinstance(item, str) and (item.get("from") or "").endswith(mine):
                continue
            if said := re.search(r"number (\d+)$", text):
                found.setdefault(int(said.group(1)), at)
        return found


async def latency(side: Side, towards: str, count: int) -> list[float]:
    """Milliseconds from saying to hearing, one message at a time."""
    sent: dict[int, float] = {}
    first = time.time_ns()
    for n in range(first, first + count):
        sent[n] = time.perf_counter()
        side.say(towards, n % len(side.rooms), n)
        await asyncio.sleep(PACE)
    await until(lambda: sent.keys() <= side.heard(towards).keys())
    heard = side.heard(towards)
    return sorted(1000 * (heard[n] - sent[n]) for n in sent)


async def throughput(side: Side, towards: str, each: int) -> tuple[float, float]:
    """Of a burst in every room at once: messages a second from the first saying to the last hearing, and the relay's
    processor time, ms a message."""
    first = time.time_ns()
    numbers = range(first, first + each * len(side.rooms))
    start, worked = time.perf_counter(), processor_time(side.pid)
    for n in numbers:
        side.say(towards, n % len(side.rooms), n)
        if n % 50 == 0:
            await asyncio.sleep(0)
    await until(lambda: set(numbers) <= side.heard(towards).keys())
    heard = side.heard(towards)
    worked = processor_time(side.pid) - worked
    return len(numbers) / (max(heard[n] for n in numbers) - start), 1000 * worked / len(numbers)


def processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until(true: Callable[[], object], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit("not everything was heard")
        await asyncio.sleep(0.05)


@asynccontextmanager
async def ours(
    ngircd: Ngircd,
    prosody: Prosody,
    folder: Path,
    count: int,
    thirds: Sequence[str] = (),
    **settings: str,
) -> AsyncIterator[Side]:
    """Our connectors process between `count` channels and as many rooms. thirds: a further room for each route."""
    pairs = [(f"#ours{n}", f"ours{n}@rooms.localhost") for n in range(count)]
    xmpp_settings = {
        "CHATBRANCH_XMPP_JID": prosody.account("relay"),
        "CHATBRANCH_XMPP_PASSWORD": "relay",
        "CHATBRANCH_XMPP_ROOMS": ",".join(room for _, room in pairs),
        "CHATBRANCH_XMPP_HOST": "127.0.0.1",
        "CHATBRANCH_XMPP_PORT": str(prosody.port),
        "CHATBRANCH_XMPP_SECURITY": "none",
    }
    routes = [
        [f"irc {channel}", f"xmpp {room}", *thirds[n : n + 1]] for n, (channel, room) in enumerate(pairs)
    ]
    house = our_house(folder, ngircd, routes, **xmpp_settings, **settings)
    async with people(ngircd, prosody, "ours", pairs) as side:
        house.start("connectors")
        side.pid = house.pid("connectors")
        try:
            await _both_ways(side)
            yield side
        finally:
            house.kill()


def our_house(folder: Path, ngircd: Ngircd, routes: Sequence[Sequence[str]], **settings: str) -> House:
    """A house with these routes, each from a channel of ngircd to rooms ("xmpp …") that `settings` lead to. Nothing runs yet."""
    tables = "".join(
        f"[relay.r{n}]\nlang = 'en'\nrooms = {json.dumps(rooms)}\n" for n, rooms in enumerate(routes)
    )
    (folder / "chatbranch.toml").write_text(tables)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATBRANCH_")}
    environment = kept | {
        "CHATBRANCH_DATA": str(folder),
        "CHATBRANCH_IRC_SERVER": "127.0.0.1",
        "CHATBRANCH_IRC_PORT": str(ngircd.port),
        "CHATBRANCH_IRC_TLS": "off",
        "CHATBRANCH_IRC_NICK": "relay",
        "CHATBRANCH_IRC_PER_SECOND": "0",
        "CHATBRANCH_IRC_CHANNELS": ",".join(rooms[0].removeprefix("irc ") for rooms in routes),
        "DJANGO_SETTINGS_MODULE": "chatbranch.site.settings",
        **settings,
    }
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
    return House(environment, folder / "log")


@asynccontextmanager
async def biboumi(ngircd: Ngircd, prosody: Prosody, folder: Path, count: int) -> AsyncIterator[Side]:
    """biboumi as a component of the same Prosody: the person on XMPP is in the IRC channels through it."""
    config = folder / "biboumi.cfg"
    values = {
        "hostname": "irc.localhost",
        "password": SECRET,
        "xmpp_server_ip": "127.0.0.1",
        "port": prosody.component_port,
        "db_name": folder / "biboumi.sqlite",
        "log_level": 3,
        "fixed_irc_server": "127.0.0.1",
    }
    config.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    process = subprocess.Popen(
        ["biboumi", str(config)], stdout=(folder / "log").open("wb"), stderr=subprocess.STDOUT
    )
    pairs = [(f"#peer{n}", f"#peer{n}@irc.localhost") for n in range(count)]
    await asyncio.sleep(2)
    with sqlite3.connect(
        folder / "biboumi.sqlite"
    ) as database:  # else it holds back all but one message in two seconds
        row = ("xeniapeer@localhost", "127.0.0.1", "6667", "", "", -1)
        names = "owner_, server_, ports_, tlsports_, pass_, throttlelimit_"
        database.execute(f"INSERT INTO ircserveroptions_ ({names}) VALUES (?, ?, ?, ?, ?, ?)", row)
    try:
        async with people(ngircd, prosody, "peer", pairs) as side:
            side.pid = process.pid
            await _both_ways(side)
            yield side
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def people(
    ngircd: Ngircd, prosody: Prosody, name: str, pairs: list[tuple[str, str]]
) -> AsyncIterator[Side]:
    """One person on each side, in every room."""
    async with AsyncExitStack() as stack:
        channels = [channel for channel, _ in pairs]
        ira = await stack.enter_async_context(irc.person(ngircd.port, f"ira{name}", *channels))
        xenia = await stack.enter_async_context(xmpp.person(prosody, f"xenia{name}"))
        for _, room in pairs:
            xenia.leave(room)
            with contextlib.suppress(AssertionError):
                await xenia.enter(room)
        yield Side(ira, xenia, pairs)


async def _both_ways(side: Side) -> None:
    """Until every room carries both ways."""
    for towards in ("XMPP", "IRC"):
        for room in range(len(side.rooms)):
            for _ in range(60):
                number = time.time_ns()
                side.say(towards, room, number)
                with contextlib.suppress(SystemExit):
                    await until(lambda number=number, towards=towards: number in side.heard(towards), 0.5)
                    break
            else:
                raise SystemExit(f"{side.rooms[room]} carries nothing towards {towards}")


async def measure(side: Side, each: int) -> dict[str, float]:
    """The figures of one relay: medians and 95th percentiles in ms, messages a second."""
    figures: dict[str, float] = {}
    for towards in ("XMPP", "IRC"):
        times = await latency(side, towards, 300)
        figures[f"towards {towards}, median ms"] = statistics.median(times)
        figures[f"towards {towards}, 95th percentile ms"] = times[int(len(times) * 0.95)]
        rate, work = await throughput(side, towards, each)
        figures[f"towards {towards}, messages/s"] = rate
        figures[f"towards {towards}, processor ms a message"] = work
    return figures


async def main(rooms: int, each: int) -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory(prefix="chatbranch-relay-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folders = [folder / part for part in ("irc", "xmpp", "ours", "peer")]
        for part in folders:
            part.mkdir()
        ngircd = Ngircd(folders[0], port=6667)
        prosody = Prosody(folders[1], component=("irc.localhost", SECRET))
        for server in (ngircd, prosody):
            server.start()
            stack.callback(server.kill)
        async with ours(ngircd, prosody, folders[2], rooms) as side:
            mine = await measure(side, each)
        async with biboumi(ngircd, prosody, folders[3], rooms) as side:
            theirs = await measure(side, each)
    print(f"\n{rooms} rooms, {each} messages a room in a burst; {', '.join(versions())}\n")
    print(f"| {'':<42} | {'ours':>8} | {'biboumi':>8} | {'ratio':>6} |")
    print(f"|{'-' * 44}|{'-' * 10}|{'-' * 10}|{'-' * 8}|")
    for name, figure in mine.items():
        print(f"| {name:<42} | {figure:>8.1f} | {theirs[name]:>8.1f} | {figure / theirs[name]:>6.2f} |")


def versions() -> Iterator[str]:
    for package in ("ngircd", "prosody", "biboumi"):
        found = subprocess.run(["dpkg-query", "-W", package], capture_output=True, text=True).stdout.split()
        yield " ".join(found)
    yield f"Python {platform.python_version()}"


if __name__ == "__main__":
    if missing := [each for each in ("prosody", "biboumi") if not shutil.which(each)]:
        raise SystemExit(f"install {', '.join(missing)} first")
    numbers = [int(each) for each in sys.argv[1:3]]
    asyncio.run(main(*(numbers + [10, 100][len(numbers) :])))

"""How much of what Synapse accepts a relay makes use of: the same messages said directly, and carried over from IRC.

    .venv/bin/python -m benchmarks.relay.matrix [rooms] [messages a room]

A real Synapse on SQLite and a real ngIRCd. Directly: one account says them over plain HTTP on open connections, one after the
other in each room, all rooms at the same time. Carried: somebody says them on IRC, and our connectors process, as it runs in life,
says them in the same rooms from the same kind of account. Both in turns, three times; a message counts when Synapse has it.
Needs Synapse (python3 tests/servers/install.py) and ngircd.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from benchmarks.relay.run import our_house
from tests.servers import ngircd as irc
from tests.servers.ngircd import Ngircd
from tests.servers.synapse import Person, Synapse

TURNS = 3


async def directly(bot: Person, rooms: list[str], each: int) -> float:
    """Messages a second that Synapse accepts from a client that does nothing else."""
    headers = {"Authorization": f"Bearer {bot.token}"}
    limits = httpx.Limits(max_connections=len(rooms))
    async with httpx.AsyncClient(headers=headers, timeout=300, limits=limits) as client:

        async def say_all(room: str) -> None:
            for n in range(each):
                where = (
                    f"{bot.server.url}/_matrix/client/v3/rooms/{room}/send/m.room.message/d{time.time_ns()}"
                )
                answer = await client.put(where, json={"msgtype": "m.text", "body": f"number {n}"})
                answer.raise_for_status()

        start = time.perf_counter()
        await asyncio.gather(*(say_all(room) for room in rooms))
        return len(rooms) * each / (time.perf_counter() - start)


async def carried(ira: irc.Person, ledger: Path, channels: list[str], each: int) -> float:
    """Messages a second from the first word on IRC to the last that Synapse has taken, by our ledger."""
    start, before, number = time.perf_counter(), _taken(ledger), time.time_ns()
    for n in range(each):
        for channel in channels:
            ira.say(f"PRIVMSG {channel} :number {number + n}")
    while _taken(ledger) < before + each * len(channels):
        await asyncio.sleep(0.02)
    return len(channels) * each / (time.perf_counter() - start)


def _taken(ledger: Path) -> int:
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        count: int = database.execute(
            "SELECT count(*) FROM deliveries_delivery WHERE channel = 'matrix' AND state = 'sent'"
        ).fetchone()[0]
    return count


async def main(rooms: int, each: int) -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory(prefix="chatbranch-relay-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        for part in ("irc", "house"):
            (folder / part).mkdir()
        ngircd, synapse = Ngircd(folder / "irc"), Synapse(folder / "synapse")
        for server in (ngircd, synapse):
            server.start()
            stack.callback(server.kill)
        plain, bot, ben = synapse.user("plain"), synapse.user("relay"), synapse.user("ben")
        joined = [ben.room(plain.id, bot.id) for _ in range(rooms)]
        for room in joined:
            plain.call("POST", f"join/{room}")
            bot.call("POST", f"join/{room}")
        channels, ledger = [f"#r{n}" for n in range(rooms)], folder / "house" / "chatbranch.sqlite3"
        house = our_house(
            folder / "house",
            ngircd,
            [[f"irc {channel}", f"matrix {room}"] for channel, room in zip(channels, joined, strict=True)],
            CHATBRANCH_MATRIX_HOMESERVER=bot.server.url,
            CHATBRANCH_MATRIX_USER=bot.id,
            CHATBRANCH_MATRIX_PASSWORD=bot.password,
        )
        stack.callback(house.kill)
        async with irc.person(ngircd.port, "ira", *channels) as ira:
            house.start("connectors")
            await asyncio.sleep(8)
            await carried(ira, ledger, channels, 2)  # until all is warm
            ours, direct = [], []
            for _ in range(TURNS):
                direct.append(await directly(plain, joined, each))
                ours.append(await carried(ira, ledger, channels, each))
    print(f"\n{rooms} rooms, {each} messages a room; Synapse on SQLite, Python {platform.python_version()}\n")
    print(f"| messages/s | {' | '.join(f'turn {n + 1}' for n in range(TURNS))} | median |")
    print("|---|" + "---|" * (TURNS + 1))
    for title, found in (("said directly", direct), ("carried from IRC", ours)):
        print(f"| {title} | {' | '.join(f'{each:.1f}' for each in found)} | {statistics.median(found):.1f} |")
    print(f"\ncarried / direct: {statistics.median(ours) / statistics.median(direct):.2f}")


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:3]]
    asyncio.run(main(*(numbers + [10, 20][len(numbers) :])))

"""How fast the XMPP connector says things, against a real Prosody on loopback.

Run: PYTHONPATH=. .venv/bin/python benchmarks/xmpp/speed.py
A room's figure counts until the room has shown the message to us and its history has it; a private one's until the
server has acknowledged it.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from tests.servers.prosody import Prosody, soon
from tests.servers.recorder import Recorder, running

from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.xmpp.transport import Xmpp
from chatbranch.kernel.messages import Outbound

ROOMS = [f"room{number}@rooms.localhost" for number in range(4)]
EACH = 300


async def main() -> None:
    server = Prosody(Path(tempfile.mkdtemp()))
    server.start()
    bot, ann = server.account("bot"), server.account("ann")
    where = {"host": "127.0.0.1", "port": str(server.port), "security": "none", "rooms": ",".join(ROOMS)}
    connector = build(setups()["xmpp"], {"jid": bot, "password": "bot", **where})
    assert isinstance(connector, Xmpp)
    try:
        async with running(connector, Recorder()):
            await soon(
                lambda: connector._account and all(each.inside for each in connector._account._rooms.values())
            )
            print("a room, one after the other:", await latency(connector, ROOMS[0]))
            print("one person, one after the other:", await latency(connector, ann))
            print("four rooms, each in order:", await rate([lane(connector, room) for room in ROOMS]))
            print(
                "four rooms, all at once:",
                await rate([say(connector, room, f"p{n}") for n in range(EACH) for room in ROOMS]),
            )
    finally:
        server.stop()


async def latency(connector: Xmpp, address: str) -> str:
    taken = []
    for number in range(EACH):
        began = time.perf_counter()
        await say(connector, address, f"l{number}")
        taken.append((time.perf_counter() - began) * 1000)
    return (
        f"median {statistics.median(taken):.1f} ms, 95th percentile {sorted(taken)[int(EACH * 0.95)]:.1f} ms"
    )


async def lane(connector: Xmpp, room: str) -> None:
    for number in range(EACH):
        await say(connector, room, f"r{number}")


async def rate(jobs: list[Awaitable[None]]) -> str:
    began = time.perf_counter()
    await asyncio.gather(*jobs)
    return f"{EACH * len(ROOMS) / (time.perf_counter() - began):.0f} messages/s"


async def say(connector: Xmpp, address: str, key: str) -> None:
    await connector.send(Outbound(f"{address} {key}", address, f"message {key}"))


if __name__ == "__main__":
    asyncio.run(main())

"""How much a destination that stalls slows the others: IRC to XMPP and back while Synapse, on the same routes, answers nothing.

    .venv/bin/python -m benchmarks.relay.stalled [rooms]

A real ngIRCd, Prosody and Synapse, and our connectors process as it runs in life. In turns, three times each: one message at a time
while all is well, then the same while Synapse is stopped (SIGSTOP) for as long as that takes, some 30 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.relay.run import Side, latency, ours, versions
from tests.servers.ngircd import Ngircd
from tests.servers.prosody import Prosody
from tests.servers.synapse import Synapse

TURNS = 3
MESSAGES = 360  # one in 40 ms each way: some 15 s a direction


async def both_ways(side: Side) -> dict[str, float]:
    """The median latency in ms, each way."""
    return {way: statistics.median(await latency(side, way, MESSAGES)) for way in ("XMPP", "IRC")}


async def main(rooms: int) -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory(prefix="chatbranch-relay-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        for part in ("irc", "xmpp", "house"):
            (folder / part).mkdir()
        ngircd, prosody = Ngircd(folder / "irc"), Prosody(folder / "xmpp")
        synapse = Synapse(folder / "synapse")
        for server in (ngircd, prosody, synapse):
            server.start()
            stack.callback(server.kill)
        bot, ben = synapse.user("relay"), synapse.user("ben")
        joined = [ben.room(bot.id) for _ in range(rooms)]
        matrix = {
            "CHATBRANCH_MATRIX_HOMESERVER": synapse.url,
            "CHATBRANCH_MATRIX_USER": bot.id,
            "CHATBRANCH_MATRIX_PASSWORD": bot.password,
        }
        thirds = [f"matrix {room}" for room in joined]
        async with ours(ngircd, prosody, folder / "house", rooms, thirds, **matrix) as side:
            well, stalled = [], []
            for _ in range(TURNS):
                await asyncio.sleep(20)  # Synapse has taken what waited
                with synapse.holding_breath():
                    stalled.append(await both_ways(side))
                await asyncio.sleep(60)
                well.append(await both_ways(side))
    print(f"\n{rooms} rooms on three platforms; {', '.join(versions())}\n")
    print("| median ms | all is well | Synapse stopped | ratio |\n|---|---|---|---|")
    for way in ("XMPP", "IRC"):
        usual, slow = (statistics.median(each[way] for each in found) for found in (well, stalled))
        print(f"| towards {way} | {usual:.1f} | {slow:.1f} | {slow / usual:.2f} |")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2))

"""How soon a branch is ready, and how much memory its processes hold when nobody asks anything.

    .venv/bin/python -m benchmarks.size.run [starts]

The demo branch as its README starts it, in a folder of its own: first with the web chat alone, then with four chats switched
on and signed in to real servers (Synapse, Prosody, ngIRCd, and the tests' Bot API). Ready: from the command to the first
page, and to the moment when all three processes have said that they work; the first start makes the tables, the sample
library and the demo. RSS counts in each process what several share; PSS counts it once, in equal parts. Linux only.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.legs import Irc, Matrix, Telegram, Xmpp
from tests.servers.ngircd import Ngircd
from tests.servers.prosody import Prosody
from tests.servers.synapse import Synapse
from tests.servers.telegram import telegram
from tests.support.house import UP, House

REST = (
    40.0  # seconds after which nothing goes on any more: the web process has warmed up, the index is written
)
SAID = ("connectors: ", "worker ready")


@contextmanager
def running(folder: Path, settings: Mapping[str, str]) -> Iterator[tuple[House, float, float]]:
    """A started branch; seconds until its first page, and until all three work."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATBRANCH_")}
    log = folder / f"log{time.monotonic_ns()}"
    house = House({**kept, **settings, "CHATBRANCH_DATA": str(folder)}, log)
    began = time.monotonic()
    house.start(UP)
    page = time.monotonic() - began
    while not all(each in house.log for each in SAID):
        time.sleep(0.01)
    try:
        yield house, page, time.monotonic() - began
    finally:
        house.stop()


def processes(parent: int) -> dict[str, int]:
    """name -> number of each of the branch's processes."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = {"watching over them": parent}
    for number in map(int, children):
        command = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
        if len(command) > 2 and "chatbranch.site." in command[2]:
            found[command[2].rpartition(".")[2]] = number
    return found


def processor_time(parent: int) -> float:
    """Seconds of processor time that the branch's processes have had."""
    ticks = 0
    for number in processes(parent).values():
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(number: int) -> tuple[float, float]:
    """RSS and PSS of a process, MB."""
    text = Path(f"/proc/{number}/smaps_rollup").read_text()
    rss, pss = (int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) for name in ("Rss", "Pss"))
    return rss * 1024 / 1e6, pss * 1024 / 1e6


def measure(title: str, folder: Path, settings: Mapping[str, str], starts: int) -> None:
    """One table."""
    folder.mkdir(exist_ok=True)
    with running(folder, settings) as (_, page, ready):
        print(f"\n{title}: first start, first page after {page:.1f} s, all ready after {ready:.1f} s")
    times = []
    for _ in range(starts):
        with running(folder, settings) as (_, page, ready):
            times.append((page, ready))
    pages, readies = (statistics.median(each) for each in zip(*times, strict=True))
    print(
        f"later starts, median of {starts}: first page after {pages:.1f} s, all ready after {readies:.1f} s\n"
    )
    with running(folder, settings) as (house, _, _):
        time.sleep(REST)
        held = {name: memory(number) for name, number in processes(house.pid(UP)).items()}
    rss, pss = zip(*held.values(), strict=True)
    held["together"] = sum(rss), sum(pss)
    print(f"| {'idle, MB':<20} | {'RSS':>6} | {'PSS':>6} |\n|{'-' * 22}|{'-' * 8}|{'-' * 8}|")
    for name, (rss, pss) in held.items():
        print(f"| {name:<20} | {rss:>6.0f} | {pss:>6.0f} |")


def main(starts: int) -> None:
    """Print two tables."""
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"{cores} cores, load before it began {load:.1f}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="chatbranch-size-") as name, ExitStack() as stack:
        folder = Path(name)
        parts = {part: folder / part for part in ("synapse", "prosody", "ngircd")}
        for part in parts.values():
            part.mkdir()
        measure("The web chat alone", folder / "one", {}, starts)
        servers = Synapse(parts["synapse"]), Prosody(parts["prosody"]), Ngircd(parts["ngircd"])
        for server in servers:
            server.start()
            stack.callback(server.kill)
        api = stack.enter_context(telegram())
        legs = [Matrix(servers[0]), Xmpp(servers[1]), Irc(servers[2]), Telegram(api)]
        settings = {key: value for leg in legs for key, value in leg.environment.items()}
        measure("With Matrix, XMPP, IRC and Telegram", folder / "five", settings, starts)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

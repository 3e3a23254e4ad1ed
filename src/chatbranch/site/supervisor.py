"""Starts the three processes, restarts what falls, and stops them together."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

log = logging.getLogger("chatbranch.supervisor")
GRACE = 8.0
HEALTHY_AFTER = 30.0


def commands() -> dict[str, list[str]]:
    """name -> command of each process."""
    return {
        name: [sys.executable, "-m", f"chatbranch.site.{name}"] for name in ("web", "connectors", "worker")
    }


@dataclass
class Child:
    """One supervised process. After a fall it is started again: at once the first time, then with growing pauses."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    first: Sequence[str] = ()  # what the first start is told, and no later one
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    falls: int = 0
    next_start: float = 0.0
    told: set[int] = field(default_factory=set)

    def start(self) -> None:
        self.started = time.monotonic()
        command, self.first = [*self.command, *self.first], ()
        self.process = subprocess.Popen(command, env=dict(self.environment), stdin=subprocess.DEVNULL)  # noqa: S603 (our own)

    def watch(self) -> None:
        """Notice a fall, and start again when its pause is over."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.next_start:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            if self.falls and now - self.started > HEALTHY_AFTER:
                self.falls = 0
            return
        pause = min(60.0, 2.0**self.falls - 1)
        self.falls, self.process, self.next_start = self.falls + 1, None, now + pause
        log.error("%s stopped (exit %s); starting it again in %.0f s", self.name, code, pause)


def run(environment: Mapping[str, str], address: tuple[str, int], greeting: Sequence[str]) -> int:
    """Run the house until SIGTERM or Ctrl-C; the web process is told the `greeting` when it first starts. Returns an exit
    code."""
    stopping: list[int] = []
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _: stopping.append(number))
    web, connectors, worker = (Child(name, command, environment) for name, command in commands().items())
    web.first = greeting
    children, ready = [web, connectors], False
    while not stopping:
        for child in children:
            child.watch()
        if not ready and _answers(address):  # readers come first: the worker starts once the pages answer
            ready, children = True, [web, connectors, worker]
            continue
        time.sleep(0.5 if ready else 0.05)
    _stop(children)
    return 0


def _answers(address: tuple[str, int]) -> bool:
    host = "127.0.0.1" if address[0] in ("0.0.0.0", "::", "") else address[0]  # noqa: S104 (compared, not bound)
    try:
        with socket.create_connection((host, address[1]), timeout=0.2):
            return True
    except OSError:
        return False


def _stop(children: list[Child]) -> None:
    running = [
        child.process for child in children if child.process is not None and child.process.poll() is None
    ]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""Our own processes, as they run in life: started over a test's database, killed, started again."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.servers.ports import free_port
from tests.support.databases import Database


class House:
    """The processes of one branch. `settings`: CHATBRANCH_… values on top of the database's own."""

    def __init__(self, database: Database, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**database.environment, "CHATBRANCH_PORT": str(self.port), **settings}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._log = Path(database.options["NAME"]).parent / "processes.log"

    def start(self, *names: str) -> None:
        """Start "web", "connectors" or "worker"; of web, wait until it answers."""
        for name in names:
            with self._log.open("ab") as out:
                self._running[name] = subprocess.Popen(
                    [sys.executable, "-m", f"chatbranch.site.{name}"],
                    env=self._environment,
                    stdout=out,
                    stderr=out,
                )
        if "web" in names:
            self._wait_for_web()

    def _wait_for_web(self) -> None:
        for _ in range(200):
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/connect/web/", timeout=5)
                return
            time.sleep(0.1)
        raise RuntimeError(f"the web process did not start:\n{self.log[-2000:]}")

    def kill(self, *names: str) -> None:
        """kill -9: nothing gets to tidy up."""
        self._end(signal.SIGKILL, names)

    def stop(self, *names: str) -> int:
        """Ask to end; returns the last exit code."""
        return self._end(signal.SIGTERM, names)

    def _end(self, how: signal.Signals, names: tuple[str, ...]) -> int:
        code = 0
        for name in names or tuple(self._running):
            process = self._running.pop(name)
            process.send_signal(how)
            code = process.wait(30)
        return code

    def alive(self, name: str) -> bool:
        return self._running[name].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    @property
    def log(self) -> str:
        """What the processes have logged."""
        return self._log.read_text() if self._log.exists() else ""


@contextmanager
def house(database: Database, **settings: str) -> Iterator[House]:
    """A house that is ended with the block; what it logged is shown when a test fails."""
    made = House(database, **settings)
    try:
        yield made
    finally:
        made.kill()
        print(made.log[-4000:])


def wait_for(true: object, seconds: float = 120, what: str = "what was waited for") -> None:
    """Wait until `true()` holds."""
    assert callable(true)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds} s")

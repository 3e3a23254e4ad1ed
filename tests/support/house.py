"""Our own processes, as they run in life: the whole branch as its README starts it, or one by one over a test's database."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.support.databases import Database
from tests.support.ports import free_port

READY_WITHIN = 240.0  # seconds; on two busy cores a first start loads the sample library and an encoder in three processes
UP = "up"  # all three, started and watched by `chatbranch up --demo`


class House:
    """The processes of one branch, on a free port. What they log is in `log`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**environment, "CHATBRANCH_PORT": str(self.port)}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._log = log

    def start(self, *names: str) -> None:
        """Start "web", "connectors", "worker", or "up"; where pages are served, wait until they are."""
        for name in names:
            with self._log.open("ab") as out:
                self._running[name] = subprocess.Popen(
                    [sys.executable, "-m", *self._command(name)],
                    env=self._environment,
                    stdout=out,
                    stderr=out,
                )
        for name in {"web", UP}.intersection(names):
            wait_for(lambda name=name: self._serves(name), READY_WITHIN, "the first page")

    def _command(self, name: str) -> list[str]:
        if name == UP:
            return ["chatbranch.site.cli", UP, "--demo", "--no-browser", "--port", str(self.port)]
        return [f"chatbranch.site.{name}"]

    def _serves(self, name: str) -> bool:
        assert self.alive(name), f"{name} stopped while starting:\n{self.log[-3000:]}"
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        return False

    def run(self, code: str) -> str:
        """Run Python inside the branch's settings, in a process of its own; returns what that prints."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            env={**self._environment, "DJANGO_SETTINGS_MODULE": "chatbranch.site.settings"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def kill(self, *names: str) -> None:
        """kill -9, of these or of all: nothing gets to tidy up."""
        self._end(signal.SIGKILL, names)

    def stop(self, *names: str) -> int:
        """Ask these, or all, to end; returns the last exit code."""
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
    """A house over a test's database, ended with the block; nothing runs yet. `settings`: CHATBRANCH_… values of its own."""
    log = Path(database.options["NAME"]).parent / "processes.log"
    made = House({**database.environment, **settings}, log)
    try:
        yield made
    finally:
        made.kill()
        print(made.log[-4000:])  # shown when a test fails


@contextmanager
def open_house(data: Path, **settings: str) -> Iterator[House]:
    """The demo branch as its README starts it, in a data folder of its own in pytest's temporary one: three processes and the
    sample library.

    settings: CHATBRANCH_… values of its own.
    """
    first = _started_first(data)
    with _one_at_a_time(first):
        if not first.exists():
            with _running(first.with_suffix(".new")):
                pass  # its first start reads the sample library and builds the index: once for every house of this run
            first.with_suffix(".new").rename(first)
    shutil.copytree(first, data, dirs_exist_ok=True)
    with _running(data, **settings) as made:
        yield made


@contextmanager
def _running(data: Path, **settings: str) -> Iterator[House]:
    data.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATBRANCH_")}
    made = House({**kept, "CHATBRANCH_DATA": str(data), **settings}, data / "house.log")
    try:
        made.start(UP)
        yield made
    finally:
        made.stop()


def _started_first(data: Path) -> Path:
    """The data of a demo branch that was started and stopped, shared by the workers of this run of the tests."""
    temporary = (
        data.parent
    )  # pytest's folder for this worker, inside the one for the run, if there are workers
    return (temporary.parent if temporary.name.startswith("popen-") else temporary) / "started-first"


@contextmanager
def _one_at_a_time(first: Path) -> Iterator[None]:
    with first.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_for(true: Callable[[], object], seconds: float = 120, what: str = "what was waited for") -> None:
    """Wait until `true()` holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")

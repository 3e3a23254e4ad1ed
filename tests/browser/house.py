"""The whole house started as its README says, on a data folder of its own: three processes, sample library, fictional branch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ports import free_port

START_WITHIN = 240.0  # seconds; on two busy cores the first start loads the sample library and an encoder in three processes


@dataclass(frozen=True)
class House:
    """A running branch. `run` runs Python inside its settings, in a process of its own, and returns what that prints."""

    url: str
    environ: dict[str, str]

    def run(self, code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def open_house(data: Path) -> Iterator[House]:
    """Start the branch in `data` on a free port, and stop it again."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATBRANCH_")}
    environ = {**kept, "CHATBRANCH_DATA": str(data), "DJANGO_SETTINGS_MODULE": "chatbranch.site.settings"}
    command = [
        sys.executable,
        "-m",
        "chatbranch.site.cli",
        "up",
        "--demo",
        "--no-browser",
        "--port",
        str(port),
    ]
    with (data / "house.log").open("wb") as log:
        running = subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(running, url, data / "house.log")
            yield House(url, environ)
        finally:
            running.terminate()
            running.wait(30)


def _wait_until_ready(running: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        assert running.poll() is None, f"the branch stopped while starting:\n{log.read_text()[-3000:]}"
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.3)
    raise AssertionError(f"the branch was not ready within {START_WITHIN:.0f} s:\n{log.read_text()[-3000:]}")

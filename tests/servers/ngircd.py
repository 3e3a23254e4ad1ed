"""A real IRC server: ngIRCd (Debian's `ngircd`), which is plain IRC without history, and people on it who speak by socket."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.support.ports import free_port

CONFIG = """
[Global]
Name = irc.test
Info = for tests
AdminEMail = nobody@example.org
Listen = 127.0.0.1
Ports = {port}
MotdPhrase = hello
{more}
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 30
MaxPenaltyTime = 0
MaxJoins = 0
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local1
[SSL]
{ssl}
"""


def program() -> str:
    """Where ngIRCd is, or "". Debian puts it where only root's PATH looks."""
    return shutil.which("ngircd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""


class Ngircd:
    """One server with a port of its own. Everything it knew is gone when it is started again."""

    def __init__(self, folder: Path, more: str = "", ssl: str = "", port: int = 0) -> None:
        self.port, self.ssl_port = port or free_port(), 0
        if ssl:
            self.ssl_port = free_port()
            ssl += f"\nPorts = {self.ssl_port}\n"
        self._config, self._log = folder / "ngircd.conf", folder / "ngircd.log"
        self._config.write_text(CONFIG.format(port=self.port, more=more, ssl=ssl))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [program(), "--nodaemon", "--config", self._config], stdout=out, stderr=out
            )
        end = time.monotonic() + 30
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"ngIRCd did not start: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        """Let it hang: connections stay, nothing answers."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)


@pytest.fixture(scope="session")
def ngircd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ngircd]:
    """One server for the run. A test that kills it starts it again."""
    if not program():
        pytest.skip("needs ngIRCd: apt-get install ngircd")
    server = Ngircd(tmp_path_factory.mktemp("ngircd"))
    server.start()
    yield server
    server.kill()


class Person:
    """Somebody on a server, line by line, as the RFC has it; nothing of ours is used."""

    def __init__(self, nick: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.nick, self.lines = nick, list[str]()
        self._reader, self._writer = reader, writer
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while raw := await self._reader.readline():
            line = raw.decode().rstrip("\r\n")
            if line.startswith("PING "):
                self.say(f"PONG {line[5:]}")
            self.lines.append(line)
            self._news.set()

    def say(self, line: str) -> None:
        """Send one line."""
        self._writer.write(line.encode() + b"\r\n")

    async def heard(self, true: Callable[[list[str]], object], seconds: float = 40) -> None:
        """Wait until what was heard so far is as it should be."""
        async with asyncio.timeout(seconds):
            while not true(self.lines):
                self._news.clear()
                await self._news.wait()

    async def settle(self) -> None:
        """Wait until the server has done all that was said."""
        token = f"t{time.monotonic_ns()}"
        self.say(f"PING {token}")
        await self.heard(lambda lines: any(" PONG " in line and token in line for line in lines[-400:]))

    def texts(self, sender: str, target: str) -> list[str]:
        """What `sender` said to `target`, oldest first."""
        parts = (line.split(" ", 3) for line in self.lines)
        return [
            words[3].removeprefix(":")
            for words in parts
            if len(words) == 4 and words[1:3] == ["PRIVMSG", target] and words[0].startswith(f":{sender}!")
        ]

    async def leave(self) -> None:
        """Close the connection."""
        self._task.cancel()
        self._writer.close()


@asynccontextmanager
async def person(port: int, nick: str, *channels: str) -> AsyncIterator[Person]:
    """Somebody who is on the server, in these channels."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    somebody = Person(nick, reader, writer)
    try:
        somebody.say(f"NICK {nick}\r\nUSER {nick} 0 * :{nick}")
        await somebody.heard(lambda lines: any(" 376 " in line or " 422 " in line for line in lines))
        for channel in channels:
            somebody.say(f"JOIN {channel}")
            await somebody.heard(
                lambda lines, c=channel: any(" 366 " in line and c.lower() in line.lower() for line in lines)
            )
        yield somebody
    finally:
        await somebody.leave()

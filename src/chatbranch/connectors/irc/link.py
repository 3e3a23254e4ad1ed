"""The connection to a server: bytes out, lines in."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

from chatbranch.connectors.contract import Misconfigured
from chatbranch.connectors.irc import wire
from chatbranch.connectors.irc.choices import Choices
from chatbranch.kernel import clock

DIAL = 30.0  # seconds for reaching the server
CHUNK = 65_536  # bytes read at once


class Trouble(Exception):
    """The connection ended or cannot be had; it may be had later. The words are ours and hold nobody's message."""


class Link:
    """One connection. heard: when bytes last came, after which moment nothing is known to have been missed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._why = "the server closed the connection"
        self.heard: datetime = clock.now()
        self.silent_since = time.monotonic()

    @classmethod
    async def open(cls, choices: Choices) -> Link:
        """Connect. Raises Trouble, or Misconfigured for a certificate that is not the server's."""
        context = ssl.create_default_context() if choices.tls else None
        where = f"{choices.server}:{choices.port}"
        try:
            async with asyncio.timeout(DIAL):
                streams = await asyncio.open_connection(choices.server, choices.port, ssl=context)
        except ssl.SSLCertVerificationError as error:
            raise Misconfigured(
                f"{where} 的证书信不过，请看 irc.server / "
                f"the certificate of {where} cannot be trusted ({error.verify_message}): see irc.server"
            ) from error
        except ssl.SSLError as error:
            raise Trouble(
                f"{where} 的 TLS 与我们的不合，请看 irc.port 与 irc.tls / {where} does not speak TLS as we do ({error.reason}): see irc.port and irc.tls"
            ) from error
        except (OSError, TimeoutError) as error:
            raise Trouble(f"连不上 {where} / {where} cannot be reached: {type(error).__name__}") from error
        return cls(*streams)

    def say(self, command: str, *params: str, tags: dict[str, str] | None = None) -> None:
        """Send a line. Raises wire.Unsendable."""
        self.write(wire.write_line(command, *params, tags=tags))

    def write(self, data: bytes) -> None:
        """Send bytes that are whole lines."""
        self._writer.write(data)

    async def lines(self) -> AsyncIterator[list[wire.Line]]:
        """What comes, all lines that came together at once. Raises Trouble at the end of the connection."""
        splitter = wire.Splitter()
        while True:
            try:
                data = await self._reader.read(CHUNK)
            except OSError as error:
                raise Trouble(f"连接断了 / the connection broke: {type(error).__name__}") from error
            if not data:
                raise Trouble(self._why)
            self.heard, self.silent_since = clock.now(), time.monotonic()
            yield [line for raw in splitter.feed(data) if (line := wire.read_line(raw)) is not None]

    @property
    def silence(self) -> float:
        """Seconds since anything came."""
        return time.monotonic() - self.silent_since

    def break_off(self, why: str) -> None:
        """End it at once; whoever reads is told why."""
        self._why = why
        self._writer.transport.abort()

    async def close(self) -> None:
        """Say good-bye and let go."""
        with suppress(Exception):
            self.say("QUIT")
            self._writer.close()
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

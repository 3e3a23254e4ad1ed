"""A small real platform: a TCP server that remembers every idempotency key it was shown, and a connector that speaks to it.

One line each way: {"key", "address", "text"} and the server's own id. The server lives in the test's process and so
outlives the senders that are killed.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Mapping

from chatbranch.connectors.contract import Capabilities
from chatbranch.kernel.messages import Outbound, Receipt
from chatbranch.kernel.phrases import Phrase


class Platform:
    """The server, in a thread of its own. `received[key]`: how often a message came under that key."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.texts: dict[str, set[str]] = {}
        self.in_order: dict[str, list[str]] = {}
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Platform:
        self._thread.start()
        self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._closing.wait()
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if line.endswith(b"\n"):  # a sender killed while writing has said nothing
                    writer.write(self._take(json.loads(line)))
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _take(self, message: dict[str, str]) -> bytes:
        key = message["key"]
        self.received[key] += 1
        self.texts.setdefault(message["text"], set()).add(key)
        self.in_order.setdefault(message["address"], []).append(message["text"])
        return f"{key[:8]}-{self.received[key]}\n".encode()


class PlatformConnector:
    """Sends over a few kept connections, as a client library would."""

    title, settings = Phrase("替身", "stand-in"), ()

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.name, self.port = "standin", int(settings["port"])
        self.capabilities = Capabilities(idempotent=settings["idempotent"] == "yes", per_second=0)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def run(self, host: object) -> None:
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound) -> Receipt:
        reader, writer = (
            self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self.port)
        )
        message = {"key": outbound.key, "address": outbound.address, "text": outbound.text}
        writer.write(json.dumps(message).encode() + b"\n")
        answer = (await reader.readline()).decode().strip()
        if not answer:
            raise ConnectionError
        self._idle.append((reader, writer))
        return Receipt(answer)

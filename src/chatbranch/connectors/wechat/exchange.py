"""One HTTP request and its response, as plain ASGI: read within bounds, and know when the other side has hung up."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from chatbranch.connectors.contract import Receive, Scope, Send

BODY_WITHIN = 4.0  # seconds a body may take to arrive


class TooLarge(Exception):
    """The body is larger than is taken."""


class Exchange:
    """A request. What is responded after the other side hung up reaches nobody, and `answer` says so."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._length = dict(scope["headers"]).get(b"content-length", b"0")
        self._gone: asyncio.Task[None] | None = None
        self._since = asyncio.get_running_loop().time()

    async def body(self, most: int) -> bytes:
        """The whole body, at most `most` bytes. Raises TooLarge, also for one that never ends."""
        if self._length.isdigit() and int(self._length[:20]) > most:
            raise TooLarge
        try:
            async with asyncio.timeout(BODY_WITHIN):
                return await self._read(most)
        except TimeoutError:
            raise TooLarge from None

    async def _read(self, most: int) -> bytes:
        body = bytearray()
        while True:
            part = await self._receive()
            body += part.get("body", b"")
            if len(body) > most:
                raise TooLarge
            if part["type"] == "http.disconnect" or not part.get("more_body"):
                return bytes(body)

    async def wait_for(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, the other side hangs up, or `seconds` after the request came."""
        left = self._since + seconds - asyncio.get_running_loop().time()
        waiting = asyncio.create_task(event.wait())
        await asyncio.wait({waiting, self._leaving}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def until_gone(self, seconds: float) -> None:
        """Until the other side hangs up, or the time is over."""
        await asyncio.wait({self._leaving}, timeout=seconds)

    async def answer(self, status: int, body: bytes, kind: str = "text/plain") -> bool:
        """The response; whether somebody was still there to get it."""
        there = self._gone is None or not self._gone.done()
        headers = [
            (b"content-type", f"{kind}; charset=utf-8".encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        with suppress(OSError):
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})
        if self._gone is not None:
            self._gone.cancel()
        return there

    @property
    def _leaving(self) -> asyncio.Task[None]:
        if self._gone is None:
            self._gone = asyncio.create_task(self._until_disconnect())
        return self._gone

    async def _until_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

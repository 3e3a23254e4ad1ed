"""The web chat's HTTP side: POST messages, GET stream, POST reader. Plain ASGI, so that a waiting reader costs no thread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import parse_qs

from chatbranch.connectors.contract import (
    Host,
    Mailbox,
    Misconfigured,
    Receive,
    Said,
    Scope,
    Send,
    Undeliverable,
)
from chatbranch.connectors.web import wire
from chatbranch.connectors.web.setup import SETUP
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Outbound, Receipt

HEARTBEAT = 15.0  # seconds; proxies close what is silent for longer (60 s is common)
BODY_WITHIN = 30.0  # seconds a request's body may take
MOST_STREAMS = 5000
MOST_STREAMS_EACH = 6  # windows of one reader


class Web:
    """Serves the chat page's two addresses."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._streams: Counter[str] = Counter()
        try:
            wire.sites_of(settings.get("sites", ""))  # heeded by the page itself; here it is only checked
        except ValueError as wrong:
            raise Misconfigured(f"web.sites: {wrong}") from wrong

    async def run(self, host: Host) -> None:
        """Nothing to listen to: readers come to the web process."""
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound) -> Receipt:
        """Never: what waits for a reader is fetched by their page."""
        raise Undeliverable("网页聊天由读者来取，不外发 / web chat is fetched, not sent")

    async def asgi(self, mailbox: Mailbox, scope: Scope, receive: Receive, send: Send) -> None:
        """POST /messages, GET /stream and POST /reader, under /connect/web."""
        exchange = _Exchange(scope, receive, send)
        try:
            match (scope["method"], scope["path"]):
                case ("POST", "/messages"):
                    await self._take(mailbox, exchange)
                case ("GET", "/stream"):
                    await self._stream(mailbox, exchange)
                case ("POST", "/reader"):
                    await self._introduce(exchange)
                case (_, "/messages" | "/stream" | "/reader"):
                    raise Refused("method", wire.NOT_HERE, status=405)
                case _:
                    raise Refused("not-found", wire.NOT_HERE, status=404)
        except Refused as refused:
            await exchange.refuse(refused)

    async def _take(self, mailbox: Mailbox, exchange: _Exchange) -> None:
        if not wire.is_from_our_page(exchange.headers):
            raise Refused("other-site", wire.OTHER_SITE, status=403)
        post = wire.read_post(exchange.headers, await exchange.body())
        await mailbox.receive(wire.as_inbound(post, exchange.reader, exchange.lang, clock.now()))
        if exchange.headers.get("content-type", "").startswith(wire.FORM):
            await exchange.answer(303, b"", [(b"location", wire.PAGE.encode())])
        else:
            await exchange.answer(202, f'{{"id": "{post.id}"}}'.encode())

    async def _introduce(self, exchange: _Exchange) -> None:
        """Tell an embedded page whether its reader is known. If not, it is given a cookie and the token that is in it: asked
        again without the cookie coming back, it knows that it must keep the token itself.
        """
        if not wire.is_from_our_page(exchange.headers):
            raise Refused("other-site", wire.OTHER_SITE, status=403)
        if exchange.known:
            await exchange.answer(204, b"")
        else:
            await exchange.answer(200, f'{{"reader": "{exchange.reader}"}}'.encode())

    async def _stream(self, mailbox: Mailbox, exchange: _Exchange) -> None:
        reader = exchange.reader
        if self._streams.total() >= MOST_STREAMS:
            raise Refused("full", wire.FULL, status=503)
        if self._streams[reader] >= MOST_STREAMS_EACH:
            raise Refused("too-many-tabs", wire.TOO_MANY_TABS, status=429)
        self._streams[reader] += 1
        try:
            await exchange.stream(mailbox.waiting(reader, exchange.seen))
        finally:
            self._streams[reader] -= 1
            if not self._streams[reader]:
                del self._streams[reader]


class _Exchange:
    """One request and its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send, self._secure = receive, send, scope.get("scheme") == "https"
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        self._embedded = query.get("embed") == ["1"]
        self.lang = wire.lang_of(self.headers, query.get("lang", [""])[0])
        self.known = wire.reader_in(self.headers)
        self.reader = self.known or wire.new_reader()
        self.seen = self.headers.get("last-event-id") or query.get("after", [""])[0]

    async def body(self) -> bytes:
        """The whole body. Raises Refused when it is too large or too slow."""
        if self.headers.get("content-length", "0").isdigit() and (
            int(self.headers.get("content-length", "0")) > wire.MOST_BYTES
        ):
            raise Refused("too-long", wire.TOO_LARGE, status=413, field="text")
        try:
            async with asyncio.timeout(BODY_WITHIN):
                return await self._read()
        except TimeoutError:
            raise Refused("too-slow", wire.TOO_SLOW, status=408) from None

    async def _read(self) -> bytes:
        body = bytearray()
        while True:
            part = await self._receive()
            body += part.get("body", b"")
            if len(body) > wire.MOST_BYTES:
                raise Refused("too-long", wire.TOO_LARGE, status=413, field="text")
            if part["type"] == "http.disconnect" or not part.get("more_body"):
                return bytes(body)

    async def answer(self, status: int, body: bytes, more: list[tuple[bytes, bytes]] | None = None) -> None:
        """A whole response at once."""
        await self._start(status, wire.JSON, [*(more or []), (b"content-length", str(len(body)).encode())])
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, refused: Refused) -> None:
        """Say why not, in the reader's language."""
        later = [(b"retry-after", b"60")] if refused.status in (429, 503) else []
        await self.answer(refused.status, wire.refusal(refused, self.lang), later)

    async def stream(self, messages: AsyncGenerator[Said, None]) -> None:
        """Hand over messages as they come, with a sign of life in between, until the reader has gone."""
        await self._start(200, "text/event-stream; charset=utf-8", [(b"x-accel-buffering", b"no")])
        await self._write(wire.RETRY)
        gone = asyncio.create_task(self._until_gone())
        coming = asyncio.create_task(_next(messages))
        try:
            while not gone.done():
                await asyncio.wait({coming, gone}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    await self._write(wire.frame(coming.result()))
                    coming = asyncio.create_task(_next(messages))
                elif not gone.done():
                    await self._write(wire.HEARTBEAT)
        finally:
            await _end(coming, gone)
            await messages.aclose()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _start(self, status: int, kind: str, more: list[tuple[bytes, bytes]]) -> None:
        headers = [
            (b"content-type", kind.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *more,
        ]
        if not self.known:
            cookie = wire.cookie_for(self.reader, secure=self._secure, embedded=self._embedded)
            headers.append((b"set-cookie", cookie.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _write(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})


async def _next(messages: AsyncGenerator[Said, None]) -> Said:
    return await anext(messages)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

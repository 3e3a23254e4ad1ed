"""The outside world of these tests, on this machine: a web server and a DNS server that answer what a test put there."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from chatbranch.branch.proving.checking import Eyes
from chatbranch.outside.names import Resolvers
from chatbranch.outside.pages import Answer, get

_TXT, _IN = 16, 1


class World:
    """What stands on the web (host and path -> media type, text) and in DNS (name -> TXT records). An address with a
    status of its own: `status`."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.records: dict[str, list[str]] = {}
        self.status: dict[str, int] = {}
        self.hops: dict[str, str] = {}
        self.asked: list[str] = []
        self.web_port = self.dns_port = 0

    def put(self, url: str, text: str, kind: str = "text/html") -> None:
        """Publish a page at an https address."""
        self.pages[url] = (kind, text)

    @property
    def eyes(self) -> Eyes:
        """Eyes that find this world where the real one would be: every https host is the web server here."""
        return Eyes(
            page=self._page,
            texts=Resolvers(("127.0.0.1",), self.dns_port).texts,
            bluesky="https://bluesky.example",
        )

    def _page(self, url: str, kinds: tuple[str, ...]) -> Answer:
        parts = urlsplit(url)
        here = (
            f"http://{parts.hostname}:{self.web_port}{parts.path}{'?' + parts.query if parts.query else ''}"
        )
        found = get(here, kinds=kinds, resolve=lambda *_: ["127.0.0.1"], allow=lambda _: True, seconds=5)
        outside = found.url.replace("http://", "https://").replace(f":{self.web_port}", "")
        return Answer(outside, found.kind, found.body)


@contextmanager
def world() -> Iterator[World]:
    """A world with nothing in it, until the block ends."""
    made = World()
    web = ThreadingHTTPServer(("127.0.0.1", 0), _web(made))
    dns = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _dns(made))
    made.web_port, made.dns_port = web.server_port, dns.server_address[1]
    for server in (web, dns):
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        for server in (web, dns):
            server.shutdown()
            server.server_close()


def _web(made: World) -> type[BaseHTTPRequestHandler]:
    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"https://{self.headers['Host'].partition(':')[0]}{self.path}"
            made.asked.append(url)
            hop = made.hops.get(url)
            kind, text = made.pages.get(url, ("text/plain", "nothing here"))
            self.send_response(302 if hop else made.status.get(url, 200 if url in made.pages else 404))
            if hop:
                parts = urlsplit(hop)
                self.send_header("Location", f"http://{parts.netloc}:{made.web_port}{parts.path}")
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    return Web


def _dns(made: World) -> type[socketserver.BaseRequestHandler]:
    class Names(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked, sock = self.request
            name, end = _name(asked, 12)
            made.asked.append(name)
            texts = made.records.get(name, [])
            refused = 5 if texts == ["REFUSED"] else 0
            texts = [] if refused else texts
            flags = 0x8180 | (refused or (0 if texts else 3))
            head = struct.pack(">2sHHHHH", asked[:2], flags, 1, len(texts), 0, 0)
            sock.sendto(head + asked[12 : end + 4] + b"".join(map(_record, texts)), self.client_address)

    return Names


def _name(packet: bytes, at: int) -> tuple[str, int]:
    labels: list[str] = []
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels).lower(), at + 1


def _record(text: str) -> bytes:
    """A TXT record for the name asked for (RFC 1035 sections 3.3.14 and 4.1.4), in strings of at most 255 bytes."""
    data = text.encode()
    strings = [data[start : start + 255] for start in range(0, len(data), 255)] or [b""]
    body = b"".join(bytes([len(each)]) + each for each in strings)
    return struct.pack(">HHHIH", 0xC00C, _TXT, _IN, 60, len(body)) + body


def profile(did: str, handle: str, description: str) -> tuple[str, str]:
    """A Bluesky profile as the public API answers it: (address, JSON)."""
    import json

    said: dict[str, Any] = {"did": did, "handle": handle, "displayName": "x", "description": description}
    return f"https://bluesky.example/xrpc/app.bsky.actor.getProfile?actor={did}", json.dumps(said)

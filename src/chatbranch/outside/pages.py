"""Reads one page of the web, guarded: only public addresses, little time, little data, few redirects.

The guard sits where the connection is made, after name resolution, so that neither a redirect nor a name that resolves
differently the second time leads inside (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpcore

SECONDS = 8.0
LARGEST = 2_000_000
REDIRECTS = 4
TEXTS = ("text/html", "application/xhtml+xml", "text/plain")
JSON = ("application/json",)

Resolve = Callable[[str, int], list[str]]
Allow = Callable[[str], bool]
Why = Literal["slow", "unreachable", "inside", "form", "status", "redirects", "kind"]


class Unread(Exception):
    """A page that could not, or must not, be read. `answered`: the HTTP status where that is why."""

    def __init__(self, why: Why, answered: int = 0) -> None:
        super().__init__(f"{why} {answered or ''}".strip())
        self.why: Why = why
        self.answered = answered


@dataclass(frozen=True)
class Answer:
    """What stands at an address: where it was found after redirects, its media type, its first 2 MB."""

    url: str
    kind: str
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not is replaced."""
        return self.body.decode("utf-8", "replace")


def get(
    url: str,
    *,
    kinds: tuple[str, ...] = TEXTS,
    agent: str = "chatbranch",
    seconds: float = SECONDS,
    resolve: Resolve | None = None,
    allow: Allow | None = None,
) -> Answer:
    """What stands at `url`, if it is of one of these media types. Raises Unread.

    agent: what we say we are (the User-Agent header). seconds: for all of it, redirects included.
    resolve: (host, port) -> IP addresses; allow: whether an IP address may be connected to. Both are for tests.
    """
    deadline = time.monotonic() + seconds
    backend = _GuardedBackend(resolve or _resolve, allow or is_public, deadline)
    with httpcore.ConnectionPool(ssl_context=_trust(), network_backend=backend) as pool:
        try:
            return _Reader(pool, kinds, agent, deadline).follow(url)
        except (httpcore.TimeoutException, _OutOfTime) as error:
            raise Unread("slow") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError, ValueError) as error:
            raise Unread("unreachable") from error


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet: not private, loopback, link-local, multicast or mapped to one."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if parsed in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)))
    return parsed.is_global and not parsed.is_multicast


@cache
def _trust() -> ssl.SSLContext:
    """Whose certificates this machine trusts; read once, for it takes a fifth of a second."""
    return ssl.create_default_context()


class _OutOfTime(Exception):
    pass


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only, and never past the deadline."""

    def __init__(self, resolve: Resolve, allow: Allow, deadline: float) -> None:
        self._inner = httpcore.SyncBackend()
        self._resolve, self._allow, self._deadline = resolve, allow, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host, port)
        if not addresses or not all(self._allow(address) for address in addresses):
            raise Unread("inside")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _OutOfTime
        return self._inner.connect_tcp(
            addresses[0], port, min(left, timeout or left), local_address, socket_options
        )


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]).split("%")[0] for each in found]


@dataclass(frozen=True)
class _Reader:
    pool: httpcore.ConnectionPool
    kinds: tuple[str, ...]
    agent: str
    deadline: float

    def follow(self, url: str) -> Answer:
        for _ in range(REDIRECTS + 1):
            parts = urlsplit(url)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or parts.username
                or len(url) > 2000
            ):
                raise Unread("form")
            status, headers, body = self._get(url)
            if status in (301, 302, 303, 307, 308) and headers.get("location"):
                url = urljoin(url, headers["location"])
                continue
            if status >= 400:
                raise Unread("status", status)
            return Answer(url, _kind(headers), body)
        raise Unread("redirects")

    def _get(self, url: str) -> tuple[int, dict[str, str], bytes]:
        left = max(0.1, self.deadline - time.monotonic())
        timeout = {"connect": min(left, 4.0), "read": min(left, 5.0), "write": 3.0, "pool": 1.0}
        asked = [
            ("User-Agent", self.agent),
            ("Accept", ",".join(self.kinds)),
            ("Accept-Encoding", "identity"),
        ]
        with self.pool.stream("GET", url, headers=asked, extensions={"timeout": timeout}) as response:
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            encoded = headers.get("content-encoding", "identity") != "identity"
            if 200 <= response.status < 300 and (encoded or _kind(headers) not in self.kinds):
                raise Unread("kind")
            body = bytearray()
            for chunk in response.iter_stream():
                body += chunk
                if len(body) > LARGEST:
                    break
                if time.monotonic() > self.deadline:
                    raise _OutOfTime
            return response.status, headers, bytes(body)


def _kind(headers: dict[str, str]) -> str:
    return headers.get("content-type", "text/html").split(";")[0].strip().lower()

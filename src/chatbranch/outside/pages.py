"""Reads one page of the web, guarded (guard.py): only public addresses, little time, little data, few redirects."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpcore

from chatbranch.outside.guard import Allow, GuardedBackend, Inside, OutOfTime, Resolve, trust

SECONDS = 8.0
LARGEST = 2_000_000
REDIRECTS = 4
TEXTS = ("text/html", "application/xhtml+xml", "text/plain")
JSON = ("application/json",)

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
    backend = GuardedBackend(deadline, resolve=resolve, allow=allow)
    with httpcore.ConnectionPool(ssl_context=trust(), network_backend=backend) as pool:
        try:
            return _Reader(pool, kinds, agent, deadline).follow(url)
        except Inside as error:
            raise Unread("inside") from error
        except (httpcore.TimeoutException, OutOfTime) as error:
            raise Unread("slow") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError, ValueError) as error:
            raise Unread("unreachable") from error


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
                    raise OutOfTime
            return response.status, headers, bytes(body)


def _kind(headers: dict[str, str]) -> str:
    return headers.get("content-type", "text/html").split(";")[0].strip().lower()

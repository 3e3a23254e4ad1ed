"""Reads the page behind a link a reader sent, guarded: only public addresses, little time, little data, few redirects.

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
from urllib.parse import urljoin, urlsplit

import httpcore

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

SECONDS = 8.0
LARGEST = 2_000_000
REDIRECTS = 4
_KINDS = ("text/html", "application/xhtml+xml", "text/plain")
Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True)
class Page:
    """What was found behind a link: where it ended after redirects, its title and its main text."""

    url: str
    title: str
    text: str


def fetch(url: str, *, resolve: Resolve | None = None, allow: Callable[[str], bool] | None = None) -> Page:
    """The page at `url`. Raises Refused, saying what was wrong, for anything that cannot or must not be read.

    resolve: (host, port) -> IP addresses; allow: whether an IP address may be connected to. Both are for tests.
    """
    deadline = time.monotonic() + SECONDS
    backend = _GuardedBackend(resolve or _resolve, allow or is_public, deadline)
    with httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend) as pool:
        try:
            final, kind, body = _follow(pool, url, deadline)
        except (httpcore.TimeoutException, _OutOfTime) as error:
            raise _refused(
                "link-slow",
                "这个网页太久没有回应，请把文字直接发来。",
                "That page took too long to answer; please send its text instead.",
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError, UnicodeError) as error:
            raise _refused(
                "link-unreachable",
                "打不开这个链接，请检查网址，或把文字直接发来。",
                "That link could not be opened; please check it, or send its text instead.",
            ) from error
    return _read(final, kind, body)


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


class _OutOfTime(Exception):
    pass


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only, and never past the deadline."""

    def __init__(self, resolve: Resolve, allow: Callable[[str], bool], deadline: float) -> None:
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
            raise _refused(
                "link-inside",
                "这个链接指向内部地址，不能读取。",
                "That link points to an internal address and is not read.",
            )
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _OutOfTime
        return self._inner.connect_tcp(
            addresses[0], port, min(left, timeout or left), local_address, socket_options
        )


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]).split("%")[0] for each in found]


def _follow(pool: httpcore.ConnectionPool, url: str, deadline: float) -> tuple[str, str, bytes]:
    for _ in range(REDIRECTS + 1):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or len(url) > 2000:
            raise _refused(
                "link-form",
                "这不是一个能读取的网址（只支持 http 和 https）。",
                "That is not a link we can read (http and https only).",
            )
        status, headers, body = _get(pool, url, deadline)
        if status in (301, 302, 303, 307, 308) and headers.get("location"):
            url = urljoin(url, headers["location"])
            continue
        if status >= 400:
            raise _refused(
                "link-status",
                "这个网页打不开（{answered}），请把文字直接发来。",
                "That page could not be opened ({answered}); please send its text instead.",
                answered=status,
            )
        return url, headers.get("content-type", "text/html").split(";")[0].strip().lower(), body
    raise _refused(
        "link-redirects",
        "这个链接转来转去，没有读到内容，请把文字直接发来。",
        "That link redirects too often; please send its text instead.",
    )


def _get(pool: httpcore.ConnectionPool, url: str, deadline: float) -> tuple[int, dict[str, str], bytes]:
    left = max(0.1, deadline - time.monotonic())
    timeout = {"connect": min(left, 4.0), "read": min(left, 5.0), "write": 3.0, "pool": 1.0}
    asked = [
        ("User-Agent", "chatbranch (checks links its readers send)"),
        ("Accept", "text/html,text/plain;q=0.8"),
        ("Accept-Encoding", "identity"),
    ]
    with pool.stream("GET", url, headers=asked, extensions={"timeout": timeout}) as response:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
        }
        kind = headers.get("content-type", "text/html").split(";")[0].strip().lower()
        if 200 <= response.status < 300 and (
            kind not in _KINDS or headers.get("content-encoding", "identity") != "identity"
        ):
            raise _refused(
                "link-kind",
                "这个链接不是网页文字，请把要查的话直接发来。",
                "That link is not a page of text; please send the words to check.",
            )
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > LARGEST:
                break  # the main text of a page stands in its first 2 MB
            if time.monotonic() > deadline:
                raise _OutOfTime
        return response.status, headers, bytes(body)


def _read(url: str, kind: str, body: bytes) -> Page:
    if kind == "text/plain":
        return Page(url, "", body.decode("utf-8", "replace")[:100_000])
    import trafilatura  # half a second, which only a link is worth

    found = trafilatura.bare_extraction(
        body, url=url, include_comments=False, favor_precision=True, with_metadata=True
    )
    assert not isinstance(found, dict)  # only `as_dict` (an older way of asking) gives one
    title, text = (found.title or "", found.text or "") if found is not None else ("", "")
    if not (title or text):
        raise _refused(
            "link-empty",
            "这个网页里没有读到文字，请把要查的话直接发来。",
            "No text was found on that page; please send the words to check.",
        )
    return Page(url, title[:500], text[:100_000])


def _refused(code: str, zh: str, en: str, **places: object) -> Refused:
    return Refused(code, Phrase(zh, en), status=422, field="text", **places)

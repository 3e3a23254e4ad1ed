"""Connections to addresses that strangers name: to the public internet only (against server-side request forgery).

The guard sits where the connection is made, after name resolution, so that neither a redirect nor a name that resolves
differently the second time leads inside.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import cache

import httpcore

Resolve = Callable[[str, int], list[str]]
Allow = Callable[[str], bool]


class Inside(Exception):
    """An address leads inside: to this machine, or to its network."""


class OutOfTime(Exception):
    """The deadline has passed."""


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
def trust() -> ssl.SSLContext:
    """Whose certificates this machine trusts; read once, for it takes a fifth of a second."""
    return ssl.create_default_context()


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only (else raises Inside), and never past the deadline, a moment of time.monotonic.

    resolve: (host, port) -> IP addresses; allow: whether an IP address may be connected to. Both are for tests.
    """

    def __init__(
        self, deadline: float, *, resolve: Resolve | None = None, allow: Allow | None = None
    ) -> None:
        self._inner = httpcore.SyncBackend()
        self._resolve, self._allow, self._deadline = resolve or _resolve, allow or is_public, deadline

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
            raise Inside
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return self._inner.connect_tcp(
            addresses[0], port, min(left, timeout or left), local_address, socket_options
        )


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]).split("%")[0] for each in found]

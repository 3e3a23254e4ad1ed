"""Calling subscribers over HTTP: to ask whether they mean it, and to tell them. Never into our own network, and not for long."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpcore

from chatbranch.outside.guard import GuardedBackend, Inside, OutOfTime, trust

SECONDS = 10.0
LIMITS = {"connect": 3.0, "write": 3.0, "read": 5.0, "pool": 1.0}
"""Seconds; `read`: for each part of an answer. All of it takes SECONDS and the last part of an answer, at most."""
LARGEST = 4096  # bytes of an answer that are read
AGENT = ("User-Agent", "chatbranch (WebSub hub)")


@dataclass(frozen=True)
class Caller:
    """allow: whether an IP address may be connected to; None: the public internet alone. Another is for tests."""

    allow: Callable[[str], bool] | None = field(default=None)

    def means_it(self, callback: str, asked: Mapping[str, str]) -> bool | None:
        """Whether the subscriber confirms what was asked in its name (section 5.3); None: nobody answered."""
        challenge = secrets.token_urlsafe(24)
        status, body = self._call("GET", _with(callback, {**asked, "hub.challenge": challenge}))
        if status == 0 or status >= 500:
            return None
        return 200 <= status < 300 and hmac.compare_digest(body, challenge.encode())

    def tell(self, callback: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Hand the content over (section 7); the status of the answer, 0 where there was none."""
        return self._call("POST", callback, body, headers)[0]

    def _call(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        deadline = time.monotonic() + SECONDS
        sent = [AGENT, *(headers or {}).items()]
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=trust(),
                    network_backend=GuardedBackend(deadline, allow=self.allow),
                ) as pool,
                pool.stream(
                    method, url, headers=sent, content=body, extensions={"timeout": LIMITS}
                ) as answer,
            ):
                return answer.status, _read(answer, deadline)
        except (
            Inside,
            OutOfTime,
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            OSError,
            ValueError,
        ):
            return 0, b""


def signature(secret: str, body: bytes) -> str:
    """X-Hub-Signature (section 8): only who knows the secret can have sent this."""
    return "sha256=" + hmac.new(secret.encode("utf-8", "replace"), body, hashlib.sha256).hexdigest()


def _with(callback: str, asked: Mapping[str, str]) -> str:
    """The callback with parameters added to those it has."""
    parts = urlsplit(callback)
    query = "&".join(part for part in (parts.query, urlencode(asked)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def _read(answer: httpcore.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > LARGEST:
            break
        if time.monotonic() > deadline:
            raise OutOfTime
    return bytes(body[:LARGEST])

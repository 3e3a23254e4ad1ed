"""The published files over HTTP, at /log/: plain ASGI beside the pages, for files that never change and are cached for ever.

A plain web server in front can serve the folder instead; it needs to know no more than the two rules here.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from django.conf import settings

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FILE = re.compile(
    r"/log/(checkpoint|vkey|tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x\d{3}/)*\d{3}(?:\.p/[1-9]\d{0,2})?)",
    re.ASCII,
)
_TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=2"}
_TILE = {"content-type": "application/octet-stream", "cache-control": "public, max-age=31536000, immutable"}


def is_file(scope: Scope) -> bool:
    """Whether this is a request for a file of the log."""
    return scope["type"] == "http" and _FILE.fullmatch(scope["path"]) is not None


async def serve(scope: Scope, send: Send) -> None:
    """Answer it."""
    found = _FILE.fullmatch(scope["path"])
    assert found is not None
    if scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, {"allow": "GET, HEAD"})
        return
    try:
        body = await asyncio.to_thread((Path(settings.LOG_DIR) / found[1]).read_bytes)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        await _answer(send, 404, {"cache-control": "no-store"})
        return
    headers = dict(_TILE if found[1].startswith("tile/") else _TEXT)
    if "/entries/" in found[1]:
        headers["vary"] = "accept-encoding"
        if _takes_gzip(scope):
            headers["content-encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body, 6, mtime=0)
    await _answer(send, 200, headers, body, head=scope["method"] == "HEAD")


def _takes_gzip(scope: Scope) -> bool:
    wishes = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
    return b"gzip" in wishes


async def _answer(
    send: Send, status: int, headers: Mapping[str, str], body: bytes = b"", *, head: bool = False
) -> None:
    """Readable from any site: the log is public."""
    whole = {
        **headers,
        "content-length": str(len(body)),
        "access-control-allow-origin": "*",
        "x-content-type-options": "nosniff",
    }
    written = [(name.encode(), value.encode()) for name, value in whole.items()]
    await send({"type": "http.response.start", "status": status, "headers": written})
    await send({"type": "http.response.body", "body": b"" if head else body})

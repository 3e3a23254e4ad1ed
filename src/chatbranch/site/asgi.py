"""The web process's entry: Django's pages, and beside them what streams (plain ASGI)."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

from django.core.asgi import get_asgi_application
from django.urls import resolve

from chatbranch.publiclog import serving
from chatbranch.site.live import Receive, Scope, Send, live

_pages: Any = get_asgi_application()
resolve("/")  # loads every page's code before the first reader is let in


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Live updates to the stream, files of the public log, connectors' addresses to their connector, all else to the pages."""
    if scope["type"] == "http" and scope["path"] == "/live/":
        await live(scope, receive, send)
    elif serving.is_file(scope):
        await serving.serve(scope, send)
    else:
        await _mounted(scope, receive, send)


def _with_connectors() -> Any:
    from chatbranch.site.mounts import mount

    return mount(_pages)


_mounted: Any = _with_connectors()

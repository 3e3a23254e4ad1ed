"""One thread that writes, with one database connection that stays open.

Whoever writes often in a process shares it: messages taken in, and turns of the senders. SQLite has one writer at a time,
and lets those who wait sleep for up to a tenth of a second between two looks; in one thread nobody waits for anybody
but for the transaction before. Opening a connection costs more than most of what is done over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")


class Writer:
    """Does one thing after another, in the order asked. Nothing long is for it: everybody else waits meanwhile."""

    def __enter__(self) -> Writer:
        self._thread = ThreadPoolExecutor(1, "writer")
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.submit(lambda: connection.close()).result()  # the thread's own connection
        self._thread.shutdown()

    async def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`function` in that thread. After an error the connection is closed: the next call opens a fresh one."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _tidily, function, args, kwargs)


def _tidily(function: Callable[..., R], args: tuple[object, ...], kwargs: dict[str, object]) -> R:
    try:
        return function(*args, **kwargs)
    except Exception:
        connection.close()
        raise

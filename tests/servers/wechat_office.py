"""An account of ours, served over HTTP to the platform in wechat.py, with a house behind it that answers as it is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from chatbranch.connectors.contract import Said
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.wechat.transport import WeChat
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from tests.servers.wechat import WeChat as Platform
from tests.servers.wechat import wechat
from tests.support.house import wait_for
from tests.support.ports import free_port


class Letterbox:
    """A Mailbox in memory. `answer`: what the house would say to a message, after `slow` seconds (never: None)."""

    def __init__(self) -> None:
        self.taken: list[Inbound] = []
        self.queued: list[Said] = []
        self.handed: list[str] = []
        self.answer: Callable[[Inbound], str | None] = lambda _: None
        self.slow = 0.0
        self.receiving = 0.0  # seconds receive takes, as with a busy database
        self.failing = 0
        self.refusing: Refused | None = None

    async def receive(self, inbound: Inbound) -> None:
        await asyncio.sleep(self.receiving)
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the database is away")
        if self.refusing:
            raise self.refusing
        if inbound.message_id not in {each.message_id for each in self.taken}:
            self.taken.append(inbound)
            self._working = asyncio.create_task(self._answer(inbound))

    async def _answer(self, inbound: Inbound) -> None:
        await asyncio.sleep(self.slow)
        if text := self.answer(inbound):
            self.queue(text)

    def queue(self, text: str) -> None:
        self.queued.append(Said(str(ids.new_id()), text, clock.now()))

    async def waiting(self, address: str, after: str = "") -> AsyncGenerator[Said, None]:
        kind, _, place = after.partition(":")
        assert kind == "fresh"
        given: set[str] = set()
        while True:
            for said in list(self.queued):
                if said.cursor not in {*self.handed, *given} and said.cursor > place:
                    yield said
                    given.add(said.cursor)
                    self.handed.append(said.cursor)
            await asyncio.sleep(0.02)


class Office:
    """A connector served over HTTP by uvicorn, in a thread with a loop of its own."""

    def __init__(self, platform: Platform, **settings: str) -> None:
        self.letterbox = Letterbox()
        self.connector = connect(platform, **settings)
        port = free_port()
        platform.callback = f"http://127.0.0.1:{port}/"
        config = uvicorn.Config(
            self._application, port=port, interface="asgi3", lifespan="off", log_config=None, access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_for(lambda: self._server.started, 30, "serving")

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        await self.connector.asgi(self.letterbox, scope, receive, send)

    def close(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(20)


def connect(platform: Platform, **settings: str) -> WeChat:
    connector = build(setups()["wechat"], {**platform.settings, **settings})
    assert isinstance(connector, WeChat)
    return connector


@contextmanager
def account(**options: Any) -> Iterator[tuple[Platform, Letterbox]]:
    with wechat(**options) as platform:
        office = Office(platform)
        try:
            yield platform, office.letterbox
        finally:
            office.close()

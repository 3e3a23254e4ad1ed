"""A picture that cannot be fetched, however often it is tried, holds up no other message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatbranch.connectors.matrix import listener
from chatbranch.connectors.matrix.people import People
from chatbranch.connectors.matrix.session import Trouble
from chatbranch.kernel.messages import Inbound

ROOM = "!room:example.org"
PICTURE = {
    "type": "m.room.message",
    "event_id": "$picture",
    "sender": "@anna:example.org",
    "origin_server_ts": 1_790_000_000_000,
    "content": {
        "msgtype": "m.image",
        "body": "screenshot.png",
        "url": "mxc://silent.example/abc",
        "info": {"mimetype": "image/png"},
    },
}


class Server:
    """A homeserver in whose room two people are, and behind which a picture's own server is silent."""

    me, name = "@check:example.org", "check"

    async def members(self, room: str) -> dict[str, str]:
        return {self.me: "", "@anna:example.org": "Anna"}

    async def download(self, where: str, most: int) -> bytes:
        raise Trouble("a file could not be fetched: TimeoutError")


class Clear:
    """Nothing here is encrypted."""

    async def read(self, room: str, event: Any) -> Any:
        return event


class House:
    def __init__(self) -> None:
        self.taken: list[Inbound] = []

    async def receive(self, inbound: Inbound) -> None:
        self.taken.append(inbound)

    async def recall(self, key: str) -> str:
        return ""

    async def remember(self, key: str, value: str) -> None: ...


def test_after_some_tries_the_message_is_taken_without_its_picture() -> None:
    house = House()
    server: Any = Server()
    seals: Any = Clear()
    people, voice = People(server), Any
    reading = listener.Listener(server, house, people=people, seals=seals, voice=voice)  # type: ignore[arg-type]

    async def tries() -> int:
        for number in range(1, 10):
            try:
                await reading._read(ROOM, PICTURE)
            except Trouble:
                continue
            return number
        pytest.fail("the picture is tried for ever, and nothing after it is read")

    assert asyncio.run(tries()) == listener.FILE_TRIES
    assert [(each.message_id, each.attachments) for each in house.taken] == [("$picture", ())]

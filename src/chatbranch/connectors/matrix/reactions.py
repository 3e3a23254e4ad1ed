"""What the latest reactions of each room were: a server that takes one back no longer says."""

from __future__ import annotations

import json

from chatbranch.connectors.contract import Host
from chatbranch.connectors.matrix.wire import memory_key

MOST = 200  # of one room


class Reactions:
    """Event id of a reaction -> (message, emoji), for the latest of each room. Over restarts too."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def note(self, room: str, event: str, target: str, emoji: str) -> None:
        """Keep one in mind."""
        known = await self._of(room)
        if event not in known:
            latest = dict([*known.items(), (event, [target, emoji])][-MOST:])
            await self._host.remember(_key(room), json.dumps(latest))

    async def about(self, room: str, event: str) -> tuple[str, str] | None:
        """(message, emoji) of a reaction, if it is known."""
        found = (await self._of(room)).get(event)
        return (found[0], found[1]) if found else None

    async def _of(self, room: str) -> dict[str, list[str]]:
        kept: dict[str, list[str]] = json.loads(await self._host.recall(_key(room)) or "{}")
        return kept


def _key(room: str) -> str:
    return memory_key("reactions:", room)

"""Encrypted messages that cannot be read yet: kept in mind, over restarts too, until their key comes or a week has gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from chatbranch.connectors.contract import Host

GRACE = 15.0  # seconds a key may take behind its message before anybody is told
LONGEST = 7 * 86_400.0  # seconds
MOST = 500


@dataclass
class Sealed:
    """A message we lack the key of. since: Unix time, seconds. told: its room has been told."""

    room: str
    event: str
    session: str
    since: float
    told: bool = False


class Waiting:
    """In the order they came."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sealed: list[Sealed] = []

    async def recall(self) -> None:
        """Those from before the process last ended."""
        self._sealed = [Sealed(**each) for each in json.loads(await self._host.recall("unread") or "[]")]

    async def add(self, room: str, event: str, session: str) -> None:
        """Keep a message in mind."""
        if event not in {each.event for each in self._sealed}:
            self._sealed.append(Sealed(room, event, session, time.time()))
            await self._keep()

    async def drop(self, gone: Iterable[Sealed]) -> None:
        """These are read, or will never be."""
        events = {each.event for each in gone}
        if events:
            self._sealed = [each for each in self._sealed if each.event not in events]
            await self._keep()

    async def told(self, sealed: Sealed) -> None:
        """Its room knows."""
        sealed.told = True
        await self._keep()

    def all(self) -> list[Sealed]:
        """Every one, oldest first."""
        return list(self._sealed)

    def due(self) -> list[Sealed]:
        """Those whose rooms should be told by now."""
        return [each for each in self._sealed if not each.told and time.time() - each.since >= GRACE]

    def old(self) -> list[Sealed]:
        """Those that are given up."""
        return [each for each in self._sealed if time.time() - each.since > LONGEST]

    def patience(self, most: float) -> float:
        """Seconds the next sync may wait: less while a room is to be told."""
        untold = [each.since for each in self._sealed if not each.told]
        return max(1.0, min(most, min(untold) + GRACE - time.time())) if untold else most

    async def _keep(self) -> None:
        self._sealed = self._sealed[-MOST:]
        await self._host.remember("unread", json.dumps([asdict(each) for each in self._sealed]))

"""Until when each room was surely heard: where it was not, people are told of a gap, also after kill -9."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chatbranch.connectors.contract import Host

DIRECT = ""  # stands for all private conversations


@dataclass
class _Room:
    first: datetime  # when we first came, ever: what was said before was not said to us
    heard: datetime  # up to here nothing was missed


class Presence:
    """The rooms by their folded names. What it knows is kept by `save`, which whoever connects calls every few seconds."""

    def __init__(self, host: Host, key: str) -> None:
        self._host, self._key = host, key
        self._rooms: dict[str, _Room] = {}
        self._here: set[str] = set()
        self._saved = ""

    async def load(self) -> None:
        """What was known when the process last ended."""
        self._saved = await self._host.recall(self._key)
        self._rooms = _read(self._saved)

    def keep_only(self, rooms: Iterable[str]) -> None:
        """Forget the rooms that are in the settings no more."""
        kept = {DIRECT, *rooms}
        self._rooms = {name: room for name, room in self._rooms.items() if name in kept}

    def heard(self, room: str) -> datetime | None:
        """Up to when this room was surely heard; None where we never were in it."""
        known = self._rooms.get(room)
        return known.heard if known else None

    def first(self, room: str) -> datetime | None:
        """When we first were in it."""
        known = self._rooms.get(room)
        return known.first if known else None

    def enter(self, room: str, at: datetime, *, stays: bool) -> None:
        """We are in it since `at`, with nothing left to tell of before. stays: we still are."""
        known = self._rooms.setdefault(room, _Room(at, at))
        known.heard = max(known.heard, at)
        if stays:
            self._here.add(room)

    def reached(self, moment: datetime) -> None:
        """All that came up to this moment is safe."""
        for room in self._here:
            self._rooms[room].heard = max(self._rooms[room].heard, moment)

    def leave(self, room: str) -> None:
        """We are no longer in it."""
        self._here.discard(room)

    def leave_all(self) -> None:
        """The connection is gone."""
        self._here.clear()

    async def save(self) -> None:
        """Keep it across restarts, if it has changed."""
        written = json.dumps(
            {name: [room.first.isoformat(), room.heard.isoformat()] for name, room in self._rooms.items()}
        )
        if written != self._saved:
            await self._host.remember(self._key, written)
            self._saved = written


def _read(written: str) -> dict[str, _Room]:
    try:
        found = json.loads(written or "{}")
        return {
            name: _Room(*(datetime.fromisoformat(each) for each in times)) for name, times in found.items()
        }
    except (ValueError, TypeError, AttributeError):  # of another version: as if never connected
        return {}

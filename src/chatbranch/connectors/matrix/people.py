"""Who is in the bot's rooms, and how they are called there."""

from __future__ import annotations

from collections import Counter, OrderedDict

from chatbranch.connectors.contract import Undeliverable
from chatbranch.connectors.matrix.session import Session

MOST_ROOMS = 10_000  # whose members are remembered in memory


class People:
    """Asked of the server once, and again after somebody came or went."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._members: OrderedDict[str, dict[str, str]] = OrderedDict()

    def forget(self, room: str) -> None:
        """Somebody came or went, or is called something else."""
        self._members.pop(room, None)

    async def of(self, room: str) -> dict[str, str]:
        """user id -> display name; empty for a room we cannot look into."""
        if room not in self._members:
            try:
                self._members[room] = await self._session.members(room)
            except Undeliverable:
                return {}
            if len(self._members) > MOST_ROOMS:
                self._members.popitem(last=False)
        self._members.move_to_end(room)
        return self._members[room]

    async def are_direct(self, room: str) -> bool:
        """Whether at most one other person hears us. A room we cannot look into counts as shared."""
        return 0 < len(await self.of(room)) <= 2

    async def are_gone(self, room: str) -> bool:
        """Whether everyone but us has left."""
        return set(await self.of(room)) == {self._session.me}

    async def name(self, room: str, user: str) -> str:
        """How somebody is called in a room: by the id as well where two share a name (section "Calculating the display name")."""
        names = await self.of(room)
        name = names.get(user, "")
        return f"{name} ({user})" if name and Counter(names.values())[name] > 1 else name

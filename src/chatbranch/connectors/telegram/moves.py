"""Groups that became supergroups: Telegram gives them another id, and the house knows them by the first one for ever."""

from __future__ import annotations

from chatbranch.connectors.contract import Host

_SUPERGROUPS = -1_000_000_000_000  # their ids, and channels', are below it (core.telegram.org/api/bots/ids)


class Moves:
    """From the id a group is known by to the one it has, and back. Kept in the house's memory."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._now: dict[int, int] = {}  # known id -> the one it has
        self._known: dict[int, int] = {}  # and back

    async def note(self, old: int, new: int) -> None:
        """`old` is called `new` from now on."""
        await self._host.remember(f"known-as:{new}", str(old))
        await self._host.remember(f"moved-to:{old}", str(new))
        self._now[old], self._known[new] = new, old

    async def where(self, chat: int) -> int:
        """The id that a chat the house knows as `chat` has."""
        if not _SUPERGROUPS < chat < 0:
            return chat
        if chat not in self._now:
            self._now[chat] = int(await self._host.recall(f"moved-to:{chat}") or chat)
        return self._now[chat]

    async def known_as(self, chat: int) -> int:
        """The id by which the house knows the chat that Telegram calls `chat`."""
        if chat > _SUPERGROUPS:
            return chat
        if chat not in self._known:
            self._known[chat] = int(await self._host.recall(f"known-as:{chat}") or chat)
        return self._known[chat]

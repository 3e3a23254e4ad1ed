"""What the bot knows about its rooms: who is there, and what it has already said of itself."""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass

from chatbranch.connectors.contract import Host, Later, Undeliverable
from chatbranch.connectors.matrix import wire
from chatbranch.connectors.matrix.session import Session, Trouble
from chatbranch.kernel.phrases import Phrase

log = logging.getLogger(__name__)

WELCOME = Phrase(
    "您好。把可疑的消息发来，我们帮您查证；没查过的会交成员核查，有结果在这里告诉您。"
    "在多人的房间里，请先叫我的名字。",
    "Hello. Send a message you doubt and we check it; what is new goes to our members, "
    "and you are told here. In a room with others, please call me by name first.",
)
CANNOT_READ = Phrase(
    "抱歉，这个房间是加密的，我还读不了加密的消息。请另建一个不加密的房间，邀请我进去再发。",
    "Sorry, this room is encrypted and I cannot read encrypted messages yet. "
    "Please invite me to a room without encryption and send it there.",
)
MOST_ROOMS = 10_000  # whose members are remembered in memory
MOST_TRIES = 20  # to enter a room whose server does not answer


@dataclass
class _Invitation:
    tries: int = 0
    due: float = 0.0  # on the monotonic clock


class Rooms:
    """Everything about a room that is not a message."""

    def __init__(self, session: Session, host: Host) -> None:
        self._session, self._host = session, host
        self._members: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._told: set[str] = set()
        self._invited: dict[str, _Invitation] = {}

    # --- who is there ---

    def forget_members(self, room: str) -> None:
        """Somebody came or went."""
        self._members.pop(room, None)

    async def is_direct(self, room: str) -> bool:
        """Whether at most one other person hears us. A room we cannot look into counts as shared."""
        return 0 < len(await self._members_of(room)) <= 2

    async def leave_if_alone(self, room: str) -> None:
        """Leave a room everyone else has left: what is sent there reaches nobody, as the ledger must say."""
        if await self._members_of(room) == {self._session.me}:
            log.info("matrix: everyone has left a room; leaving it too")
            await self._session.leave(room)
            self.forget_members(room)

    async def _members_of(self, room: str) -> frozenset[str]:
        if room not in self._members:
            try:
                self._members[room] = await self._session.members(room)
            except Undeliverable:
                return frozenset()
            if len(self._members) > MOST_ROOMS:
                self._members.popitem(last=False)
        self._members.move_to_end(room)
        return self._members[room]

    # --- what we say of ourselves, once ---

    async def greet(self, room: str) -> None:
        """Say hello, once ever in a room."""
        await self._tell_once("greeted:", room, WELCOME)

    async def explain_encryption(self, room: str) -> None:
        """Say that we cannot read this, once ever in a room."""
        await self._tell_once("sealed:", room, CANNOT_READ)

    async def _tell_once(self, kind: str, room: str, words: Phrase) -> None:
        key = wire.memory_key(kind, room)
        if key in self._told or await self._host.recall(key):
            self._told.add(key)
            return
        try:  # the key is the transaction id too: told once even if we die before remembering
            await self._session.send(room, wire.notice(f"{words.say('zh-Hans')}\n\n{words.say('en')}"), key)
        except Undeliverable:
            log.info("matrix: a room does not let us write")
        await self._host.remember(key, "told")
        self._told.add(key)

    # --- invitations: kept until we are in, or may not come in ---

    def patience(self, most: float) -> float:
        """Seconds the next sync may wait: less while an invitation is to be tried again."""
        due = min((each.due for each in self._invited.values()), default=float("inf"))
        return max(1.0, min(most, due - time.monotonic()))

    async def recall_invitations(self) -> None:
        """Those that were still open when the process last ended."""
        for room in json.loads(await self._host.recall("invitations") or "[]"):
            self._invited.setdefault(room, _Invitation())

    async def take_invitations(self, new: list[str]) -> None:
        """Enter the rooms we were invited to; one whose server is silent is tried again meanwhile."""
        before = set(self._invited)
        for room in new:
            self._invited.setdefault(room, _Invitation())
        if set(self._invited) != before:
            await self._keep_invitations()
        for room, invitation in list(self._invited.items()):
            if invitation.due <= time.monotonic() and await self._enter(room, invitation):
                del self._invited[room]
                await self._keep_invitations()

    async def _enter(self, room: str, invitation: _Invitation) -> bool:
        """Whether this invitation is dealt with."""
        invitation.tries += 1
        try:
            await self._session.join(room)
        except Undeliverable as refusal:
            log.info("matrix: an invitation no longer stands: %s", refusal)
        except (Later, Trouble) as trouble:
            wait = trouble.seconds if isinstance(trouble, Later) else min(3600.0, 5.0 * 2**invitation.tries)
            invitation.due = time.monotonic() + wait
            return invitation.tries >= MOST_TRIES
        return True

    async def _keep_invitations(self) -> None:
        await self._host.remember("invitations", json.dumps(sorted(self._invited)))

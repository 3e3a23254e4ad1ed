"""What the bot has said of itself in its rooms, once ever; and the invitations it is about to take."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass

from chatbranch.connectors.contract import Host, Later, Undeliverable
from chatbranch.connectors.matrix import wire
from chatbranch.connectors.matrix.session import Session, Trouble
from chatbranch.connectors.matrix.voice import Voice
from chatbranch.kernel.phrases import Phrase

log = logging.getLogger(__name__)

WELCOME = Phrase(
    "您好。把可疑的消息发来，我们帮您查证；没查过的会交成员核查，有结果在这里告诉您。",
    "Hello. Send a message you doubt and we check it; what is new goes to our members, and you are told here.",
)
CANNOT_READ = Phrase(
    "抱歉，刚才有一条加密消息我还打不开：它的钥匙没有到我这里。钥匙一到我就会看；您也可以再发一次。",
    "Sorry, there is an encrypted message I cannot open yet: its key has not reached me. "
    "I read it as soon as the key comes; you may also send it once more.",
)
MOST_TRIES = 20  # to enter a room whose server does not answer


@dataclass
class _Invitation:
    tries: int = 0
    due: float = 0.0  # on the monotonic clock


class Rooms:
    """Everything about a room that is neither a message nor its people."""

    def __init__(self, session: Session, host: Host, voice: Voice) -> None:
        self._session, self._host, self._voice = session, host, voice
        self._told: set[str] = set()
        self._invited: dict[str, _Invitation] = {}

    # --- what we say of ourselves, once ---

    async def greet(self, room: str) -> None:
        """Say hello to somebody who opened a conversation with us, once ever in a room."""
        await self._tell_once("greeted:", room, WELCOME)

    async def explain_encryption(self, room: str) -> None:
        """Say that there is something we cannot read yet, once ever in a room."""
        await self._tell_once("sealed:", room, CANNOT_READ)

    async def _tell_once(self, kind: str, room: str, words: Phrase) -> None:
        key = wire.memory_key(kind, room)
        if key in self._told or await self._host.recall(key):
            self._told.add(key)
            return
        try:  # the key is the transaction id too: told once even if we die before remembering
            await self._voice.notice(room, f"{words.say('zh-Hans')}\n\n{words.say('en')}", key)
        except Undeliverable:
            log.info("matrix: a room does not let us write")
        await self._host.remember(key, "told")
        self._told.add(key)

    async def leave(self, room: str) -> None:
        """Leave a room everyone else has left: what is sent there reaches nobody, as the ledger must say."""
        log.info("matrix: everyone has left a room; leaving it too")
        await self._session.leave(room)

    # --- invitations: kept until we are in, or may not come in ---

    def patience(self, most: float) -> float:
        """Seconds the next sync may wait: less while an invitation is to be tried again."""
        due = min((each.due for each in self._invited.values()), default=float("inf"))
        return max(1.0, min(most, due - time.monotonic()))

    async def recall_invitations(self) -> None:
        """Those that were still open when the process last ended."""
        for room in json.loads(await self._host.recall("invitations") or "[]"):
            self._invited.setdefault(room, _Invitation())

    def are_invited(self, room: str) -> bool:
        """Whether an invitation waits to be taken up."""
        return room in self._invited

    async def note_invitations(self, new: list[str]) -> None:
        """Keep the invitations to these rooms, until they are taken."""
        before = set(self._invited)
        for room in new:
            self._invited.setdefault(room, _Invitation())
        if set(self._invited) != before:
            await self._keep_invitations()

    async def take_invitations(self) -> None:
        """Enter the rooms we were invited to; one whose server is silent is tried again meanwhile."""
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

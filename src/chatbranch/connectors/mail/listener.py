"""Taking in what a mailbox receives: each mail once, and none lost, whatever is restarted or rebuilt meanwhile.

A mail's place is its UID, which holds for one UIDVALIDITY only. A mailbox that was rebuilt (restored, moved to another
server) has another: then what arrived of late is looked through again, and known Message-IDs tell what was taken before.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from chatbranch.connectors.contract import Host
from chatbranch.connectors.mail import wire
from chatbranch.connectors.mail.mailbox import Account, Mailbox
from chatbranch.kernel import clock

log = logging.getLogger(__name__)

PLACE = "mailbox"
RECENT = 500  # mails that are known by their Message-ID
OVERLAP = timedelta(days=2)  # how far before our last look a rebuilt mailbox is looked through
STALE = timedelta(
    days=7
)  # no server tries for longer to deliver: such a mail is one from the past, with a new date
LONG = 20  # characters; shorter texts are words one sends again and again, such as a code
SAME = 3  # times a day that one address may send one long text: beyond, two machines talk


@dataclass
class Place:
    """How far the mailbox was read. at: when that was. recent: hashes of the Message-IDs taken last."""

    validity: int = 0
    uid: int = 0
    at: str = ""
    recent: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Place:
        return cls(**json.loads(text)) if text else cls()

    def write(self) -> str:
        return json.dumps(vars(self), separators=(",", ":"))

    def taken(self, letter: wire.Letter) -> None:
        self.recent = [*self.recent[1 - RECENT :], _digest(letter.sender, letter.id)]

    def knows(self, letter: wire.Letter) -> bool:
        return _digest(letter.sender, letter.id) in self.recent


class Listener:
    """Reads one folder from where it was left. heard: told of each letter before the house is."""

    def __init__(
        self, host: Host, me: wire.Me, account: Account, heard: Callable[[wire.Letter], None]
    ) -> None:
        self._host, self._me, self._account, self._heard = host, me, account, heard
        self._echoes = Echoes()
        self._place = Place()

    async def listen(self) -> None:
        """Until the connection ends: raises Trouble, or Misconfigured."""
        mailbox = Mailbox(self._account)
        try:
            await mailbox.open()
            self._place = Place.read(await self._host.recall(PLACE))
            await self._catch_up(mailbox)
            await self._host.report("connected")
            while True:
                for uid in await mailbox.after(self._place.uid):
                    await self._take(mailbox, uid)
                await mailbox.wait()
        finally:
            await mailbox.close()

    async def _catch_up(self, mailbox: Mailbox) -> None:
        """Begin with what comes from now on; or, in a mailbox that was rebuilt, with what may have been missed."""
        place, newest = self._place, mailbox.next_uid - 1
        if place.validity == mailbox.validity:
            return
        if place.validity:
            log.info("mail: the mailbox was rebuilt; looking through what has arrived since we last looked")
            last_look = datetime.fromisoformat(place.at)
            for uid in await mailbox.since((last_look - OVERLAP).date()):
                await self._take(mailbox, uid, not_before=last_look - STALE)
                newest = max(newest, uid)
        place.validity, place.uid = mailbox.validity, newest
        await self._keep()

    async def _take(self, mailbox: Mailbox, uid: int, not_before: datetime | None = None) -> None:
        """One mail: to the house if it is to be answered; the place is kept only after the house has it."""
        fetched = await mailbox.fetch(uid)
        letter = await asyncio.to_thread(wire.read, *fetched, self._me) if fetched else None
        if fetched and letter is None:
            log.warning("mail: one mail cannot be read and is left out")
        if letter and not self._place.knows(letter):
            await self._hand_over(letter, not_before)
            self._place.taken(letter)
        if not_before is None:  # while a rebuilt mailbox is looked through, its UIDs say nothing yet
            self._place.uid = uid
        await self._keep()

    async def _hand_over(self, letter: wire.Letter, not_before: datetime | None) -> None:
        if not_before and letter.sent_at < not_before:
            return
        silent = letter.silent or ("echo" if self._echoes.hears(letter) else "")
        if silent:
            log.info("mail: one mail is not answered (%s)", silent)
            return
        self._heard(letter)
        for failures in count(1):
            try:
                await self._host.receive(wire.as_inbound(letter))
                return
            except Exception as error:  # the database is away: nothing is passed over before it is safe
                log.warning("mail: a mail could not be taken (%s)", type(error).__name__)
                await asyncio.sleep(min(60.0, 0.25 * 2**failures))

    async def _keep(self) -> None:
        self._place.at = clock.now().isoformat()
        await self._host.remember(PLACE, self._place.write())


class Echoes:
    """Tells machines that answer every mail without saying that they are machines: theirs is the same text each time."""

    def __init__(self) -> None:
        self._heard: OrderedDict[str, list[float]] = OrderedDict()

    def hears(self, letter: wire.Letter) -> bool:
        """Whether this address has sent this text too often today."""
        if len(letter.text) < LONG or letter.pictures:
            return False
        key, now = _digest(letter.sender, letter.text), time.monotonic()
        times = [each for each in self._heard.pop(key, []) if now - each < 86_400]
        self._heard[key] = [*times, now][-SAME - 1 :]
        while len(self._heard) > RECENT:
            self._heard.popitem(last=False)
        return len(times) >= SAME


def _digest(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode("utf-8", "replace")).hexdigest()[:16]

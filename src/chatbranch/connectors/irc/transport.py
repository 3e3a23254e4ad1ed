"""The IRC connector: one connection at a time, everything said brought in once, and gaps told where there are any."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

from chatbranch.connectors.contract import Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.irc import choices, wire, words
from chatbranch.connectors.irc.history import Unavailable
from chatbranch.connectors.irc.link import Link, Trouble
from chatbranch.connectors.irc.listener import Listener
from chatbranch.connectors.irc.outgoing import Parcel
from chatbranch.connectors.irc.pace import Pace
from chatbranch.connectors.irc.session import Session, ticking
from chatbranch.connectors.irc.setup import SETUP
from chatbranch.kernel.backoff import Attempts
from chatbranch.kernel.messages import Outbound, Receipt

log = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_QUEUE = 20.0  # seconds a message waits here for its turn at our pace; longer, it waits in the outbox
REMEMBERED = 1000  # messages, by key, whose way is known should they be tried again


class Irc:
    """Receives from and sends to the channels of one server, and private conversations."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._choices = choices.read(settings)
        self._pace = Pace(self._choices.burst, self._choices.per_second)
        self._session: Session | None = None  # while the server has let us in
        self._parcels: OrderedDict[str, Parcel] = OrderedDict()
        self._callers: OrderedDict[str, str] = OrderedDict()  # message in a channel that called us -> who

    # --- receiving ---

    async def run(self, host: Host) -> None:
        """Be on the server until cancelled; connect again when the connection is lost."""
        listener = Listener(host, self._choices, self._called_by)
        await listener.start()
        try:
            await self._keep_connected(listener)
        except Misconfigured as wrong:
            await listener.report("broken", str(wrong))
            raise
        finally:
            await listener.end()

    async def _keep_connected(self, listener: Listener) -> None:
        attempts = Attempts()
        while True:
            attempts.begin()
            try:
                await self._connection(listener)
            except Trouble as trouble:
                seconds = attempts.failed()
                log.warning("irc: %s", trouble)
                await listener.report("reconnecting", str(trouble))
                await asyncio.sleep(seconds)

    async def _connection(self, listener: Listener) -> None:
        link = await Link.open(self._choices)
        session = self._session = Session(link, self._choices, self._pace, listener)
        reading = asyncio.create_task(session.listen(listener.inbox.room))
        clockwork = asyncio.create_task(ticking(session, lambda: listener.tick(session)))
        try:
            ended, _ = await asyncio.wait([reading, clockwork], return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            self._session = None
            reading.cancel()
            clockwork.cancel()
            await asyncio.gather(reading, clockwork, return_exceptions=True)
            await listener.disconnected(link)
            await link.close()

    def _called_by(self, message_id: str, nick: str) -> None:
        """Who called us in a channel: the answer there begins with their nick."""
        _remember(self._callers, message_id, nick)

    # --- sending ---

    async def send(self, outbound: Outbound) -> Receipt:
        """Say it, line by line. The receipt is given when the server has taken the last line."""
        session = self._session
        if session is None or not session.ready:
            raise Later(2, "还没有连上 IRC 服务器 / not connected to the IRC server yet")
        if not re.fullmatch(r"[^\s,:!@*?$\x00-\x1f\x7f][^\s,!@*?\x00-\x1f\x7f]{0,199}", outbound.address):
            raise Undeliverable("这既不是频道，也不是昵称 / this is no channel and no nick")
        if why := session.rooms.barred(outbound.address):
            raise Later(5, why)
        parcel = self._parcels.get(outbound.key)
        if parcel is None or (parcel.done.done() and parcel.done.exception()):
            parcel = await self._post(session, outbound, parcel)
        return Receipt(await asyncio.shield(parcel.done))

    async def _post(self, session: Session, outbound: Outbound, before: Parcel | None) -> Parcel:
        """Put it on its way: of what went before, only what is not known to have been taken."""
        if (wait := session.outgoing.backlog()) > LONGEST_QUEUE:
            raise Later(
                wait,
                "消息很多，按 irc.per_second 的快慢在发 / many messages wait at the pace of irc.per_second",
            )
        parcel = before.rest() if before else self._parcel(session, outbound)
        if outbound.repeat and session.replays:
            parcel = await _without_what_arrived(session, parcel)
        _remember(self._parcels, outbound.key, parcel)
        if parcel.lines:
            session.outgoing.post(parcel)
        else:
            parcel.done.set_result(parcel.message_id)
        return parcel

    def _parcel(self, session: Session, outbound: Outbound) -> Parcel:
        caller = self._callers.get(outbound.reply_to, "")
        text = f"{caller}: {outbound.text}" if caller else outbound.text
        lines = words.lines_of(text, session.text_bytes(outbound.address))
        if not lines:
            raise Undeliverable("里面没有 IRC 能发的文字 / there are no words in it that IRC could carry")
        tags = [
            wire.client_tags(outbound.key, part, outbound.reply_to if part == 0 else "", outbound.trail)
            for part in range(len(lines))
        ]
        return Parcel(outbound.address, tuple(lines), tuple(tags))


async def _without_what_arrived(session: Session, parcel: Parcel) -> Parcel:
    """Of a message that may have arrived, the part that is not in the server's history."""
    try:
        last = await session.history.latest(parcel.target)
    except Unavailable:
        return parcel
    arrived = {message.key: message.msgid for message in last if session.is_ours(message)}
    keys = [tags[wire.KEY_TAG] for tags in parcel.tags]
    parcel.taken = sum(key in arrived for key in keys)
    first = next((arrived[key] for key in keys if key in arrived), "")
    rest = parcel.rest()
    rest.message_id = parcel.message_id or first
    return rest


def _remember(memory: OrderedDict[str, T], key: str, value: T) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)

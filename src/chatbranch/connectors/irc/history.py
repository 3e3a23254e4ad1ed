"""Batches, and what a server with history gives back of the time we were away (IRCv3 batch, draft/chathistory)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatbranch.connectors.irc import wire

PATIENCE = 20.0  # seconds for one answer
MOST_LINES = 5000  # of one batch
MOST_BATCHES = 50  # open at a time
MOST_PAGES = 200  # of one room
SLACK = timedelta(minutes=2)  # that the server's clock may differ from ours; what comes twice is taken once
TARGETS = "draft/chathistory-targets"


class Unavailable(Exception):
    """The server cannot give back what was said."""


@dataclass
class Batch:
    """Lines a server gathered. label: of the request they answer."""

    kind: str
    params: tuple[str, ...]
    label: str
    lines: list[wire.Line] = field(default_factory=list)


class Batches:
    """The batches that are open."""

    def __init__(self) -> None:
        self._open: dict[str, Batch] = {}

    def take(self, line: wire.Line) -> tuple[bool, Batch | None]:
        """Whether the line belongs to a batch; and the batch, when this line ends it."""
        if line.command == "BATCH":
            return True, self._edge(line)
        batch = self._open.get(line.tags.get("batch", ""))
        if batch is None:
            return False, None
        if len(batch.lines) < MOST_LINES:
            batch.lines.append(line)
        return True, None

    def _edge(self, line: wire.Line) -> Batch | None:
        mark, name = line.param(0)[:1], line.param(0)[1:]
        if mark == "+" and len(self._open) < MOST_BATCHES:
            outer = self._open.get(line.tags.get("batch", ""))
            label = line.tags.get("label", "") or (outer.label if outer else "")
            self._open[name] = Batch(line.param(1), line.params[2:], label)
        return self._open.pop(name, None) if mark == "-" else None


class History:
    """Asks for what was said, one request at a time. most: how much the server gives at once."""

    def __init__(self, say: Callable[..., None], fold: Callable[[str], str], most: int) -> None:
        self._say, self._fold, self._most = say, fold, most or 100
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[list[wire.Line]] | None = None
        self._about = ""
        self._lost = False

    async def after(self, target: str, since: datetime) -> AsyncIterator[list[wire.Message]]:
        """What was said there after `since`, oldest first, page by page. Raises Unavailable."""
        place = f"timestamp={wire.time_tag(since)}"
        for _ in range(MOST_PAGES):
            lines = await self._ask(target, "AFTER", target, place, str(self._most))
            said = [line for line in lines if line.command in ("PRIVMSG", "NOTICE")]
            if any(not line.tags.get("msgid") for line in said):
                raise Unavailable(
                    "消息没有编号，分不清是不是已经见过的 / messages without ids cannot be told from those that came before"
                )
            yield [message for line in said if (message := wire.read_message(line))]
            if len(lines) < self._most or f"msgid={lines[-1].tags.get('msgid')}" == place:
                return
            place = f"msgid={lines[-1].tags.get('msgid')}"
        raise Unavailable("太多，取不完 / there is more than can be fetched")

    async def people(self, since: datetime, until: datetime) -> list[str]:
        """Who exchanged private messages with us between these moments. Raises Unavailable."""
        span = (f"timestamp={wire.time_tag(since)}", f"timestamp={wire.time_tag(until)}")
        lines = await self._ask(TARGETS, "TARGETS", *span, str(self._most))
        return [
            line.param(1) for line in lines if line.command == "CHATHISTORY" and line.param(0) == "TARGETS"
        ]

    async def latest(self, target: str) -> list[wire.Message]:
        """What was last said there, ours too. Raises Unavailable."""
        lines = await self._ask(target, "LATEST", target, "*", str(self._most))
        return [message for line in lines if (message := wire.read_message(line))]

    def answered(self, batch: Batch) -> bool:
        """Whether this batch answers what we asked."""
        about = batch.params[0] if batch.kind == "chathistory" and batch.params else batch.kind
        if batch.kind not in ("chathistory", TARGETS) or self._fold(about) != self._about:
            return False
        if self._answer and not self._answer.done():
            self._answer.set_result(batch.lines)
        return True

    def refused(self, line: wire.Line) -> bool:
        """Whether the server refuses what we asked."""
        if line.command != "FAIL" or line.param(0) != "CHATHISTORY":
            return False
        self._fail(line.param(1)[:50])
        return True

    def lost(self) -> None:
        """The connection is gone."""
        self._lost = True
        self._fail("连接断了 / the connection was lost")

    def _fail(self, why: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(Unavailable(why))

    async def _ask(self, about: str, *params: str) -> list[wire.Line]:
        async with self._turn:
            if self._lost:
                raise Unavailable("连接断了 / the connection was lost")
            self._about, self._answer = self._fold(about), asyncio.get_running_loop().create_future()
            try:
                self._say("CHATHISTORY", *params)
                async with asyncio.timeout(PATIENCE):
                    return await self._answer
            except (TimeoutError, wire.Unsendable) as error:
                raise Unavailable(
                    f"服务器没有回答 / the server does not answer: {type(error).__name__}"
                ) from error
            finally:
                with suppress(asyncio.CancelledError):
                    self._answer.cancel()
                self._about = ""

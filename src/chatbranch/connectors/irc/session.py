"""One connection, from the first line to the last: what the server says, and what becomes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from chatbranch.connectors.contract import Misconfigured
from chatbranch.connectors.irc import wire
from chatbranch.connectors.irc.choices import Choices
from chatbranch.connectors.irc.history import Batch, Batches, History
from chatbranch.connectors.irc.link import Link, Trouble
from chatbranch.connectors.irc.outgoing import MARK, Outgoing
from chatbranch.connectors.irc.pace import Pace
from chatbranch.connectors.irc.registration import HISTORY, Registration
from chatbranch.connectors.irc.rooms import Rooms, join_commands

WELCOME_WITHIN = 60.0  # seconds from the connection to being let in
QUIET = 15.0  # seconds of silence after which we ask whether the server is there
DEAD = 45.0  # seconds of silence after which it is not
REGAIN = 60.0  # seconds between two tries to get our nick back
HOST_BYTES = 10 + 1 + 1 + 63  # what a server may put between our nick and the command: ~user@host
ASKING = f"{MARK}alive"


class Ears(Protocol):
    """Who is told what happens on a connection. Every call returns at once."""

    def said(self, session: Session, message: wire.Message) -> None: ...
    def replayed(self, session: Session, message: wire.Message) -> None: ...
    def entered(self, session: Session, channel: str) -> None: ...
    def left(self, session: Session, channel: str) -> None: ...
    def welcomed(self, session: Session) -> None: ...


class Session:
    """A server that has let us in, or is about to. alive: until the connection ends."""

    def __init__(self, link: Link, choices: Choices, pace: Pace, ears: Ears) -> None:
        self._link, self._choices, self._pace, self._ears = link, choices, pace, ears
        self._started = time.monotonic()
        self._registration = Registration(choices, link.say)
        self._batches = Batches()
        self._source = ""
        self._asked = False  # whether the server is still there
        self._regain_at = 0.0
        self.support = wire.Support()
        self.caps: set[str] = set()
        self.ready = False
        self.alive = True
        self.nick = choices.nick
        self.rooms = Rooms(choices, self.fold)
        self.outgoing = Outgoing(link.write, pace, self.fold, labelled=False, tagged=False)
        self.history = History(link.say, self.fold, 0)

    def fold(self, name: str) -> str:
        """The name as this server compares names."""
        return self.support.fold(name)

    @property
    def link(self) -> Link:
        """The connection itself."""
        return self._link

    @property
    def replays(self) -> bool:
        """Whether the server gives back what was said."""
        return {HISTORY, "batch", "server-time", "message-tags"} <= self.caps

    @property
    def tagged(self) -> bool:
        """Whether our messages may carry tags."""
        return "message-tags" in self.caps

    def is_ours(self, message: wire.Message) -> bool:
        """Whether a message of the past is ours, perhaps said under another nick when ours was taken."""
        nick, ours = self.fold(message.nick), {self.fold(self.nick), self.fold(self._choices.nick)}
        return nick in ours or (bool(message.key) and nick.startswith(self.fold(self._choices.nick)[:7]))

    def text_bytes(self, target: str) -> int:
        """How many bytes of text one line to `target` holds, so that all of it arrives at everyone's."""
        ours = max(len(self.nick.encode()) + 1 + HOST_BYTES, len(self._source.encode()))
        return self.support.linelen - len(f":{' ' * ours} PRIVMSG {target} :\r\n".encode())

    async def listen(self, room: Callable[[], Awaitable[None]]) -> None:
        """Until the connection ends: raises Trouble or Misconfigured. room: waits while nothing more can be held."""
        self._registration.start()
        try:
            async for lines in self._link.lines():
                for line in lines:
                    self._take(line)
                await room()
        finally:
            self.alive = False
            self.outgoing.lost()
            self.history.lost()

    def tick(self) -> None:
        """Once a second or so: what is due by the clock."""
        if not self.ready:
            if time.monotonic() - self._started > WELCOME_WITHIN:
                self._link.break_off("the server does not let us in")
            return
        for command in join_commands(self.rooms.to_join()):
            self._link.say("JOIN", *command)
        self._keep_alive()
        self._regain()

    def _keep_alive(self) -> None:
        if self._link.silence < QUIET:
            self._asked = False
        elif self._link.silence > DEAD:
            self._link.break_off("the server no longer answers")
        elif not self._asked:
            self._asked = True
            self._link.say("PING", ASKING)

    def _regain(self) -> None:
        """The nick we were to have may be free by now."""
        if self.fold(self.nick) != self.fold(self._choices.nick) and time.monotonic() >= self._regain_at:
            self._regain_at = time.monotonic() + REGAIN
            self._link.say("NICK", self._choices.nick)

    # --- what the server says ---

    def _take(self, line: wire.Line) -> None:
        if line.command == "PING":
            self._link.say("PONG", line.param(-1))
            return
        if line.command == "ERROR":
            raise self._end(line.param(-1))
        ours, batch = self._batches.take(line)
        if batch:
            self._batch(batch)
        elif not ours:
            self._handle(line, line.tags.get("label", ""))

    def _end(self, reason: str) -> Exception:
        if not self._registration.done and "password" in reason.lower():  # ngIRCd says only this, not 464
            return Misconfigured("服务器不认 irc.server_password / the server refuses irc.server_password")
        return Trouble(f"服务器断开了连接 / the server ends the connection: {reason[:150]}")

    def _batch(self, batch: Batch) -> None:
        if self.history.answered(batch):
            return
        for line in batch.lines:
            if batch.kind == "chathistory":  # played back by the server unasked
                if message := wire.read_message(line):
                    self._ears.replayed(self, message)
            else:
                self._handle(line, batch.label or line.tags.get("label", ""))

    def _handle(self, line: wire.Line, label: str) -> None:
        if not self._registration.done:
            self._register(line)
            return
        ours = self.fold(line.nick) == self.fold(self.nick)
        match line.command:
            case "PRIVMSG" if ours:
                self.outgoing.echo(wire.read_message(line), label)
            case "PRIVMSG":
                if message := wire.read_message(line):
                    self._ears.said(self, message)
            case "ACK" if label:
                self.outgoing.echo(None, label)
            case "PONG":
                self._asked = False
                self.outgoing.pong(line)
            case "JOIN" | "PART" | "KICK" | "NICK" | "CHGHOST":
                self._moved(line, ours)
            case command if not (self.outgoing.refused(line, label) or self.history.refused(line)):
                self._state(command, line)

    def _register(self, line: wire.Line) -> None:
        self._registration.take(line)
        if self._registration.done:
            self.nick, self.caps = self._registration.nick, self._registration.caps
            self._regain_at = time.monotonic() + REGAIN

    def _moved(self, line: wire.Line, ours: bool) -> None:
        channel = line.param(0)
        match line.command:
            case "JOIN" if ours:
                self._source = line.source
                if self.rooms.entered(channel):
                    self._ears.entered(self, channel)
                else:  # somewhere the server led us to
                    self._link.say("PART", channel)
            case "PART" if ours:
                self._out(channel, "we were made to leave")
            case "KICK" if self.fold(line.param(1)) == self.fold(self.nick):
                self._out(channel, f"{line.nick} put the bot out")
            case "NICK" if ours:
                self.nick, self._source = channel, ""
            case "CHGHOST" if ours:
                self._source = f"{self.nick}!{channel}@{line.param(1)}"

    def _out(self, channel: str, why: str) -> None:
        self.rooms.left(channel, why)
        self._ears.left(self, channel)

    def _state(self, command: str, line: wire.Line) -> None:
        match command:
            case "005":
                self.support = self.support.with_tokens(line.params[1:-1])
            case "396":  # RPL_VISIBLEHOST
                self._source = f"{self.nick}!{'u' * 11}@{line.param(1)}"
            case "376" | "422" if not self.ready:  # the message of the day ends, or there is none
                self._welcomed()
            case _:
                self.rooms.refused(line.param(1), command)

    def _welcomed(self) -> None:
        self.rooms = Rooms(self._choices, self.fold)
        labelled = {"labeled-response", "echo-message", "batch", "message-tags"} <= self.caps
        self.outgoing = Outgoing(
            self._link.write, self._pace, self.fold, labelled=labelled, tagged=self.tagged
        )
        self.history = History(self._link.say, self.fold, self.support.history)
        if self.support.bot:
            with suppress(wire.Unsendable):
                self._link.say("MODE", self.nick, f"+{self.support.bot}")
        self.ready = True
        self._ears.welcomed(self)
        self.tick()


async def ticking(session: Session, every: Callable[[], Awaitable[None]], seconds: float = 1.0) -> None:
    """Let the session do what is due, and then `every()`, once a second, until cancelled."""
    while True:
        session.tick()
        await every()
        await asyncio.sleep(seconds)

"""Messages on their way: at our pace, a few lines at a time, each known to be taken before its receipt is given.

Where the server labels its answers and echoes what it took (IRCv3 labeled-response, echo-message), a line is taken when
its echo is here. Anywhere else a PING follows the lines: a server answers in order, so that its PONG says that they are
taken, or which were refused before it. ngIRCd reads three commands of a client at once and the next ones a second
later; two lines and a PING are therefore the most that are under way on such a server.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chatbranch.connectors.contract import Later, Undeliverable
from chatbranch.connectors.irc import wire
from chatbranch.connectors.irc.link import Trouble
from chatbranch.connectors.irc.pace import Pace

UNDER_WAY, UNDER_WAY_LABELLED = 2, 8  # lines
MARK = "chatbranch-sent-"
REFUSALS = frozenset(
    "401 402 403 404 407 408 411 412 413 414 415 417 437 477 482 486 489 492 531 716".split()
)
SLOW_DOWN = {
    "263": 10.0,
    "439": 60.0,
    "707": 60.0,
}  # RPL_TRYAGAIN, ERR_TARGETTOOFAST, ERR_TARGCHANGE -> seconds


@dataclass(eq=False)
class Parcel:
    """One message: its lines and their tags, how many of them are written and how many taken."""

    target: str
    lines: tuple[str, ...]
    tags: tuple[Mapping[str, str], ...]
    message_id: str = ""
    written: int = 0
    taken: int = 0
    done: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def rest(self) -> Parcel:
        """What the server is not known to have taken, to be sent again."""
        return Parcel(self.target, self.lines[self.taken :], self.tags[self.taken :], self.message_id)

    def fail(self, error: Exception) -> None:
        """It goes no further."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # whoever sent it may be gone: that is no fault to be logged


@dataclass(eq=False)
class _Flight:
    parcel: Parcel
    text: str
    label: str
    message_id: str = ""


class Outgoing:
    """The messages of one connection. labelled: the server labels and echoes. tagged: it takes message tags."""

    def __init__(
        self,
        write: Callable[[bytes], None],
        pace: Pace,
        fold: Callable[[str], str],
        *,
        labelled: bool,
        tagged: bool,
    ) -> None:
        self._write, self._pace, self._fold = write, pace, fold
        self._labelled, self._tagged = labelled, tagged
        self._waiting: deque[Parcel] = deque()
        self._flying: list[_Flight] = []
        self._numbers = itertools.count(1)
        self._token = ""
        self._timer: asyncio.TimerHandle | None = None

    def backlog(self) -> float:
        """Seconds until a message that joins the others now could begin to leave."""
        return self._pace.wait(sum(len(each.lines) - each.written for each in self._waiting) + 1)

    def post(self, parcel: Parcel) -> None:
        """Send it after those before; `parcel.done` tells how it ended."""
        self._waiting.append(parcel)
        self._pump()

    # --- out ---

    def _pump(self) -> None:
        lines: list[bytes] = []
        while self._waiting and len(lines) < self._room() and self._may_leave():
            lines.append(self._next_line())
        if not lines:
            return
        if not self._labelled:
            self._token = f"{MARK}{next(self._numbers)}"
            lines.append(wire.write_line("PING", self._token))
        self._write(b"".join(lines))

    def _room(self) -> int:
        if self._labelled:
            return UNDER_WAY_LABELLED if len(self._flying) < UNDER_WAY_LABELLED else 0
        return 0 if self._token else UNDER_WAY

    def _may_leave(self) -> bool:
        wait = self._pace.wait()
        if wait and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._on_time)
        return not wait

    def _on_time(self) -> None:
        self._timer = None
        self._pump()

    def _next_line(self) -> bytes:
        """The next line of the message in front, which then waits behind the others: a long one blocks no other."""
        parcel = self._waiting.popleft()
        text, tags = parcel.lines[parcel.written], dict(parcel.tags[parcel.written]) if self._tagged else {}
        label = ""
        if self._labelled:
            label = tags["label"] = f"s{next(self._numbers)}"
        parcel.written += 1
        if parcel.written < len(parcel.lines):
            self._waiting.append(parcel)
        self._flying.append(_Flight(parcel, text, label))
        self._pace.take()
        return wire.write_line("PRIVMSG", parcel.target, text, tags=tags)

    # --- back ---

    def pong(self, line: wire.Line) -> bool:
        """Whether this PONG was for us: then what is under way has been taken."""
        if not self._token or self._token not in line.params:
            return False
        self._token = ""
        for flight in list(self._flying):
            self._land(flight, flight.message_id)
        self._pump()
        return True

    def echo(self, message: wire.Message | None, label: str) -> None:
        """The server shows us our own message (or, with `label` alone, says that it took it)."""
        if label:
            for flight in self._labelled_so(label):
                self._land(flight, message.msgid if message else "")
            self._pump()
        elif message:
            target = self._fold(message.target)
            for flight in self._flying:
                if not flight.message_id and self._fold(flight.parcel.target) == target:
                    flight.message_id = message.msgid
                    return

    def refused(self, line: wire.Line, label: str) -> bool:
        """Whether this answer refuses a line that is under way."""
        if line.command not in REFUSALS and line.command not in SLOW_DOWN and line.command != "FAIL":
            return False
        if not (found := self._labelled_so(label) if label else self._about(line)):
            return False
        self._drop(found[0].parcel, _refusal(line))
        if self._labelled:
            self._pump()
        return True

    def lost(self) -> None:
        """The connection is gone; what was not taken may be sent again on the next."""
        if self._timer:
            self._timer.cancel()
        for parcel in [*self._waiting, *(flight.parcel for flight in self._flying)]:
            parcel.fail(
                Trouble(
                    "服务器收下消息之前连接断了 / the connection was lost before the server had taken the message"
                )
            )
        self._waiting.clear()
        self._flying.clear()

    def _labelled_so(self, label: str) -> list[_Flight]:
        return [flight for flight in self._flying if flight.label == label]

    def _about(self, line: wire.Line) -> list[_Flight]:
        """The lines under way that an answer without label is about: those to whom it names, else all."""
        targets = {self._fold(each) for each in line.params[1:-1]}
        named = [each for each in self._flying if self._fold(each.parcel.target) in targets]
        return named or (self._flying[:1] if line.command in ("411", "412", "417") else [])

    def _land(self, flight: _Flight, message_id: str) -> None:
        self._flying.remove(flight)
        parcel = flight.parcel
        parcel.taken += 1
        parcel.message_id = parcel.message_id or message_id
        if parcel.taken == len(parcel.lines) and not parcel.done.done():
            parcel.done.set_result(parcel.message_id)

    def _drop(self, parcel: Parcel, why: Exception) -> None:
        parcel.fail(why)
        self._flying = [each for each in self._flying if each.parcel is not parcel]
        if parcel in self._waiting:
            self._waiting.remove(parcel)


def _refusal(line: wire.Line) -> Exception:
    reason = f"{' '.join(line.param(-1).split())[:150]} ({line.param(1) if line.command == 'FAIL' else line.command})"
    if line.command in SLOW_DOWN:
        return Later(
            SLOW_DOWN[line.command], f"服务器要我们慢一点 / the server asks us to slow down: {reason}"
        )
    if line.command == "FAIL" and "RATE" in line.param(1).upper():
        return Later(10.0, f"服务器要我们慢一点 / the server asks us to slow down: {reason}")
    return Undeliverable(f"服务器不收 / the server refuses it: {reason}")

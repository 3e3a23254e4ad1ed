"""A forwarded text is several lines on IRC. In private conversations they are put together again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from chatbranch.connectors.irc import words
from chatbranch.connectors.irc.wire import Message

MOST_LINES, MOST_CHARACTERS = 30, 6000
NEARLY_FULL = 380  # bytes of text, from which on the sender's program most likely cut the line
REST_WITHIN = (
    3.0  # seconds in which the rest of a line that was cut comes: some programs send a line every two
)

Ready = Callable[[datetime, Message], None]


@dataclass
class _Parts:
    came: datetime
    lines: list[Message] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class Gathering:
    """Lines of one sender until there is a pause of `seconds`; then `ready` is handed them as one message."""

    def __init__(self, seconds: float, ready: Ready) -> None:
        self._seconds, self._ready = seconds, ready
        self._open: dict[str, _Parts] = {}

    def add(self, sender: str, came: datetime, message: Message) -> None:
        """A line came."""
        if not self._seconds:
            self._ready(came, message)
            return
        parts = self._open.setdefault(sender, _Parts(came))
        parts.lines.append(message)
        if parts.timer:
            parts.timer.cancel()
        if len(parts.lines) >= MOST_LINES or sum(len(each.text) for each in parts.lines) >= MOST_CHARACTERS:
            self._close(sender)
        else:
            wait = max(self._seconds, REST_WITHIN) if message.size >= NEARLY_FULL else self._seconds
            parts.timer = asyncio.get_running_loop().call_later(wait, self._close, sender)

    def close_all(self) -> None:
        """Wait for nothing more."""
        for sender in list(self._open):
            self._close(sender)

    def _close(self, sender: str) -> None:
        parts = self._open.pop(sender)
        if parts.timer:
            parts.timer.cancel()
        text = words.joined((each.text, each.size >= NEARLY_FULL) for each in parts.lines)
        self._ready(parts.came, replace(parts.lines[0], text=text))

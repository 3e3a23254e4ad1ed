"""The channels we are to be in: who has let us in, who refuses, and when to try again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chatbranch.connectors.irc.choices import Choices
from chatbranch.kernel.backoff import pause

REFUSALS: Mapping[str, str] = {
    "403": "there is no such channel",
    "405": "we are in too many channels",
    "437": "it cannot be entered at the moment",
    "470": "it leads to another channel",
    "471": "it is full",
    "473": "the bot must be invited, or put on the invite list",
    "474": "the bot is banned",
    "475": "irc.channel_keys has not the right key for it",
    "476": "it is no name for a channel",
    "477": "it wants a signed-in account: see irc.password",
    "480": "it cannot be entered",
    "489": "it wants an encrypted connection",
    "520": "only operators may enter",
}
ANSWER_WITHIN = 30.0  # seconds, after which joining is tried again


@dataclass
class _Room:
    name: str
    key: str
    inside: bool = False
    why: str = ""  # we are not in it
    due: float = 0.0  # when to try next, on the monotonic clock
    tries: int = 0


class Rooms:
    """The channels in the settings, by their folded names."""

    def __init__(self, choices: Choices, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._rooms = {fold(name): _Room(name, choices.keys.get(name, "")) for name in choices.channels}

    def __iter__(self) -> Iterator[str]:
        return iter(self._rooms)

    def name(self, channel: str) -> str | None:
        """The channel as the settings spell it, where we are to be in it."""
        room = self._rooms.get(self._fold(channel))
        return room.name if room else None

    def barred(self, channel: str) -> str | None:
        """Why we are not in a channel of the settings; None where we are, or it is none of them."""
        room = self._rooms.get(self._fold(channel))
        return (room.why or "not in the channel yet") if room and not room.inside else None

    def entered(self, channel: str) -> bool:
        """We are in it. Whether it is one of ours."""
        room = self._rooms.get(self._fold(channel))
        if room:
            room.inside, room.why, room.tries = True, "", 0
        return room is not None

    def left(self, channel: str, why: str) -> None:
        """We are no longer in it: try again soon."""
        if room := self._rooms.get(self._fold(channel)):
            room.inside, room.why = False, why
            room.due = time.monotonic() + pause(room.tries + 1)

    def refused(self, channel: str, code: str) -> bool:
        """The server does not let us in. Whether we had asked."""
        room = self._rooms.get(self._fold(channel))
        if room is None or room.inside or code not in REFUSALS:
            return False
        self.left(channel, REFUSALS[code])
        return True

    def to_join(self) -> list[tuple[str, str]]:
        """(channel, key) of those to be tried now; those with a key first, as JOIN wants them."""
        now = time.monotonic()
        due = [room for room in self._rooms.values() if not room.inside and room.due <= now]
        for room in due:
            room.tries += 1
            room.due = now + max(ANSWER_WITHIN, pause(room.tries + 1))
        return sorted(((room.name, room.key) for room in due), key=lambda each: not each[1])

    def settled(self) -> bool:
        """Whether every channel has answered."""
        return all(room.inside or room.why for room in self._rooms.values())

    def complaints(self) -> str:
        """Which channels do not let us in, and why; "" when all do."""
        return "; ".join(f"{room.name}: {room.why}" for room in self._rooms.values() if room.why)


def join_commands(rooms: Sequence[tuple[str, str]], most: int = 400) -> list[tuple[str, ...]]:
    """The parameters of as few JOIN commands as hold these channels."""
    found: list[tuple[str, ...]] = []
    names: list[str] = []
    keys: list[str] = []
    for name, key in rooms:
        if names and len(",".join([*names, name, *keys, key]).encode()) > most:
            found.append(_join(names, keys))
            names, keys = [], []
        names.append(name)
        keys += [key] if key else []
    return [*found, _join(names, keys)] if names else found


def _join(names: list[str], keys: list[str]) -> tuple[str, ...]:
    return (",".join(names), *([",".join(keys)] if keys else []))

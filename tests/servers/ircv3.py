"""A server with the IRCv3 extensions that ngIRCd lacks, written by hand from the specifications, as a real TCP server.

It offers CAP 302, SASL PLAIN, message-tags, server-time, msgid, account-tag, echo-message, batch, labeled-response and
draft/chathistory (AFTER, LATEST, TARGETS), over plain TCP, to any number of clients.

What it does not imitate: TLS, floods and penalties, channel modes and operators, joins shown to others, CAP NEW and DEL,
limits on lines and nicks, other SASL mechanisms, chathistory's BEFORE, AROUND and BETWEEN and event playback, accounts of
anybody but whoever signs in (`voices` are given one), services, other servers, and any wish to be fast.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.support.ports import free_port

CAPS = (
    "message-tags server-time account-tag echo-message batch labeled-response draft/chathistory"
    " sasl=PLAIN,EXTERNAL cap-notify"
)


@dataclass
class Stored:
    """One message as the server keeps it."""

    source: str
    target: str
    text: str
    msgid: str
    at: str
    account: str
    tags: str

    def line(self, more: str = "") -> str:
        """It, with all its tags and `more`."""
        parts = [f"time={self.at}", f"msgid={self.msgid}", self.tags, more]
        parts += [f"account={self.account}"] if self.account else []
        return (
            f"@{';'.join(each for each in parts if each)} :{self.source} PRIVMSG {self.target} :{self.text}"
        )


@dataclass(eq=False)
class _Client:
    writer: asyncio.StreamWriter
    nick: str = "*"
    account: str = ""
    caps: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)

    def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")


class Ircv3:
    """The server. accounts: name -> password. page: how many messages one answer of CHATHISTORY holds."""

    def __init__(self, page: int = 5, **accounts: str) -> None:
        self.port, self.page, self.accounts = free_port(), page, accounts
        self.caps = CAPS
        self.stored: list[Stored] = []
        self.received: list[str] = []  # every line of every client
        self.deaf = (
            False  # takes messages and stores them, and says nothing back: as if cut off in that moment
        )
        self.forgetful = False  # refuses to give history
        self._clients: list[_Client] = []
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Drop everybody and listen no more; what was said is kept."""
        if self._server:
            self._server.close()
        for client in self._clients:
            client.writer.transport.abort()
        self._clients.clear()

    def voice(self, nick: str, target: str, text: str, account: str = "", tags: str = "") -> Stored:
        """Somebody says something, to a channel or to a nick."""
        return self._deliver(f"{nick}!{nick}@host", target, text, account, tags, None, "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(writer)
        self._clients.append(client)
        while raw := await reader.readline():
            line = raw.decode().rstrip("\r\n")
            self.received.append(line)
            tags, _, line = line.partition(" ") if line.startswith("@") else ("", "", line)
            head, colon, last = line.partition(" :")
            self._take(client, [*head.split(), *([last] if colon else [])], tags.removeprefix("@"))

    def _take(self, client: _Client, words: list[str], tags: str) -> None:
        handler = getattr(self, f"_on_{words[0].lower()}", None)
        if handler:
            handler(client, words[1:], tags)

    # --- commands ---

    def _on_cap(self, client: _Client, words: list[str], tags: str) -> None:
        match words[0]:
            case "LS":
                half = self.caps.split()
                client.say(f":s CAP * LS * :{' '.join(half[:4])}")
                client.say(f":s CAP * LS :{' '.join(half[4:])}")
            case "REQ":
                client.caps |= set(words[1].split())
                client.say(f":s CAP * ACK :{words[1]}")
            case "END":
                self._welcome(client)

    def _on_nick(self, client: _Client, words: list[str], tags: str) -> None:
        client.nick = words[0]

    def _on_authenticate(self, client: _Client, words: list[str], tags: str) -> None:
        if words[0] == "PLAIN":
            client.say("AUTHENTICATE +")
            return
        _, name, password = base64.b64decode(words[0]).decode().split("\0")
        if self.accounts.get(name) == password:
            client.account = name
            client.say(f":s 903 {client.nick} :SASL authentication successful")
        else:
            client.say(f":s 904 {client.nick} :SASL authentication failed")

    def _welcome(self, client: _Client) -> None:
        client.say(f":s 001 {client.nick} :Welcome")
        client.say(
            f":s 005 {client.nick} CASEMAPPING=ascii CHANTYPES=# CHATHISTORY={self.page} BOT=B :are supported"
        )
        client.say(f":s 422 {client.nick} :no MOTD")

    def _on_ping(self, client: _Client, words: list[str], tags: str) -> None:
        client.say(f":s PONG s {words[0]}")

    def _on_join(self, client: _Client, words: list[str], tags: str) -> None:
        for room in words[0].split(","):
            client.rooms.add(room)
            client.say(f":{client.nick}!u@host JOIN {room}")
            client.say(f":s 366 {client.nick} {room} :End")

    def _on_privmsg(self, client: _Client, words: list[str], tags: str) -> None:
        pairs = [each for each in tags.split(";") if each]
        label = next((each for each in pairs if each.startswith("label=")), "")
        kept = ";".join(each for each in pairs if each.startswith("+"))
        if words[0].startswith("#closed"):
            client.say(f"@{label} :s 404 {client.nick} {words[0]} :Cannot send to channel")
            return
        self._deliver(f"{client.nick}!u@host", words[0], words[1], client.account, kept, client, label)

    def _deliver(
        self, source: str, target: str, text: str, account: str, tags: str, by: _Client | None, label: str
    ) -> Stored:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
        message = Stored(source, target, text, f"m{next(self._numbers)}", at, account, tags)
        self.stored.append(message)
        if self.deaf:
            return message
        for client in self._clients:
            if client is by:
                client.say(message.line(label))
            elif target in client.rooms or target == client.nick:
                client.say(message.line())
        return message

    def _on_chathistory(self, client: _Client, words: list[str], tags: str) -> None:
        if self.forgetful:
            client.say(f"FAIL CHATHISTORY MESSAGE_ERROR {words[0]} :Messages could not be retrieved")
        elif words[0] == "TARGETS":
            names = {each.source.partition("!")[0] for each in self.stored if each.target == client.nick}
            lines = [f":s CHATHISTORY TARGETS {name} 2026-01-01T00:00:00.000Z" for name in sorted(names)]
            self._batch(client, "draft/chathistory-targets", ["@batch={} " + line for line in lines])
        else:
            found = self._history(client, words)
            self._batch(client, f"chathistory {words[1]}", [each.line("batch={}") for each in found])

    def _history(self, client: _Client, words: list[str]) -> list[Stored]:
        kind, target, place, most = words
        heard = [each for each in self.stored if self._belongs(each, target, client.nick)]
        if kind == "LATEST":
            return heard[-int(most) :]
        what, _, value = place.partition("=")
        if what == "msgid":
            start = next(number for number, each in enumerate(heard) if each.msgid == value) + 1
            return heard[start:][: int(most)]
        return [each for each in heard if each.at > value][: int(most)]

    @staticmethod
    def _belongs(message: Stored, target: str, me: str) -> bool:
        other = message.source.partition("!")[0]
        return message.target == target if target.startswith("#") else {message.target, other} == {target, me}

    def _batch(self, client: _Client, kind: str, lines: list[str]) -> None:
        name = f"b{next(self._numbers)}"
        client.say(f":s BATCH +{name} {kind}")
        for line in lines:
            client.say(line.replace("batch={}", f"batch={name}"))
        client.say(f":s BATCH -{name}")


@asynccontextmanager
async def ircv3(page: int = 5, **accounts: str) -> AsyncIterator[Ircv3]:
    """A server for the length of the block."""
    server = Ircv3(page, **accounts)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()

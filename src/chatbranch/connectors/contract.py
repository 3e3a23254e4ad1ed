"""What a connector is: a small required core, and optional abilities announced in a frozen `Capabilities`.

A connector lives in `connectors/<platform>/`: `setup.py` (a `Setup` named SETUP: its name, abilities and
settings), `wire.py` (pure: bytes to values and back), `transport.py` (the network), `doc.md` (its how-to
page), `tests/payloads/` (recorded payloads). It is found by scanning this package, or by an entry point of the
group `chatbranch.connectors` that names a `Setup`; adding one edits no other file.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from chatbranch.kernel.messages import Change, Gap, Inbound, Outbound, Receipt
from chatbranch.kernel.phrases import Phrase

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Capabilities:
    """What a platform can do. Whoever sends looks here, never at the platform's name.

    rooms: many people write to one address. direct: one-to-one conversations.
    attachments: pictures and files come in. files: they go out. html: formatted text goes out.
    replies: a message can point to the one it answers. threads: messages can be gathered under one.
    names: a message can be shown under somebody else's name (`Outbound.author`).
    edits, deletes, reacts, types: the connector is an `Edits`, `Deletes`, `Reacts`, `Types`.
    replays: what was said while we were away comes in when we are back. Where it cannot, a `Gap` is reported.
    idempotent: a message that may have arrived is recognised, so that a retry is never seen twice.
    in_order: new messages handed over together reach an address in that order, so that none waits for the one before it.
    pulled: nothing can be pushed; the reader's side fetches what waits (web chat, passive replies).
    webhook: the web process serves it under /connect/<name>/ (it is a `Webhook`).
    characters: the longest text of one message.
    per_second: how many messages one lane may send in a second, 0 for no limit.
    """

    receives: bool = True
    sends: bool = True
    direct: bool = True
    rooms: bool = False
    html: bool = False
    attachments: bool = False
    files: bool = False
    replies: bool = False
    threads: bool = False
    names: bool = False
    edits: bool = False
    deletes: bool = False
    reacts: bool = False
    types: bool = False
    replays: bool = False
    idempotent: bool = False
    in_order: bool = False
    pulled: bool = False
    webhook: bool = False
    characters: int = 4000
    per_second: float = 5.0


@dataclass(frozen=True)
class Setting:
    """One thing a connector is told: CHATBRANCH_<NAME>_<KEY>, or [connectors.<name>] in the TOML file."""

    key: str
    help: Phrase
    secret: bool = False
    required: bool = True
    default: str = ""
    example: str = ""


@dataclass(frozen=True)
class Setup:
    """What a connector's folder says about itself. Reading it imports no client library.

    transport: "module:Class" of the Connector, imported only when the connector is switched on.
    """

    name: str
    title: Phrase
    capabilities: Capabilities
    settings: tuple[Setting, ...]
    transport: str


class Misconfigured(Exception):
    """The settings cannot work as they are. The message says which, and what would do; it holds no secret."""


class Later(Exception):
    """The platform asks us to wait `seconds`. It is no failure of the message, and counts against nobody."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds, self.reason = seconds, reason


class Undeliverable(Exception):
    """This message can never arrive (blocked, left, unknown address): stop, and say why in the ledger."""


Health = Literal["connected", "reconnecting", "broken"]
"""How a channel is. reconnecting: the connector sees to it. broken: somebody has to do something."""


class Host(Protocol):
    """What the house offers a connector. What it takes is durable before it returns."""

    async def receive(self, inbound: Inbound) -> None:
        """Take a message. When this returns it is in the database; a repeated message_id is taken once.

        What rooms say among themselves may be brought without waiting for what was brought before: it is taken in the
        order in which it was brought. Where one raises, bring it again, and all after it.
        """

    async def change(self, change: Change) -> None:
        """Take what somebody did to an earlier message of a room. Durable and repeatable as `receive`."""

    async def missed(self, gap: Gap) -> None:
        """Take note that what was said in a room meanwhile cannot be had; the room's people are told."""

    async def report(self, health: Health, why: str = "") -> None:
        """Say how the channel is, and what to do where something is wrong. The desk shows it. No secret in it."""

    async def recall(self, key: str) -> str:
        """What `remember` kept under `key` for this connector, or an empty string."""

    async def remember(self, key: str, value: str) -> None:
        """Keep a value (a sync token, a cursor) across restarts."""


class Connector(Protocol):
    """The required core. The constructor raises Misconfigured, and touches no network."""

    name: str
    title: Phrase
    capabilities: Capabilities
    settings: tuple[Setting, ...]

    def __init__(self, settings: Mapping[str, str]) -> None: ...

    async def run(self, host: Host) -> None:
        """Receive until cancelled. Reconnecting is the connector's own care; raising means it cannot go on as
        set up. A connector that only sends, or is only pulled from, waits here.
        """

    async def send(self, outbound: Outbound) -> Receipt:
        """Send one message. Raises Later, Undeliverable, or anything else for "try again"."""


@runtime_checkable
class Edits(Protocol):
    """Optional (Capabilities.edits)."""

    async def edit(self, outbound: Outbound, target: str) -> Receipt:
        """Give our message `target` the text of `outbound`. Raises as `send`, and may be repeated."""


@runtime_checkable
class Deletes(Protocol):
    """Optional (Capabilities.deletes)."""

    async def delete(self, outbound: Outbound, target: str) -> Receipt:
        """Take our message `target` back. Raises as `send`, and may be repeated."""


@runtime_checkable
class Reacts(Protocol):
    """Optional (Capabilities.reacts)."""

    async def react(self, outbound: Outbound, target: str) -> Receipt:
        """Put the emoji `outbound.text` under the message `target`. Raises as `send`, and may be repeated."""

    async def unreact(self, outbound: Outbound, target: str) -> Receipt:
        """Take our emoji `outbound.text` under the message `target` back. Raises as `send`, and may be repeated."""


@runtime_checkable
class Types(Protocol):
    """Optional (Capabilities.types)."""

    async def typing(self, address: str, on: bool) -> None:
        """Show, or no longer show, that an answer is being worked on. Best effort: raises nothing that matters."""


@dataclass(frozen=True)
class Said:
    """One message of a pulled conversation. `cursor` orders them, and is given back to go on from there."""

    cursor: str
    text: str
    at: datetime


class Mailbox(Protocol):
    """What a pulled connector reads from: the messages that wait for one address."""

    async def receive(self, inbound: Inbound) -> None:
        """As Host.receive. Raises Refused where the sender, who is still on the line, can be told why."""

    def waiting(self, address: str, after: str = "") -> AsyncGenerator[Said, None]:
        """Our messages to `address` after the cursor `after`, oldest first, then as they come, until closed.

        One counts as handed over when the next is asked for, or when its cursor is given back.
        """


@runtime_checkable
class Webhook(Protocol):
    """Optional: the connector answers HTTP itself, under /connect/<name>/ of the web process (ASGI 3).

    `scope["path"]` is what follows /connect/<name>, with its leading slash.
    """

    async def asgi(self, mailbox: Mailbox, scope: Scope, receive: Receive, send: Send) -> None: ...

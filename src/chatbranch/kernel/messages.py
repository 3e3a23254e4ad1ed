"""The values that cross the edge of the house: what a chat brings in, and what leaves for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Attachment:
    """A file that came with a message, or leaves with one. `data` is whole in memory: at most 10 MB is accepted."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Inbound:
    """One message as a platform delivered it, before anyone looked at it.

    channel: the connector's name. address: where an answer goes (a room, a mailbox, a conversation).
    sender: who wrote, as the platform names them. message_id: the platform's own id, for recognising replays.
    direct: a one-to-one conversation. mentioned: the bot was addressed by name.
    reply_to: the message an answer should refer to, or "" where it stands by itself.
    """

    channel: str
    address: str
    sender: str
    message_id: str
    text: str
    sent_at: datetime
    direct: bool = True
    mentioned: bool = False
    lang: str = ""
    reply_to: str = ""
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Outbound:
    """One message on its way out. `key` is the idempotency key: the same for every attempt at the same delivery."""

    key: str
    address: str
    text: str
    html: str = ""
    reply_to: str = ""
    subject: str = ""
    attachments: tuple[Attachment, ...] = field(default=())


@dataclass(frozen=True)
class Receipt:
    """What a platform gave back for a message it took: its own id of it."""

    message_id: str = ""

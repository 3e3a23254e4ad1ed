"""The values that cross the edge of the house: what a chat brings in, and what leaves for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Deed = Literal["edit", "delete", "react", "unreact"]
"""What can be done to a message that was said before."""


@dataclass(frozen=True)
class Attachment:
    """A file that came with a message, or leaves with one. `data` is whole in memory: at most 10 MB is accepted.

    url: where anybody can see it, if its platform shows it to anybody; else "".
    """

    name: str
    media_type: str
    data: bytes
    url: str = ""


@dataclass(frozen=True)
class Inbound:
    """One message as a platform delivered it, before anyone looked at it.

    channel: the connector's name. address: where an answer goes (a room, a mailbox, a conversation).
    sender: who wrote, as the platform names them. message_id: the platform's own id, for recognising replays.
    direct: a one-to-one conversation. mentioned: the bot was addressed by name.
    reply_to: the message an answer should refer to, or "" where it stands by itself.
    sender_name: how the platform shows the sender, where that is not `sender`.
    in_reply_to: the message this one replies to. thread: the message its thread began with. Ids of the platform, or "".
    said: what the sender said, where `text` and `attachments` are those of another's message that they only ask about.
    trail: the rooms a relay has carried it to or from already (relay.rules.mark), where the platform lets it say so.
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
    sender_name: str = ""
    in_reply_to: str = ""
    thread: str = ""
    said: str | None = None
    trail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something done to an earlier message of a room, as a platform delivered it.

    message_id: the platform's id of this deed, for recognising replays. target: the id of the message it is done to.
    text: the whole new text of an edit, or the emoji of a reaction.
    entitled: the platform itself lets `sender` do this to other people's messages (a moderator who removes one).
    """

    channel: str
    address: str
    sender: str
    message_id: str
    target: str
    deed: Deed
    sent_at: datetime
    text: str = ""
    sender_name: str = ""
    entitled: bool = False


@dataclass(frozen=True)
class Gap:
    """A stretch of time for which a platform without history cannot tell us what was said in a room."""

    channel: str
    address: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Outbound:
    """One message on its way out. `key` is the idempotency key: the same for every attempt at the same delivery.

    author: the name to show it under, where the platform can (Capabilities.names); "" for our own words.
    repeat: an earlier attempt may have arrived. A connector that can look, looks before it sends again.
    """

    key: str
    address: str
    text: str
    html: str = ""
    reply_to: str = ""
    subject: str = ""
    attachments: tuple[Attachment, ...] = field(default=())
    author: str = ""
    thread: str = ""
    trail: tuple[str, ...] = ()
    repeat: bool = False


@dataclass(frozen=True)
class Receipt:
    """What a platform gave back for a message it took: its own id of it."""

    message_id: str = ""

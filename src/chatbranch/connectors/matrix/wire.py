"""Matrix events to values. Pure: JSON in, values out (Matrix Client-Server API v1.16).

An event comes from anyone on any server, so nothing about its shape is trusted: `read_event` gives a `Message`, and
`read_deed` a `Deed`, or None for what is none to us, whatever JSON they are handed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeGuard

from chatbranch.connectors.matrix.calling import called, mentions
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Attachment, Change, Deed, Inbound

CHANNEL = "matrix"
TEXT_TYPES = ("m.text", "m.emote")
FILE_TYPES = ("m.image", "m.video", "m.audio", "m.file")
TRAIL = "org.chatbranch.trail"
LONGEST_TRAIL = 128  # marks; the relay itself stops long before
SHORT = 24  # characters: words that only ask about what they reply to ("真的吗？", "is this true?")
LONGEST_EMOJI = 100  # characters: clients put any text into a reaction's key

EVENTS = [
    "m.room.message",
    "m.room.encrypted",
    "m.room.encryption",
    "m.room.member",
    "m.room.redaction",
    "m.reaction",
]
SYNC_FILTER: dict[str, Any] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "timeline": {"limit": 100, "types": EVENTS, "lazy_load_members": True},
        "state": {"types": ["m.room.member"], "lazy_load_members": True},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
}
HISTORY_FILTER: dict[str, Any] = {"types": EVENTS, "lazy_load_members": True}

Event = Mapping[str, Any]


@dataclass(frozen=True)
class RoomNews:
    """What happened in one room, oldest first. limited: older events were left out; `before` leads to them."""

    events: list[Event]
    limited: bool = False
    before: str = ""


@dataclass(frozen=True)
class News:
    """One sync. keys_left: one-time keys of ours the server still has. fallback_unused: whether it has that one too.

    None where the server does not say.
    """

    reached: str
    rooms: Mapping[str, RoomNews] = field(default_factory=dict)
    invited: tuple[str, ...] = ()
    to_device: tuple[Event, ...] = ()
    devices_changed: frozenset[str] = frozenset()
    keys_left: int | None = None
    fallback_unused: bool | None = None


@dataclass(frozen=True)
class File:
    """A file in the server's media repository. `where`: the path after /media/download/.

    sealed: how to decrypt it (section "Sending encrypted attachments"), or None.
    """

    where: str
    name: str
    media_type: str
    sealed: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Message:
    """A message as its event tells it. reply_to: the event replied to, or "". mentions_me: called by name.

    said: as kernel.messages.Inbound has it.
    """

    event_id: str
    sender: str
    text: str
    sent_at: datetime
    reply_to: str = ""
    thread: str = ""
    mentions_me: bool = False
    file: File | None = None
    said: str | None = None
    trail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """Something done to an earlier event. kind "redact" takes back a message as well as a reaction."""

    event_id: str
    sender: str
    sent_at: datetime
    target: str
    kind: Literal["edit", "react", "redact"]
    text: str = ""


# --- a sync ---------------------------------------------------------------------------------------


def read_news(answer: object) -> News | None:
    """The answer to a sync; None for what is none."""
    body = _map(answer)
    reached = body.get("next_batch")
    if not isinstance(reached, str) or not reached:
        return None
    rooms = _map(body.get("rooms"))
    left = _map(body.get("device_one_time_keys_count")).get("signed_curve25519")
    unused = body.get("device_unused_fallback_key_types")
    changed = _map(body.get("device_lists")).get("changed")
    return News(
        reached=reached,
        rooms={str(room): _room(news) for room, news in _map(rooms.get("join")).items()},
        invited=tuple(str(room) for room in _map(rooms.get("invite"))),
        to_device=tuple(events(_map(body.get("to_device")).get("events"))),
        devices_changed=frozenset(each for each in _list(changed) if isinstance(each, str)),
        keys_left=left if isinstance(left, int) else None,
        fallback_unused="signed_curve25519" in unused if isinstance(unused, list) else None,
    )


def _room(news: object) -> RoomNews:
    timeline = _map(_map(news).get("timeline"))
    before = timeline.get("prev_batch")
    return RoomNews(
        events(timeline.get("events")),
        timeline.get("limited") is True,
        before if isinstance(before, str) else "",
    )


def events(given: object) -> list[Event]:
    """Those in a list that have the shape of an event at all."""
    return [each for each in _list(given) if isinstance(each, Mapping)]


def read_members(answer: object) -> dict[str, str]:
    """user id -> display name, or "" where there is none."""
    joined = _map(_map(answer).get("joined"))
    names = {str(user): _map(entry).get("display_name") for user, entry in joined.items()}
    return {user: " ".join(name.split()) if isinstance(name, str) else "" for user, name in names.items()}


# --- events ---------------------------------------------------------------------------------------


def read_event(event: object, me: str, name: str = "") -> Message | None:
    """The message in `event`, or None: no message, an edit, a notice (bots speak so), our own, or malformed.

    me: our user id. name: our display name. A reply's fallback quotation and our name in front are taken off.
    """
    content = _content(event, "m.room.message", me)
    if content is None or _is_edit(content):
        return None
    body = _words(content)
    if body is None:
        return None
    seen = _map(event)
    reply_to, thread = _relation(content)
    said = _without_quotation(body) if reply_to else body
    front = called(said, me, name)
    return Message(
        event_id=seen["event_id"],
        sender=seen["sender"],
        text=said[front:],
        sent_at=_moment(seen.get("origin_server_ts")),
        reply_to=reply_to,
        thread=thread,
        file=_file(content),
        mentions_me=front > 0 or mentions(content, said, me, name) or body.startswith(f"> <{me}> "),
        trail=_trail(content),
    )


def read_deed(event: object, me: str, name: str = "") -> Done | None:
    """The edit, reaction or redaction in `event`, or None: something else, our own, or malformed."""
    return _edit(event, me, name) or _reaction(event, me) or _redaction(event, me)


def _edit(event: object, me: str, name: str) -> Done | None:
    content = _content(event, "m.room.message", me)
    relation = _map(content.get("m.relates_to")) if content is not None else {}
    new = _map(content.get("m.new_content")) if content is not None else {}
    body = _words(new)
    if relation.get("rel_type") != "m.replace" or body is None or not _is_id(relation.get("event_id")):
        return None
    return _done(event, "edit", relation["event_id"], body[called(body, me, name) :])


def _reaction(event: object, me: str) -> Done | None:
    content = _content(event, "m.reaction", me)
    relation = _map(content.get("m.relates_to")) if content is not None else {}
    emoji = relation.get("key")
    if relation.get("rel_type") != "m.annotation" or not _is_id(relation.get("event_id")):
        return None
    if not isinstance(emoji, str) or not 0 < len(emoji) <= LONGEST_EMOJI:
        return None
    return _done(event, "react", relation["event_id"], emoji)


def _redaction(event: object, me: str) -> Done | None:
    content = _content(event, "m.room.redaction", me)
    if content is None:
        return None
    target = content.get("redacts") or _map(event).get("redacts")  # in the content since room version 11
    return _done(event, "redact", target) if _is_id(target) else None


def _done(event: object, kind: Literal["edit", "react", "redact"], target: str, text: str = "") -> Done:
    seen = _map(event)
    moment = _moment(seen.get("origin_server_ts"))
    return Done(seen["event_id"], seen["sender"], moment, target, kind, text)


def _content(event: object, kind: str, me: str) -> Mapping[str, Any] | None:
    """The content of somebody else's event of a kind, with ids a server can have given it; else None."""
    seen = _map(event)
    if seen.get("type") != kind or "state_key" in seen or seen.get("sender") == me:
        return None
    content = seen.get("content")
    whole = isinstance(content, Mapping) and _is_id(seen.get("event_id")) and _is_id(seen.get("sender"))
    return content if whole else None


def asks_about(message: Message, quoted: Message | None) -> Message:
    """In a shared room, "is this true?" in reply to somebody's message asks about that message."""
    if quoted is None or not (quoted.text.strip() or quoted.file) or len(message.text.strip()) > SHORT:
        return message
    return replace(message, text=quoted.text, file=quoted.file, said=message.text)


def as_inbound(
    message: Message,
    room: str,
    *,
    direct: bool,
    mentioned: bool,
    name: str = "",
    attachments: tuple[Attachment, ...] = (),
) -> Inbound:
    """The message as it enters the house. In a shared room the answer refers to the message."""
    return Inbound(
        channel=CHANNEL,
        address=room,
        sender=message.sender,
        sender_name=name,
        message_id=message.event_id,
        text=message.text,
        sent_at=message.sent_at,
        direct=direct,
        mentioned=mentioned,
        reply_to="" if direct else message.event_id,
        in_reply_to=message.reply_to,
        thread=message.thread,
        said=message.said,
        trail=message.trail,
        attachments=attachments,
    )


def as_change(
    done: Done,
    deed: Deed,
    room: str,
    *,
    name: str = "",
    entitled: bool = False,
    about: tuple[str, str] = ("", ""),
) -> Change:
    """What was done, as it enters the house. about: (message, emoji) of a reaction that was taken back."""
    target, emoji = about
    return Change(
        channel=CHANNEL,
        address=room,
        sender=done.sender,
        sender_name=name,
        message_id=done.event_id,
        target=target or done.target,
        deed=deed,
        sent_at=done.sent_at,
        text=emoji or done.text,
        entitled=entitled,
    )


def is_encrypted(event: object) -> bool:
    """Whether this is an encrypted message (section "End-to-End Encryption")."""
    return _map(event).get("type") == "m.room.encrypted" and "state_key" not in _map(event)


def turns_encryption_on(event: object) -> bool:
    """Whether what is said in the room from here on is to be encrypted."""
    return _map(event).get("type") == "m.room.encryption" and "state_key" in _map(event)


def changes_members(event: object) -> bool:
    """Whether somebody came or went, or changed their name."""
    return _map(event).get("type") == "m.room.member"


def asked_in(event: object, me: str) -> bool:
    """Whether this event invites us, or we came uninvited. What was said before it was not said to us."""
    seen = _map(event)
    if not changes_members(event) or seen.get("state_key") != me:
        return False
    now = _membership(seen.get("content"))
    before = _membership(_map(seen.get("unsigned")).get("prev_content"))
    return now == "invite" or (now == "join" and before not in ("join", "invite"))


def since_asked_in(events: Sequence[Event], me: str) -> Sequence[Event]:
    """What was said after we were last invited: all of `events` (oldest first) where that was earlier."""
    starts = [index for index, event in enumerate(events) if asked_in(event, me)]
    return events[starts[-1] + 1 :] if starts else events


def memory_key(prefix: str, of: str) -> str:
    """A short key for something as long as a room id may be (255 bytes)."""
    return prefix + hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:40]


# --- parts ----------------------------------------------------------------------------------------


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _words(content: Mapping[str, Any]) -> str | None:
    """What was said: a text, or a file's caption (with a caption, `filename` differs from `body`)."""
    kind, body = content.get("msgtype"), content.get("body")
    if not isinstance(kind, str) or not isinstance(body, str):
        return None
    if kind in FILE_TYPES:
        file = content.get("filename")
        return body if isinstance(file, str) and file != body else ""
    return body if kind in TEXT_TYPES else None


def _file(content: Mapping[str, Any]) -> File | None:
    """The file that is the message. Its address is checked: it becomes part of a path on our own server."""
    sealed = content.get("file") if isinstance(content.get("file"), Mapping) else None
    url = sealed.get("url") if sealed is not None else content.get("url")
    if content.get("msgtype") not in FILE_TYPES or not isinstance(url, str):
        return None
    found = re.fullmatch(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_-]{1,255})", url)
    if found is None or set(found[1]) <= {"."}:
        return None
    names = [each for each in (content.get("filename"), content.get("body")) if isinstance(each, str)]
    kind = _map(content.get("info")).get("mimetype")
    return File(
        f"{found[1]}/{found[2]}", names[0] if names else "", kind if isinstance(kind, str) else "", sealed
    )


def _trail(content: Mapping[str, Any]) -> tuple[str, ...]:
    given = _list(content.get(TRAIL))[:LONGEST_TRAIL]
    return tuple(
        each for each in given if isinstance(each, str) and 0 < len(each) <= 64 and each.isprintable()
    )


def _is_edit(content: Mapping[str, Any]) -> bool:
    return _map(content.get("m.relates_to")).get("rel_type") == "m.replace" or "m.new_content" in content


def _relation(content: Mapping[str, Any]) -> tuple[str, str]:
    """(the event replied to, the root of the thread). In a thread a reply may be for older clients only."""
    relation = _map(content.get("m.relates_to"))
    root = relation.get("event_id") if relation.get("rel_type") == "m.thread" else ""
    target = _map(relation.get("m.in_reply_to")).get("event_id")
    real = relation.get("is_falling_back") is not True
    return target if real and _is_id(target) else "", root if _is_id(root) else ""


def _without_quotation(body: str) -> str:
    """Older clients put the message replied to in front, each line marked "> ", then a blank line."""
    lines = body.split("\n")
    if not lines[0].startswith("> <"):
        return body
    rest = next((index for index, line in enumerate(lines) if not line.startswith("> ")), len(lines))
    return "\n".join(lines[rest:]).removeprefix("\n")


def _is_id(value: object) -> TypeGuard[str]:
    """Whether the server can have given this id: at most 255 real characters (appendix "Identifiers")."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _membership(content: object) -> str:
    value = _map(content).get("membership")
    return value if isinstance(value, str) else ""


def _moment(milliseconds: object) -> datetime:
    """When the sender's server says it was sent; now, if it says nothing a calendar holds."""
    if isinstance(milliseconds, int) and 0 < milliseconds < 253_402_300_800_000:  # before the year 10000
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    return clock.now()

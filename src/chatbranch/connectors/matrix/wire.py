"""Matrix events to messages and back. Pure: JSON values in, values out (Matrix Client-Server API v1.15).

An event comes from anyone on any server, so nothing about its shape is trusted: `read_event` gives a
`Message`, or None for what is not a message to us, whatever JSON it is handed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chatbranch.kernel import clock
from chatbranch.kernel.messages import Attachment, Inbound, Outbound

CHANNEL = "matrix"
TEXT_TYPES = ("m.text", "m.emote")
CAPTIONED_TYPES = ("m.image", "m.video", "m.audio", "m.file")
MOST_BYTES = (
    60_000  # of content; the whole event may be 65,536 bytes of canonical JSON (section "Size limits")
)
SHORT = 24  # characters: words that only ask about what they reply to ("真的吗？", "is this true?")

EVENTS = ["m.room.message", "m.room.encrypted", "m.room.member"]
SYNC_FILTER: dict[str, Any] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {
        "timeline": {"limit": 50, "types": EVENTS, "lazy_load_members": True},
        "state": {"types": ["m.room.member"], "lazy_load_members": True},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    },
}
HISTORY_FILTER: dict[str, Any] = {"types": EVENTS, "lazy_load_members": True}

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture in the server's media repository. `where`: the path after /media/download/."""

    where: str
    name: str
    media_type: str


@dataclass(frozen=True)
class Message:
    """A message as its event tells it. reply_to: the event replied to, or "". mentions_me: called by name."""

    event_id: str
    sender: str
    text: str
    sent_at: datetime
    reply_to: str = ""
    mentions_me: bool = False
    picture: Picture | None = None


def read_event(event: object, me: str, name: str = "") -> Message | None:
    """The message in `event`, or None: no message, an edit, a notice (bots speak so), our own, or malformed.

    me: our user id. name: our display name. A reply's fallback quotation and our name in front are taken off.
    """
    if not isinstance(event, Mapping) or event.get("type") != "m.room.message" or "state_key" in event:
        return None
    content, sender, event_id = event.get("content"), event.get("sender"), event.get("event_id")
    if not isinstance(content, Mapping) or not isinstance(sender, str) or not isinstance(event_id, str):
        return None
    body = _words(content)
    if body is None or sender == me or _is_edit(content) or not (_is_id(event_id) and _is_id(sender)):
        return None
    reply_to = _reply_to(content)
    said = _without_quotation(body) if reply_to else body
    called = _called(said, me, name)
    return Message(
        event_id=event_id,
        sender=sender,
        text=said[called:],
        sent_at=_moment(event.get("origin_server_ts")),
        reply_to=reply_to,
        picture=_picture(content),
        mentions_me=called > 0 or _mentions(content, said, me, name) or body.startswith(f"> <{me}> "),
    )


def asks_about(message: Message, quoted: Message | None) -> Message:
    """In a shared room, "is this true?" in reply to somebody's message asks about that message."""
    if quoted is None or not (quoted.text.strip() or quoted.picture) or len(message.text.strip()) > SHORT:
        return message
    return replace(message, text=quoted.text, picture=quoted.picture)


def as_inbound(
    message: Message, room: str, *, direct: bool, mentioned: bool, attachments: tuple[Attachment, ...] = ()
) -> Inbound:
    """The message as it enters the house. In a shared room the answer refers to the message."""
    return Inbound(
        channel=CHANNEL,
        address=room,
        sender=message.sender,
        message_id=message.event_id,
        text=message.text,
        sent_at=message.sent_at,
        direct=direct,
        mentioned=mentioned,
        reply_to="" if direct else message.event_id,
        attachments=attachments,
    )


def is_encrypted(event: object) -> bool:
    """Whether this is a message we cannot read (section "End-to-End Encryption")."""
    return isinstance(event, Mapping) and event.get("type") == "m.room.encrypted" and "state_key" not in event


def changes_members(event: object) -> bool:
    """Whether somebody came or went, or changed their name."""
    return isinstance(event, Mapping) and event.get("type") == "m.room.member"


def asked_in(event: object, me: str) -> bool:
    """Whether this event invites us, or we came uninvited. What was said before it was not said to us."""
    if not isinstance(event, Mapping) or not changes_members(event) or event.get("state_key") != me:
        return False
    now = _membership(event.get("content"))
    unsigned = event.get("unsigned")
    before = _membership(unsigned.get("prev_content") if isinstance(unsigned, Mapping) else None)
    return now == "invite" or (now == "join" and before not in ("join", "invite"))


def since_asked_in(events: Sequence[Event], me: str) -> Sequence[Event]:
    """What was said after we were last invited: all of `events` (oldest first) where that was earlier."""
    starts = [index for index, event in enumerate(events) if asked_in(event, me)]
    return events[starts[-1] + 1 :] if starts else events


def content_of(outbound: Outbound) -> dict[str, Any]:
    """The content of an m.room.message, at most MOST_BYTES; a longer text loses its formatting, then its end.

    An empty `m.mentions` says that nobody is called: a rumour quoted in an answer must not ring "@room".
    """
    content: dict[str, Any] = {"msgtype": "m.text", "body": outbound.text, "m.mentions": {}}
    if outbound.reply_to:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": outbound.reply_to}}
    if outbound.html:
        formatted = content | {"format": "org.matrix.custom.html", "formatted_body": outbound.html}
        if _size(formatted) <= MOST_BYTES:
            return formatted
    spare = MOST_BYTES - _size(content | {"body": ""})
    return content | {"body": _cut(outbound.text, spare)}


def notice(text: str) -> dict[str, Any]:
    """The content of a notice: what a bot says unasked, which no other bot answers."""
    return {"msgtype": "m.notice", "body": text, "m.mentions": {}}


def transaction_id(key: str) -> str:
    """The transaction id of a delivery: the same for every attempt, so that the server takes it once."""
    return key if re.fullmatch(r"[A-Za-z0-9._:-]{1,120}", key) else memory_key("", key)


def memory_key(prefix: str, of: str) -> str:
    """A short key for something as long as a room id may be (255 bytes)."""
    return prefix + hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:40]


# --- parts ----------------------------------------------------------------------------------------


def _words(content: Mapping[str, Any]) -> str | None:
    """What was said: a text, or a file's caption (with a caption, `filename` differs from `body`)."""
    kind, body = content.get("msgtype"), content.get("body")
    if not isinstance(kind, str) or not isinstance(body, str):
        return None
    if kind in CAPTIONED_TYPES:
        file = content.get("filename")
        return body if isinstance(file, str) and file != body else ""
    return body if kind in TEXT_TYPES else None


def _picture(content: Mapping[str, Any]) -> Picture | None:
    """The picture that is the message. Its address is checked: it becomes part of a path on our own server."""
    url, name, info = content.get("url"), content.get("body"), content.get("info")
    if content.get("msgtype") != "m.image" or not isinstance(url, str):
        return None
    found = re.fullmatch(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_-]{1,255})", url)
    if found is None or set(found[1]) <= {"."}:
        return None
    kind = info.get("mimetype") if isinstance(info, Mapping) else ""
    return Picture(
        f"{found[1]}/{found[2]}", name if isinstance(name, str) else "", kind if isinstance(kind, str) else ""
    )


def _is_edit(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    replaces = isinstance(relation, Mapping) and relation.get("rel_type") == "m.replace"
    return replaces or "m.new_content" in content


def _reply_to(content: Mapping[str, Any]) -> str:
    relation = content.get("m.relates_to")
    target = relation.get("m.in_reply_to") if isinstance(relation, Mapping) else None
    event_id = target.get("event_id") if isinstance(target, Mapping) else None
    if not isinstance(event_id, str) or not _is_id(event_id):
        return ""
    in_thread = (
        isinstance(relation, Mapping) and relation.get("is_falling_back") is True
    )  # refers, not replies
    return "" if in_thread else event_id


def _without_quotation(body: str) -> str:
    """Older clients put the message replied to in front, each line marked "> ", then a blank line."""
    lines = body.split("\n")
    if not lines[0].startswith("> <"):
        return body
    rest = next((index for index, line in enumerate(lines) if not line.startswith("> ")), len(lines))
    return "\n".join(lines[rest:]).removeprefix("\n")


def _is_id(value: str) -> bool:
    """Whether the server can have given this id: at most 255 real characters (appendix "Identifiers")."""
    return 0 < len(value) <= 255 and value.isprintable()


def _called(text: str, me: str, name: str) -> int:
    """How much of the beginning of `text` only calls us: "checkbot: is this true" asks "is this true".

    Our local name may be a plain word ("check"), so it counts in front of a colon or comma alone.
    """
    forms = [*_handles(me, name), *([name] if name else [])]
    whole = "|".join(re.escape(each) for each in sorted(forms, key=len, reverse=True))
    pattern = rf"\s*(?:(?:{whole})(?:{_CALL_END}|\s+|$)|{re.escape(_local(me))}{_CALL_END})"
    called = re.match(pattern, text, re.IGNORECASE)
    return called.end() if called else 0


_CALL_END = r"\s*[:：,，、]\s*"


def _mentions(content: Mapping[str, Any], said: str, me: str, name: str) -> bool:
    """Named by the client (`m.mentions`, section "User and room mentions"), or by @name anywhere."""
    mentions = content.get("m.mentions")
    users = mentions.get("user_ids") if isinstance(mentions, Mapping) else None
    if isinstance(users, list) and me in users:
        return True
    whole = "|".join(re.escape(each) for each in _handles(me, name))
    return re.search(rf"(?<![A-Za-z0-9_])(?:{whole})(?![A-Za-z0-9_])", said, re.IGNORECASE) is not None


def _handles(me: str, name: str) -> list[str]:
    """What can only mean us, wherever it stands, longest first."""
    return sorted({me, f"@{_local(me)}", *({f"@{name}"} if name else ())}, key=len, reverse=True)


def _local(me: str) -> str:
    return me.removeprefix("@").partition(":")[0]


def _membership(content: object) -> str:
    value = content.get("membership") if isinstance(content, Mapping) else None
    return value if isinstance(value, str) else ""


def _moment(milliseconds: object) -> datetime:
    """When the sender's server says it was sent; now, if it says nothing a calendar holds."""
    if isinstance(milliseconds, int) and 0 < milliseconds < 253_402_300_800_000:  # before the year 10000
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    return clock.now()


def _size(content: Mapping[str, Any]) -> int:
    """Bytes of canonical JSON."""
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def _cut(text: str, most: int) -> str:
    """The text, or as much of its beginning as takes at most `most` bytes of JSON, and an ellipsis."""

    def fits(part: str) -> bool:
        return _size({"": part}) - _size({"": ""}) <= most

    if fits(text):
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[:middle] + "…") else (low, middle - 1)
    return text[:low] + "…"

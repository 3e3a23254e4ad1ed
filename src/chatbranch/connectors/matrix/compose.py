"""What we say, as the contents of Matrix events. Pure (Matrix Client-Server API v1.16, section "Room events").

An empty `m.mentions` in each says that nobody is called: a rumour quoted in an answer must not ring "@room".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chatbranch.connectors.matrix.wire import FILE_TYPES, TRAIL, memory_key
from chatbranch.kernel.messages import Attachment, Outbound

MOST_BYTES = 60_000
"""Of content: the whole event may be 65,536 bytes of canonical JSON (section "Size limits")."""
MOST_SEALED_BYTES = 44_000
"""Of content that will be encrypted: its ciphertext is a third longer."""
PART_OF = "org.chatbranch.part_of"  # further files of a message point to its first event

Content = dict[str, Any]


def content_of(outbound: Outbound, most: int = MOST_BYTES) -> Content:
    """The content of an m.room.message, at most `most` bytes; a longer text loses its formatting, then its end."""
    content: Content = {"msgtype": "m.text", **_around(outbound)}
    return content | _text(outbound, most - _size(content))


def captioned(outbound: Outbound, file: Mapping[str, Any], most: int = MOST_BYTES) -> Content:
    """The content of a file (`file_content`) with the text under it (section "Media captions")."""
    content: Content = {**file, **_around(outbound)}
    return content | _text(outbound, most - _size(content)) if outbound.text else content


def further(outbound: Outbound, file: Mapping[str, Any], first: str) -> Content:
    """The content of a further file of a message whose first event is `first`."""
    return {**file, **_around(outbound), PART_OF: first}


def file_content(attachment: Attachment, where: Mapping[str, Any]) -> Content:
    """The part of a content that shows a file. where: {"url": …}, or {"file": …} where it is encrypted."""
    family = attachment.media_type.partition("/")[0]
    kind = f"m.{family}" if f"m.{family}" in FILE_TYPES and family != "file" else "m.file"
    name = " ".join(attachment.name.split())[:200] or "file"
    info = {"mimetype": attachment.media_type, "size": len(attachment.data)}
    return {"msgtype": kind, "body": name, "filename": name, "info": info, **where}


def edit_of(outbound: Outbound, target: str, original: object, most: int = MOST_BYTES) -> Content:
    """The content that gives `target` a new text (section "Event replacements"). A file keeps being one.

    The same text stands twice: older clients show the outer one, so that loses its end first.
    """
    before = original if isinstance(original, Mapping) else {}
    file = before if before.get("msgtype") in FILE_TYPES else {}
    kept = {key: file[key] for key in ("filename", "info", "url", "file") if key in file}
    shown: Content = {"msgtype": file.get("msgtype", "m.text"), "m.mentions": {}, **kept}
    frame: Content = {**shown, "m.relates_to": {"rel_type": "m.replace", "event_id": target}}
    half = (most - _size(frame)) // 2
    new = shown | _text(outbound, half - _size(shown))
    return {**frame, "body": _cut(f"* {outbound.text}", half - 100), "m.new_content": new}


def reaction(target: str, emoji: str) -> Content:
    """The content of an m.reaction."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": target, "key": emoji}}


def reacts(content: object, target: str, emoji: str) -> bool:
    """Whether the content of an m.reaction puts this emoji under this event."""
    return (
        isinstance(content, Mapping)
        and content.get("m.relates_to") == reaction(target, emoji)["m.relates_to"]
    )


def is_part_of(content: object, first: str) -> bool:
    """Whether this is a further file of the message that began with the event `first`."""
    return isinstance(content, Mapping) and content.get(PART_OF) == first


def notice(text: str) -> Content:
    """The content of a notice: what a bot says unasked, which no other bot answers."""
    return {"msgtype": "m.notice", "body": text, "m.mentions": {}}


def transaction_id(key: str, part: int = 0) -> str:
    """The transaction id of a delivery's `part`: the same for every attempt, so that the server takes it once."""
    whole = f"{key}:{part}" if part else key
    return whole if re.fullmatch(r"[A-Za-z0-9._:-]{1,120}", whole) else memory_key("", whole)


def _around(outbound: Outbound) -> Content:
    """What stands in every content of this message beside its text."""
    content: Content = {"m.mentions": {}}
    if relation := _relation(outbound):
        content["m.relates_to"] = relation
    if outbound.trail:
        content[TRAIL] = list(outbound.trail)
    return content


def _relation(outbound: Outbound) -> Content:
    reply = {"m.in_reply_to": {"event_id": outbound.reply_to}} if outbound.reply_to else {}
    if not outbound.thread:
        return reply
    last = reply or {"m.in_reply_to": {"event_id": outbound.thread}}  # for clients without threads
    return {"rel_type": "m.thread", "event_id": outbound.thread, "is_falling_back": not reply, **last}


def _text(outbound: Outbound, most: int) -> Content:
    """body and, where it fits, formatted_body."""
    plain = {"body": outbound.text}
    if outbound.html:
        formatted = plain | {"format": "org.matrix.custom.html", "formatted_body": outbound.html}
        if _size(formatted) <= most:
            return formatted
    return {"body": _cut(outbound.text, most - _size({"body": ""}))}


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

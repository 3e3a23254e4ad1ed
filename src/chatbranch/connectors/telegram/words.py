"""What is said in a Telegram message: formatting entities, being called, and commands. Pure.

Entities count in UTF-16 code units (Bot API, "MessageEntity"), so texts are cut as UTF-16 here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Entity = Mapping[str, Any]
Span = tuple[int, int]

_SEPARATOR = r"\s*[:：,，、]\s*"
_STATUS, _HELP = "status", "/help"


@dataclass(frozen=True)
class Me:
    """The bot as getMe tells it. hears_all: its privacy mode is off, so groups' messages reach it."""

    id: int
    username: str
    name: str
    hears_all: bool = False


@dataclass(frozen=True)
class Spoken:
    """What was said, without what only calls us. called: by name, by mention, or by a command of ours."""

    text: str
    called: bool = False


def spoken(text: str, entities: Sequence[Entity], me: Me, *, direct: bool) -> Spoken:
    """The text with its hidden links shown, our name taken off its ends, and a command put as the house reads it."""
    command = _command(text, entities)
    if command is not None:
        word, _, whose = command.partition("@")
        if whose.casefold() == me.username.casefold() or (direct and not whose):
            rest = cut(text, len(_utf16(command)) // 2 + 1)
            return Spoken(_as_asked(word, rest), called=not direct)
        if whose:
            return Spoken(text)
    ours = [_span(each) for each in entities if _mentions(each, me)]
    shown = _with_links(text, entities)
    said, by_name = _without_name(_without_spans(shown, ours), me)
    return Spoken(said, bool(ours) or by_name)


def cut(text: str, start: int, end: int | None = None) -> str:
    """A part of the text, by UTF-16 code units; half a character becomes U+FFFD."""
    units = _utf16(text)
    return units[2 * start : None if end is None else 2 * end].decode("utf-16-le", "replace")


def length(text: str) -> int:
    """The length as Telegram counts it: in UTF-16 code units."""
    return len(_utf16(text)) // 2


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _span(entity: Entity) -> Span:
    """From where to where, in UTF-16 code units; (0, 0) for what is no stretch."""
    start, size = entity.get("offset"), entity.get("length")
    if type(start) is int and type(size) is int and 0 <= start < 10**6 and 0 < size < 10**6:
        return start, start + size
    return 0, 0


def _command(text: str, entities: Sequence[Entity]) -> str | None:
    """The command the text begins with, without its slash: "status@checkbot"."""
    for each in entities:
        start, end = _span(each)
        if each.get("type") == "bot_command" and start == 0 and end:
            return cut(text, 1, end)
    return None


def _as_asked(word: str, rest: str) -> str:
    """A command as the house reads it: /status 1280 is the code, and without a code a wish for help."""
    if word.lower() == _STATUS:
        return rest.strip() or _HELP
    if word.lower() in ("start", "help", "forget"):  # what stands behind /start is where somebody came from
        return f"/{word.lower()}"
    return f"/{word}{rest}"


def _mentions(entity: Entity, me: Me) -> bool:
    """Whether somebody without knowing our @name picked us from the list of members."""
    user = entity.get("user")
    return (
        entity.get("type") == "text_mention" and isinstance(user, Mapping) and user.get("id") == me.id
    ) and _span(entity) != (0, 0)


def _with_links(text: str, entities: Sequence[Entity]) -> str:
    """The text with the addresses that hide behind its words; the last is put in first, so that offsets hold."""
    hidden = [(_span(each)[1], _web(each)) for each in entities if each.get("type") == "text_link"]
    found = [(end, url) for end, url in hidden if url and url not in text]
    for end, url in sorted(found, reverse=True):
        if end:
            text = f"{cut(text, 0, end)} ({url}){cut(text, end)}"
    return text


def _web(entity: Entity) -> str:
    url = entity.get("url")
    return url if isinstance(url, str) and re.fullmatch(r"https?://[^\s()]{1,2000}", url) else ""


def _without_spans(text: str, spans: Sequence[Span]) -> str:
    """The text without those of `spans` that it begins with. Those elsewhere are part of a sentence."""
    for start, end in sorted(spans):
        if not cut(text, 0, start).strip():
            return re.sub(rf"^{_SEPARATOR}", "", cut(text, end)).lstrip()
    return text


def _without_name(text: str, me: Me) -> tuple[str, bool]:
    """The text without our name at either end, and whether it stood anywhere as a name."""
    handle = re.escape(f"@{me.username}")
    name = re.escape(me.name) if me.name.strip() else handle
    front = re.match(
        rf"\s*(?:(?:{handle}|{name})(?:{_SEPARATOR}|\s+|$)|{re.escape(me.username)}{_SEPARATOR})", text, re.I
    )
    if front:
        return text[front.end() :], True
    back = re.search(rf"(?<![\w@/.]){handle}\s*$", text, re.I)
    if back:
        return text[: back.start()].rstrip(), True
    return text, re.search(rf"(?<![\w@/.]){handle}(?!\w)", text, re.I) is not None

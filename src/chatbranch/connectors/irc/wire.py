"""Lines of IRC to values and back. Pure (RFC 1459, RFC 2812, modern.ircdocs.horse; IRCv3 message tags and SASL).

A line comes from anyone, so nothing about its shape is trusted: `read_line` gives a `Line` or None, and `read_message`
a `Message` or None for what is not a person's message, whatever bytes they are handed. `write_line` refuses what would
become more than one line.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from chatbranch.connectors.irc.words import action, plain

LONGEST_LINE = (
    8191 + 512
)  # bytes: the tags a server may send, and the rest (IRCv3 "Message Tags", "Size limit")
NEARLY_FULL = 400  # bytes of a line, from which on a server may have cut it
TRAIL_TAG = "+chatbranch/trail"
KEY_TAG = "+chatbranch/key"
REPLY_TAG = "+draft/reply"
MOST_TRAIL = 2000  # bytes of the 4094 that client-only tags may take

_ESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_ESCAPED = str.maketrans({value: f"\\{key}" for key, value in _ESCAPES.items()})
_COMMAND = re.compile(r"[A-Za-z]+|[0-9]{3}")
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)
_BREAKS = re.compile(r"[\x00\r\n]")


class Unsendable(ValueError):
    """This would not be one line, or not for one receiver."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. source: who it comes from, `nick!user@host` or a server's name; "" from the server itself."""

    command: str
    params: tuple[str, ...] = ()
    source: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def param(self, index: int) -> str:
        """A parameter, or "" where there is none; a negative index counts from the end."""
        return self.params[index] if -len(self.params) <= index < len(self.params) else ""

    @property
    def nick(self) -> str:
        """The nick it comes from, or the server's name."""
        return self.source.partition("!")[0]


class Splitter:
    """Bytes as they come, to lines without their ends. A line beyond any size a server may send is left out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > 2 * LONGEST_LINE:  # kept too long on purpose, so that its end is known as such
            self._rest = self._rest[: LONGEST_LINE + 1]
        return [line.rstrip(b"\r") for line in whole if len(line) <= LONGEST_LINE]


def read_line(raw: bytes) -> Line | None:
    """The line in `raw` (without its CR LF), or None where there is no command in it."""
    tags, rest = _tags_of(raw)
    source = ""
    words = decode(rest).lstrip(" ")
    if words.startswith(":"):
        source, _, words = words[1:].partition(" ")
    middle, colon, trailing = f" {words.lstrip(' ')}".partition(" :")
    command, *params = [word for word in middle.split(" ") if word] or [""]
    if not _COMMAND.fullmatch(command):
        return None
    return Line(command.upper(), (*params, *([trailing] if colon else ())), source, tags)


def write_line(command: str, *params: str, tags: Mapping[str, str] | None = None) -> bytes:
    """The line with its CR LF. Raises Unsendable; a parameter but the last holds no blank and is not empty."""
    *middle, last = params or ("",)
    if any(not each or " " in each or each.startswith(":") for each in middle):
        raise Unsendable("a parameter of an IRC command is one word")
    if params:
        needs_colon = not last or " " in last or last.startswith(":")
        middle.append(f":{last}" if needs_colon else last)
    line = " ".join([*_tag_words(tags or {}), command, *middle])
    if _BREAKS.search(line):
        raise Unsendable("an IRC command is one line")
    return line.encode("utf-8", "replace") + b"\r\n"


def decode(raw: bytes) -> str:
    """Text of unknown encoding: UTF-8, perhaps cut within a character at a line's limit; else GB 18030; else Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if len(raw) > NEARLY_FULL and error.reason == "unexpected end of data":
            return raw[: error.start].decode()
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


# --- what the server says of itself (RPL_ISUPPORT) ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Support:
    """The tokens of RPL_ISUPPORT that matter to us, with the values that hold where none is given."""

    casemapping: str = "rfc1459"
    chantypes: str = "#&"
    statusmsg: str = ""
    nicklen: int = 9
    linelen: int = 512
    history: int = 0
    bot: str = ""

    def with_tokens(self, tokens: Iterable[str]) -> Support:
        """This, and what `tokens` (NAME=value) add. What makes no sense is passed over."""
        found = self
        for token in tokens:
            name, _, value = token.partition("=")
            found = found._with(name.upper(), value)
        return found

    def _with(self, name: str, value: str) -> Support:
        match name:
            case "CASEMAPPING" if value:
                return replace(self, casemapping=value.lower())
            case "CHANTYPES":
                return replace(self, chantypes=value)
            case "STATUSMSG":
                return replace(self, statusmsg=value)
            case "NICKLEN" if _COUNT.fullmatch(value):
                return replace(self, nicklen=int(value))
            case "LINELEN" if _COUNT.fullmatch(value):
                return replace(self, linelen=max(512, int(value)))
            case "CHATHISTORY" if _COUNT.fullmatch(value):
                return replace(self, history=int(value))
            case "BOT" if len(value) == 1 and value.isalpha():
                return replace(self, bot=value)
        return self

    def is_channel(self, target: str) -> bool:
        """Whether this names a channel."""
        return target[:1] != "" and target[0] in self.chantypes

    def fold(self, name: str) -> str:
        """The name as the server compares it: two are the same exactly when they fold alike."""
        return fold(name, self.casemapping)


_ASCII = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_STRICT = _ASCII | str.maketrans("[]\\", "{}|")
_FOLDS = {"ascii": _ASCII, "rfc1459-strict": _STRICT, "rfc1459": _STRICT | str.maketrans("~", "^")}


def fold(name: str, casemapping: str) -> str:
    """The name in the lower case of that mapping; of one we do not know, in that of Unicode."""
    table = _FOLDS.get(casemapping)
    return name.translate(table) if table else name.lower()


# --- messages -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its line tells it. msgid, account, reply_to: "" where the server has no such thing.

    at: when the server says it was said; None where it does not. key: which of our messages, where this is one of ours.
    bot: the sender is marked as a bot. size: bytes of the text as it came.
    """

    target: str
    nick: str
    source: str
    text: str
    at: datetime | None = None
    msgid: str = ""
    account: str = ""
    reply_to: str = ""
    trail: tuple[str, ...] = ()
    key: str = ""
    bot: bool = False
    size: int = 0


def read_message(line: Line) -> Message | None:
    """The message in `line`, or None: no PRIVMSG (bots speak in NOTICEs), from a server, or CTCP but ACTION."""
    if line.command != "PRIVMSG" or len(line.params) < 2 or not line.nick or "." in line.nick:
        return None
    said = action(line.params[1])
    text = None if said is None else plain(said)
    if not text or not text.strip():
        return None
    tags = line.tags
    return Message(
        target=line.params[0],
        nick=line.nick,
        source=line.source,
        text=text,
        at=moment(tags.get("time", "")),
        msgid=_id(tags.get("msgid", "")),
        account=_id(tags.get("account", "").removeprefix("*")),
        reply_to=_id(tags.get(REPLY_TAG) or tags.get("+reply", "")),
        trail=_trail(tags.get(TRAIL_TAG, "")),
        key=_id(tags.get(KEY_TAG, "")),
        bot="bot" in tags,
        size=len(line.params[1].encode("utf-8", "replace")),
    )


def client_tags(key: str, part: int, reply_to: str, trail: Iterable[str]) -> dict[str, str]:
    """The tags of one line of ours: which message and which part of it, what it answers, where it came through."""
    tags = {KEY_TAG: part_key(key, part)}
    if _id(reply_to):
        tags[REPLY_TAG] = reply_to
    if rooms := ",".join(quote(room, safe="") for room in trail)[:MOST_TRAIL]:
        tags[TRAIL_TAG] = rooms
    return tags


def part_key(key: str, part: int) -> str:
    """What marks the `part`-th line of the message with this key; short and one word, whatever the key is."""
    short = (
        key
        if re.fullmatch(r"[A-Za-z0-9-]{1,60}", key)
        else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    )
    return f"{short}/{part}"


def moment(written: str) -> datetime | None:
    """The moment of a `time` tag (IRCv3 "server-time": 2026-11-24T02:00:00.000Z), or None."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", written, re.ASCII):
        return None
    try:
        return datetime.fromisoformat(f"{written[:-1]}+00:00")
    except ValueError:
        return None


def time_tag(at: datetime) -> str:
    """The moment as a `time` tag has it."""
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def sasl_plain(account: str, password: str) -> list[str]:
    """The parameters of the AUTHENTICATE lines that answer the server's "+" (RFC 4616; IRCv3 "SASL": parts of 400)."""
    whole = base64.b64encode(f"{account}\0{account}\0{password}".encode("utf-8", "replace")).decode()
    parts = [whole[start : start + 400] for start in range(0, len(whole), 400)]
    return [*parts, "+"] if len(parts[-1]) == 400 else parts


# --- parts ----------------------------------------------------------------------------------------


def _tags_of(raw: bytes) -> tuple[dict[str, str], bytes]:
    raw = raw.lstrip(b" ")
    if not raw.startswith(b"@"):
        return {}, raw
    words, _, rest = raw[1:].partition(b" ")
    pairs = (each.partition("=") for each in words.decode("utf-8", "replace").split(";"))
    return {name: _unescaped(value) for name, _, value in pairs if name}, rest


def _tag_words(tags: Mapping[str, str]) -> list[str]:
    if not tags:
        return []
    pairs = (f"{name}={value.translate(_ESCAPED)}" if value else name for name, value in tags.items())
    return [f"@{';'.join(pairs)}"]


def _unescaped(value: str) -> str:
    """A tag's value; an unknown escape is the character itself, a lone backslash at the end is nothing."""
    return re.sub(r"\\(.?)", lambda found: _ESCAPES.get(found[1], found[1]), value, flags=re.DOTALL)


def _id(value: str) -> str:
    """An id of at most 200 visible characters without blanks, else ""."""
    return value if len(value) <= 200 and value.isprintable() and " " not in value else ""


def _trail(value: str) -> tuple[str, ...]:
    return tuple(unquote(each) for each in value[:MOST_TRAIL].split(",") if each)[:50]

"""XMPP message stanzas to values. Pure: XML elements in, values out (RFC 6121 and the XEPs named beside each part).

A stanza comes from anyone on any server, so nothing about its shape is trusted: `read` gives a `Message`, or None for
what says and does nothing, whatever element it is handed. What only the room's own service may say (stanza ids,
occupant ids, real addresses) is taken only where the caller says whose word counts.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

CHANNEL = "xmpp"

CLIENT = "{jabber:client}"
ARCHIVE = "{urn:xmpp:mam:2}"  # XEP-0313
STANZA_ID = "{urn:xmpp:sid:0}"  # XEP-0359
OCCUPANT = "{urn:xmpp:occupant-id:0}"  # XEP-0421
CORRECT = "{urn:xmpp:message-correct:0}"  # XEP-0308
REACT = "{urn:xmpp:reactions:0}"  # XEP-0444
REPLY = "{urn:xmpp:reply:0}"  # XEP-0461
FALLBACK = "{urn:xmpp:fallback:0}"  # XEP-0428
FASTEN = "{urn:xmpp:fasten:0}"  # XEP-0422, which older retractions use
OOB = "{jabber:x:oob}"  # XEP-0066
DELAY = "{urn:xmpp:delay}"  # XEP-0203
MUC_USER = "{http://jabber.org/protocol/muc#user}"  # XEP-0045
TRAIL = "{urn:chatbranch:trail:1}"  # ours
RETRACT = ("{urn:xmpp:message-retract:1}retract", "{urn:xmpp:message-retract:0}retract")  # XEP-0424
MODERATED = ("{urn:xmpp:message-moderate:1}moderated", "{urn:xmpp:message-moderate:0}moderated")  # XEP-0425
SEALED = (  # end-to-end encrypted: XEP-0380, XEP-0384 (two generations), XEP-0373, XEP-0027
    "{urn:xmpp:eme:0}encryption",
    "{eu.siacs.conversations.axolotl}encrypted",
    "{urn:xmpp:omemo:2}encrypted",
    "{urn:xmpp:openpgp:0}openpgp",
    "{jabber:x:encrypted}x",
)
# A body for clients that do not know one of these is no part of what was said.
_STAND_INS = (
    "urn:xmpp:reply:0",
    "urn:xmpp:reactions:0",
    "urn:xmpp:message-retract:0",
    "urn:xmpp:message-retract:1",
)

MOST_FILES = 5
MOST_ROOMS = 32  # of a trail
MOST_EMOJI = 20


@dataclass(frozen=True)
class Message:
    """What one message stanza says or does. Every id is "" where there is none.

    author: the address it came from (in a room: room/nick). archive_id: the archive's own id of it. ids: the ids its
    sender gave it. occupant, real: who it is, by the word of the room's service. sent_at, kept_by: when it was said, and who
    says so, where it comes late. files: addresses of files.
    replaces, retracts: the target of a correction or retraction. moderated: the room itself retracts it.
    emoji: the whole set the sender now has under `reacts_to`.
    """

    author: str
    kind: str
    archive_id: str = ""
    ids: tuple[str, ...] = ()
    occupant: str = ""
    real: str = ""
    sent_at: datetime | None = None
    kept_by: str = ""
    text: str = ""
    files: tuple[str, ...] = ()
    reply: str = ""
    thread: str = ""
    trail: tuple[str, ...] = ()
    replaces: str = ""
    retracts: str = ""
    moderated: bool = False
    reacts_to: str = ""
    emoji: tuple[str, ...] = ()
    sealed: bool = False


@dataclass(frozen=True)
class Result:
    """One message out of an archive. query: the id of the query it answers."""

    query: str
    archive: str
    message: Message | None
    archive_id: str


@dataclass(frozen=True)
class Refusal:
    """A stanza of type error (RFC 6120, section 8.3). condition: its defined condition, such as "forbidden"."""

    author: str
    id: str
    condition: str
    wait: bool


def read(element: Element, by: str = "") -> Message | None:
    """The message in `element`; None where it says and does nothing, or is of a kind that asks for no answer.

    by: the address whose stanza ids count (the room's, or our own account's).
    """
    kind = element.get("type") or "normal"
    author = element.get("from") or ""
    if (
        element.tag != f"{CLIENT}message"
        or kind not in ("normal", "chat", "groupchat")
        or not is_id(author, 3071)
    ):
        return None
    deed = _retraction(element)
    target, emoji = _reactions(element)
    reply = _id(element, f"{REPLY}reply")
    files = _files(element)
    text = "" if deed or target else _said(element, files)
    message = Message(
        author=author,
        kind=kind,
        archive_id=_stanza_id(element, by),
        ids=_own_ids(element),
        occupant=_id(element, f"{OCCUPANT}occupant-id"),
        real=_real(element),
        sent_at=_moment(_attribute(element.find(f"{DELAY}delay"), "stamp")),
        kept_by=_attribute(element.find(f"{DELAY}delay"), "from"),
        text=text,
        files=files,
        reply=reply,
        thread=_thread(element),
        trail=_trail(element),
        replaces=_id(element, f"{CORRECT}replace"),
        retracts=deed,
        moderated=bool(deed) and _by_the_room(element, author),
        reacts_to=target,
        emoji=emoji,
        sealed=any(element.find(each) is not None for each in SEALED),
    )
    return message if message.text.strip() or message.files or deed or target or message.sealed else None


def read_result(element: Element) -> Result | None:
    """What an archive hands out, one message at a time (XEP-0313, section 4.2); None for any other stanza."""
    result = element.find(f"{ARCHIVE}result")
    if result is None:
        return None
    forwarded = result.find("{urn:xmpp:forward:0}forwarded")
    inner = forwarded.find(f"{CLIENT}message") if forwarded is not None else None
    archive_id = _checked(result.get("id"))
    message = read(inner) if inner is not None else None
    if message is not None and forwarded is not None:
        stamp = _moment(_attribute(forwarded.find(f"{DELAY}delay"), "stamp"))
        message = Message(**{**vars(message), "archive_id": archive_id, "sent_at": stamp or message.sent_at})
    return Result(result.get("queryid") or "", bare(element.get("from") or ""), message, archive_id)


def read_refusal(element: Element) -> Refusal | None:
    """Why a stanza we sent was not taken; None for what is no error."""
    if element.get("type") != "error":
        return None
    error = element.find(f"{CLIENT}error")
    named = [each.tag for each in (error if error is not None else ())]
    prefix = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
    found = [tag.removeprefix(prefix) for tag in named if tag.startswith(prefix) and tag != f"{prefix}text"]
    return Refusal(
        author=element.get("from") or "",
        id=element.get("id") or "",
        condition=found[0] if found else "undefined-condition",
        wait=_attribute(error, "type") == "wait",
    )


def called(text: str, nick: str) -> int:
    """How much of the beginning of `text` only calls us: "查一查：真的吗？" asks "真的吗？"."""
    if not nick:
        return 0
    name = re.escape(nick)
    found = re.match(
        rf"\s*(?:@{name}(?:\s*[:：,，、]\s*|\s+|$)|{name}(?:\s*[:：,，、]\s*|\s+|$))", text, re.IGNORECASE
    )
    return found.end() if found else 0


def mentions(text: str, nick: str) -> bool:
    """Whether @nick stands anywhere in it."""
    pattern = rf"(?<![A-Za-z0-9_])@{re.escape(nick)}(?![A-Za-z0-9_])"
    return bool(nick) and re.search(pattern, text, re.IGNORECASE) is not None


def stanza_id(key: str, part: int = 0) -> str:
    """The id of a delivery's message: the same for every attempt, and no one else's."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"{OURS}{digest}" + (f".{part}" if part else "")


OURS = "cb-"


def began(key: str) -> datetime | None:
    """When a delivery was written, if its key is a UUID of version 7 (RFC 9562): no attempt at it is older."""
    try:
        number = uuid.UUID(key)
        return datetime.fromtimestamp((number.int >> 80) / 1000, UTC) if number.version == 7 else None
    except (ValueError, OverflowError, OSError):
        return None


def memory_key(prefix: str, of: str) -> str:
    """A short key for something as long as an address may be (3,071 bytes)."""
    return prefix + hashlib.sha256(of.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def bare(jid: str) -> str:
    """The address without its resource (RFC 7622)."""
    return jid.partition("/")[0]


def resource(jid: str) -> str:
    """What stands behind the address's first slash: in a room, the nick."""
    return jid.partition("/")[2]


def is_id(value: str, most: int = 255) -> bool:
    """Whether this can be an id: a line of real characters, not overlong."""
    return 0 < len(value) <= most and value.isprintable()


# --- parts ----------------------------------------------------------------------------------------


def _attribute(element: Element | None, name: str) -> str:
    return (element.get(name) or "") if element is not None else ""


def _checked(value: str | None) -> str:
    return value if value is not None and is_id(value) else ""


def _id(element: Element, tag: str) -> str:
    return _checked(_attribute(element.find(tag), "id"))


def _stanza_id(element: Element, by: str) -> str:
    """The id the archive `by` gave it; anybody could write somebody else's (XEP-0359, section 6)."""
    found = [each for each in element.iterfind(f"{STANZA_ID}stanza-id") if by and each.get("by") == by]
    return _checked(found[0].get("id")) if len(found) == 1 else ""


def _real(element: Element) -> str:
    """The address the room names; two of them mean that somebody tried to put one in."""
    found = element.findall(f"{MUC_USER}x/{MUC_USER}item")
    return bare(_attribute(found[0], "jid")) if len(found) == 1 else ""


def _own_ids(element: Element) -> tuple[str, ...]:
    found = (_checked(element.get("id")), _id(element, f"{STANZA_ID}origin-id"))
    return tuple(dict.fromkeys(each for each in found if each))


def _said(element: Element, files: tuple[str, ...]) -> str:
    """The body without what stands in it for clients that know less (XEP-0428), or repeats a file's address."""
    body = element.find(f"{CLIENT}body")
    text = (body.text or "") if body is not None else ""
    spans = sorted(_stand_ins(element, len(text)), reverse=True)
    for start, end in spans:
        text = text[:start] + text[end:]
    return "" if text.strip() in files else text


def _stand_ins(element: Element, length: int) -> Iterator[tuple[int, int]]:
    """The stretches of the body, in characters, that only stand in for what we understand."""
    taken = length
    found = []
    for fallback in element.iterfind(f"{FALLBACK}fallback"):
        if fallback.get("for") not in _STAND_INS:
            continue
        parts = fallback.findall(f"{FALLBACK}body") or [Element("body")]
        found += [(_number(part.get("start"), 0), _number(part.get("end"), length)) for part in parts]
    for start, end in sorted(set(found), reverse=True):  # from the end, none overlapping the one before
        if 0 <= start < end <= taken:
            taken = start
            yield start, end


def _number(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _files(element: Element) -> tuple[str, ...]:
    found = [each.text or "" for each in element.iterfind(f"{OOB}x/{OOB}url")][:MOST_FILES]
    return tuple(each.strip() for each in found if _is_address(each.strip()))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and is_id(url, 2000)
    except ValueError:
        return False


def _thread(element: Element) -> str:
    thread = element.find(f"{CLIENT}thread")
    return _checked((thread.text or "").strip()) if thread is not None else ""


def _trail(element: Element) -> tuple[str, ...]:
    rooms = [(each.text or "").strip() for each in element.iterfind(f"{TRAIL}trail/{TRAIL}room")]
    return tuple(each for each in rooms[:MOST_ROOMS] if is_id(each, 500))


def _reactions(element: Element) -> tuple[str, tuple[str, ...]]:
    reactions = element.find(f"{REACT}reactions")
    if reactions is None:
        return "", ()
    emoji = [(each.text or "").strip() for each in reactions.iterfind(f"{REACT}reaction")]
    return _checked(reactions.get("id")), tuple(dict.fromkeys(each for each in emoji if is_emoji(each)))[
        :MOST_EMOJI
    ]


def is_emoji(text: str) -> bool:
    """Whether it can be one emoji: short, no word, no spaces. Joiners between its parts are part of it."""
    return 0 < len(text) <= 32 and not re.search(r"[\s\x00-\x1fA-Za-z<>&]", text)


def _retraction(element: Element) -> str:
    """The id of the message that is taken back (XEP-0424), here or, as it was once written, inside a fastening."""
    holders = [element, element.find(f"{FASTEN}apply-to")]
    for holder in holders:
        if holder is None:
            continue
        inner = [holder, *(found for tag in MODERATED if (found := holder.find(tag)) is not None)]
        for place in inner:
            for retract in (found for tag in RETRACT if (found := place.find(tag)) is not None):
                return _checked(retract.get("id")) or _checked(
                    holder.get("id") if holder is not element else ""
                )
    return ""


def _by_the_room(element: Element, author: str) -> bool:
    """A moderation is the room's own word: nobody who is in the room can speak without a nick (XEP-0425)."""
    if resource(author):
        return False
    return any(each.tag in MODERATED for each in element.iter())


def _moment(stamp: str) -> datetime | None:
    """A time as XEP-0082 writes it; None for anything else."""
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None

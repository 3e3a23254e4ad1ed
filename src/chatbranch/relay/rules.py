"""How one conversation goes over several platforms. Pure: could be read aloud to the members.

A route joins rooms. What is said in one of them is carried to each of the others, under the writer's name and platform.
Nothing said one to one is ever carried. Only whoever wrote a message may change it, unless the platform itself lets
somebody remove other people's messages. What a platform cannot do is said in words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from chatbranch.connectors.contract import Capabilities
from chatbranch.kernel.messages import Change
from chatbranch.kernel.phrases import Phrase

LONGEST_TRAIL = 64
GIST = 60  # characters of a message by which people recognise it

EDITED = Phrase("{who}把“{gist}”改为：{text}", "{who} changed “{gist}” to: {text}")
DELETED = Phrase("{who}撤回了：“{gist}”", "{who} took back: “{gist}”")
REACTED = Phrase("{who}对“{gist}”回应 {text}", "{who} reacted to “{gist}” with {text}")
JOINED = Phrase(
    "{platform}的一个群接入了“{route}”：各群里说的话，会连同姓名和平台名一起传到其他群。",
    "A room on {platform} has joined “{route}”: what is said in each room is carried to the others, with name and platform.",
)
PARTED = Phrase(
    "{platform}的一个群离开了“{route}”，不再互传。",
    "A room on {platform} has left “{route}”; nothing is carried between them any more.",
)
WITHOUT = Phrase("[{name}，此处无法显示]", "[{name}, which cannot be shown here]")
GAP = Phrase(
    "{since}到{until}（UTC）之间，{platform}上说的话没有传到这里：它不保存历史。",
    "What was said on {platform} from {since} to {until} (UTC) did not reach this room: it keeps no history.",
)


@dataclass(frozen=True)
class Copy:
    """What is sent to one room. parts: in order, each within what one message may hold."""

    parts: tuple[str, ...]
    html: str = ""
    author: str = ""


def mark(channel: str, address: str) -> str:
    """A short name of a room, the same in every relay that serves it; put into trails."""
    return hashlib.sha256(f"chatbranch room\n{channel}\n{address}".encode()).hexdigest()[:16]


def destinations(here: str, others: Iterable[str], trail: Iterable[str]) -> list[str]:
    """To which of the route's other rooms (marks) a message said `here` goes.

    To none that the relay it comes from has served already; and nowhere once it has passed very many: relays that share
    rooms cannot go in circles, whatever each of them knows of the others.
    """
    passed = {*trail}
    if len(passed) >= LONGEST_TRAIL:
        return []
    return [each for each in others if each != here and each not in passed]


def onward(trail: Iterable[str], served: Iterable[str]) -> tuple[str, ...]:
    """The trail a copy leaves with: the rooms it had come by, and all those that this relay serves with it."""
    return tuple(dict.fromkeys([*trail, *served]))


def may(change: Change, writer: bool) -> bool:
    """Whether a change of a message is carried. writer: it is done by whoever wrote the message."""
    if change.deed in ("react", "unreact"):
        return True
    return writer or (change.deed == "delete" and change.entitled)


def name_of(sender: str, sender_name: str) -> str:
    """How somebody is shown: one line, no longer than a name needs."""
    return " ".join((sender_name or sender).split())[:60]


def who(name: str, platform: str, lang: str) -> str:
    """ "name (platform)"."""
    return Phrase("{name}（{platform}）", "{name} ({platform})").say(lang, name=name, platform=platform)


def gist(text: str) -> str:
    """The beginning of a message on one line, by which people recognise it."""
    line = " ".join(text.split())
    return line if len(line) <= GIST else line[: GIST - 1] + "…"


def copy(
    text: str, by: str, able: Capabilities, lang: str, *, quoted: str = "", missing: Iterable[str] = ()
) -> Copy:
    """A message as it is said in another room.

    by: who. quoted: the gist of what it replies to, for a platform that cannot point to it. missing: what cannot come along.
    """
    said = "\n".join([*filter(None, [text]), *missing])
    lead = f"> {quoted}\n" if quoted else ""
    if able.names:
        return Copy(tuple(split(lead + said, able.characters)), author=by)
    colon = Phrase("：", ": ").say(lang)
    parts = tuple(split(f"{lead}{by}{colon}{said}", able.characters))
    html = f"{_html(lead)}<strong>{escape(by)}</strong>{colon}{_html(said)}"
    return Copy(parts, html if able.html and len(parts) == 1 else "")


def in_words(change: Change, by: str, about: str, lang: str) -> str:
    """What was done to a message, for a room whose platform cannot do it. "" where it is not worth words."""
    phrase = {"edit": EDITED, "delete": DELETED, "react": REACTED}.get(change.deed)
    return phrase.say(lang, who=by, gist=about, text=change.text) if phrase else ""


def gap(platform: str, since: datetime, until: datetime, lang: str) -> str:
    """That something is missing, and from when to when."""
    times = {
        name: moment.astimezone(UTC).strftime("%H:%M:%S")
        for name, moment in (("since", since), ("until", until))
    }
    return GAP.say(lang, platform=platform, **times)


def split(text: str, most: int) -> list[str]:
    """The text in parts of at most `most` characters, cut at line ends or spaces where there are any. Nothing is lost."""
    parts: list[str] = []
    while len(text) > most:
        window = text[:most]
        cut = max(window.rfind("\n"), window.rfind(" "), *(window.rfind(mark) for mark in "。！？；，")) + 1
        cut = cut if cut > most // 2 else most
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text]


def word_in(text: str) -> str:
    """The word after "join" in a message to the bot, by which a room is joined to a route; or ""."""
    said = re.fullmatch(r"\s*(?:join|加入|接入)[\s:：]*([0-9a-z]{8})\s*[.。]?\s*", text, re.IGNORECASE)
    return said.group(1).lower() if said else ""


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")

"""Updates of the Bot API to values. Pure (core.telegram.org/bots/api, sections "Getting updates" and "Available types").

A message comes from anyone, so nothing about its shape is trusted: `read_update` gives a value, or None for what is
nothing to us, whatever JSON it is handed. Who first wrote what was forwarded is never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from chatbranch.connectors.telegram import parts
from chatbranch.connectors.telegram.media import FILES, File, files_of
from chatbranch.connectors.telegram.parts import Json
from chatbranch.connectors.telegram.words import Entity, Me, spoken
from chatbranch.kernel.messages import Attachment, Change, Inbound
from chatbranch.kernel.phrases import as_lang

CHANNEL = "telegram"
UPDATES = ("message", "edited_message", "message_reaction")
SHORT = 24  # characters: words that only ask about what they reply to ("真的吗？", "is this true?")
LONGEST = 100_000  # characters of a rich message that are read
DEEPEST = 20  # levels of a rich message that are read

_FOR_THE_HOUSE = re.compile(r"^/|^\W*\d{4,8}\W*$|忘记|忘記|忘了|forget", re.IGNORECASE)  # a code, a command
_WORDLESS = ("sticker", "location", "contact", "venue", "dice", "game", "story", "checklist", "paid_media")


@dataclass(frozen=True)
class Message:
    """A message of a private chat (`direct`) or a group. number: its id within the chat.

    topic: of a forum, 0 in the general one and elsewhere. reply_to, thread: numbers of messages, or 0.
    quoted: what it replies to, where that was not ours. said: as kernel.messages.Inbound has it. album: groups the parts of one album.
    """

    update: int
    chat: int
    number: int
    direct: bool
    sender: str
    sender_name: str
    text: str
    sent_at: datetime
    lang: str = ""
    mentioned: bool = False
    topic: int = 0
    reply_to: int = 0
    thread: int = 0
    files: tuple[File, ...] = ()
    album: str = ""
    quoted: tuple[str, tuple[File, ...]] = ("", ())
    said: str | None = None
    edited: bool = False


@dataclass(frozen=True)
class Reaction:
    """Emoji that somebody put under a message, and took back."""

    update: int
    chat: int
    number: int
    sender: str
    sender_name: str
    sent_at: datetime
    put: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True)
class Moved:
    """A group has become a supergroup, and so has another id."""

    old: int
    new: int


News = Message | Reaction | Moved


def update_id(update: object) -> int:
    """The update's number, or -1."""
    number = parts.number(update, "update_id") if isinstance(update, Mapping) else 0
    return number if number > 0 else -1


def read_me(answer: object) -> Me | None:
    """What getMe answered."""
    number, username = parts.number(answer, "id"), parts.text(answer, "username")
    if not number or not re.fullmatch(r"\w{1,64}", username, re.ASCII):
        return None
    hears_all = isinstance(answer, Mapping) and answer.get("can_read_all_group_messages") is True
    return Me(number, username, parts.text(answer, "first_name"), hears_all)


def read_update(update: object, me: Me) -> News | None:
    """What an update brings; None for what is none of our business, ours, another bot's, or malformed."""
    number = update_id(update)
    if number < 0:
        return None
    for kind in ("message", "edited_message"):
        if message := parts.mapping(update, kind):
            return _moved(message) or _message(message, number, me, edited=kind == "edited_message")
    if reaction := parts.mapping(update, "message_reaction"):
        return _reaction(reaction, number)
    return None


def is_album(update: object) -> bool:
    """Whether this is part of an album, so that more of it may be on its way."""
    return parts.text(parts.mapping(update, "message"), "media_group_id") != ""


def gathered(news: Iterable[News]) -> list[News]:
    """The same in order, each album as one message: the words of all its parts (one has them), and all files."""
    found: list[News] = []
    albums: dict[tuple[int, str], int] = {}
    for each in news:
        if not isinstance(each, Message) or not each.album or each.edited:
            found.append(each)
        elif (key := (each.chat, each.album)) in albums:
            first = found[albums[key]]
            assert isinstance(first, Message)
            found[albums[key]] = _joined(first, each)
        else:
            albums[key] = len(found)
            found.append(each)
    return found


def asks_about(message: Message) -> Message:
    """ "Is this true?" said to us about somebody's message asks about that message."""
    text, files = message.quoted
    said = message.text.strip()
    asked = message.direct or message.mentioned
    if not asked or len(said) > SHORT or message.files or _FOR_THE_HOUSE.search(said):
        return message
    return replace(message, text=text, files=files, said=message.text) if text.strip() or files else message


def wanted(message: Message) -> tuple[File, ...]:
    """Which of its files are fetched: in a private chat, beside words, only pictures can be looked at."""
    if message.direct and message.text.strip():
        return tuple(each for each in message.files if each.is_picture)
    return message.files


def with_lost(message: Message, lost: Sequence[File]) -> Message:
    """In a group, files that cannot be had are named: its people know that something was there."""
    if message.direct or not lost:
        return message
    names = "\n".join(f"[{each.name}]" for each in lost)
    return replace(message, text=f"{message.text}\n{names}".strip())


def as_inbound(message: Message, address: str, attachments: tuple[Attachment, ...] = ()) -> Inbound:
    """The message as it enters the house. In a group the answer refers to the message."""
    this = message_id(message.chat, message.number)
    return Inbound(
        channel=CHANNEL,
        address=address,
        sender=message.sender,
        sender_name=message.sender_name,
        message_id=this,
        text=message.text,
        sent_at=message.sent_at,
        direct=message.direct,
        mentioned=message.mentioned,
        lang=message.lang,
        reply_to="" if message.direct else this,
        attachments=attachments,
        said=message.said,
        in_reply_to=message_id(message.chat, message.reply_to) if message.reply_to else "",
        thread=message_id(message.chat, message.thread) if message.thread else "",
    )


def as_changes(news: Message | Reaction, address: str) -> list[Change]:
    """An edit, or the reactions of somebody: one change each. The update's number tells one from the next."""
    if isinstance(news, Message):
        deeds: list[tuple[Literal["edit", "react", "unreact"], str]] = (
            [("edit", news.text)] if news.text.strip() else []
        )
    else:
        deeds = [("unreact", each) for each in news.taken] + [("react", each) for each in news.put]
    return [
        Change(
            channel=CHANNEL,
            address=address,
            sender=news.sender,
            sender_name=news.sender_name,
            message_id=f"{news.chat}:u{news.update}:{place}",
            target=message_id(news.chat, news.number),
            deed=deed,
            sent_at=news.sent_at,
            text=text,
        )
        for place, (deed, text) in enumerate(deeds)
    ]


def message_id(chat: int, number: int) -> str:
    """An id unique in all of Telegram: numbers are so only within their chat."""
    return f"{chat}:{number}"


# --- messages -------------------------------------------------------------------------------------


def _message(message: Json, update: int, me: Me, *, edited: bool) -> Message | None:
    chat, direct = _chat(message)
    number, who = parts.number(message, "message_id"), _who(message, me)
    if not chat or number <= 0 or who is None or not _says(message):
        return None
    sender, name, lang = who
    replied = _replied(message)
    said = spoken(*_words(message), me, direct=direct)
    answers_us = parts.number(parts.mapping(replied, "from"), "id") == me.id
    topic = parts.number(message, "message_thread_id") if message.get("is_topic_message") is True else 0
    files = files_of(message)
    return Message(
        update=update,
        chat=chat,
        number=number,
        direct=direct,
        sender=sender,
        sender_name=name,
        lang=lang,
        text=said.text,
        sent_at=parts.moment(message, "edit_date" if edited else "date"),
        mentioned=not direct and (said.called or answers_us),
        topic=max(0, topic),
        reply_to=max(0, parts.number(replied, "message_id")),
        thread=max(0, parts.number(message, "message_thread_id")),
        files=files,
        album=parts.text(message, "media_group_id"),
        quoted=("", ()) if answers_us else _quoted(message, replied, direct=direct),
        edited=edited,
    )


def _says(message: Json) -> bool:
    """Whether a person said something, rather than that the chat tells what happened in it."""
    kinds = ("text", "photo", "animation", "poll", "rich_message", *FILES, *_WORDLESS)
    return any(message.get(kind) for kind in kinds)


def _who(message: Json, me: Me) -> tuple[str, str, str] | None:
    """(identity, name, language) of who speaks; None for a bot. A chat may speak itself: an anonymous administrator."""
    person, chat = parts.mapping(message, "from"), parts.mapping(message, "sender_chat")
    if number := parts.number(chat, "id"):
        return str(number), parts.text(chat, "title") or parts.text(chat, "username"), ""
    number = parts.number(person, "id")
    if number <= 0 or number == me.id or person.get("is_bot") is True:
        return None
    return str(number), _name(person), _lang(person)


def _name(person: Json) -> str:
    whole = f"{parts.text(person, 'first_name')} {parts.text(person, 'last_name')}".strip()
    return whole or parts.text(person, "username")


def _lang(person: Json) -> str:
    """The language of their app, where it is one of ours; else their words tell it."""
    tag = parts.text(person, "language_code").lower()
    return as_lang(tag) if re.match(r"(zh|en)\b", tag) else ""


def _words(message: Json) -> tuple[str, Sequence[Entity]]:
    for text, entities in (("text", "entities"), ("caption", "caption_entities")):
        if said := parts.text(message, text):
            return said, parts.mappings(message, entities)
    if rich := parts.mapping(message, "rich_message"):
        return _flat(rich.get("blocks"), 0, "\n").strip()[:LONGEST], ()
    if poll := parts.mapping(message, "poll"):
        options = [f"· {parts.text(each, 'text')}" for each in parts.mappings(poll, "options")]
        return "\n".join([parts.text(poll, "question"), *options]), ()
    return parts.text(parts.mapping(message, "sticker"), "emoji"), ()


def _flat(node: object, depth: int, between: str = "") -> str:
    """The words of a rich message: its blocks one under the other, without their formatting."""
    if isinstance(node, str):
        return parts.whole(node)
    if depth > DEEPEST:
        return ""
    if isinstance(node, list):
        return between.join(filter(None, (_flat(each, depth + 1, between) for each in node)))
    if not isinstance(node, Mapping):
        return ""
    inner = [node.get("text"), *(node.get(name) for name in ("blocks", "items", "cells", "caption"))]
    said = [_flat(each, depth + 1, "\n" if place else "") for place, each in enumerate(inner)]
    return "\n".join(filter(None, said))


def _replied(message: Json) -> Json:
    """The message replied to. In a forum everything replies to its topic's first message; that says nothing."""
    replied = parts.mapping(message, "reply_to_message")
    is_start = parts.number(replied, "message_id") == parts.number(message, "message_thread_id")
    return {} if is_start and message.get("is_topic_message") is True else replied


def _quoted(message: Json, replied: Json, *, direct: bool) -> tuple[str, tuple[File, ...]]:
    """The words and files replied to: the part that was picked, where one was.

    In a private chat, only those of another chat: what was said here has been asked already.
    """
    if direct and not message.get("external_reply"):
        return "", ()
    picked = parts.text(parts.mapping(message, "quote"), "text")
    return picked or _words(replied)[0], files_of(replied or parts.mapping(message, "external_reply"))


def _joined(first: Message, other: Message) -> Message:
    """Two parts of an album. It goes by the part with the words, which is the one that people reply to and edit."""
    main = first if first.text.strip() or not other.text.strip() else other
    return replace(
        main,
        files=first.files + other.files,
        mentioned=first.mentioned or other.mentioned,
        reply_to=first.reply_to or other.reply_to,
    )


# --- what else happens ----------------------------------------------------------------------------


def _reaction(reaction: Json, update: int) -> Reaction | None:
    chat, _ = _chat(reaction)
    number = parts.number(reaction, "message_id")
    person, by = parts.mapping(reaction, "user"), parts.mapping(reaction, "actor_chat")
    sender = parts.number(person, "id") or parts.number(by, "id")
    before, after = (_emoji(parts.mappings(reaction, each)) for each in ("old_reaction", "new_reaction"))
    put, taken = (
        tuple(each for each in after if each not in before),
        tuple(each for each in before if each not in after),
    )
    if not chat or number <= 0 or not sender or person.get("is_bot") is True or not (put or taken):
        return None
    name = _name(person) if person else parts.text(by, "title")
    return Reaction(update, chat, number, str(sender), name, parts.moment(reaction, "date"), put, taken)


def _emoji(reactions: Iterable[Json]) -> list[str]:
    """The plain emoji among reactions: a custom one is a picture that only Telegram has."""
    return [
        emoji for each in reactions if each.get("type") == "emoji" and (emoji := parts.text(each, "emoji"))
    ]


def _moved(message: Json) -> Moved | None:
    here = parts.number(parts.mapping(message, "chat"), "id")
    if there := parts.number(message, "migrate_to_chat_id"):
        return Moved(here, there) if here else None
    if before := parts.number(message, "migrate_from_chat_id"):
        return Moved(before, here) if here else None
    return None


def _chat(message: Json) -> tuple[int, bool]:
    """(id, whether it is a private chat); (0, False) for a channel, where nobody talks."""
    chat = parts.mapping(message, "chat")
    kind = parts.text(chat, "type")
    return (
        (parts.number(chat, "id"), kind == "private")
        if kind in ("private", "group", "supergroup")
        else (0, False)
    )

"""What is said, as calls of the Bot API (sections "Available methods" and "Updating messages"). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from chatbranch.connectors.telegram.words import cut, length
from chatbranch.kernel.messages import Attachment, Outbound
from chatbranch.kernel.phrases import Phrase

LONGEST_TEXT = 4096  # UTF-16 code units
LONGEST_CAPTION = 1024
PHOTOS = ("image/jpeg", "image/png", "image/webp")

# ReactionTypeEmoji, Bot API 10.1
REACTIONS = frozenset(
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 "
    "😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡".split()
)
_SHADES = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")

COMMANDS = {
    "help": Phrase("怎么用", "How this works"),
    "status": Phrase("查看进展，例如 /status 1280", "Where a code stands, like /status 1280"),
    "forget": Phrase("忘记我，删除联系方式", "Forget me, and delete my contact"),
}


@dataclass(frozen=True)
class Place:
    """Where a message goes. topic: of a forum, 0 in the general one and elsewhere."""

    chat: int
    topic: int = 0

    @property
    def is_group(self) -> bool:
        return self.chat < 0

    @property
    def params(self) -> dict[str, Any]:
        """The place as calls name it."""
        return {"chat_id": self.chat} | ({"message_thread_id": self.topic} if self.topic else {})

    def __str__(self) -> str:
        return f"{self.chat}/{self.topic}" if self.topic else str(self.chat)


@dataclass(frozen=True)
class Call:
    """One call. file: goes along as the parameter `part`."""

    method: str
    params: dict[str, Any] = field(default_factory=dict)
    part: str = ""
    file: Attachment | None = None

    def to(self, chat: int) -> Call:
        """The same, to another chat."""
        return replace(self, params={**self.params, "chat_id": chat})

    def as_document(self) -> Call:
        """The same photo as a plain file, which Telegram takes whatever its proportions."""
        return replace(self, method="sendDocument", part="document")


def read_place(address: str) -> Place | None:
    """The place behind an address: "12345", "-1001234", or "-1001234/45" for a topic of a forum."""
    found = re.fullmatch(r"(-?[0-9]{1,16})(?:/([0-9]{1,10}))?", address, re.ASCII)
    return Place(int(found[1]), int(found[2] or 0)) if found else None


def read_id(message_id: str) -> tuple[int, int] | None:
    """(chat, number) of one of our message ids."""
    found = re.fullmatch(r"(-?[0-9]{1,16}):([0-9]{1,10})", message_id, re.ASCII)
    return (int(found[1]), int(found[2])) if found else None


def calls(outbound: Outbound, place: Place) -> list[Call]:
    """The calls that say it: words, then files; a single file takes short words along as its caption."""
    text, files = _clean(outbound.text), outbound.attachments
    where = place.params
    caption = text if len(files) == 1 and length(text) <= LONGEST_CAPTION else ""
    first = [Call("sendMessage", {**where, "text": cut(text, 0, LONGEST_TEXT)})] if text.strip() else []
    if caption.strip():
        first, where = [], {**where, "caption": caption}
    said = first + [_sending(each, where) for each in files]
    if said and (answered := _answered(outbound, place)):
        said[0] = replace(said[0], params={**said[0].params, "reply_parameters": answered})
    return said


def edits(text: str, chat: int, number: int) -> tuple[Call, Call]:
    """The call that changes a message's words, and the one for a file's caption."""
    which, said = {"chat_id": chat, "message_id": number}, _clean(text)
    return (
        Call("editMessageText", {**which, "text": cut(said, 0, LONGEST_TEXT)}),
        Call("editMessageCaption", {**which, "caption": cut(said, 0, LONGEST_CAPTION)}),
    )


def as_reaction(emoji: str) -> str:
    """The reaction Telegram has for an emoji (it knows no shades of it), or ""."""
    plain = _SHADES.sub("", emoji)
    return plain if plain in REACTIONS else ""


def reacts(emoji: str, chat: int, number: int) -> Call:
    """The call that makes `emoji` our only reaction; "" takes back what we have."""
    reaction = [{"type": "emoji", "emoji": emoji}] if emoji else []
    return Call("setMessageReaction", {"chat_id": chat, "message_id": number, "reaction": reaction})


def menu(lang: str) -> list[dict[str, str]]:
    """The bot's commands, for setMyCommands."""
    return [{"command": name, "description": phrase.say(lang)} for name, phrase in COMMANDS.items()]


def menus() -> list[Call]:
    """The menu, for apps in Chinese and for all others. Telegram tells languages apart by two letters only."""
    return [
        Call("setMyCommands", {"commands": menu("en")}),
        Call("setMyCommands", {"commands": menu("zh-Hans"), "language_code": "zh"}),
    ]


def own_menu(chat: int, lang: str) -> Call:
    """The menu of one private chat, for what two letters cannot tell: Traditional Chinese."""
    return Call("setMyCommands", {"commands": menu(lang), "scope": {"type": "chat", "chat_id": chat}})


def _answered(outbound: Outbound, place: Place) -> dict[str, Any] | None:
    """The message to point to: the one replied to, else the one its thread began with. In another chat, none."""
    for each in (outbound.reply_to, outbound.thread):
        found = read_id(each)
        if found and found[0] == place.chat and found[1] != place.topic:
            return {"message_id": found[1], "allow_sending_without_reply": True}
    return None


def _sending(file: Attachment, params: dict[str, Any]) -> Call:
    if file.media_type in PHOTOS:
        return Call("sendPhoto", params, "photo", file)
    return Call("sendDocument", params, "document", file)


def _clean(text: str) -> str:
    """The text as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode()

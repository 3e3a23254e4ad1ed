"""What a message is, and how much is too much. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbranch.kernel.text import clean, normalise

PER_MINUTE = 20
PER_DAY = 300
LONGEST = 100_000
LONGEST_LINK = 2000  # characters
_CODE = re.compile(r"[#＃]?\s*(\d{4,8})")
_FORGET = {"forget me", "forgetme", "忘记我", "忘了我", "忘記我", "删除我", "刪除我", "/forget"}
_HELP = {"help", "/help", "/start", "?", "？", "帮助", "幫助", "hi", "hello", "你好", "您好"}
_URLS_ONLY = re.compile(r"(https?://\S+)(\s+https?://\S+)*", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a message asks for: `check` something, the status of a `code`, to `forget` its sender, or `help`."""

    kind: str
    text: str = ""
    code: str = ""
    link: str = ""


def read(text: str) -> Reading:
    """The reading of a message's text. Only a whole message is a command; a rumour that contains one is a rumour."""
    said = clean(text).strip()
    if said.lower() in _FORGET:
        return Reading("forget")
    if said.lower() in _HELP:
        return Reading("help")
    if code := _CODE.fullmatch(said):  # typed in full-width digits just as well
        return Reading("code", said, code="".join(str(int(digit)) for digit in code.group(1)))
    if link := _URLS_ONLY.fullmatch(said):
        return Reading("check", said, link=link.group(1))
    return Reading("check", said)


def is_blank(text: str) -> bool:
    """Whether nothing is left of the message to compare: emoji, punctuation and invisible characters only."""
    return not normalise(text).text


@dataclass(frozen=True)
class Counted:
    """How often somebody asked: in the running minute and today."""

    day: int
    in_minute: int
    minute: datetime


def count(before: Counted, now: datetime) -> tuple[Counted, bool]:
    """The count with one more message at `now`, and whether that is too much. A clock set back starts a new minute."""
    fresh = not timedelta(0) <= now - before.minute < timedelta(minutes=1)
    after = Counted(before.day + 1, 1 if fresh else before.in_minute + 1, now if fresh else before.minute)
    return after, after.in_minute > PER_MINUTE or after.day > PER_DAY

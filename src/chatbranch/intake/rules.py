"""What a message is, and how much is too much. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from chatbranch.kernel.text import clean, normalise

LONGEST = 100_000
LONGEST_LINK = 2000  # characters
_CODE = re.compile(r"[#＃]?\s*(\d{4,8})")
_FORGET = {"forget me", "forgetme", "忘记我", "忘了我", "忘記我", "删除我", "刪除我", "/forget"}
_DUTY = re.compile(r"(?:duty|值班)[\s:：]*([2-9A-HJ-NP-Za-hj-np-z]{8})")
_HELP = {"help", "/help", "/start", "?", "？", "帮助", "幫助", "hi", "hello", "你好", "您好"}
YES, NO = "yes", "no"
_WORDS = {
    YES: {"是", "是的", "对", "對", "对的", "對的", "yes", "y"},
    NO: {"不是", "不是的", "不对", "不對", "否", "no", "n"},
}
_ONLY_ASKS = re.compile(
    r"(?:请问|请|麻烦|求|帮忙|帮我|帮|大家|你们?|能不能|能|可以)*(?:查证?|核实|核查|鉴定|看|问)?(?:一下|下|看)?"
    r"(?:这|那|上面|以上|它)?(?:个|条|则|篇|张)?(?:消息|信息|新闻|说法|事情?|图片?|视频|链接)?(?:到底|究竟)?是?(?:不是)?"
    r"(?:真的?|假的?|真假|谣言|属实|可信|可靠|靠谱|有这回事)?(?:还是)?(?:真的?|假的?|谣言)?(?:吗|么|嘛|吧|呢|啊)?"
    r"|(?:(?:please|pls|can|could|you|check|verify|fact|if|is|are|this|that|it|these|news|message|story|post|video|picture|photo|image"
    r"|really|actually|true|real|fake|false|legit|or|not)\b *)+"
)
_URLS_ONLY = re.compile(r"(https?://\S+)(\s+https?://\S+)*", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a message asks for: `check` something, the status of a `code`, to `forget` its sender, or `help`; that it says
    `yes` or `no` to what we asked; or that a rater wants their digest here (`duty`, with their `code`)."""

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
    if word := next((kind for kind, words in _WORDS.items() if said.lower().rstrip("。.!！ ") in words), ""):
        return Reading(word)
    if duty := _DUTY.fullmatch(said):
        return Reading("duty", code=duty.group(1))
    if code := _CODE.fullmatch(said):  # typed in full-width digits just as well
        return Reading("code", said, code="".join(str(int(digit)) for digit in code.group(1)))
    if link := _URLS_ONLY.fullmatch(said):
        return Reading("check", said, link=link.group(1))
    return Reading("check", said)


def is_blank(text: str) -> bool:
    """Whether nothing is left of the message to compare: emoji, punctuation and invisible characters only, or just the question
    whether "this" is true, which many put beside what they forward."""
    return bool(_ONLY_ASKS.fullmatch(normalise(text).text.strip()))


@dataclass(frozen=True)
class Limit:
    """How many messages are taken: `often` within a running `window`, and `daily` on one day (UTC). 0: no limit."""

    often: int
    window: timedelta
    daily: int


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OF_AN_ASKER = Limit(20, MINUTE, 300)
OF_A_ROOM = Limit(60, MINUTE, 1500)
COUNTED_OF_A_NETWORK = 5
"""How many askers of one network, not signed in, add to the number of askers of one case on one day."""


@dataclass(frozen=True)
class Counted:
    """How often somebody asked: today, and in the window that began at `since`."""

    day: int
    in_window: int
    since: datetime


def count(before: Counted, now: datetime, limit: Limit) -> tuple[Counted, timedelta | None]:
    """The count with one more message at `now`; and, if that is too much, how long to wait.

    A clock set back starts a new window.
    """
    fresh = not timedelta(0) <= now - before.since < limit.window
    after = Counted(before.day + 1, 1 if fresh else before.in_window + 1, now if fresh else before.since)
    if 0 < limit.daily < after.day:
        tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
        return after, tomorrow - now
    too_often = 0 < limit.often < after.in_window
    return after, after.since + limit.window - now if too_often else None


_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>[\d.]+):\d+")


def network(address: str) -> str:
    """The network an internet address is in: an IPv4 address itself; of IPv6 the /64, within which whoever has one
    address has them all (RFC 4291, section 2.5.4). Empty for what is no address. A port beside it is passed over."""
    said = address.strip()
    if found := _WITH_PORT.fullmatch(said):
        said = found["six"] or found["four"]
    try:
        there = ip_address(said.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(there, IPv6Address):
        return str(there.ipv4_mapped or IPv6Network((there, 64), strict=False))
    return str(there)

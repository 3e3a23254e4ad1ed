"""The verdict scale, and what may be said with it. Could be read aloud to the branch's members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from urllib.parse import urlsplit

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean

SCALE: dict[str, Phrase] = {
    "true": Phrase("属实", "true"),
    "mostly-true": Phrase("基本属实", "mostly true"),
    "misleading": Phrase("有误导（缺少背景）", "misleading (missing context)"),
    "false": Phrase("不实", "false"),
    "unknown": Phrase("暂时无法确定", "cannot be determined yet"),
}
WITHDRAWN = "withdrawn"
RATINGS: tuple[str, ...] = (*SCALE, WITHDRAWN)

LONGEST_WORDING = 4000  # characters; a claim is a sentence or a paragraph, not an article
LONGEST_ADDRESS = 2000  # characters


def rating_name(rating: str, lang: str) -> str:
    """How a rating is called in `lang`."""
    return SCALE.get(rating, Phrase("已撤回", "withdrawn")).say(lang)


def answers(
    rating: str, expires: date | None, today: date, basis: Mapping[str, object] | None = None
) -> bool:
    """Whether a verdict may still be given as an answer: not withdrawn, not past its date, and understood.

    A publisher's rating that our table of ratings does not know is kept as "unknown", with `basis["mapped"]`
    false. To answer with it would put words into the publisher's mouth.
    """
    understood = (basis or {}).get("mapped") is not False
    return rating in SCALE and understood and (expires is None or expires >= today)


def check_rating(rating: str) -> None:
    """Refuse what is not on our scale."""
    if rating not in RATINGS:
        raise Refused("no-such-rating", _NO_SUCH_RATING, field="rating", rating=rating[:60])


def check_some_wording(texts: Iterable[str]) -> None:
    """Refuse a claim that says nothing."""
    if not any(clean(text).strip() for text in texts):
        raise Refused("no-wording", _NO_WORDING, field="wordings")


def check_wording(lang: str, text: str) -> None:
    """Refuse a wording without words, without a language, or of more than LONGEST_WORDING characters."""
    check_some_wording([text])
    if not 2 <= len(lang) <= 10:
        raise Refused("no-language", _NO_LANGUAGE, field="wordings", tag=lang[:20])
    if len(text) > LONGEST_WORDING:
        raise Refused("wording-too-long", _TOO_LONG, field="wordings", most=LONGEST_WORDING, has=len(text))


def check_dates(as_of: date, expires: date | None, today: date) -> None:
    """Refuse a verdict from the future (a day of grace, for time zones), or one that is over at once."""
    if as_of > today + timedelta(days=1):
        raise Refused("date-ahead", _DATE_AHEAD, field="as_of", date=as_of.isoformat())
    if expires is not None and expires < as_of:
        raise Refused("expires-first", _EXPIRES_FIRST, field="expires", date=expires.isoformat())


def check_sources(rating: str, urls: Iterable[str]) -> None:
    """Refuse a verdict without a source, and a source that is no address a reader could open."""
    addresses = list(urls)
    if not addresses and rating != WITHDRAWN:
        raise Refused("no-source", _NO_SOURCE, field="sources")
    for url in addresses:
        if not opens(url):
            raise Refused("no-address", _NO_ADDRESS, field="sources", url=url[:120])


def opens(url: str) -> bool:
    """Whether this is an address a reader could open: http(s), with a host, of at most LONGEST_ADDRESS."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= LONGEST_ADDRESS
    except ValueError:
        return False


_NO_SUCH_RATING = Phrase("没有“{rating}”这一档结论。", "There is no rating “{rating}”.")
_NO_WORDING = Phrase("请写明这条说法是什么。", "Please write down what the claim says.")
_NO_LANGUAGE = Phrase("“{tag}”不是语言代码。", "“{tag}” is no language code.")
_TOO_LONG = Phrase(
    "说法最多{most}字，这一条有{has}字。", "A claim takes at most {most} characters; this one has {has}."
)
_DATE_AHEAD = Phrase("结论日期{date}还没有到。", "The verdict's date, {date}, lies ahead.")
_EXPIRES_FIRST = Phrase(
    "失效日期{date}早于结论日期。", "The verdict would expire on {date}, before its own date."
)
_NO_SOURCE = Phrase("结论至少要有一个来源。", "A verdict needs at least one source.")
_NO_ADDRESS = Phrase(
    "来源“{url}”不是可以打开的网址（应以 http:// 或 https:// 开头）。",
    "The source “{url}” is not an address that opens (http:// or https://).",
)

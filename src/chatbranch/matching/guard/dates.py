"""Dates and times of day as separate parts, so that each part is compared with its like."""

from __future__ import annotations

import re

from chatbranch.matching.guard.tokens import Token, Type

_MONTHS = {
    name: n + 1
    for n, names in enumerate(
        "january jan|february feb|march|april apr|may|june jun|july jul|august aug|september sept sep|october oct|november nov|december dec".split("|")
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = {d: n for n, d in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())}
_NUMERALS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0}
_N = r"(\d{1,2}|[一二三四五六七八九十]{1,3})"

_ISO = re.compile(r"((?:19|20)\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_YEAR_ZH = re.compile(r"(?:公元)?((?:19|20)\d{2}|[一二][零〇九一二三四五六七八]{3})年(?!级)")
_SHORT_YEAR = re.compile(r"(\d{2})年(?=\d{1,2}月)")
_YEAR = re.compile(
    r"((?:19|20)\d{2})(?![\d,.%]\d|\d|[^\W\d_a-zA-Z]|[ -]?(?:people|dollars|mg|kg|km|ml|meters|miles|feet|calories)\b)"
)
_MONTH_ZH = re.compile(_N + r"月(?:份)?(?!嫂)")
_DAY_ZH = re.compile(_N + r"(?:日(?!内|元)|号(?!线|楼|院|店|公路|铺|机|码))")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})(?:/((?:19|20)?\d{2}))?(?![\d/])")
_WEEKDAY_ZH = re.compile(r"(?:星期|礼拜|周)([一二三四五六日天末])(?!家)")
_CLOCK_ZH = re.compile(
    r"(凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚|半夜)?(\d{1,2}|[零一二两三四五六七八九十]{1,3})(?:点(?:钟)?(半|\d{1,2}分?)?(?![零一二三四五六七八九\d个燃击评])|时(\d{1,2}分)?(?![间候常]))"
)
_CLOCK = re.compile(
    r"(\d{1,2})[:](\d{2})(?::\d{2})?\s?(?:([aApP])\.?[mM]\b\.?)?|(\d{1,2})\s?([aApP])\.?[mM]\b\.?"
)
_MONTH_EN = re.compile(
    r"(?P<m>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?(?:\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?\b(?![:%]))?", re.IGNORECASE
)  # fmt: skip
_DAY_BEFORE_MONTH = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?(?: of)? (" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)
_WEEKDAY_EN = re.compile("(" + "|".join(_WEEKDAYS) + r")s?\b", re.IGNORECASE)
_HALF_DAY = {"下": 12, "傍": 12, "晚": 12}

Read = tuple[list[Token], int]


def read_date(text: str, i: int) -> Read | None:
    """The date or time of day that starts at ``text[i]``, as tokens and the index after it; None if there is none."""
    character = text[i]
    if character.isascii() and character.isalpha():
        return _english(text, i) if i == 0 or not text[i - 1].isalnum() else None
    if character.isascii() and character.isdigit():
        return _digits(text, i)
    if character in "公一二三四五六七八九十零〇两星礼周凌早上中下傍晚半":
        return _chinese(text, i)
    return None


def _part(kind: Type, written: str, *value: object, weight: float = 1.0) -> Token:
    return Token(kind, f"#{kind}", written, value, weight)


def _digits(text: str, i: int) -> Read | None:
    if match := _ISO.match(text, i):
        return _calendar(match, int(match[1]), int(match[2]), int(match[3]))
    if match := _DAY_BEFORE_MONTH.match(text, i):
        month = _part("month", match[2], _MONTHS[match[2].lower()])
        return [month, _part("day", match[1], int(match[1]))], match.end()
    if (match := _SHORT_YEAR.match(text, i)) and int(match[1]) < 40:
        return [_part("year", match.group(), 2000 + int(match[1]))], match.end()
    if match := _CLOCK.match(text, i):
        return _english_clock(match)
    if (match := _SLASHED.match(text, i)) and _plausible(match):
        return _calendar(match, _full_year(match[3]), int(match[1]), int(match[2]))
    if chinese := _chinese(text, i):
        return chinese
    if match := _YEAR.match(text, i):
        return [_part("year", match.group(), int(match[1]))], match.end()
    return None


def _plausible(match: re.Match[str]) -> bool:
    month, day = int(match[1]), int(match[2])
    return (
        1 <= month <= 12 and 1 <= day <= 31 and (bool(match[3]) or not month < day <= 10 or month * day > 60)
    )


def _full_year(digits: str | None) -> int | None:
    return None if digits is None else int(digits) + (2000 if len(digits) == 2 else 0)


def _calendar(match: re.Match[str], year: int | None, month: int, day: int) -> Read:
    parts = [
        _part("month", f"{month}月" if year is None else match.group(), month),
        _part("day", match.group(), day),
    ]
    return ([_part("year", str(year), year)] if year else []) + parts, match.end()


def _number(written: str) -> int:
    if written.isdigit():
        return int(written)
    tens, ten, ones = written.partition("十")
    if not ten:
        return int("".join(str(_NUMERALS.get(c, 2)) for c in written))
    return 10 * (_NUMERALS.get(tens, 1) if tens else 1) + (_NUMERALS.get(ones, 0) if ones else 0)


def _chinese(text: str, i: int) -> Read | None:
    for pattern, kind in ((_YEAR_ZH, "year"), (_MONTH_ZH, "month"), (_DAY_ZH, "day")):
        if match := pattern.match(text, i):
            return [_part(kind, match.group(), _number(match[1]))], match.end()  # type: ignore[arg-type]
    if match := _WEEKDAY_ZH.match(text, i):
        return [
            _part(
                "weekday",
                match.group(),
                "一二三四五六日".find(match[1].replace("天", "日")) if match[1] != "末" else 7,
            )
        ], match.end()
    if match := _CLOCK_ZH.match(text, i):
        return _chinese_clock(match)
    return None


def _chinese_clock(match: re.Match[str]) -> Read | None:
    if match.group().endswith("时") and not match[1] and not match[2].isdigit():
        return None  # 一时, 十时 without digits reads as a word
    hour = _number(match[2].replace("两", "二"))
    minutes = match[3] or match[4] or ""
    minute = 30 if minutes == "半" else int(minutes.rstrip("分") or 0)
    if hour < 12 and match[1] and (match[1][0] in _HALF_DAY):
        hour += 12
    told = bool(match[1]) or hour > 12
    return (
        ([_part("clock", match.group(), hour, minute, told)], match.end())
        if hour <= 24 and minute < 60
        else None
    )


def _english_clock(match: re.Match[str]) -> Read | None:
    hour, minute = int(match[1] or match[4]), int(match[2] or 0)
    half = (match[3] or match[5] or "").lower()
    if half == "p" and hour < 12:
        hour += 12
    hour = 0 if half == "a" and hour == 12 else hour
    told = bool(half) or hour > 12
    return (
        ([_part("clock", match.group(), hour, minute, told)], match.end())
        if hour <= 24 and minute < 60
        else None
    )


def _english(text: str, i: int) -> Read | None:
    if match := _WEEKDAY_EN.match(text, i):
        return [_part("weekday", match.group(), _WEEKDAYS[match[1].lower()])], match.end()
    match = _MONTH_EN.match(text, i)
    if match is None or not _is_month(match, text, i):
        return None
    parts = [_part("month", match["m"], _MONTHS[match["m"].lower()])]
    return parts + ([_part("day", match.group(), int(match["d"]))] if match["d"] else []), match.end()


def _is_month(match: re.Match[str], text: str, i: int) -> bool:
    """March and May are also verbs: only capitalised ones, and May only after a preposition or before a figure."""
    name = match["m"]
    if name.lower() not in ("may", "march", "mar", "jan", "dec", "sep", "jun"):
        return True
    if match["d"]:
        return True
    before = text[max(0, i - 10) : i].lower().split()
    after = text[match.end() : match.end() + 5]
    led = bool(before) and before[-1] in (
        "in",
        "on",
        "since",
        "until",
        "by",
        "from",
        "of",
        "late",
        "early",
        "mid",
        "this",
        "last",
        "next",
    )
    return name[0].isupper() and (led or bool(re.match(r",? (?:19|20)\d{2}", after + "0")))

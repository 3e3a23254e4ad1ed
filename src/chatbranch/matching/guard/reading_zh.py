"""Reading Chinese: words of the lists by longest match, then amounts, then names by their shape."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from chatbranch.kernel.text import is_cjk
from chatbranch.matching.guard import lexicon, words_zh
from chatbranch.matching.guard.dates import read_date
from chatbranch.matching.guard.places import NOT_PLACES, PLACE_SUFFIXES
from chatbranch.matching.guard.quantities import read_quantity
from chatbranch.matching.guard.tokens import Found, Token

_NAME_LENGTHS = (3, 2)


def chinese(text: str, i: int) -> Found:
    """What starts at the Chinese character ``text[i]``: the longest word of the lists, a date, an amount, a name."""
    for length in range(min(lexicon.LONGEST_ZH.get(text[i], 1), len(text) - i), 1, -1):
        piece = text[i : i + length]
        if piece in words_zh.ASKING or piece in lexicon.PLAIN_ZH:
            return _plain(piece, i)
        if piece.endswith("周") and piece in lexicon.ZH and (weekday := read_date(text, i + length - 1)):
            return [lexicon.ZH[piece], *weekday[0]], weekday[1]  # 下周一: both the week and its day
        if token := lexicon.ZH.get(piece):
            return _longer_name(text, i, length) or ([token], i + length)
    if date := read_date(text, i):
        return date
    if (quantity := read_quantity(text, i)) is not None:
        return [
            Token("number", "#number", text[i : quantity.end], (quantity,), strong=not quantity.weak)
        ], quantity.end
    return _named(text, i) or _single(text, i)


def _plain(piece: str, i: int) -> Found:
    """A-not-A questions and set phrases: characters to align, nothing to compare."""
    kept = piece[-1] if piece in words_zh.ASKING else piece
    return [_character(c) for c in kept], i + len(piece)


@lru_cache(maxsize=8192)
def _character(c: str) -> Token:
    return Token("word", c, c, weight=0.25 if c in words_zh.FUNCTION else 1.0)


def _single(text: str, i: int) -> Found:
    token = lexicon.ZH.get(text[i])
    return [token or _character(text[i])], i + 1


def _named(text: str, i: int) -> Found | None:
    return _organisation(text, i) or _district(text, i) or _person(text, i)


def _longer_name(text: str, i: int, length: int) -> Found | None:
    """北京大学 is not 北京: a place that begins the name of an organisation, or carries its rank (北京市)."""
    if lexicon.ZH[text[i : i + length]].type != "place":
        return None
    if organisation := _organisation(text, i, least=length):
        return organisation
    suffix = next((s for s in PLACE_SUFFIXES if text.startswith(s, i + length)), "")
    end = i + length + len(suffix)
    if (
        not suffix
        or text[i + length : end + 1] in NOT_PLACES
        or text[i + length : i + length + 2]
        in ("市场", "区别", "省钱", "市民", "市区", "村民", "区域", "市内", "市面")
    ):
        return None
    token = lexicon.ZH[text[i : i + length]]
    return [replace(token, text=text[i:end])], end


def _organisation(text: str, i: int, least: int = 2) -> Found | None:
    match = _ORGANISATION.match(text, i)
    if match is None or len(match[1]) < least or match[1] in _DESCRIBING or _turns(match[1]):
        return None
    return [Token("name", "#name", match.group(), (match.group(),))], match.end()


def _turns(name: str) -> bool:
    """Whether a quantifier, negator or verb of change has been swept into what looks like a name."""
    pieces = (name[k : k + length] for length in (1, 2, 3) for k in range(len(name) - length + 1))
    tokens = (lexicon.ZH.get(piece) for piece in pieces)
    return any(
        t is not None
        and t.type in ("negator", "quantifier", "modality", "when")
        and (len(t.text) > 1 or t.type == "negator")
        for t in tokens
    )


_ORGANISATION = re.compile(
    f"((?:(?![{''.join(sorted(words_zh.NOT_IN_NAMES))}])[\u3400-\u9fff]){{2,8}}?)({'|'.join(sorted(words_zh.ORGANISATIONS, key=len, reverse=True))})"
)
# Two characters or more that merely describe: 附近医院 names nothing, nor does 著名医院, for no name holds 著 (folded: 着).
_DESCRIBING = frozenset(
    "附近 当地 公立 私立 所有 大型 国家 政府 人民 儿童 妇女 定点 三甲 大医 重点 普通 某家 多家 部分 商业 民营 国有 外国 国外 知名 互联网 上市 几家 两家 一家 三家 地方 中央 市级 省级 高等 全国 各地 各级 保险 快递".split()
)


def _district(text: str, i: int) -> Found | None:
    for length in (2, 3, 4):
        name = text[i : i + length + 1]
        if (
            len(name) <= length
            or name[-1] not in "市县区镇村乡"
            or name[-2:] in NOT_PLACES
            or name[-3:] in NOT_PLACES
        ):
            continue
        if all(
            is_cjk(c) and c not in words_zh.NOT_IN_NAMES and c not in words_zh.FUNCTION for c in name[:-1]
        ) and text[i + length : i + length + 2] not in (
            "市场",
            "区别",
            "市民",
            "村民",
            "区域",
            "镇痛",
            "镇静",
            "乡亲",
        ):
            return [Token("place", "#place", name, (name[:-1],))], i + len(name)
    return None


def _person(text: str, i: int) -> Found | None:
    if text[i] not in words_zh.SURNAMES:
        return None
    for length in _NAME_LENGTHS:
        name, after = text[i : i + length], text[i + length : i + length + 3]
        if (
            len(name) == length
            and all(is_cjk(c) and c not in words_zh.NOT_IN_NAMES for c in name[1:])
            and _names_a_person(after)
        ):
            return [Token("name", "#name", name, (name,))], i + length
    title = next((t for t in words_zh.TITLES if text.startswith(t, i + 1)), None)
    if title == "某" and text[i + 2 : i + 3] in _NOBODY:
        return None
    return (
        ([Token("name", "#name", text[i : i + 1 + len(title)], (text[i : i + 1],))], i + 1 + len(title))
        if title
        else None
    )


_NOBODY = frozenset("些个种地日月天年时")  # 不关某些电器 names nobody called 关某


def _names_a_person(after: str) -> bool:
    return (
        after.startswith(words_zh.TITLES)
        or after[:2] in words_zh.SAYS
        or (after[:1] in ("说", "称") and after[1:2] in (",", ":", "，", "："))
    )

"""Other words in the very place of ours, in a text that is otherwise a copy: another garden, another enemy.

No word list holds every noun. Where a copy departs from a wording only between words that stand side by side in
both, what was put there was put there on purpose, unless it is one of the everyday substitutes below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from chatbranch.matching.guard.align import Alignment, Gap, gaps
from chatbranch.matching.guard.tokens import Token

# Coverage from which a message counts as a copy. English posts rephrase more, and are calibrated; Chinese is stricter.
COPY_ZH, COPY_EN = 0.7, 0.75
_LONGEST_ZH, _LONGEST_EN = 4, 2  # characters, words; more is a rewrite, not an exchange
_TYPES = ("word", "thing", "name", "speaker", "pole")

_SUBSTITUTES_ZH = """
吃 食 喝 饮 服 服用 食用 饮用 进食 | 会 能 可 能够 可以 将 | 得 患 生 得上 患上 染上 | 放 搁 置 放在 | 用 使 使用 拿 靠 | 买 购 购买 | 说 讲 道 称 表示 透露 告诉 | 看 见 瞧 | 很 非常 特别 十分 极 太 超 挺
马上 立即 立刻 立马 赶紧 赶快 尽快 | 一起 同时 一同 一块 共同 | 人 人们 大家 群众 民众 市民 居民 | 开始 起 始 | 导致 引起 造成 引发 致 使 让 令 | 死 亡 身亡 致死 毙命 | 变 变成 成 化 化成 | 产生 生成 形成 | 里 内 中 里面 | 时 时候 的时候 | 和 与 跟 及 同 配 加
实行 施行 执行 实施 推行 | 新规 规定 新规定 政策 | 需 要 需要 须 必须 | 全部 全 都 所有 | 钱 块钱 元 | 超 超过 多 | 去 到 往 前往 | 发 发布 公布 | 被 遭 遭到 | 家长 父母 爸妈 | 容易 易 | 方法 办法 方式 | 药 药物 药品 | 病 疾病 毛病 | 没 没有 无 | 好 好处 | 真 真的 确实
"""
_SUBSTITUTES_EN = """
eat consum ingest tak have | drink sip | show depict feature captur | photo photograph picture image pic | video clip footage | say said state claim tell told tweet declar announc | big large huge massive | kid child children | man guy dude | woman lady
buy purchas | get receiv obtain | giv donat offer | start begin began launch | stop end halt quit | help aid assist | big major | use utiliz | mak made creat produc | ask request urg | find found discover | tak took | kill murder slay | die pass dead | new latest recent
person people folk | car vehicle | house home | money cash | phone cellphone smartphone | every each | put plac | near by close | fast quick | leak spill | fir fire blaze | cop police officer | president pres | want wish seek | need requir | doctor physician | sick ill
"""


def _groups(rows: str) -> list[frozenset[str]]:
    return [frozenset(group.split()) for row in rows.strip().splitlines() for group in row.split("|")]


_GROUPS = (*_groups(_SUBSTITUTES_ZH), *_groups(_SUBSTITUTES_EN))


def exchanges(ours: Sequence[Token], yours: Sequence[Token], alignment: Alignment) -> list[tuple[str, str]]:
    """Pairs (ours, yours) of short phrases that fill the same place and do not mean the same, as far as one can tell."""
    chinese = any(not token.text.isascii() for token in ours)
    if alignment.coverage < (COPY_ZH if chinese else COPY_EN):
        return []
    found = []
    for gap in gaps(alignment, len(ours), len(yours)):
        left, right = _phrase(ours, gap, "ours"), _phrase(yours, gap, "yours")
        if left and right and _bounded(gap, ours, yours) and not _alike(left, right):
            found.append((_text(left), _text(right)))
    return found


def _phrase(tokens: Sequence[Token], gap: Gap, side: Literal["ours", "yours"]) -> list[Token]:
    """What fills a gap, if it is short, told in one breath, and not already compared as a figure, date or place."""
    filling = [tokens[k] for k in (gap.ours if side == "ours" else gap.yours)]
    told = [t for t in filling if t.weight >= 1 or t.type == "speaker"]
    chinese = any(not t.text.isascii() for t in told)
    if any(t.type == "stop" for t in filling) or sum(_length(t) for t in told) > (
        _LONGEST_ZH if chinese else _LONGEST_EN
    ):
        return []
    return told if all(t.type in _TYPES and not t.text.startswith("@") for t in told) else []


def _length(token: Token) -> int:
    return 1 if token.text.isascii() else len(token.text)


def _bounded(gap: Gap, ours: Sequence[Token], yours: Sequence[Token]) -> bool:
    """Between two shared words, or between one of them and an end that both texts have there."""
    starts = gap.ours.start == 0 and gap.yours.start == 0
    ends = gap.ours.stop == len(ours) and gap.yours.stop == len(yours)
    before = gap.ours.start > 0 and gap.yours.start > 0
    after = gap.ours.stop < len(ours) and gap.yours.stop < len(yours)
    return (before or starts) and (after or ends) and not (starts and ends)


def _alike(left: Sequence[Token], right: Sequence[Token]) -> bool:
    a, b = _text(left), _text(right)
    keys = {t.key for t in left}, {t.key for t in right}
    if a in b or b in a or a.lower() == b.lower() or keys[0] & keys[1]:
        return True
    if a.isascii() and (a[:4].lower() == b[:4].lower() or _root(a) == _root(b)):
        return True  # vaccinate, vaccination; gives, giving
    return any((a in group or keys[0] <= group) and (b in group or keys[1] <= group) for group in _GROUPS)


_ENDING = re.compile(r"(?<=[a-z]{3})(?:ing|ed|es|s|e)$")


def _root(word: str) -> str:
    return _ENDING.sub("", word.lower())


def _text(tokens: Sequence[Token]) -> str:
    return (" " if tokens[0].text.isascii() else "").join(t.text for t in tokens)

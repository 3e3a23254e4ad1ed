"""What turns a claim into another claim: one thing changed, by rule and by seed. None of it may be answered.

Each function gives the changed text, or None where the text holds nothing of its kind. They know words of their own, not
the guard's lists.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[str, random.Random], str | None]


def is_chinese(text: str) -> bool:
    return bool(re.search("[\u4e00-\u9fff]", text))


def replaced(text: str, pattern: str, chance: random.Random, new: Callable[[str], str | None]) -> str | None:
    """One match of the pattern, drawn, in other words."""
    found = list(re.finditer(pattern, text))
    if not found:
        return None
    match = chance.choice(found)
    other = new(match.group())
    return None if other is None else text[: match.start()] + other + text[match.end() :]


def exchanged(groups: Sequence[Sequence[str]]) -> Mutation:
    """A member of a group for another member of it."""

    def mutate(text: str, chance: random.Random) -> str | None:
        here = [(word, group) for group in groups for word in group if _holds(text, word)]
        if not here:
            return None
        word, group = chance.choice(here)
        return _put(text, word, chance.choice([each for each in group if each != word]))

    return mutate


def _holds(text: str, word: str) -> bool:
    return bool(re.search(rf"\b{re.escape(word)}\b", text)) if word.isascii() else word in text


def _put(text: str, word: str, other: str) -> str:
    return (
        re.sub(rf"\b{re.escape(word)}\b", other, text, count=1)
        if word.isascii()
        else text.replace(word, other, 1)
    )


def number(text: str, chance: random.Random) -> str | None:
    pattern = r"(?<![A-Za-z\d.:\-])\d+(?![A-Za-z\d.:\-])"
    return replaced(text, pattern, chance, lambda digits: str(int(digits) + chance.choice((1, 3, 7, 20))))


def date(text: str, chance: random.Random) -> str | None:
    if is_chinese(text):
        other = replaced(
            text,
            r"\d{1,2}(?=月)|\d{1,2}(?=[日号])|(?:19|20)\d\d(?=年)",
            chance,
            lambda d: str(int(d) + (1 if int(d) < 9 else -1)),
        )
        return other or exchanged(
            (
                ("今天", "昨天", "明天"),
                ("今年", "去年", "明年"),
                ("上午", "下午"),
                ("春节", "国庆", "中秋"),
                ("春天", "秋天"),
            )
        )(text, chance)
    months = "January February March April June July August September October November December".split()
    return exchanged(
        (months, ("today", "yesterday", "tomorrow"), ("Monday", "Thursday", "Saturday"), ("summer", "winter"))
    )(text, chance) or replaced(
        text, r"\b(?:19|20)\d\d\b", chance, lambda year: str(int(year) + chance.choice((-3, -1, 1, 2)))
    )


def unit(text: str, chance: random.Random) -> str | None:
    groups = (
        ("公斤", "吨"), ("毫升", "升"), ("小时", "分钟"), ("分钟", "小时"), ("天内", "年内"), ("公里", "米"), ("毫克", "克"), ("千克", "毫克"), ("美元", "日元"), ("厘米", "公里"),
    ) if is_chinese(text) else (
        ("hours", "minutes", "days", "weeks"), ("kilometres", "metres"), ("miles", "feet"), ("kilograms", "grams"), ("pounds", "tons"), ("litres", "millilitres"),
        ("milligrams", "grams"), ("dollars", "euros"), ("years", "months"), ("minute", "hour"), ("percent", "degrees"),
    )  # fmt: skip
    behind = [group for group in groups if any(re.search(rf"\d\s?{re.escape(word)}", text) for word in group)]
    return exchanged(behind)(text, chance) if behind else None


def place(text: str, chance: random.Random) -> str | None:
    return exchanged((
        ("北京", "上海", "广州", "深圳", "成都", "武汉", "西安", "杭州", "南京", "重庆", "天津"), ("中国", "美国", "日本", "印度", "英国", "韩国"), ("四川", "河南", "湖北", "广东", "山东"),
        ("China", "Japan", "India", "France", "Germany", "Italy", "Russia", "Brazil", "Canada"), ("London", "Paris", "Berlin", "Tokyo", "Chicago", "Boston", "Texas", "Florida"),
    ))(text, chance)  # fmt: skip


def name(text: str, chance: random.Random) -> str | None:
    return exchanged((
        ("大蒜", "生姜", "洋葱", "白醋"), ("牛奶", "豆浆", "咖啡", "绿茶"), ("西瓜", "草莓", "榴莲", "苹果", "香蕉"), ("猪肉", "牛肉", "鸡肉"), ("微波炉", "冰箱", "空调"), ("手机", "电脑"),
        ("口罩", "手套"), ("老人", "孕妇", "儿童"), ("癌症", "糖尿病", "感冒"), ("菠菜", "豆腐"), ("鸡蛋", "螃蟹"), ("蜂蜜", "白糖"), ("微信", "支付宝"), ("地震", "台风", "洪水"), ("5G", "蓝牙"),
        ("garlic", "ginger", "onions"), ("milk", "coffee", "tea", "juice"), ("lemon", "banana", "apple"), ("Microwave", "Fridge"), ("microwave", "refrigerator"), ("phone", "computer"),
        ("masks", "gloves"), ("cancer", "diabetes", "influenza"), ("spinach", "tofu"), ("eggs", "crabs"), ("honey", "sugar"), ("earthquake", "typhoon", "flood"), ("salt", "vinegar"),
        ("children", "pensioners"), ("dogs", "cats"), ("WhatsApp", "WeChat"), ("vaccines", "antibiotics"), ("chicken", "beef", "pork"),
    ))(text, chance)  # fmt: skip


def negation(text: str, chance: random.Random) -> str | None:
    if is_chinese(text):
        affirmed = "(?<=[\u4e00-\u9fff])(?<![不就才都只机社协大开])(?:会|可以|能够)(?![不议员计见])"
        return replaced(text, affirmed, chance, lambda verb: "不" + verb)
    verbs = r"\b(?:is|are|was|were|can|will|should|does|has)\b(?= [a-z])(?! not\b)"
    return replaced(text, verbs, chance, lambda verb: verb + " not")


def quantifier(text: str, chance: random.Random) -> str | None:
    return exchanged((
        ("所有", "少数"), ("全部", "一部分"), ("每个", "有的"), ("大部分", "少部分"), ("任何", "某些"), ("超过", "不到"), ("至少", "最多"), ("只有", "不只"), ("经常", "很少"),
        ("all", "few"), ("every", "some"), ("most", "few"), ("always", "rarely"), ("more than", "less than"), ("at least", "at most"), ("any", "some"), ("only", "not only"), ("often", "rarely"),
    ))(text, chance)  # fmt: skip


def modality(text: str, chance: random.Random) -> str | None:
    return exchanged((
        ("可能", "必定"), ("必须", "可以自愿"), ("应该", "可以不"), ("已经", "计划"), ("即将", "已经"), ("一定", "也许"),
        ("may", "must"), ("might", "certainly will"), ("must", "may"), ("has already", "is planning to have"), ("will", "might"), ("should", "need not"),
    ))(text, chance)  # fmt: skip


def attribution(text: str, chance: random.Random) -> str | None:
    return exchanged((
        ("世卫组织", "教育部", "国家电网"), ("公安部", "卫健委"), ("钟南山", "张文宏", "马云"), ("专家", "网友"), ("央视", "某自媒体"), ("医生", "主播"),
        ("NASA", "CNN", "Tesla"), ("WHO", "FIFA"), ("experts", "bloggers"), ("scientists", "astrologers"), ("doctors", "influencers"), ("officials", "comedians"),
    ))(text, chance)  # fmt: skip


def denial(text: str, chance: random.Random) -> str | None:
    frames = (
        ("辟谣：{}", "{} 纯属谣言。", "官方回应：“{}”不属实。", "别信！{}是假的。", "网传{}，系谣言。")
        if is_chinese(text)
        else (
            "Debunked: {}",
            "{} This is a hoax.",
            "Fact check: it is not true that {}",
            "FALSE: {}",
            "No, this is a myth: {}",
        )
    )
    return chance.choice(frames).format(text.rstrip("。") if is_chinese(text) else text)


MUTATIONS: dict[str, Mutation] = {
    each.__name__: each
    for each in (number, date, unit, place, name, negation, quantifier, modality, attribution, denial)
}  # fmt: skip


def mutations(texts: Sequence[str], seed: int, rounds: int = 2) -> list[tuple[str, str, str]]:
    """(kind, text, the text with one thing changed), in a fixed order, none twice."""
    found: dict[tuple[str, str, str], None] = {}
    for i, text in enumerate(texts):
        for kind, mutate in MUTATIONS.items():
            for turn in range(rounds):
                changed = mutate(text, random.Random(f"{seed} {i} {kind} {turn}"))
                if changed is not None and changed != text:
                    found[kind, text, changed] = None
    return list(found)

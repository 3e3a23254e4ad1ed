"""The word lists joined into one table: word -> what kind of token it makes."""

from __future__ import annotations

from chatbranch.matching.guard import words_en, words_zh
from chatbranch.matching.guard.places import EN_PLACES, ZH_PLACES
from chatbranch.matching.guard.tokens import Token, Type

_SYNONYMS = """
大蒜 蒜 蒜头 | 生姜 姜 | 西红柿 番茄 | 土豆 马铃薯 | 红薯 地瓜 番薯 | 孩子 小孩 儿童 宝宝 小朋友 | 老人 老年人 中老年人 | 成年人 成人 | 红枣 大枣 | 食盐 盐 | 白醋 醋 | 猕猴桃 奇异果 | 车厘子 樱桃 | 方便面 泡面 | 教师 老师 | 新冠 新冠肺炎 新冠病毒 肺炎 新型冠状病毒 | 癌症 癌
艾滋病 艾滋 | 痴呆 老年痴呆 | 婴儿 幼儿 | 学生 | 手机 | 汽车 车 | 公安局 公安 警察 | 世卫组织 世界卫生组织 世卫 who | 香烟 烟 | 川普 特朗普 | 盖茨 比尔盖茨 | 脸书 facebook | 推特 twitter | 疾控中心 cdc | 北京时间 | 央视 央视新闻 | 心脏病 心梗 | 中风 脑梗 | 开水 热开水 白开水 | 电动车 电动汽车
公交车 公交 | 退伍军人 老兵 | 电瓶车 电动车
kids children | flu influenza | covid covid-19 coronavirus | cola coke | phone smartphone | immigrants refugees | mouse mice | plane airplane | car truck | marijuana cannabis | nurses | babies infants | elderly seniors | gray grey
"""
_PLURAL = {
    "tomatoes": "tomato",
    "potatoes": "potato",
    "mice": "mouse",
    "wolves": "wolf",
    "cherries": "cherry",
    "strawberries": "strawberry",
    "babies": "baby",
    "mosquitoes": "mosquito",
    "monkeys": "monkey",
    "buses": "bus",
}


def _synonyms() -> dict[str, str]:
    groups = [group.split() for row in _SYNONYMS.strip().splitlines() for group in row.split("|")]
    return {word: group[0] for group in groups for word in group}


_SAME = _synonyms()


def _thing(word: str) -> str:
    if word.isascii():
        word = _SAME.get(word, word)
        word = _PLURAL.get(
            word, word[:-1] if word.endswith("s") and len(word) > 3 and not word.endswith("ss") else word
        )
    return _SAME.get(word, word)


def _token(
    kind: Type, word: str, key: str, *value: object, weight: float = 1.0, strong: bool = True
) -> Token:
    return Token(kind, key, word, value, weight, strong)


def _poles(rows: str) -> dict[str, Token]:
    table: dict[str, Token] = {}
    for row in rows.strip().splitlines():
        axis, words = row.split(" ", 1)
        for side, half in zip((1, -1), words.split("|"), strict=True):
            for word in half.split():
                table.setdefault(
                    word.replace("-", " ") if word.isascii() and "toxic" not in word else word,
                    _token("pole", word, f"#{axis}", axis, side),
                )
    return table


def _member(name: str, word: str) -> Token:
    """Companies and institutions speak and act as people do: they are names."""
    if name == "brand":
        return _token("name", word, "#name", _thing(word))
    return _token("thing", word, f"#{name}", name, _thing(word))


def _classes(rows: str) -> dict[str, Token]:
    table: dict[str, Token] = {}
    for row in rows.strip().splitlines():
        name, *words = row.split()
        for word in words:
            table.setdefault(word, _member(name, word))
    return table


def _whens() -> dict[str, Token]:
    groups = {
        "yesterday": "昨天 昨日 昨晚 昨夜 yesterday", "today": "今天 今日 今晚 今夜 今早 today tonight this-morning this-evening", "tomorrow": "明天 明日 明晚 明早 明起 tomorrow",
        "after tomorrow": "后天", "before yesterday": "前天", "last week": "上周 上星期 last-week", "this week": "本周 这周 this-week", "next week": "下周 下星期 next-week",
        "last month": "上月 上个月 last-month", "this month": "本月 这个月 当月 this-month", "next month": "下月 下个月 next-month", "last year": "去年 上年 last-year", "this year": "今年 本年 this-year", "next year": "明年 来年 next-year",
        "month end": "月底 月末", "month start": "月初", "year end": "年底 年末", "year start": "年初", "spring festival": "春节 过年 大年 chinese-new-year spring-festival", "new year": "元旦 new-year", "labour day": "五一 劳动节",
        "national day": "十一 国庆 国庆节", "mid-autumn": "中秋 中秋节", "dragon boat": "端午 端午节", "qingming": "清明 清明节", "children's day": "六一 儿童节", "lantern": "元宵 元宵节", "christmas": "圣诞 圣诞节 christmas",
        "double eleven": "双十一 双11", "easter": "复活节 easter", "thanksgiving": "感恩节 thanksgiving", "halloween": "万圣节 halloween", "ramadan": "ramadan 斋月", "summer holiday": "暑假", "winter holiday": "寒假",
        "first half": "上半年", "second half": "下半年", "spring": "春天 春季 spring", "autumn": "秋天 秋季 autumn",
    }  # fmt: skip
    rhythms = {"daily": "每天 每日 天天 daily every-day each-day", "weekly": "每周 每星期 每个星期 每礼拜 weekly every-week", "monthly": "每月 每个月 monthly every-month",
               "yearly": "每年 年年 yearly annually every-year", "hourly": "每小时 hourly every-hour"}  # fmt: skip
    per = {
        w.replace("-", " "): _token("when", w, "#rhythm", meaning)
        for meaning, words in rhythms.items()
        for w in words.split()
    }
    return per | {
        w.replace("-", " "): _token("when", w, "#when", meaning)
        for meaning, words in groups.items()
        for w in words.split()
    }


def _words(groups: dict[str, list[str]], kind: Type) -> dict[str, Token]:
    return {
        word: _token(kind, word, f"#{kind}", meaning, weight=0.4)
        for meaning, words in groups.items()
        for word in words
    }


def _table_zh() -> dict[str, Token]:
    table: dict[str, Token] = {}
    table |= _poles(words_zh.POLES)
    table |= _words(words_zh.QUANTIFIERS, "quantifier") | _words(words_zh.MODALITIES, "modality")
    table |= {w: _token("negator", w, "#negator", weight=0.4) for w in words_zh.NEGATORS}
    table |= _classes(words_zh.THINGS)
    table |= {w: _token("speaker", w, "#speaker", w, weight=0.6) for w in words_zh.SPEAKERS}
    table |= {w: _token("name", w, "#name", _SAME.get(w, w)) for w in words_zh.PEOPLE}
    table |= {w: _token("place", w, "#place", place) for w, place in ZH_PLACES.items()}
    table |= {w: t for w, t in _whens().items() if not w.isascii()}
    return table


def _table_en() -> dict[str, Token]:
    table: dict[str, Token] = {}
    table |= _poles(words_en.POLES) | _classes(words_en.THINGS)
    table |= _words(words_en.QUANTIFIERS, "quantifier") | _words(words_en.MODALITIES, "modality")
    table |= {w: _token("negator", w, "#negator", weight=0.4) for w in words_en.NEGATORS}
    table |= {w: _token("speaker", w, "#speaker", w, weight=0.6) for w in words_en.SPEAKERS}
    return table | {w: t for w, t in _whens().items() if w.isascii()}


ZH: dict[str, Token] = _table_zh()
EN: dict[str, Token] = _table_en()
# The United States go without saying in English posts: exchanged they matter, left out they do not.
EN_CAPITALISED: dict[str, Token] = {
    w: _token("place", w, "#place", p, strong=p != "美国") for w, p in EN_PLACES.items()
}
PLAIN_ZH = {
    w for w in words_zh.PLAIN if w not in ZH or ZH[w].type not in ("thing", "name", "place", "speaker")
} | set(words_zh.TONE)
PLAIN_EN = words_en.PLAIN | frozenset(words_en.TONE) | frozenset(words_en.ASKING)


def _longest(tables: tuple[object, ...]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for table in tables:
        for word in table:  # type: ignore[attr-defined]
            lengths[word[0]] = max(lengths.get(word[0], 0), len(word))
    return lengths


LONGEST_ZH: dict[str, int] = _longest((ZH, PLAIN_ZH, words_zh.ASKING))

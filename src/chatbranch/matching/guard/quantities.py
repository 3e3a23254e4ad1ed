"""Numbers with their units, in digits, Chinese numerals and English number words, reduced to one value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# unit -> (dimension, factor to the dimension's base, offset). Counting words share the dimension "".
_UNITS_ZH = """
mass 克=1 毫克=.001 微克=.000001 公斤=1000 千克=1000 斤=500 市斤=500 两=50 吨=1000000 磅=453.592
volume 毫升=1 升=1000 公升=1000
length 米=1 公尺=1 公里=1000 千米=1000 里=500 里地=500 厘米=.01 公分=.01 毫米=.001 英里=1609.344 英尺=.3048 英寸=.0254 海里=1852 微米=.000001 纳米=.000000001
time 秒=1 秒钟=1 分钟=60 小时=3600 个小时=3600 钟头=3600 个钟头=3600 天=86400 日内=86400 天内=86400 周=604800 个星期=604800 星期=604800 个礼拜=604800
months 个月=1 月内=1 年=12 周年=12 年内=12 个年头=12 季度=3 个季度=3
degrees 度=1 ℃=1 °C=1 摄氏度=1
fahrenheit 华氏度=1 ℉=1 °F=1
money 元=1 块=1 块钱=1 元钱=1 人民币=1 角=.1 毛=.1 毛钱=.1 分钱=.01
dollars 美元=1 美金=1 刀=1
euros 欧元=1
yen 日元=1
hkd 港元=1 港币=1
twd 台币=1 新台币=1
pounds 英镑=1
percent %=1 个百分点=1
age 岁=1 周岁=1 岁以上=1
area 平方米=1 平米=1 亩=666.667 公顷=10000 平方公里=1000000
energy 千卡=1 大卡=1 卡路里=.001
pages 页=1
magnitude 级=1
times 倍=1
occasions 次=1 遍=1 回=1 趟=1
people 人=1 名=1 位=1 个人=1 人次=1 口人=1 例=1
cups 杯=1
bottles 瓶=1
bowls 碗=1
pieces 片=1 粒=1 颗=1 枚=1 瓣=1
spoons 勺=1 匙=1
storeys 层=1 楼=1
points 分=1
kinds 种=1 类=1 样=1 款=1
families 户=1 家=1 所=1
degreesangle 度角=1
data 兆=1 G=1024 GB=1024 M=1 MB=1
"" 个=1 只=1 头=1 条=1 张=1 块儿=1 台=1 辆=1 部=1 棵=1 朵=1 根=1 支=1 本=1 篇=1 套=1 间=1 座=1 栋=1 架=1 艘=1 件=1 项=1 句=1 字=1 步=1 招=1 包=1 盒=1 袋=1 箱=1 滴=1 针=1 剂=1 代=1 届=1 期=1 批=1 组=1 组人=1 场=1 起=1 宗=1 桶=1 把=1 双=1 对=1 口=1 行=1 点=1 号=1 路=1 线=1 折=1 股=1 票=1 师=1 盘=1
"""
_UNITS_EN = """
mass g=1 gram=1 grams=1 mg=.001 milligram=.001 milligrams=.001 mcg=.000001 kg=1000 kgs=1000 kilo=1000 kilos=1000 kilogram=1000 kilograms=1000 lb=453.592 lbs=453.592 ounce=28.3495 ounces=28.3495 oz=28.3495 ton=1000000 tons=1000000 tonnes=1000000 jin=500
volume ml=1 milliliter=1 milliliters=1 millilitres=1 l=1000 liter=1000 liters=1000 litre=1000 litres=1000 gallon=3785.41 gallons=3785.41
length m=1 meter=1 meters=1 metre=1 metres=1 km=1000 kilometer=1000 kilometers=1000 kilometre=1000 kilometres=1000 cm=.01 centimeters=.01 centimetres=.01 mm=.001 mile=1609.344 miles=1609.344 foot=.3048 feet=.3048 ft=.3048 inch=.0254 inches=.0254 yards=.9144
time s=1 sec=1 second=1 seconds=1 min=60 mins=60 minute=60 minutes=60 h=3600 hr=3600 hrs=3600 hour=3600 hours=3600 day=86400 days=86400 week=604800 weeks=604800
months month=1 months=1 year=12 years=12 decade=120 decades=120
degrees degrees=1 degree=1 celsius=1
fahrenheit fahrenheit=1
dollars dollars=1 dollar=1 bucks=1 usd=1 cents=.01
euros euros=1 euro=1
pounds pounds=1 pound=1
money yuan=1 rmb=1
percent percent=1 percentage=1 per-cent=1
energy calories=.001 kcal=1
cups cup=1 cups=1 glass=1 glasses=1
bottles bottle=1 bottles=1
spoons spoon=1 spoons=1 spoonful=1 spoonfuls=1 teaspoon=1 teaspoons=1 tablespoon=3 tablespoons=3
pieces clove=1 cloves=1 pill=1 pills=1 tablet=1 tablets=1 slice=1 slices=1
times times=1 fold=1
people people=1 persons=1 men=1 women=1 students=1 children=1 kids=1 workers=1 soldiers=1 victims=1 patients=1 deaths=1 cases=1
data gb=1024 mb=1
"""
_SIGNS = {"$": ("dollars", 1.0), "¥": ("money", 1.0), "€": ("euros", 1.0), "£": ("pounds", 1.0)}
_SCALES = {
    "百": 1e2, "千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "万亿": 1e12,
    "k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
}  # fmt: skip
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "俩": 2,
    "仨": 3,
    "壹": 1,
    "贰": 2,
    "叁": 3,
}
_STEPS = {"十": 10, "百": 100, "千": 1000, "廿": 20}
_WORDS = {
    w: n for n, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {w: 20 + 10 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())}  # fmt: skip
_ORDINALS = {
    w: n + 1 for n, w in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split())
}


def _table(rows: str) -> dict[str, tuple[str, float]]:
    units: dict[str, tuple[str, float]] = {}
    for row in rows.strip().splitlines():
        dimension, *entries = row.split()
        for entry in entries:
            name, _, factor = entry.rpartition("=")
            units[name] = (dimension.strip('"'), float(factor))
    return units


_ZH, _EN = _table(_UNITS_ZH), _table(_UNITS_EN)
_LATIN_AFTER_DIGIT = {"G": _EN["gb"], "GB": _EN["gb"], "MB": _EN["mb"], "%": ("percent", 1.0), "℃": ("degrees", 1.0),
                      "°C": ("degrees", 1.0), "℉": ("fahrenheit", 1.0), "°F": ("fahrenheit", 1.0), "°": ("degrees", 1.0)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written (``raw``) and what it measures: ``amount`` in the base unit of ``dimension``.

    The dimension is "" for plain counts. ``weak`` marks the "one" that is hardly more than an article.
    """

    raw: float
    dimension: str
    amount: float
    end: int
    weak: bool = False
    ordinal: bool = False


def same_amount(a: Quantity, b: Quantity) -> bool:
    """Equal within rounding of unit conversion; a number without a unit agrees with any that reads the same."""
    if a.ordinal != b.ordinal and a.raw != b.raw:
        return False
    if a.raw and b.raw and a.amount * b.raw == b.amount * a.raw and a.dimension == b.dimension:
        return a.raw == b.raw  # one unit: no rounding to allow for
    if a.dimension == b.dimension or {a.dimension, b.dimension} == {"degrees", "fahrenheit"}:
        return abs(_common(a) - _common(b)) <= 0.005 * max(abs(_common(a)), abs(_common(b)))
    return a.raw == b.raw and _countable(a) and _countable(b) and not {a.dimension, b.dimension} <= _PACKS


def _common(q: Quantity) -> float:
    return (q.amount - 32) / 1.8 if q.dimension == "fahrenheit" else q.amount


_COUNTED = frozenset(
    {"", "people", "occasions", "times", "cups", "bottles", "bowls", "pieces", "spoons", "storeys", "points", "kinds", "families",
     "pages", "magnitude", "age", "data"}
)  # fmt: skip
_PACKS = frozenset({"cups", "bottles", "bowls", "pieces", "spoons"})


def _countable(q: Quantity) -> bool:
    return q.dimension in _COUNTED


def same_measure(a: Quantity, b: Quantity) -> bool:
    """Whether the two could be compared at all: one dimension, or one of them a plain count."""
    return a.dimension == b.dimension or "" in (a.dimension, b.dimension)


def other_unit(a: Quantity, b: Quantity) -> bool:
    """The same figure in units that do not say the same: 5 mg for 5 g, five cups for five bottles."""
    if a.raw != b.raw or a.dimension == b.dimension:
        return a.raw == b.raw and a.amount != b.amount
    return not (_countable(a) and _countable(b)) or {a.dimension, b.dimension} <= _PACKS


# --- reading --------------------------------------------------------------------------------------

_ARABIC = re.compile(r"\d{1,3}(?:,\d{3}){1,5}(?!\d)(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?")
_SCALE = re.compile(
    r"(万亿|百万|千万|十万|万|亿|千|百)|([kK]|[mM]n?|bn)(?![A-Za-z\d])|[ -](hundred|thousand|million|billion|trillion)\b",
    re.IGNORECASE,
)
_ZH_NUMERAL = re.compile(
    r"[零〇一二两三四五六七八九十百千万亿壹贰叁廿俩仨]{1,12}(?:点[零一二三四五六七八九]{1,4})?|半"
)
_FRACTION = re.compile(
    r"([零一二两三四五六七八九十百千万\d]{1,6})分之([零一二两三四五六七八九十百点\d.]{1,10})"
)
_SLASH = re.compile(r"(\d{1,3})/(\d{1,3})(?![\d/])")
_TENTHS = re.compile(r"([一二两三四五六七八九]|\d)成(?![年立为功了人员就分本都])")
_EN_RUN = re.compile(
    r"(?:(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|trillion|dozen|half|"
    r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b[ -]?(?:and (?=\w{3,9}\b))?){1,8}",
    re.IGNORECASE,
)
_EN_PART = re.compile(
    r"(an?|one|two|three|four|five) (?:(quarter|fifth|tenth)s?|(third)s?(?= of\b|[,.;!?]|$)|thirds)\b",
    re.IGNORECASE,
)
_PARTS = {"third": 3, "thirds": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_LATIN_UNIT = re.compile(r"[ -]?([A-Za-z]{1,12})(?![A-Za-z0-9])")
_MORE = frozenset("多余来几")  # 三百多人: about three hundred
_ORDINAL_END = re.compile(r"(?:st|nd|rd|th)\b")
_OLD = re.compile(r"[ -]olds?\b")
_SCALE_OF_DEGREES = re.compile(r" (celsius|fahrenheit|C|F)\b", re.IGNORECASE)
_LATIN = re.compile("[A-Za-z0-9]")
_PER = re.compile(r"每(?=[吨公千克斤两升毫米里亩平度])|per (?=[a-z])")
_UNIT_LENGTHS = range(4, 0, -1)


def read_quantity(text: str, i: int) -> Quantity | None:
    """The quantity that starts at ``text[i]``, or None. A bare Chinese numeral without a unit is a word, not a number."""
    character = text[i]
    if character in "每p" and (match := _PER.match(text, i)):
        rate = _with_unit(text, 1.0, match.end() - (character == "p"), weak=True)
        return rate if rate.end > match.end() else None
    if character in _SIGNS:
        return _read_money(text, i)
    if character.isdigit() and character.isascii():
        return _read_fraction(text, i) or _read_arabic(text, i)
    if character in "第初":
        return _read_ordinal(text, i)
    if character in _DIGITS or character in "十百千万亿半廿":
        return _read_fraction(text, i) or _read_numeral(text, i)
    if character.isascii() and character.isalpha():
        return _read_words(text, i)
    return None


def _read_money(text: str, i: int) -> Quantity | None:
    number = _read_arabic(text, i + 2 if text[i + 1 : i + 2] == " " else i + 1) if i + 1 < len(text) else None
    if number is None:
        return None
    dimension, factor = _SIGNS[text[i]]
    return Quantity(number.raw, dimension, number.raw * factor, number.end)


def _read_arabic(text: str, i: int) -> Quantity | None:
    match = _ARABIC.match(text, i)
    if match is None:
        return None
    value, end = float(match.group().replace(",", "")), match.end()
    if ordinal := _ORDINAL_END.match(text, end):
        return Quantity(value, "", value, ordinal.end(), ordinal=True)
    return _with_unit(text, *_scaled(text, value, end))


def _scaled(text: str, value: float, end: int) -> tuple[float, int]:
    for _ in range(2):  # "5 hundred thousand"
        if (scale := _SCALE.match(text, end)) is None or (scale[2] and _unit_reading(text, scale)):
            break
        value, end = value * _SCALES[(scale[1] or scale[2] or scale[3]).lower()], scale.end()
    return value, end


def _unit_reading(text: str, scale: re.Match[str]) -> bool:
    """A lone ``m`` after a number is metres unless money or people surround it."""
    return scale[2] == "m" and not re.search(
        r"[$¥€£]\d[\d.,]*$", text[max(0, scale.start() - 12) : scale.start()]
    )


def _with_unit(text: str, value: float, end: int, *, zh: bool = False, weak: bool = False) -> Quantity:
    if text[end : end + 1] in _MORE and text[end : end + 1]:
        end += 1
    half = 0.0
    if text[end : end + 2] == "个半":
        half, end = 0.5, end + 2
    for length in _UNIT_LENGTHS:
        if (unit := _ZH.get(text[end : end + length])) and len(text[end : end + length]) == length:
            return Quantity(value + half, unit[0], (value + half) * unit[1], end + length, weak)
    for length in (2, 1):
        if (unit := _LATIN_AFTER_DIGIT.get(text[end : end + length])) and not _LATIN.match(
            text, end + length
        ):
            return Quantity(value, unit[0], value * unit[1], end + length, weak)
    if text[end : end + 1] == "%" or text[end : end + 2] == " %":
        return Quantity(value, "percent", value, end + 1 + (text[end] == " "))
    if (latin := _LATIN_UNIT.match(text, end)) and (unit := _EN.get(latin[1].lower())):
        return _latin_unit(value, unit, latin, text, weak)
    if text[end : end + 9].lower().startswith(" per cent"):
        return Quantity(value, "percent", value, end + 9)
    return Quantity(value, "", value, end, weak)


def _latin_unit(
    value: float, unit: tuple[str, float], match: re.Match[str], text: str, weak: bool
) -> Quantity:
    end = match.end()
    if unit[0] == "months" and (age := _OLD.match(text, end)):
        return Quantity(value, "age", value, age.end(), weak)
    if unit[0] == "degrees" and (scale := _SCALE_OF_DEGREES.match(text, end)):
        dimension = "fahrenheit" if scale[1][0].lower() == "f" else "degrees"
        return Quantity(value, dimension, value, scale.end(), weak)
    return Quantity(value, unit[0], value * unit[1], end, weak)


def _read_ordinal(text: str, i: int) -> Quantity | None:
    arabic = _ARABIC.match(text, i + 1)
    numeral = arabic or _ZH_NUMERAL.match(text, i + 1)
    if numeral is None or numeral.group() == "半" or (text[i] == "初" and arabic):
        return None
    value = float(numeral.group().replace(",", "")) if arabic else _chinese(numeral.group())
    return Quantity(value, "ordinal", value, numeral.end(), ordinal=True)


def _read_fraction(text: str, i: int) -> Quantity | None:
    if text.startswith(("一半", "半数"), i):
        return Quantity(50.0, "percent", 50.0, i + 2)
    if match := _FRACTION.match(text, i):
        below, above = _any_numeral(match[1]), _any_numeral(match[2])
        return Quantity(100 * above / below, "percent", 100 * above / below, match.end()) if below else None
    if match := _TENTHS.match(text, i):
        value = 10 * _any_numeral(match[1])
        return Quantity(value, "percent", value, match.end())
    if (match := _SLASH.match(text, i)) and 0 < int(match[1]) < int(match[2]) <= 10:
        value = 100 * int(match[1]) / int(match[2])
        return Quantity(value, "percent", value, match.end())
    return None


def _any_numeral(digits: str) -> float:
    try:
        return float(digits)
    except ValueError:
        return _chinese(digits)


def _read_numeral(text: str, i: int) -> Quantity | None:
    match = _ZH_NUMERAL.match(text, i)
    if match is None:
        return None
    numeral, end = match.group(), match.end()
    if numeral == "半":
        return _half(text, i)
    if len(numeral) > 1 and numeral[-1] == "两":  # 三两酒: the last one is the unit
        numeral, end = numeral[:-1], end - 1
    about = len(numeral) == 2 and _DIGITS.get(numeral[0], 9) + 1 == _DIGITS.get(
        numeral[1]
    )  # 两三天: two or three days
    value = _DIGITS[numeral[0]] + 0.5 if about else _chinese(numeral)
    unit = _with_unit(text, value, end, weak=numeral == "一" or about)
    if unit.end > end:
        return unit
    return Quantity(value, "", value, end) if _clearly_a_number(numeral) else None


def _half(text: str, i: int) -> Quantity | None:
    unit = _with_unit(text, 0.5, i + 1)
    return (
        unit
        if unit.dimension in ("mass", "time", "months", "length", "volume", "cups", "bowls", "pieces")
        else None
    )


def _clearly_a_number(numeral: str) -> bool:
    return (
        len(numeral) > 1
        and any(c in _STEPS or c in "万亿" for c in numeral)
        and any(c in _DIGITS for c in numeral)
    )


@lru_cache(maxsize=2048)
def _chinese(numeral: str) -> float:
    """Chinese numerals up to 亿, digit strings (二〇二四) and decimals (三点五)."""
    whole, _, decimals = numeral.partition("点")
    total = section = digit = 0
    if whole and all(c in _DIGITS for c in whole):
        total = int("".join(str(_DIGITS[c]) for c in whole))
    else:
        for c in whole:
            if c in _DIGITS:
                digit = _DIGITS[c]
            elif c in _STEPS:
                section += (digit or 1) * _STEPS[c]
                digit = 0
            else:
                total = (total + section + digit or 1) * (10_000 if c == "万" else 100_000_000)
                section = digit = 0
        total += section + digit * _shorthand(whole)
    return float(total) + (
        float("0." + "".join(str(_DIGITS.get(c, 0)) for c in decimals)) if decimals else 0.0
    )


def _shorthand(numeral: str) -> int:
    """两百五 is 250 and 一万二 is 12,000: a last digit counts in the step below the one before it."""
    before = numeral[-2:-1]
    return {"百": 10, "千": 100, "万": 1000}.get(before, 1) if numeral[-1:] in _DIGITS else 1


def _read_words(text: str, i: int) -> Quantity | None:
    if i and (text[i - 1].isalnum() or text[i - 1] == "'"):
        return None
    if part := _EN_PART.match(text, i):
        return _part(part)
    match = _EN_RUN.match(text, i)
    if match is None:
        return None
    words = match.group().lower().replace("-", " ").replace(" and ", " ").split()
    end = i + len(match.group().rstrip(" -"))
    if words == ["half"]:
        return Quantity(50.0, "percent", 50.0, end, weak=True)
    if words[-1] in _ORDINALS:
        return (
            Quantity(_ORDINALS[words[-1]], "ordinal", _ORDINALS[words[-1]], end, weak=True, ordinal=True)
            if len(words) == 1
            else None
        )
    value = _english(words)
    return _with_unit(text, value, end, weak=value == 1) if value else None


def _part(match: re.Match[str]) -> Quantity:
    """ "a quarter", "two thirds": a share of a hundred."""
    count, name = match.group().lower().split()
    share = round(100 * _WORDS.get(count, 1) / _PARTS.get(name, _PARTS.get(name.removesuffix("s"), 1)), 1)
    return Quantity(share, "percent", share, match.end())


def _english(words: list[str]) -> float:
    total = section = 0.0
    for word in words:
        if word in _WORDS:
            section += _WORDS[word]
        elif word in ("hundred", "dozen"):
            section = (section or 1) * (100 if word == "hundred" else 12)
        elif word in _SCALES:
            total, section = total + (section or 1) * _SCALES[word], 0
        elif word == "half":
            section += 0.5
    return total + section

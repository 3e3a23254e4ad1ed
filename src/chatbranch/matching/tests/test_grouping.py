"""One falsehood, one case: copies of a message are found and joined, other events are kept apart."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.kernel.text import to_traditional
from chatbranch.matching.grouping import SAME, SHORT, bands, fingerprint, near_duplicate, same_case

DATA = Path(__file__).parents[5] / "shared" / "data" / "stream" / "zh_posts.jsonl"
SAMPLE = Path(__file__).parents[2] / "claims" / "sample"

RUMOUR = (
    "刚从水利部门的朋友那里得到消息，明天凌晨三点上游水库要开闸泄洪，下游沿河的村子都会被淹，"
    "请大家连夜把粮食和牲口搬到高处，手机保持畅通，老人孩子先走，家里的煤气和电闸一定要关好再出门。"
)


def sample_texts(lang: str = "zh-Hans") -> list[str]:
    """One wording of every claim of the sample library."""
    rows = [
        json.loads(line)
        for path in sorted(SAMPLE.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
        if line
    ]
    return [next(w["text"] for w in row["wordings"] if w["lang"] == lang) for row in rows]


# --- fingerprints -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variant",
    [
        "  " + RUMOUR.replace("，", " ， ") + "\n",
        "😱😱" + RUMOUR + "🙏",
        to_traditional(RUMOUR),
        RUMOUR + " https://example.org/a?utm_source=chat&utm_id=7",
        "【转发】" + RUMOUR,
        "转：" + RUMOUR,
        "紧急通知！！！" + RUMOUR + "请大家转发",
        "听说" + RUMOUR + "是真的吗？",
        "FWD: " + RUMOUR,
    ],
)
def test_one_message_in_other_dress_has_one_fingerprint(variant: str) -> None:
    assert fingerprint(variant) == fingerprint(RUMOUR)
    assert same_case(variant, RUMOUR)


def test_a_fingerprint_is_hex_and_tells_messages_apart() -> None:
    texts = sample_texts()
    prints = {fingerprint(text) for text in texts}
    assert len(prints) == len(texts)
    assert all(int(p, 16) >= 0 and len(p) == 32 for p in prints)


def test_a_message_of_forwarding_words_alone_keeps_its_own_fingerprint() -> None:
    assert fingerprint("转发") != fingerprint("听说")


# --- a thousand variants -----------------------------------------------------------------------------

PREFIXES = [
    "",
    "【转】",
    "转发：",
    "紧急！",
    "扩散",
    "刚收到的，",
    "家人群转：",
    "听说",
    "大家看看这个 ",
    "我姐发给我的：",
    "RT ",
]
EMOJI = ["", "😭", "⚠️⚠️", "[流泪][流泪]", "🙏🙏🙏", "‼️"]
LINKS = ["", " http://t.cn/A6xyz12", "\nhttps://example.com/v?id=88&spm=1.2.3", " 网页链接"]


def a_variant(rng: random.Random) -> str:
    text = RUMOUR
    if rng.random() < 0.4:
        text = text[: rng.randint(int(0.5 * len(text)), len(text))]
    if rng.random() < 0.3:
        text = to_traditional(text)
    if rng.random() < 0.3:
        text = "".join(c + (" " if rng.random() < 0.2 else "") for c in text)
    if rng.random() < 0.3:
        text = text.replace("，", rng.choice([" ", "！", "。", ",", "\n"]))
    return rng.choice(PREFIXES) + rng.choice(EMOJI) + text + rng.choice(EMOJI) + rng.choice(LINKS)


def test_a_thousand_variants_of_one_rumour_are_one_case() -> None:
    rng = random.Random(8)
    original = set(bands(RUMOUR))
    variants = {a_variant(rng) for _ in range(1_000)}
    assert len(variants) > 800
    lost = [v for v in variants if not (original & set(bands(v)) and same_case(v, RUMOUR))]
    assert lost == []


def test_two_hundred_different_posts_do_not_group() -> None:
    texts = [*sample_texts("zh-Hans"), *sample_texts("en"), *probe_claims()]
    assert len(texts) >= 200
    assert [(a, b) for i, a in enumerate(texts) for b in texts[:i] if same_case(a, b)] == []


def probe_claims() -> list[str]:
    probes = map(
        json.loads, (Path(__file__).parent / "probes" / "changed.jsonl").read_text("utf-8").splitlines()
    )
    return sorted({probe["claim"] for probe in probes})


# --- other events --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (
            "太原今晚十点封城，请市民抓紧时间采购一周的生活用品，不要外出",
            "洛阳今晚十点封城，请市民抓紧时间采购一周的生活用品，不要外出",
        ),
        (
            "好友在泉州南站捡到一张准考证，姓名陈小华，请扩散找到失主",
            "好友在保定东站捡到一张准考证，姓名陈小华，请扩散找到失主",
        ),
        (
            "5月1日起本市所有公交车停运检修，请大家提前安排出行",
            "6月1日起本市所有公交车停运检修，请大家提前安排出行",
        ),
        (
            "昨晚化工厂爆炸造成12人受伤，附近居民已经连夜转移",
            "昨晚化工厂爆炸造成52人受伤，附近居民已经连夜转移",
        ),
        (
            "喝淡盐水可以杀死喉咙里的病毒，每天早上漱口三次",
            "喝淡盐水不可以杀死喉咙里的病毒，每天早上漱口三次",
        ),
        (
            "The library in Leeds will close on Monday for two weeks",
            "The library in Bristol will close on Monday for two weeks",
        ),
    ],
)
def test_one_template_with_another_town_date_figure_or_negation_is_another_event(a: str, b: str) -> None:
    assert near_duplicate(a, b) >= 0.5
    assert not same_case(a, b)


def test_short_texts_group_only_when_identical() -> None:
    assert same_case("大蒜防癌", "【转】大蒜防癌！！")
    assert bands("大蒜防癌") == bands("大蒜，防癌 😀")
    assert not same_case("大蒜防癌", "大蒜防癌啊")
    assert near_duplicate("大蒜防癌", "大蒜防癌啊") == 0.0
    assert len("大蒜防癌啊") < SHORT


def test_a_quotation_inside_a_long_article_is_not_a_copy_of_it() -> None:
    quotation = "吃柿子以后喝酸奶会在胃里结成石头"
    article = (
        "今天谈谈饮食里的几个老问题。"
        + "营养科每天都会接到各种电话，有人担心食物相克，有人担心添加剂。" * 6
        + quotation
    )
    assert near_duplicate(quotation, article) < SAME


# --- properties ---------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared(a: str, b: str) -> None:
    assert near_duplicate(a, b) == pytest.approx(near_duplicate(b, a))
    assert 0.0 <= near_duplicate(a, b) <= 1.0
    assert same_case(a, b) == same_case(b, a)
    assert same_case(a, a)
    numbers = bands(a)
    assert numbers == bands(a)
    assert 1 <= len(numbers) <= 30
    assert all(0 <= number < 2**63 for number in numbers)


def test_bands_are_the_same_in_another_process() -> None:
    code = "import sys; from chatbranch.matching.grouping import bands, fingerprint; t = sys.stdin.read(); print(bands(t), fingerprint(t))"
    printed = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code], input=RUMOUR, capture_output=True, text=True, check=True, encoding="utf-8",
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
        ).stdout.strip()
        for seed in ("1", "2")
    ]  # fmt: skip
    assert printed == [f"{bands(RUMOUR)} {fingerprint(RUMOUR)}"] * 2


def test_bands_stay_the_same_from_version_to_version() -> None:
    """They are stored: whoever changes the arithmetic must rebuild the index, and this test says so."""
    assert bands("大蒜防癌") == [SHORT_BAND]
    assert sum(bands("每天早上空腹喝一杯淡盐水可以清肠排毒")) == LONG_BANDS


SHORT_BAND = 2475066632017763922
LONG_BANDS = 112164454193153832091


def test_bands_of_three_hundred_characters_take_two_milliseconds_at_most() -> None:
    texts = [(f"{k}号楼" + RUMOUR * 4)[:300] for k in range(50)]
    bands(RUMOUR)
    times = []
    for text in texts:
        start = time.process_time()
        bands(text)
        times.append(time.process_time() - start)
    assert sorted(times)[len(times) // 2] <= 0.002


# --- real posts -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.exists(), reason="shared/data is not beside this checkout")
def test_copies_of_real_posts_are_grouped_with_full_precision() -> None:
    posts = [json.loads(line) for line in DATA.open(encoding="utf-8")]
    labelled = [p for p in posts if p.get("event")]
    marked = [(p["event"], p["text"], set(bands(p["text"]))) for p in labelled]
    pairs = [
        (x, y) for i, x in enumerate(marked) for y in marked[:i] if x[2] & y[2] and same_case(x[1], y[1])
    ]
    assert len(pairs) >= 15
    assert all(x[0] == y[0] for x, y in pairs)

"""Cleaning, the canonical form, script and tokens."""

from __future__ import annotations

import time

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.kernel.text import (
    clean,
    language,
    length,
    normalise,
    plain,
    sentences,
    stem,
    to_simplified,
    to_traditional,
    tokens,
    written_language,
)

unhurried = settings(deadline=None)  # the first conversion loads a dictionary

ANY = st.text(st.characters(codec=None), max_size=200)
MESSY = st.lists(
    st.sampled_from(
        [
            "喝",
            "熱水",
            "臺灣",
            "乾",
            "5G",
            "covid19",
            " ",
            "。",
            ",",
            ".",
            "%",
            "３",
            "1,000",
            "é",
            "e\u0301",
            "\u202e",
            "\u200b",
            "@",
            "@bot ",
            "#AustralianFires",
            "http://t.cn/a?b=1",
            "🙏",
            "[流泪]",
            "\ud800",
            "㍿",
            "ﬁ",
            "İ",
            "(@a) May 1, 2020",
        ]
    ),
    max_size=30,
).map("".join)


@unhurried
@given(ANY | MESSY)
def test_the_canonical_form_of_a_canonical_form_is_itself(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@unhurried
@given(ANY | MESSY)
def test_every_character_of_the_canonical_form_has_a_place_in_the_original(text: str) -> None:
    normal = normalise(text)
    places = [normal.offset(i) for i in range(len(normal.text))]
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


@unhurried
@given(ANY | MESSY)
def test_cleaning_is_idempotent_and_leaves_nothing_that_hides_or_reorders(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not set(cleaned) & set("\x00\x1b\u202a\u202e\u2066\u2069\u200b\ufeff\r")
    cleaned.encode("utf-8")


@unhurried
@given(ANY | MESSY)
def test_nothing_that_can_be_typed_raises(text: str) -> None:
    assert language(text) in ("zh-Hans", "zh-Hant", "en")
    assert all(tokens(normalise(text).text))
    assert isinstance(sentences(plain(text)), list)


@pytest.mark.parametrize(
    ("sent", "same"),
    [
        ("喝５０度白酒可以殺死病毒！！🙏", "喝50度白酒可以杀死病毒"),
        ("新 冠 病 毒\u200b，[流泪] 5G 基站", "新冠病毒5G基站"),
        ("Don’t  EAT Garlic… http://t.cn/x?utm=1", "dont eat garlic"),
        ("1,000 people, 3.5 %", "1000 people 3.5"),
        ("#AustralianFires burn", "Australian fires burn"),
        ("Free cones — Amy (@amy) March 1, 2017", "free cones amy"),
        ("@所有人 明天停水", "明天停水"),
        ("a\u202eb cafe\u0301", "ab café"),
    ],
)
def test_renderings_of_one_message_have_one_canonical_form(sent: str, same: str) -> None:
    assert normalise(sent).text == normalise(same).text


def test_a_number_keeps_its_decimal_point_and_its_per_cent() -> None:
    assert normalise("涨了3.5％，不是35").text == "涨了3.5%不是35"


def test_a_name_called_without_a_space_does_not_swallow_the_sentence() -> None:
    assert "喝热水能治病" in normalise("@张三喝热水能治病是真的吗这可是医生说的大家快来看看").text


def test_addresses_are_taken_out_and_kept_aside() -> None:
    normal = normalise("快看 https://example.org/a?utm_source=x。大家转 pic.twitter.com/abc")
    assert normal.urls == ("https://example.org/a?utm_source=x", "pic.twitter.com/abc")
    assert normal.text == "快看大家转"


def test_a_matched_stretch_can_be_marked_in_what_was_sent() -> None:
    sent = "【转发】🙏 喝 熱 水！能治病"
    normal = normalise(sent)
    at = normal.text.index("喝热水")
    assert sent[normal.offset(at) : normal.offset(at + 2) + 1] == "喝 熱 水"


def test_an_offset_outside_the_text_is_refused() -> None:
    with pytest.raises(IndexError):
        normalise("abc").offset(3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("喝熱水可以殺死病毒", "zh-Hant"),
        ("喝热水可以杀死病毒", "zh-Hans"),
        ("大家好", "zh-Hans"),
        ("Drinking hot water kills the virus", "en"),
        ("iPhone 16 Pro Max会爆炸", "zh-Hans"),
        ("The word 病毒 means virus in Chinese, they say", "en"),
        ("", "en"),
        ("12345 😀", "en"),
    ],
)
def test_the_language_is_the_one_a_reader_would_name(text: str, expected: str) -> None:
    assert language(text) == expected


@pytest.mark.parametrize("text", ["", "1280", "😀😀", "https://example.org/news?page=1", "？！……", "@anna"])
def test_a_text_without_letters_tells_no_language(text: str) -> None:
    assert written_language(text) is None


def test_a_text_with_letters_tells_the_language_it_is_written_in() -> None:
    assert written_language("1280人住院") == "zh-Hans"
    assert written_language("see https://example.org/") == "en"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("喝热水", 3),
        ("café", 4),
        ("cafe\u0301", 4),
        ("a b, c!", 3),
        ("👨\u200d👩\u200d👧 水", 1),
        ("https://a.example/ 水", 1),
    ],
)
def test_a_length_is_of_letters_and_digits_as_a_reader_counts_them(text: str, count: int) -> None:
    assert length(text) == count


def test_scripts_convert_both_ways() -> None:
    assert to_traditional("发现") == "發現"
    assert to_simplified("發現\ud800") == "发现\ufffd"


def test_tokens_are_pairs_of_chinese_characters_and_stems_of_words() -> None:
    assert tokens("喝热水5g和covid19感染500ml") == [
        "喝热",
        "热水",
        "5g",
        "和",
        "covid",
        "19",
        "感染",
        "500",
        "ml",
    ]
    assert tokens("vaccines causing deaths") == ["vaccin", "caus", "death"]


def test_endings_that_differ_between_forward_and_claim_are_one_stem() -> None:
    assert stem("kills") == stem("killed") == stem("killing") == stem("kill")
    assert stem("city") == stem("cities")


def test_a_family_emoji_survives_cleaning_and_a_hidden_joiner_does_not() -> None:
    assert clean("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"
    assert clean("病\u200d毒") == "病毒"


@pytest.mark.parametrize(
    "part", ["喝熱水 Hello, ", "@", "a", "http://", "\ud800", "[泪]", "#Ab", "a@b.", "www.", "-.", "(@a"]
)
def test_a_megabyte_of_anything_takes_linear_time(part: str) -> None:
    def seconds(size: int) -> float:
        text = (part * (size // len(part.encode("utf-8", "replace")) + 1))[:size]
        start = time.process_time()
        normalise(text)
        clean(text)
        language(text)
        return time.process_time() - start

    seconds(10_000)  # fills the tables of folded characters
    small, large = seconds(62_500), seconds(500_000)
    assert large < max(2.0, 30 * small), "eight times the text took far more than eight times as long"


@pytest.mark.parametrize("said", ["喝热水可以杀死病毒", "台湾发现新的变种", "干燥的面条发霉后致癌"])
def test_traditional_and_simplified_are_one_for_matching(said: str) -> None:
    assert normalise(to_traditional(said)).text == normalise(said).text


@pytest.mark.parametrize("config", ["s2t", "s2tw", "s2hk"])
@pytest.mark.parametrize(
    "text",
    [
        "看着孩子在家里背着书包，象棋和水果摆了一台子",
        "叙述卫生局的通知：屋檐下不要晒干辣椒，么么哒",
        "只有一只猫，颚骨麻痹，借口照顾丈夫",
    ],
)
def test_a_text_and_its_conversion_are_one(text: str, config: str) -> None:
    assert normalise(opencc.OpenCC(config).convert(text)).text == normalise(text).text


def test_words_that_taiwan_says_otherwise_are_one_and_keep_their_places() -> None:
    there = normalise("這段影片的網路連結和軟體資訊")
    assert there.text == normalise("这段视频的网络链接和软件信息").text
    assert [there.offset(i) for i in range(len(there.text))] == list(range(len(there.text)))

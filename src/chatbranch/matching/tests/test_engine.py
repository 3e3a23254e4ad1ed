"""The matcher whole, with the packaged encoder and the shipped numbers, on a library as small as a new branch's."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbranch.kernel.text import to_traditional
from chatbranch.matching import features as f
from chatbranch.matching import rules
from chatbranch.matching.engine import IndexWriter, Match, Matcher, Wording

Ask = Callable[[str], Match]

LIBRARY = [
    (
        "liquor",
        "喝50度白酒可以杀死新型冠状病毒",
        "Drinking strong liquor of 50 percent kills the new coronavirus.",
    ),
    ("garlic", "吃大蒜可以预防感冒和流感", "Eating raw garlic every day prevents colds and influenza."),
    ("microwave", "微波炉加热过的食物会致癌", "Food heated in a microwave oven causes cancer."),
    ("towers", "5G基站的辐射会传播新冠病毒", "Radiation from 5G towers spreads the coronavirus."),
    ("water", "自来水明天起停水三天请大家储水", "Tap water will be cut off for three days from tomorrow."),
    (
        "exam",
        "高考准考证丢失寻找失主的消息",
        "A student lost the admission card for the college entrance exam.",
    ),
]
WORDINGS = [
    Wording(claim, lang, text, 2 * n + (lang == "en"))
    for n, (claim, zh, en) in enumerate(LIBRARY, 1)
    for lang, text in (("zh-Hans", zh), ("en", en))
]


@pytest.fixture(scope="module")
def matcher(tmp_path_factory: pytest.TempPathFactory) -> Matcher:
    directory = tmp_path_factory.mktemp("index")
    with IndexWriter.open(directory) as writer:
        writer.add(WORDINGS)
        writer.commit()
    return Matcher.open(directory)


@pytest.fixture
def ask(matcher: Matcher) -> Ask:
    return matcher.match


@pytest.mark.parametrize(("claim", "zh", "en"), LIBRARY)
def test_a_wording_sent_as_it_stands_is_answered(ask: Ask, claim: str, zh: str, en: str) -> None:
    for said in (zh, en):
        match = ask(said)
        assert (match.outcome, match.claim_id, match.wording) == ("answer", claim, said)


@pytest.mark.parametrize(("claim", "zh", "_"), LIBRARY)
@pytest.mark.parametrize(
    "frame", ["{}", "【转发】紧急通知：{}！！🙏", "家人们快看，{} http://t.cn/x", "  {}\u200b。大家转起来"]
)
def test_a_chinese_copy_is_answered_in_either_script_with_whatever_forwarding_adds(
    ask: Ask, claim: str, zh: str, _: str, frame: str
) -> None:
    for said in (frame.format(zh), to_traditional(frame.format(zh))):
        assert (ask(said).outcome, ask(said).claim_id) == ("answer", claim)


@pytest.mark.parametrize(
    "said",
    [
        "喝30度白酒可以杀死新型冠状病毒",
        "喝50度白酒不可以杀死新型冠状病毒",
        "Drinking strong liquor of 5 percent kills the new coronavirus.",
    ],
)
def test_a_changed_copy_is_never_answered(ask: Ask, said: str) -> None:
    match = ask(said)
    assert match.outcome != "answer"
    assert match.differences


RUMOURS = {
    "zh-Hans": (
        "中央气象台今天发布大风降温预警，提醒市民出门添衣保暖、减少户外活动",
        "，同时气象部门的内部人士透露这次降温是人工干预天气失败造成的，政府为了掩盖真相删除了所有相关帖子",
    ),
    "en": (
        "The national weather service issued a high wind and cold warning today and asked people to dress warmly and to stay indoors",
        ", while an insider at the service revealed that the cold was caused by a failed experiment in weather control, and that the government deleted every post about it to hide the truth.",
    ),
}


@pytest.mark.parametrize("lang", RUMOURS)
def test_the_true_beginning_of_a_rumour_is_not_given_the_verdict_of_the_whole(
    matcher: Matcher, lang: str
) -> None:
    beginning, rest = RUMOURS[lang]
    rumour = Wording("weather", lang, beginning + rest, 99)
    match = matcher.match(beginning, newer=[rumour])
    assert (match.outcome, match.claim_id) == ("suggest", "weather")
    assert matcher.match(beginning + rest, newer=[rumour]).outcome == "answer"


CHATTER = "Omg guys, my uncle just sent me this: {} I honestly cannot believe it any more, please stay safe"


def test_a_piece_of_a_rumour_among_other_words_is_not_given_the_verdict_of_the_whole(
    matcher: Matcher,
) -> None:
    beginning, rest = RUMOURS["en"]
    rumour = Wording("weather", "en", beginning + rest, 99)
    match = matcher.match(CHATTER.format(beginning + "."), newer=[rumour])
    assert (match.outcome, match.claim_id, match.rule) == ("suggest", "weather", "only-a-piece")
    assert matcher.match(CHATTER.format(beginning + rest), newer=[rumour]).outcome == "answer"


def test_who_says_it_in_words_of_their_own_says_no_mere_piece() -> None:
    piece = f.Stretch(terms=9, held=1.0, order=1.0, gathered=1.0)
    left_out, nearly_all = {"claim_covered": 0.5}, {"claim_covered": 0.8}
    assert rules.is_piece_among(piece, left_out)
    assert not rules.is_piece_among(piece, nearly_all)
    for other in ({"terms": 6}, {"held": 0.9}, {"order": 0.8}, {"gathered": 0.9}):
        assert not rules.is_piece_among(dataclasses.replace(piece, **other), left_out)


@pytest.mark.parametrize(
    "said",
    ["今天天气真好", "What a lovely day for a walk in the park with friends.", "", "😀", "?" * 50, "\ud800"],
)
def test_what_nobody_checked_is_new(ask: Ask, said: str) -> None:
    match = ask(said)
    assert (match.outcome, match.claim_id, match.wording, match.span) == ("new", None, "", None)


@pytest.mark.parametrize("claims", [1, 2])
def test_a_library_of_a_claim_or_two_is_not_suggested_to_who_says_something_else(
    tmp_path: Path, claims: int
) -> None:
    """Nothing else comes near there, so whatever is nearest leads; two unrelated texts in Chinese have a cosine of 0.8."""
    with IndexWriter.open(tmp_path) as writer:
        writer.add(WORDINGS[: 2 * claims])
        writer.commit()
    matcher = Matcher.open(tmp_path)
    for said in (
        "自来水厂被人投毒了，大家今天不要喝自来水",
        "跨江大桥明天封闭维修三个月",
        "The bridge closes for repairs.",
    ):
        assert matcher.match(said).outcome == "new", said
    assert matcher.match("多喝50度的白酒能杀死新冠病毒，是真的吗").claim_id == "liquor"


@pytest.mark.parametrize("said", ["大蒜", "garlic", "白酒 病毒", "5G towers"])
def test_a_few_words_are_never_answered(ask: Ask, said: str) -> None:
    assert ask(said).outcome != "answer"


def test_the_matched_span_lies_in_the_original_message(ask: Ask) -> None:
    said = "早上好！家人們請看：\n喝５０度白酒 可以殺死新型冠狀病毒。\n祝大家健康。"
    match = ask(said)
    assert match.span is not None
    assert said[slice(*match.span)].strip() == "喝５０度白酒 可以殺死新型冠狀病毒。"


def test_a_match_says_by_what_it_was_decided_and_travels_as_json(ask: Ask) -> None:
    match = ask(LIBRARY[1][2])
    told = json.loads(json.dumps(match.as_dict()))
    assert told["fitted"] == rules.load_fitted().version
    assert told["probability"] >= told["threshold"]
    assert set(told["features"]) >= set(rules.load_fitted().english.answer.names)
    assert told["nearest"][0]["claim_id"] == "garlic"
    assert min(near["probability"] for near in told["nearest"]) >= 0
    assert match.rule == "calibrated-and-clean"


def test_an_absent_index_answers_nothing_and_newer_wordings_are_found_without_it(tmp_path: Path) -> None:
    matcher = Matcher.open(tmp_path)
    said = LIBRARY[0][1]
    assert (matcher.match(said).outcome, matcher.watermark) == ("new", 0)
    assert matcher.match(said, newer=WORDINGS).claim_id == "liquor"


def test_a_claim_published_a_moment_ago_is_found_by_what_found_nothing_before(
    ask: Ask, matcher: Matcher
) -> None:
    said = "Putting onions in your socks overnight draws out toxins."
    assert ask(said).outcome == "new"
    fresh = [Wording("onion", "en", "Onions in your socks overnight draw toxins out of the body.", 99)]
    assert matcher.match(said, newer=fresh).claim_id == "onion"


def test_a_claim_that_is_gone_is_not_named(matcher: Matcher) -> None:
    for said in LIBRARY[2][1:]:
        match = matcher.match(said, gone={"microwave"})
        assert "microwave" not in {match.claim_id, *(near.claim_id for near in match.nearest)}


def test_a_reader_picks_up_what_the_writer_commits_and_a_rebuild(tmp_path: Path) -> None:
    reader = Matcher.open(tmp_path)
    with IndexWriter.open(tmp_path) as writer:
        writer.add(WORDINGS[:2])
        writer.commit()
        assert (reader.refresh(), reader.refresh(), reader.watermark) == (True, False, 3)
        writer.rebuild(WORDINGS)
    assert reader.refresh()
    assert reader.match(LIBRARY[3][1]).claim_id == "towers"


def test_threads_share_a_matcher_and_get_the_same_answers(matcher: Matcher) -> None:
    said = [text for _, *texts in LIBRARY for text in texts]
    expected = [matcher.match(text).as_dict() for text in said]
    got: list[list[dict[str, object]]] = []
    threads = [
        threading.Thread(target=lambda: got.append([matcher.match(t).as_dict() for t in said]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 4


def test_a_megabyte_is_matched_by_its_beginning(ask: Ask) -> None:
    assert ask(LIBRARY[1][2] + "\n" + "la " * 350_000).outcome in ("answer", "suggest")

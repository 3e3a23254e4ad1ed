"""A changed number, date, place, name, unit or negation is never answered automatically; a faithful forward is."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbranch.matching.guard import Difference, Finding, inspect
from chatbranch.matching.guard.fold import fold
from chatbranch.matching.guard.places import EN_PLACES, ZH_PLACES
from chatbranch.matching.guard.reading import read
from chatbranch.matching.guard.reading_zh import _DESCRIBING

PROBES = Path(__file__).parent / "probes"
SAMPLE = Path(__file__).parents[2] / "claims" / "sample"
DATA = Path(__file__).parents[5] / "shared" / "data" / "matching"
KINDS = {
    "number",
    "date",
    "place",
    "name",
    "unit",
    "negation",
    "denial",
    "quantifier",
    "modality",
    "attribution",
}


def probes(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (PROBES / name).read_text("utf-8").splitlines()]


def passes(finding: Finding) -> bool:
    return not (finding.conflict or finding.missing)


def is_chinese(text: str) -> bool:
    return bool(re.search("[\u4e00-\u9fff]", text))


# --- probes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("probe", probes("changed.jsonl"), ids=lambda p: f"{p['kind']}: {p['message']}")
def test_a_changed_message_is_never_answered_automatically(probe: dict[str, str]) -> None:
    assert not passes(inspect(probe["message"], None, [probe["claim"]]))


def test_there_are_probes_enough_of_every_kind_and_half_are_chinese() -> None:
    changed, faithful = probes("changed.jsonl"), probes("faithful.jsonl")
    assert len(changed) >= 240
    assert len(faithful) >= 120
    assert {p["kind"] for p in changed} == KINDS
    for group in (changed, faithful):
        assert sum(is_chinese(p["message"]) for p in group) >= len(group) / 2


def test_faithful_forwards_pass() -> None:
    blocked = [
        p["message"]
        for p in probes("faithful.jsonl")
        if not passes(inspect(p["message"], None, [p["claim"]]))
    ]
    assert len(blocked) <= 0.05 * len(probes("faithful.jsonl")), blocked


def test_every_claim_passes_as_its_own_forward() -> None:
    claims = {p["claim"] for p in probes("changed.jsonl") + probes("faithful.jsonl")}
    assert [c for c in claims if not passes(inspect(c, None, [c]))] == []


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "claim", "expected"),
    [
        ("北京5月3日停课", "北京5月1日停课", Difference("date", "3日", "1日", True)),
        ("喝5斤水会中毒", "喝5公斤水会中毒", Difference("unit", "5斤", "5公斤", True)),
        ("上海明天封城，不准外出", "广州明天封城，不准外出", Difference("place", "上海", "广州", True)),
        ("辟谣：吃大蒜能防癌", "吃大蒜能防癌", Difference("denial", "辟谣", "", True)),
        (
            "张文宏医生说吃大蒜能防癌",
            "钟南山院士说吃大蒜能防癌",
            Difference("attribution", "张文宏", "钟南山", True),
        ),
        ("80% of cats are blue", "70% of cats are blue", Difference("number", "80%", "70%", True)),
    ],
)
def test_the_difference_is_shown_in_the_words_of_both_sides(
    message: str, claim: str, expected: Difference
) -> None:
    finding = inspect(message, None, [claim])
    assert expected in finding.differences
    assert finding.conflict
    assert expected.as_dict() == {
        "kind": expected.kind, "yours": expected.yours, "ours": expected.ours, "decisive": True
    }  # fmt: skip


@pytest.mark.parametrize("hospital", ["著名医院", "著名醫院", "知名医院", "附近医院"])
def test_a_hospital_that_is_only_described_is_not_named(hospital: str) -> None:
    assert "name" not in {token.type for token in read(fold("他昨天在" + hospital + "看病"))}


def test_every_describing_word_is_written_as_folding_leaves_it() -> None:
    assert [word for word in _DESCRIBING if fold(word) != word] == []


def test_a_key_figure_that_the_message_lacks_is_missing_not_conflicting() -> None:
    finding = inspect("微波炉加热牛奶会产生致癌物", None, ["微波炉加热牛奶3分钟会产生致癌物"])
    assert (finding.conflict, finding.missing) == (False, True)


@pytest.mark.parametrize(
    ("message", "claim"),
    [
        ("每袋含三百克糖，共2万元", "每袋含300克糖，共20000元"),
        ("体重减了10斤，用了两周", "体重减了5公斤，用了14天"),
        ("百分之三十的人感染了", "30%的人感染了"),
        ("It holds 2.5k people and 5 kg of salt", "It holds 2,500 people and 5000 grams of salt"),
        ("the temperature reached 104°F", "the temperature reached 40 degrees Celsius"),
    ],
)
def test_the_same_amount_in_another_form_is_the_same_amount(message: str, claim: str) -> None:
    assert passes(inspect(message, None, [claim]))


@pytest.mark.parametrize(
    "message",
    [
        "大蒜能不能防癌？",
        "大蒜能防癌是谣言吗",
        "求辟谣：大蒜能防癌",
        "大蒜能防癌，真的假的？",
        "是不是大蒜能防癌",
        "这不是谣言，大蒜能防癌",
    ],
)
def test_asking_or_insisting_is_not_denying(message: str) -> None:
    assert passes(inspect(message, None, ["大蒜能防癌"]))


def test_a_double_negation_affirms() -> None:
    assert passes(inspect("大蒜不是不能防癌", None, ["大蒜能防癌"]))


# --- the span and the frame ------------------------------------------------------------------------


def test_other_figures_outside_the_span_do_not_matter() -> None:
    message = "昨天收到5条消息。每天吃3个鸡蛋会得心脏病。我家有8口人，住在成都。"
    start = message.index("每天")
    assert passes(
        inspect(message, (start, start + len("每天吃3个鸡蛋会得心脏病")), ["每天吃3个鸡蛋会得心脏病"])
    )


@pytest.mark.parametrize(
    "frame", ["【辟谣】{}。", "{}。这是谣言，别信。", "网传{}，不实。", "专家说{}的说法是假的。"]
)
def test_a_denial_around_the_span_is_heard(frame: str) -> None:
    claim = "每天吃3个鸡蛋会得心脏病"
    message = frame.format(claim)
    start = message.index(claim)
    assert inspect(message, (start, start + len(claim)), [claim]).conflict


def test_a_claim_is_found_in_a_long_message() -> None:
    chatter = "今天天气不错，大家出门记得带伞，晚上一起吃饭。" * 100
    claim = "深圳地铁5号线明天起停运三天"
    assert passes(inspect(chatter + "听说" + claim + "。" + chatter, None, [claim]))
    assert not passes(
        inspect(chatter + "听说" + claim.replace("三天", "五天") + "。" + chatter, None, [claim])
    )


# --- several wordings ------------------------------------------------------------------------------


def test_one_wording_without_conflict_is_enough() -> None:
    wordings = ["北京5月1日起停课两周，学生不用返校", "北京5月6日起停课两周，学生不用返校"]
    assert passes(inspect("北京5月6日起停课两周，学生不用返校", None, wordings))


def test_a_wording_that_is_silent_about_the_figure_does_not_excuse_another_figure() -> None:
    wordings = ["隔夜西瓜冷藏后细菌超标8400倍", "隔夜西瓜冷藏后细菌超标"]
    assert inspect("隔夜西瓜冷藏后细菌超标100倍", None, wordings).conflict


def test_traditional_and_simplified_are_one() -> None:
    assert passes(inspect("隔夜西瓜冷藏後細菌超標8400倍", None, ["隔夜西瓜冷藏后细菌超标8400倍"]))


def test_without_a_wording_in_its_language_figures_and_places_are_still_compared() -> None:
    wording = ["Schools in Beijing close on May 1 for 14 days"]
    assert passes(inspect("北京的学校5月1日起停课14天", None, wording))
    assert not passes(inspect("北京的学校5月1日起停课30天", None, wording))
    assert not passes(inspect("南京的学校5月1日起停课14天", None, wording))


# --- mutations of the sample library ----------------------------------------------------------------

Mutation = Callable[[str, random.Random], str | None]


def sample_wordings() -> list[str]:
    rows = [
        json.loads(line)
        for path in sorted(SAMPLE.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
        if line
    ]
    return [wording["text"] for row in rows for wording in row["wordings"]]


WORDINGS = sample_wordings()


def replaced(text: str, pattern: str, rng: random.Random, new: Callable[[str], str]) -> str | None:
    matches = list(re.finditer(pattern, text))
    if not matches:
        return None
    match = rng.choice(matches)
    return text[: match.start()] + new(match.group()) + text[match.end() :]


def another_number(text: str, rng: random.Random) -> str | None:
    return replaced(
        text,
        r"(?<![A-Za-z\d-])\d+(?![A-Za-z\d])",
        rng,
        lambda digits: str(int(digits) + rng.choice((1, 2, 5, 10))),
    )


def negated(text: str, rng: random.Random) -> str | None:
    if is_chinese(text):
        return replaced(
            text,
            "(?<=[\u4e00-\u9fff])(?<![不就才都只机社协大开])(?:会|可以)(?![不议员计见])",
            rng,
            lambda verb: "不" + verb,
        )
    return replaced(
        text, r"\b(?:is|are|was|were|can|will|should)\b(?= [a-z])(?! not\b)", rng, lambda verb: verb + " not"
    )


def elsewhere(text: str, rng: random.Random) -> str | None:
    places = ZH_PLACES if is_chinese(text) else EN_PLACES
    names = "|".join(sorted((re.escape(p) for p in places if len(p) > 1), key=len, reverse=True))
    edge = "" if is_chinese(text) else r"\b"

    def other(name: str) -> str:
        return rng.choice(sorted(p for p, place in places.items() if place != places[name] and len(p) > 1))

    return replaced(text, f"{edge}(?:{names}){edge}", rng, other)


def denied(text: str, rng: random.Random) -> str | None:
    frames = ("辟谣：{}", "{} 纯属谣言。") if is_chinese(text) else ("Debunked: {}", "{} This is a hoax.")
    return rng.choice(frames).format(text)


@pytest.mark.parametrize("mutate", [another_number, negated, elsewhere, denied])
@settings(max_examples=150, deadline=None)
@given(wording=st.sampled_from(WORDINGS), seed=st.integers(0, 2**32))
def test_a_mutated_wording_of_the_sample_library_never_passes(
    mutate: Mutation, wording: str, seed: int
) -> None:
    message = mutate(wording, random.Random(seed))
    if message is not None:
        assert not passes(inspect(message, None, [wording])), message


@pytest.mark.parametrize(("mutate", "least"), [(another_number, 50), (negated, 50), (elsewhere, 5)])
def test_the_mutations_do_find_something_to_change(mutate: Mutation, least: int) -> None:
    assert sum(mutate(wording, random.Random(0)) is not None for wording in WORDINGS) >= least


def test_every_wording_of_the_sample_library_passes_as_its_own_forward() -> None:
    assert [
        w for w in WORDINGS if not passes(inspect("转发：" + w if is_chinese(w) else "FWD: " + w, None, [w]))
    ] == []


# --- robustness --------------------------------------------------------------------------------------

ANY_TEXT = st.text(max_size=300) | st.text(
    "0123456789不没年月日点半%两三千万亿.,:/-$ kgKMG北京市第初每五not anW'@#", max_size=80
)


@settings(max_examples=400, deadline=None)
@given(
    message=ANY_TEXT,
    wordings=st.lists(ANY_TEXT, max_size=3),
    span=st.none() | st.tuples(st.integers(-5, 400), st.integers(-5, 400)),
)
def test_it_never_raises(message: str, wordings: list[str], span: tuple[int, int] | None) -> None:
    assert isinstance(inspect(message, span, wordings), Finding)


@pytest.mark.parametrize(
    "text",
    ["今天群里都在说这件事，每天吃3个鸡蛋会得心脏病，5月1日开始。" * 400, "Bill Gates said 5 % of people don't die in New York on May 3. " * 200, "九" * 10_000, "1" * 10_000, "A" * 10_000, "不" * 10_000, "a.b-c'd&" * 1_500],
    ids=["chinese", "english", "numerals", "digits", "letters", "negators", "joined"],
)  # fmt: skip
def test_ten_thousand_characters_take_little_time(text: str) -> None:
    inspect(text[:9_000], None, ["每天吃5个鸡蛋会得心脏病"])
    times = []
    for k in range(5):
        start = time.process_time()
        inspect(text[: 10_000 - k], None, ["每天吃5个鸡蛋会得心脏病"])
        times.append(time.process_time() - start)
    assert min(times) < 0.05  # 20 ms on an idle machine; room for a slower one


# --- real pairs --------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.exists(), reason="shared/data is not beside this checkout")
def test_few_true_english_pairs_with_much_wording_in_common_are_in_conflict() -> None:
    folder = DATA / "en_checkthat2020"
    claims = {c["id"]: c for c in map(json.loads, (folder / "claims.jsonl").open(encoding="utf-8"))}
    findings = [
        inspect(query["text"], None, [claims[i]["text"], claims[i]["title"]])
        for query in map(json.loads, (folder / "queries.jsonl").open(encoding="utf-8"))
        if query["split"] == "train"
        for i in query["claim_ids"]
        if shared_words(query["text"], claims[i]["text"]) >= 0.6
    ]
    assert len(findings) >= 80
    assert sum(f.conflict for f in findings) <= 0.15 * len(findings)
    assert sum(passes(f) for f in findings) >= 0.8 * len(findings)


def shared_words(message: str, claim: str) -> float:
    words, others = (set(re.findall(r"[a-z0-9]+", text.lower())) for text in (claim, message))
    return len(words & others) / len(words)

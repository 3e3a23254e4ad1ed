"""What a message is, and how much is too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.intake.rules import HOUR, NO, OF_AN_ASKER, YES, Counted, Limit, count, is_blank, network, read

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["1280", " 1280 ", "#1280", "１２８０"])
def test_a_code_alone_asks_where_a_case_stands(text: str) -> None:
    assert read(text).kind == "code"
    assert read(text).code.translate(str.maketrans("１２８０", "1280")) == "1280"


def test_a_rumour_that_contains_a_code_is_a_rumour() -> None:
    assert read("1280人已经住院，快转发").kind == "check"


@pytest.mark.parametrize("text", ["忘记我", "忘記我", "forget me", "Forget Me", "/forget"])
def test_forget_me_is_understood_in_both_scripts_and_english(text: str) -> None:
    assert read(text).kind == "forget"


def test_a_link_alone_is_read_as_a_link_and_a_link_in_a_sentence_is_not() -> None:
    assert read("https://news.example/a?b=1").link == "https://news.example/a?b=1"
    assert read("快看 https://news.example/a").link == ""


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u202e\u200d", "！！！。。。", "🙏🙏"])
def test_nothing_to_check_is_recognised(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize(
    "text",
    [
        "这是真的吗？",
        "請問這是真的嗎",
        "是真的还是假的？",
        "帮我查一下这个",
        "这条消息可信吗",
        "真的假的",
        "Is this true?",
        "Is this real or fake??",
    ],
)
def test_a_bare_question_whether_this_is_true_holds_nothing_to_check(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize(
    "text",
    [
        "这是真的吗？大蒜能治感冒",
        "查一下大蒜",
        "水库真的垮了吗",
        "假疫苗",
        "看医生",
        "Is it true that garlic cures colds?",
        "real news about water",
    ],
)
def test_a_question_that_names_its_matter_is_checked(text: str) -> None:
    assert not is_blank(text)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert read(text).kind in {"check", "code", "forget", "help", YES, NO}


def test_the_twenty_first_message_in_a_minute_is_too_much() -> None:
    so_far, waits = Counted(0, 0, NOW), []
    for second in range(21):
        so_far, wait = count(so_far, NOW + timedelta(seconds=second), OF_AN_ASKER)
        waits.append(wait)
    assert waits == [None] * 20 + [timedelta(seconds=40)], "until the minute is over"


def test_after_a_minute_one_may_ask_again() -> None:
    assert count(Counted(25, 25, NOW), NOW + timedelta(seconds=61), OF_AN_ASKER)[1] is None


def test_the_three_hundred_and_first_message_of_a_day_waits_for_tomorrow() -> None:
    assert count(Counted(300, 0, NOW - HOUR), NOW, OF_AN_ASKER)[1] == timedelta(hours=12)


def test_a_limit_of_nought_is_none() -> None:
    assert count(Counted(10_000, 10_000, NOW), NOW, Limit(0, HOUR, 0))[1] is None


def test_a_clock_set_back_by_an_hour_locks_nobody_out() -> None:
    after, wait = count(Counted(20, 20, NOW), NOW - timedelta(hours=1), OF_AN_ASKER)
    assert wait is None
    assert after.in_window == 1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7:4711", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("", ""),
        ("203.0.113.777", ""),
        ("_hidden", ""),
    ],
)
def test_a_network_is_an_ipv4_address_or_the_64_of_an_ipv6_one(address: str, expected: str) -> None:
    assert network(address) == expected


@given(st.text())
def test_any_text_for_an_address_is_read_without_an_error(text: str) -> None:
    network(text)

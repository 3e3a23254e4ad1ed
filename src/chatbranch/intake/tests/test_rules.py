"""What a message is, and how much is too much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.intake.rules import PER_DAY, PER_MINUTE, Counted, count, is_blank, read

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


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert read(text).kind in {"check", "code", "forget", "help"}


def test_the_twenty_first_message_in_a_minute_is_too_much() -> None:
    so_far, judged = Counted(0, 0, NOW), []
    for second in range(PER_MINUTE + 1):
        so_far, too_many = count(so_far, NOW + timedelta(seconds=second))
        judged.append(too_many)
    assert judged == [False] * PER_MINUTE + [True]


def test_after_a_minute_one_may_ask_again() -> None:
    assert count(Counted(25, 25, NOW), NOW + timedelta(seconds=61))[1] is False


def test_the_three_hundred_and_first_message_of_a_day_is_too_much() -> None:
    assert count(Counted(PER_DAY, 0, NOW - timedelta(hours=1)), NOW)[1] is True


def test_a_clock_set_back_by_an_hour_locks_nobody_out() -> None:
    after, too_many = count(Counted(20, 20, NOW), NOW - timedelta(hours=1))
    assert not too_many
    assert after.in_minute == 1

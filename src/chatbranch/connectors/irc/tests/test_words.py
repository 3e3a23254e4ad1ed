"""What is said: cut into lines, put together again, freed of formatting, and addressed to us or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.irc import words

NICKS = ("checkbot", "checkbot_")
FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("\x02bold\x02 \x1dslanted\x0f", "bold slanted"),
        ("\x0304,12red\x03 5", "red 5"),
        ("\x03红", "红"),
        ("\x04ff0000,00FF00x", "x"),
        ("a\tb\x00\x7f", "a\tb"),
    ],
    ids=["bold", "colour", "bare", "hex", "controls"],
)
def test_formatting_is_taken_off(said: str, text: str) -> None:
    assert words.plain(said) == text


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("checkbot: 1280", "1280"),
        ("CheckBot, 1280", "1280"),
        ("@checkbot，大蒜防病毒", "大蒜防病毒"),
        ("checkbot_： 大蒜", "大蒜"),
        ("checkbot 1280", "1280"),
        ("checkbot", ""),
        ("is it so, checkbot?", "is it so, checkbot?"),
        ("问问checkbot吧", "问问checkbot吧"),
    ],
    ids=["colon", "comma", "at", "second nick", "blank", "alone", "within", "chinese"],
)
def test_our_nick_calls_us_and_is_no_part_of_the_question_where_it_stands_in_front(
    said: str, asked: str
) -> None:
    assert words.called(said, NICKS) == (True, asked)


@pytest.mark.parametrize(
    "said",
    [
        "checkbots are many",
        "my-checkbot is",
        "me@checkbot.org",
        "checkbot.org says",
        "checkbot-2: hi",
        "nothing",
    ],
)
def test_a_word_that_only_looks_like_our_nick_calls_nobody(said: str) -> None:
    assert words.called(said, NICKS) == (False, said)


def test_a_long_text_is_cut_after_blanks_and_together_it_is_the_text() -> None:
    text = "one two three four five six seven eight nine ten"
    lines = words.lines_of(text, 20)
    assert lines == ["one two three four ", "five six seven ", "eight nine ten"]
    assert "".join(lines) == text


def test_signs_that_belong_together_stay_together() -> None:
    lines = words.lines_of(f"{'好' * 12}{FAMILY}{'好' * 12}", 50)
    assert any(FAMILY in line for line in lines)
    accents = words.lines_of("e\u0301" * 30, 31)
    assert not any(line.startswith("\u0301") for line in accents)


def test_an_endless_sign_is_cut_all_the_same() -> None:
    text = "👩\u200d" * 100
    lines = words.lines_of(text, 40)
    assert "".join(lines) == text
    assert all(len(line.encode()) <= 40 for line in lines)


def test_blank_lines_are_left_out_and_no_control_character_gets_through() -> None:
    assert words.lines_of("one\r\n\r\n\x01two\x01\n \nthr\x00ee\r", 100) == ["one", "two", "three"]


@given(st.text(max_size=400), st.integers(4, 120))
def test_any_text_is_cut_into_lines_that_fit_and_lose_nothing(text: str, most: int) -> None:
    lines = words.lines_of(text, most)
    assert all(0 < len(line.encode()) <= most for line in lines)
    assert not any(set(line) & set("\r\n\0\x01") for line in lines)
    whole = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert "".join(lines) == "".join(kept for line in whole if (kept := words.plain(line)).strip())


@given(st.text(max_size=60), st.lists(st.text(max_size=10), max_size=3))
def test_any_text_calls_us_or_not(text: str, nicks: list[str]) -> None:
    mentioned, rest = words.called(text, nicks)
    assert text.endswith(rest)
    assert mentioned or rest == text


def test_a_text_somebody_s_program_cut_is_whole_again() -> None:
    assert (
        words.joined([("听说明天停", True), ("水三天", False), ("请转告", False)])
        == "听说明天停水三天\n请转告"
    )
    assert words.joined([("the water will", True), ("be cut off", False)]) == "the water will be cut off"

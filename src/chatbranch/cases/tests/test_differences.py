from __future__ import annotations

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from chatbranch.cases.differences import Piece, differences, share_changed


def changed(first: str, second: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in differences(first, second) if piece.kind != "same"]


def test_a_changed_number_is_marked_whole() -> None:
    assert changed("今晚8点起停水", "今晚10点起停水") == [("was", "8"), ("now", "10")]
    assert changed("fined 1,500 yuan", "fined 15,000 yuan") == [("was", "1,500"), ("now", "15,000")]


def test_chinese_is_marked_by_character_and_english_by_word() -> None:
    assert changed("停水三天", "停水五天") == [("was", "三"), ("now", "五")]
    assert changed("it cures cancer", "it causes cancer") == [("was", "cures"), ("now", "causes")]


def test_equal_texts_have_nothing_marked() -> None:
    assert differences("一样的话", "一样的话") == [Piece("same", "一样的话")]
    assert differences("", "") == []


def test_nearly_everything_different_is_seen_as_such() -> None:
    assert share_changed(differences("今晚停水", "明天放假吗")) > 0.6
    assert share_changed(differences("今晚停水三天", "今晚停水五天")) < 0.3


def test_very_long_texts_are_compared_in_a_moment_and_lose_nothing() -> None:
    dice = random.Random(7)
    first, second = ("".join(dice.choices("水火", k=9_000)) for _ in range(2))
    began = time.perf_counter()
    pieces = differences(first, second)
    assert time.perf_counter() - began < 2
    assert "".join(piece.text for piece in pieces if piece.kind != "now") == first
    assert "".join(piece.text for piece in pieces if piece.kind != "was") == second


@given(st.text(alphabet="水火 ab1.8,%\n", max_size=60), st.text(alphabet="水火 ab1.8,%\n", max_size=60))
def test_both_texts_can_be_read_back_from_the_pieces(first: str, second: str) -> None:
    pieces = differences(first, second)
    assert "".join(piece.text for piece in pieces if piece.kind != "now") == first
    assert "".join(piece.text for piece in pieces if piece.kind != "was") == second
    assert all(piece.text for piece in pieces)

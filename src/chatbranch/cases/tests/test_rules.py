"""The queue's order, and its reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatbranch.cases.rules import Place, place

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(
    *,
    urgent: bool = False,
    askers: int = 1,
    hours: float = 0,
    has_note: bool = False,
    touched: bool = False,
    yours: bool = True,
) -> Place:
    return place(
        urgent=urgent,
        askers=askers,
        opened_at=NOW - timedelta(hours=hours),
        has_note=has_note,
        touched=touched,
        now=NOW,
        yours=yours,
    )


def test_urgent_harm_comes_before_everything() -> None:
    assert at(urgent=True).rank < at(askers=10_000, has_note=True, hours=100).rank


def test_a_note_that_waits_for_ratings_comes_before_untouched_cases() -> None:
    assert at(has_note=True, touched=True).rank < at(hours=48).rank


def test_a_note_that_waits_for_others_comes_after_the_untouched_and_says_so() -> None:
    others = at(has_note=True, touched=True, askers=3, yours=False)
    assert at(hours=25).rank < others.rank < at(askers=500).rank
    assert others.reason.zh == "有结论提案，等其他成员表态"


def test_a_case_nobody_looked_at_for_a_day_comes_before_a_popular_one() -> None:
    assert at(hours=25).rank < at(askers=500, hours=1).rank
    assert "25" in at(hours=25).reason.en


def test_among_the_untouched_the_oldest_comes_first() -> None:
    assert at(hours=60).rank < at(hours=30).rank


def test_more_askers_come_first_and_are_given_as_the_reason() -> None:
    assert at(askers=12).rank < at(askers=3).rank
    assert at(askers=12).reason.zh == "12 人在问"


def test_among_the_rest_the_one_that_waits_longest_comes_first() -> None:
    assert at(hours=5).rank < at(hours=1).rank
    assert at().reason.zh == "刚收到"

"""Days in the outlet's favour, one address for one post, and votes that come to the mildest that a majority would have."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.conduct.measures import Measure
from chatbranch.conduct.rules import (
    Finding,
    Person,
    Vote,
    canonical_url,
    end_of,
    finding,
    last_day,
    may_judge,
    months_after,
    pattern,
    working_days_after,
)

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
holidays = st.sets(st.dates(date(2020, 1, 1), date(2040, 1, 1)), max_size=8)


def test_seven_working_days_from_a_monday_end_with_the_wednesday_of_the_next_week() -> None:
    assert last_day(working_days_after(MONDAY, 7)) == date(2026, 3, 11)
    assert working_days_after(MONDAY, 7) == datetime(2026, 3, 12, 12, tzinfo=UTC)


def test_a_holiday_is_no_working_day() -> None:
    week = {date(2026, 3, 3) + timedelta(days=each) for each in range(4)}
    assert last_day(working_days_after(MONDAY, 7, week)) == date(2026, 3, 17)


@given(moments, st.integers(1, 30), holidays)
def test_there_are_always_as_many_whole_working_days_as_were_promised(
    start: datetime, days: int, free: set[date]
) -> None:
    end = working_days_after(start, days, free)
    between = [
        start.date() + timedelta(days=each) for each in range(1, (last_day(end) - start.date()).days + 1)
    ]
    assert sum(day.weekday() < 5 and day not in free for day in between) == days
    assert end - start >= timedelta(days=days)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_a_day_that_is_told_to_people_is_over_everywhere_when_the_clock_says_so(day: date) -> None:
    assert last_day(end_of(day)) == day
    west_most = end_of(day) - timedelta(hours=12)
    assert west_most.date() == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (datetime(2026, 8, 31, tzinfo=UTC), 6, datetime(2027, 2, 28, tzinfo=UTC)),
        (datetime(2027, 8, 31, tzinfo=UTC), 6, datetime(2028, 2, 29, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), 1, datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2026, 1, 30, tzinfo=UTC), 12, datetime(2027, 1, 30, tzinfo=UTC)),
    ],
)
def test_months_end_on_the_same_day_or_the_last_there_is(start: datetime, months: int, end: datetime) -> None:
    assert months_after(start, months) == end


SAME = "https://weibo.example/post/12?id=3"


@pytest.mark.parametrize(
    "said",
    [
        "http://weibo.example/post/12?id=3",
        " https://WWW.weibo.example/post/12/?id=3#comments",
        "https://m.weibo.example:443/post/12?utm_source=x&id=3&from=timeline&scene=1",
    ],
)
def test_however_a_post_was_shared_it_has_one_address(said: str) -> None:
    assert canonical_url(said) == SAME


@pytest.mark.parametrize(
    "said", ["", "weibo", "javascript:alert(1)", "ftp://weibo.example/x", "https://", "https://[x"]
)
def test_what_is_no_web_address_is_none(said: str) -> None:
    assert canonical_url(said) == ""


@given(st.text(max_size=60), st.text("abc/?&=#%é", max_size=30))
def test_an_address_in_its_one_form_stays_as_it_is(host: str, rest: str) -> None:
    for said in (host, f"https://posts.example/{rest}", f"http://{host}.example/{rest}"):
        once = canonical_url(said)
        assert canonical_url(once) == once


def vote(juror: str, measure: Measure | None, days: int = 30, intent: bool = False) -> Vote:
    return Vote(juror, measure is not None, measure, days if measure else 0, intent)


def test_without_a_majority_there_is_no_finding() -> None:
    assert finding([vote("a", Measure.EXCLUSION), vote("b", None), vote("c", None)]) is None
    assert finding([]) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_panel_decides_the_mildest_that_a_majority_would_have(order: tuple[int, ...]) -> None:
    votes = [vote("a", Measure.EXCLUSION, 700, True), vote("b", Measure.ADVISORY, 60, True), vote("c", None)]
    assert finding([votes[each] for each in order]) == Finding(Measure.ADVISORY, 60, True)


@given(
    st.lists(
        st.tuples(st.sampled_from([None, *Measure]), st.integers(1, 99), st.booleans()),
        min_size=3,
        max_size=3,
    )
)
def test_no_finding_is_stronger_or_longer_than_two_jurors_would_have_it(
    said: list[tuple[Measure | None, int, bool]],
) -> None:
    votes = [vote(str(place), *each) for place, each in enumerate(said)]
    found = finding(votes)
    at_least = [
        each for each in votes if found and each.measure and each.measure.grade >= found.measure.grade
    ]
    assert (found is None) == (sum(each.broken for each in votes) < 2)
    if found:
        assert len(at_least) >= 2
        assert all(found.days <= each.days for each in at_least)
        assert not found.intent or sum(each.intent for each in votes) >= 2


def test_who_is_bound_does_not_judge() -> None:
    anybody = Person("a", "owner a", MONDAY)
    assert may_judge(anybody, "owner b", MONDAY)
    assert not may_judge(anybody, "owner a", MONDAY), "of the same owner"
    assert not may_judge(anybody, "owner b", MONDAY - timedelta(seconds=1)), "not a full member yet"
    for bound in ({"complained": True}, {"interest": "the post"}, {"vouched": True}):
        assert not may_judge(Person("a", "owner a", MONDAY, **bound), "owner b", MONDAY)  # type: ignore[arg-type]


def test_three_final_findings_with_intent_in_twelve_months_are_put_before_a_panel() -> None:
    now = MONDAY
    final = [(str(each), now - timedelta(days=100 * each), True) for each in range(1, 4)]
    assert pattern(final, now) == ("3", "2", "1")
    assert pattern(final[:2], now) == ()
    assert pattern([*final[:2], ("3", final[2][1], False)], now) == (), "intent is evidenced each time"
    assert pattern(final, now + timedelta(days=70)) == (), "the oldest is more than twelve months ago"

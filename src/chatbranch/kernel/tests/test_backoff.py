"""Whoever comes back after a failure comes soon, then ever later, and not with all the others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatbranch.kernel.backoff import LONGEST, Attempts, pause


def test_the_first_pause_is_at_most_two_seconds_and_none_is_longer_than_five_minutes() -> None:
    assert all(1 <= pause(1) <= 2 for _ in range(200))
    assert all(LONGEST / 2 <= pause(failures) <= LONGEST for failures in (9, 30, 100_000))


@given(st.integers(0, 20), st.floats(0, 1, exclude_max=True))
def test_a_pause_never_shrinks_with_failures(failures: int, chance: float) -> None:
    assert pause(failures, chance) <= pause(failures + 1, chance)


def test_two_who_failed_together_do_not_come_back_together() -> None:
    assert len({pause(5) for _ in range(20)}) > 1


def test_after_an_attempt_that_went_well_for_a_while_the_count_begins_anew() -> None:
    hasty, settled = Attempts(settled=3600), Attempts(settled=-1)
    assert [hasty.failed() for _ in range(6)][-1] >= 32
    assert all(settled.failed() <= 2 for _ in range(6))

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.branch import rules
from chatbranch.kernel.errors import Refused

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("江边报编辑部", "江边报 编辑部", True),
        ("Harbour Media Ltd.", "harbour media ltd", True),
        ("ＡＢＣ传媒", "abc传媒", True),
        ("海风网", "海风报", False),
    ],
)
def test_outlets_of_one_owner_count_as_one_however_the_owner_is_spelled(
    one: str, other: str, same: bool
) -> None:
    assert rules.count_as_one(one, other) is same


@given(st.text(), st.text())
def test_counting_as_one_is_mutual(one: str, other: str) -> None:
    assert rules.count_as_one(one, one)
    assert rules.count_as_one(one, other) == rules.count_as_one(other, one)


def test_a_new_members_word_counts_after_thirty_days_and_a_founders_at_once() -> None:
    assert rules.counts_from(DAY, founder=False) == DAY + timedelta(days=30)
    assert rules.counts_from(DAY, founder=True) == DAY


def test_who_joins_in_the_first_thirty_days_is_a_founder() -> None:
    assert rules.joins_as_founder(DAY, DAY + timedelta(days=29, hours=23))
    assert not rules.joins_as_founder(DAY, DAY + timedelta(days=30))


def test_a_bloc_changes_at_most_every_ninety_days() -> None:
    with pytest.raises(Refused, match="bloc-too-soon") as refusal:
        rules.check_bloc_change(DAY, DAY + timedelta(days=89))
    assert "2026-05-30" in refusal.value.say("zh-Hans")
    rules.check_bloc_change(DAY, DAY + timedelta(days=90))


@pytest.mark.parametrize(
    ("role", "outlet", "invited", "allowed"),
    [
        ("steward", None, "steward", True),
        ("steward", "theirs", "member", True),
        ("member", "ours", "member", True),
        ("member", "ours", "steward", False),
        ("member", "theirs", "member", False),
        ("member", None, "member", False),
    ],
)
def test_members_invite_colleagues_and_stewards_invite_anyone(
    role: str, outlet: str | None, invited: str, allowed: bool
) -> None:
    assert rules.may_invite(role, "ours", outlet, invited) is allowed

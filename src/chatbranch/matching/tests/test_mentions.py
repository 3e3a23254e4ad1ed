"""Whom a post addresses and when it was posted."""

from __future__ import annotations

import pytest

from chatbranch.matching.features import Terms
from chatbranch.matching.mentions import Posted, addressed, posted, spoken

SIGNED = "Broomstick One for @HillaryClinton — Zeb (@PaynefulPolitic) September 14, 2016"


def nothing(term: str) -> int:
    return 0


def two_names(term: str) -> int:
    return int(term in ("jacinda", "ardern"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (SIGNED, ["hillary", "clinton"]),
        ("@real_DonaldTrump knows", ["real", "donald", "trump"]),
        ("ask @ABCNews7 about it", ["abc", "new", "7"]),
        ("write to someone@Example.com", []),
        ("nobody at all", []),
    ],
)
def test_an_address_is_heard_as_the_words_it_is_made_of(text: str, names: list[str]) -> None:
    assert addressed(text, nothing) == names


def test_a_name_run_together_is_parted_only_where_the_library_knows_both_halves() -> None:
    assert addressed("@jacindaardern", two_names) == ["jacinda", "ardern"]
    assert addressed("@jacindaarden", two_names) == ["jacindaarden"]


def test_a_signature_loses_its_address_and_its_day_when_spoken() -> None:
    assert spoken(SIGNED, nothing).split() == "Broomstick One for Hillary Clinton — Zeb".split()


def test_the_day_of_a_copied_post_is_known_and_another_date_is_not_taken_for_it() -> None:
    assert posted(SIGNED) == Posted("september", "2016")
    assert posted("On September 14, 2016 it rained.") is None
    assert posted("") is None


def test_a_claim_s_years_and_months_are_read_from_its_terms() -> None:
    terms = Terms(("in", "august", "2018", "may", "12345", "300"))
    assert (terms.years, terms.months) == ({"2018"}, {"august"})

"""What corrections amount to: one outlet one voice, two needed, and silence rather than a wrong answer."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chatbranch.matching.agreement import NOT_SAME, NOTHING, SAME, Word, agreed, choice_of

FOUND, OTHER = "found", "other"


def yes(outlet: str, claim: str = FOUND, *, counts: bool = True) -> Word:
    return Word(outlet, SAME, claim, FOUND, counts=counts)


def no(outlet: str, *, counts: bool = True) -> Word:
    return Word(outlet, NOT_SAME, FOUND, FOUND, counts=counts)


def nothing(outlet: str, knew: frozenset[str] = frozenset()) -> Word:
    return Word(outlet, NOTHING, None, FOUND, knew)


def test_one_outlet_alone_changes_nothing() -> None:
    for words in ([yes("a")], [yes("a"), yes("a")], [no("a")], [no("a"), no("a")], [nothing("a")]):
        amount = agreed(words)
        assert not amount.learns(FOUND)
        assert not amount.is_apart(FOUND)
        assert not amount.by_two


def test_two_outlets_teach_or_set_apart() -> None:
    assert agreed([yes("a"), yes("b")]).learns(FOUND)
    assert agreed([no("a"), no("b")]).is_apart(FOUND)
    assert agreed([no("a"), nothing("b")]).is_apart(FOUND)


def test_whoever_names_another_claim_says_that_the_one_found_is_not_it() -> None:
    amount = agreed([yes("a", OTHER), yes("b", OTHER)])
    assert amount.learns(OTHER)
    assert amount.is_apart(FOUND)
    assert (amount.right, amount.wrong) == ({OTHER}, {FOUND})


def test_one_no_is_enough_to_wait_with_teaching_and_no_yes_undoes_two_noes() -> None:
    assert not agreed([yes("a"), yes("b"), no("c")]).learns(FOUND)
    assert agreed([yes("a"), yes("b"), yes("e"), no("c"), no("d")]).is_apart(FOUND)


def test_an_outlet_that_disagrees_with_itself_says_nothing() -> None:
    torn = [yes("a"), no("a")]
    assert not agreed([*torn, yes("b")]).learns(FOUND)
    assert not agreed([*torn, no("b")]).is_apart(FOUND)


def test_who_does_not_count_yet_is_not_counted() -> None:
    assert not agreed([yes("a"), yes("b", counts=False)]).learns(FOUND)
    assert not agreed([no("a"), no("b", counts=False)]).is_apart(FOUND)


def test_that_nothing_fits_is_said_of_the_claims_there_were_then() -> None:
    words = [nothing("a", frozenset({OTHER})), nothing("b", frozenset({OTHER}))]
    amount = agreed(words)
    assert amount.is_apart(FOUND)
    assert amount.is_apart(OTHER)
    assert not amount.is_apart("published since")
    assert amount.fits_nothing


def test_outlets_that_contradict_each_other_are_seen() -> None:
    amount = agreed([yes("a"), no("b")])
    assert amount.disputed
    assert (amount.right, amount.wrong) == (frozenset(), frozenset())
    assert not agreed([yes("a"), yes("b")]).disputed
    assert not agreed([yes("a", OTHER), nothing("b")]).fits_nothing


@pytest.mark.parametrize(("said", "means"), [("not", NOT_SAME), ("nothing", NOTHING)])
def test_a_button_that_denies_names_no_claim(said: str, means: str) -> None:
    assert choice_of(said) == (means, None)


def test_a_claim_is_chosen_by_its_button_or_by_the_address_of_its_page() -> None:
    claim = uuid4()
    assert choice_of(str(claim)) == (SAME, claim)
    assert choice_of("at", f"https://branch.example/claims/{claim}/?lang=en") == (SAME, claim)
    for said, address in (("", ""), ("at", "https://branch.example/"), ("at", ""), ("yes", "x")):
        assert choice_of(said, address) is None

"""Which claims are one listed twice: they are no rivals, are held out together, and answer for each other."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chatbranch.matching.dataset import Query, Repetitions
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.engine import Matcher, Wording
from chatbranch.matching.features import repeats, same_claim, terms_of
from chatbranch.matching.judgement import ordered, top_features
from chatbranch.matching.rules import load_fitted
from chatbranch.matching.training import right_claims

TITLE = "Fact check: what people say this week"
LONG_TITLE = "Fact check: the rumours about the old harbour bridge that went around this week"
CLOSED = "The old harbour bridge was closed after forty cracks were found in its cables"
CLOSED_TOO = "The old harbour bridge was closed after forty cracks were found in its cables."
REWORDED = "The old harbour bridge was closed today after forty cracks were found in its cables"
SOLD = "The city sold the bridge to a foreign investor without telling anybody"


def same(one: Sequence[str], other: Sequence[str]) -> bool:
    found = {
        same_claim([terms_of(text) for text in first], [terms_of(text) for text in second])
        for first, second in ((one, other), (other, one))
    }
    assert len(found) == 1, "it depends on the order"
    return found.pop()


@pytest.mark.parametrize("other", [[CLOSED], [CLOSED_TOO], [REWORDED], [SOLD, CLOSED], [TITLE, CLOSED]])
def test_claims_are_one_when_all_that_one_says_is_said_by_the_other(other: list[str]) -> None:
    assert same([CLOSED], other)


@pytest.mark.parametrize("title", [TITLE, LONG_TITLE, "Fact check", "辟谣"])
def test_a_shared_title_makes_no_two_claims_one(title: str) -> None:
    assert not same([title, CLOSED], [title, SOLD])


def test_a_few_words_or_none_make_no_two_claims_one() -> None:
    assert not same(["Fact check"], ["Fact check", CLOSED])
    assert not same(["Fact check"], ["Fact check"])
    assert not same(["🙏"], ["!!!"])
    assert not repeats(terms_of("🙏"), terms_of(""))


def library(*claims: Sequence[str]) -> list[Wording]:
    return [
        Wording(str(n), "en", text, 10 * n + i)
        for n, texts in enumerate(claims, 1)
        for i, text in enumerate(texts)
    ]


def test_a_library_is_searched_for_repeated_claims_by_the_same_rule() -> None:
    repeated = Repetitions(library([LONG_TITLE, CLOSED], [LONG_TITLE, SOLD], [REWORDED], [SOLD]))
    assert [repeated.of(claim_id) for claim_id in "1234"] == [{"3"}, {"4"}, {"1"}, {"2"}]


@pytest.fixture(scope="module")
def nothing_indexed(tmp_path_factory: pytest.TempPathFactory) -> Matcher:
    return Matcher(tmp_path_factory.mktemp("index"), Encoder.open(), load_fitted())


def test_a_claim_with_the_same_title_is_a_rival_and_the_claim_again_is_none(nothing_indexed: Matcher) -> None:
    def margin(*claims: Sequence[str]) -> float:
        message = nothing_indexed.read("Rumours say the harbour bridge has cracks")
        ranked = ordered(nothing_indexed.near(message, newer=library(*claims)), load_fitted().english)
        return top_features(message, ranked)["score_margin"]

    alone = margin([LONG_TITLE, CLOSED])
    assert margin([LONG_TITLE, CLOSED], [LONG_TITLE, CLOSED_TOO]) == alone
    assert margin([LONG_TITLE, CLOSED], [LONG_TITLE, SOLD]) < alone


def test_a_claim_that_people_said_does_not_answer_is_not_right_as_a_repetition(
    nothing_indexed: Matcher,
) -> None:
    repeated = Repetitions(library([CLOSED], [REWORDED], [CLOSED_TOO]))
    message = nothing_indexed.read("Is it true about the bridge?")

    def right(not_ids: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        query = Query("q", message.text, "en", frozenset("1"), "", not_ids)
        return right_claims(query, message, (), repeated)

    assert right(frozenset()) == ({"1"}, {"1", "2", "3"})
    assert right(frozenset("2")) == ({"1"}, {"1", "3"})
    assert right(frozenset("1")) == ({"1"}, {"1", "2", "3"})  # named by both: the set's word for it stands

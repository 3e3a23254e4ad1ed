"""An opinion is told from what can be checked, in three scripts, on a set that is written by hand; and ends at the door, courteously.

data/opinions.tsv: `seen` sentences are those with which the patterns were made; `unseen` ones were written after the patterns were
left as they are, and nothing was changed for them. So the latter tell how it goes with what people will send.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.people import ask, case_of, found_branch, propose

from chatbranch.cases import actions as cases
from chatbranch.cases.letters import OPINION as SAID
from chatbranch.cases.models import Case, Comment
from chatbranch.intake.opinions import CHECKABLE, OPINION, UNCLEAR, is_opinion, reading
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.text import to_traditional

SET = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "data" / "opinions.tsv").read_text("utf-8").splitlines()
]
UNSEEN = [row for row in SET if row[0] == "unseen"]


def share(rows: list[tuple[str, ...]], kind: str, read_as: str) -> float:
    """Of the sentences of this kind, how many are read so."""
    texts = [text for _, its, _, text in rows if its == kind]
    return sum(reading(text) == read_as for text in texts) / len(texts)


def test_the_set_is_large_enough_and_balanced() -> None:
    kinds = Counter((kind, lang) for _, kind, lang, _ in SET)
    assert sum(kinds.values()) >= 450
    assert min(kinds.values()) >= 50
    assert len({text for *_, text in SET}) == len(SET)


@pytest.mark.parametrize("rows", [SET, UNSEEN], ids=["all", "unseen"])
def test_at_most_one_opinion_in_a_hundred_is_taken_for_something_to_check(
    rows: list[tuple[str, ...]],
) -> None:
    assert share(rows, "opinion", CHECKABLE) <= 0.01


@pytest.mark.parametrize("rows", [SET, UNSEEN], ids=["all", "unseen"])
def test_at_most_one_fact_in_ten_is_turned_away(rows: list[tuple[str, ...]]) -> None:
    assert share(rows, "fact", OPINION) <= 0.10


def test_what_the_guard_cannot_tell_goes_to_people() -> None:
    """Of sentences nobody had seen, most are unclear; then a person looks, and nothing is decided by the program."""
    assert share(UNSEEN, "opinion", OPINION) + share(UNSEEN, "opinion", UNCLEAR) == 1
    assert share(SET, "opinion", OPINION) >= 0.8


@pytest.mark.parametrize("text", [text for _, _, lang, text in SET if lang == "zh-Hans"][::9])
def test_both_scripts_are_read_alike(text: str) -> None:
    assert reading(to_traditional(text)) == reading(text)


@given(st.text(max_size=200))
def test_whatever_is_sent_is_read_as_one_of_three(text: str) -> None:
    assert reading(text) in (OPINION, CHECKABLE, UNCLEAR)


RATED = "我觉得新开的九路公交车线路设计得太差了，完全没有为老人着想"


@pytest.mark.django_db
@pytest.mark.usefixtures("own_index")
def test_an_opinion_ends_at_the_door_with_an_explanation_and_a_person_can_take_it_up() -> None:
    members = found_branch()
    answer = ask(RATED)
    assert answer.message == SAID.say("zh-Hans")
    case = case_of(answer)
    assert case.state == Case.State.OPINION
    with pytest.raises(Refused):
        propose(members["chen"], case)
    with pytest.raises(Refused, match="empty"):
        cases.do_reopen(members["chen"], case, " ")
    cases.do_reopen(members["chen"], case, "其中说线路不经过医院，这可以查。")
    assert "这可以查" in Comment.objects.get(case=case).text
    case.refresh_from_db()
    assert case.state == Case.State.OPEN
    assert ask(RATED).message != SAID.say("zh-Hans"), "what a person took up stays open"


@pytest.mark.django_db
@pytest.mark.usefixtures("own_index")
def test_a_report_opens_a_case_whatever_opinion_comes_with_it() -> None:
    found_branch()
    said = "太可怕了！昨晚城东的桥塌了，我觉得都是偷工减料"
    assert not is_opinion(said)
    assert case_of(ask(said)).state == Case.State.OPEN

"""An opinion is told from what can be checked, in three scripts, on sentences written by hand; and ends at the door, courteously.

data/opinions.tsv: from the rows `fit` the numbers were learnt (fit_opinions.py); from the rows `kept` they were not. So the latter tell how
it goes with what people will send; and so do public sets of posts that were all checked.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.people import ask, case_of, found_branch, propose

import chatbranch
from chatbranch.cases import actions as cases
from chatbranch.cases.letters import OPINION as SAID
from chatbranch.cases.models import Case, Comment
from chatbranch.intake.opinions import CHECKABLE, OPINION, UNCLEAR, is_opinion, reading
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.text import to_traditional
from chatbranch.matching.dataset import load

SET = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "data" / "opinions.tsv").read_text("utf-8").splitlines()
]
KEPT = [row for row in SET if row[0] == "kept"]
PUBLIC = Path(chatbranch.__file__).parents[3] / "shared" / "data" / "matching"


def share(rows: list[tuple[str, ...]], kind: str, read_as: str) -> float:
    """Of the sentences of this kind, how many are read so."""
    texts = [text for _, its, _, text in rows if its == kind]
    return sum(reading(text) == read_as for text in texts) / len(texts)


def test_the_set_is_large_enough_and_balanced() -> None:
    for rows, fewest in ((SET, 450), (KEPT, 300)):
        kinds = Counter((kind, lang) for _, kind, lang, _ in rows)
        assert sum(kinds.values()) >= fewest
        assert min(kinds.values()) >= fewest / 9
    assert len({text for *_, text in SET}) == len(SET)


def test_at_most_one_opinion_in_a_hundred_is_taken_for_something_to_check() -> None:
    assert share(KEPT, "opinion", CHECKABLE) <= 0.01


def test_at_most_one_fact_in_fifty_is_turned_away() -> None:
    assert share(KEPT, "fact", OPINION) <= 0.02


def test_most_opinions_that_nobody_had_seen_end_at_the_door() -> None:
    """Of the rest a person looks, and nothing is decided by the program."""
    assert share(KEPT, "opinion", OPINION) >= 0.60
    assert share([row for row in KEPT if row[2] != "en"], "opinion", OPINION) >= 0.70


@pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"the public sets are not here: {PUBLIC}")
@pytest.mark.parametrize("name", ["en_checkthat2022", "zh_weibo_events"])
def test_posts_that_people_found_worth_checking_are_not_turned_away(name: str) -> None:
    queries = load(PUBLIC / name).queries
    read = Counter(reading(query.text) for query in queries)
    assert read[OPINION] <= 0.01 * len(queries)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "。。",
        "🙏🙏🙏",
        "王小明",
        "你好",
        "谢谢",
        "这是真的吗？",
        "帮我查一下这个",
        "hello",
        "Is this true?",
        "1280",
        "https://a.example/b",
    ],
)
def test_what_says_too_little_is_no_opinion(text: str) -> None:
    assert reading(text) == UNCLEAR


def test_a_report_among_opinions_is_still_a_report() -> None:
    opinions = "这部电影实在太难看了，完全是浪费时间。导演该好好反省。"
    assert reading(opinions) == OPINION
    assert reading(f"{opinions}昨晚市第一医院收治了三十名食物中毒的学生，其中两人死亡。") != OPINION


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

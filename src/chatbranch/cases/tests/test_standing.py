"""What may still be done with a case, and by whom: looked at anew under the lock, whatever the page showed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.people import ask, case_of, decide, found_branch, propose

from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import desk, queries
from chatbranch.cases.models import Case
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
OTHER = "听说自来水厂要停水啦，水费还要涨三倍，大家快去交涉"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def case(members: dict[str, Member]) -> Case:
    return case_of(ask(RUMOUR, asker="first"))


@pytest.fixture
def other(members: dict[str, Member]) -> Case:
    return case_of(ask(OTHER, asker="second"))


def test_two_cases_joined_to_each_other_at_once_end_as_one(
    members: dict[str, Member], case: Case, other: Case
) -> None:
    seen_before = Case.objects.get(pk=other.pk), Case.objects.get(pk=case.pk)
    cases.do_merge(members["lin"], case, other)
    with pytest.raises(Refused, match="merge"):
        cases.do_merge(members["he"], *seen_before)
    assert queries.find(case.code) == other


def test_a_case_decided_meanwhile_is_not_closed_as_an_opinion(members: dict[str, Member], case: Case) -> None:
    seen_before = Case.objects.get(pk=case.pk)
    decide(members, case)
    with pytest.raises(Refused, match="case-closed"):
        cases.do_close(members["lin"], seen_before, "opinion")
    assert Case.objects.get(pk=case.pk).state == "decided"


def test_a_case_decided_meanwhile_is_not_linked_to_another_claim(
    members: dict[str, Member], case: Case, other: Case
) -> None:
    decide(members, other, zh=OTHER)
    other.refresh_from_db()
    seen_before = Case.objects.get(pk=case.pk)
    decide(members, case)
    assert other.claim_id is not None
    with pytest.raises(Refused, match="case-closed"):
        cases.do_link_to_claim(members["lin"], seen_before, other.claim_id)
    assert Case.objects.get(pk=case.pk).claim_id != other.claim_id


def test_no_case_is_linked_to_a_verdict_that_was_taken_back(
    members: dict[str, Member], case: Case, other: Case
) -> None:
    decide(members, other, zh=OTHER)
    other.refresh_from_db()
    decide(members, other, "withdrawn", reason="来源有误。")
    assert other.claim_id is not None
    with pytest.raises(Refused, match="not-in-force"):
        cases.do_link_to_claim(members["lin"], case, other.claim_id)


ENDINGS: dict[str, Callable[[Member, Case, Case], object]] = {
    "close": lambda actor, case, other: cases.do_close(actor, case, "opinion"),
    "merge": cases.do_merge,
    "split": lambda actor, case, other: cases.do_split(actor, case, [case.variants.get().pk]),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_a_member_whose_outlet_is_party_does_not_end_or_reshape_the_case(
    members: dict[str, Member], case: Case, other: Case, what: str
) -> None:
    cases.do_declare_party(members["lin"], case, members["zhou"].outlet, "本账号发过这条")
    with pytest.raises(Refused, match="party"):
        ENDINGS[what](members["zhou"], case, other)


def test_a_joined_case_brings_its_parties_and_its_urgency_along(
    members: dict[str, Member], case: Case, other: Case
) -> None:
    cases.do_declare_party(members["lin"], case, members["zhou"].outlet, "本账号发过这条")
    cases.do_mark_urgent(members["lin"], case, True)
    cases.do_merge(members["lin"], case, other)
    other.refresh_from_db()
    assert other.urgent
    with pytest.raises(Refused, match="party"):
        propose(members["zhou"], other)


def test_parties_stay_parties_in_a_case_split_off(
    members: dict[str, Member], case: Case, other: Case
) -> None:
    cases.do_merge(members["lin"], other, case)
    cases.do_declare_party(members["lin"], case, members["zhou"].outlet, "本账号发过这条")
    new = cases.do_split(members["lin"], case, [case.variants.get(text=OTHER).pk])
    with pytest.raises(Refused, match="party"):
        propose(members["zhou"], new)


def test_a_note_overtaken_by_another_verdict_no_longer_becomes_one(
    members: dict[str, Member], case: Case
) -> None:
    slow = propose(members["su"], case, "true")
    decide(members, case)
    with pytest.raises(Refused, match="overtaken"):
        cases.do_rate(members["lin"], slow, value=1.0)
    page = desk.case_page(members["lin"], case.code)
    assert [shown.may_speak for shown in page.pending] == [False]


def test_a_long_message_does_not_stand_in_the_way_of_a_verdict(members: dict[str, Member]) -> None:
    said = "云岚市自来水厂今晚停水。"
    case = case_of(ask(said * 500))
    assert decide(members, case, zh=said).accepted


@pytest.mark.parametrize("rating", ["unknown", "false"])
def test_a_note_that_could_never_become_a_verdict_is_refused_when_it_is_proposed(
    members: dict[str, Member], case: Case, rating: str
) -> None:
    whole = {
        "rating": rating,
        "wording": {"zh-Hans": "停水三天"},
        "explanation": {"zh-Hans": "查过了。"},
        "as_of": clock.now().date(),
    }
    with pytest.raises(Refused):
        cases.do_propose_note(members["chen"], case, sources=[], **whole)  # type: ignore[arg-type]
    source = [{"url": "https://source.example/page"}]
    whole["wording"] = {"zh-Hans": "停" * 4001}
    with pytest.raises(Refused):
        cases.do_propose_note(members["chen"], case, sources=source, **whole)  # type: ignore[arg-type]


def test_an_objection_keeps_nothing_that_hides_or_reorders(members: dict[str, Member], case: Case) -> None:
    decide(members, case)
    case.refresh_from_db()
    assert case.claim_id is not None
    objection = cases.do_object(case.claim_id, 1, grounds="公告\x00是\u202e昨天的", lang="zh-Hans")
    assert objection.grounds == "公告是昨天的"

"""From a case to its verdict, and to everyone who asked."""

from __future__ import annotations

import pytest
from tests.support.people import agree, ask, case_of, decide, found_branch, propose

from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import queries, telling
from chatbranch.cases.models import Asker, Case
from chatbranch.claims import queries as claims
from chatbranch.claims.models import Wording
from chatbranch.contacts.queries import open_contact
from chatbranch.deliveries.models import Delivery
from chatbranch.kernel.errors import Refused
from chatbranch.matching import queries as matching

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def case(members: dict[str, Member]) -> Case:
    return case_of(ask(RUMOUR, asker="first"))


def told(kind: str = "verdict") -> dict[str, list[str]]:
    """address -> texts queued for it, oldest first."""
    found: dict[str, list[str]] = {}
    for delivery in Delivery.objects.filter(kind=kind).order_by("id"):
        reach = open_contact(delivery.pseudonym)
        assert reach is not None
        found.setdefault(reach.address, []).append(delivery.body["text"])
    return found


def tell_all() -> None:
    while telling.do_tell_verdicts() or telling.do_tell_closings():
        pass


def test_an_outlet_of_every_bloc_makes_the_verdict_and_the_asker_is_told(
    members: dict[str, Member], case: Case
) -> None:
    note = propose(members["chen"], case)
    assert not cases.do_rate(members["zhou"], note, value=1.0).accepted
    assert not cases.do_rate(members["he"], note, value=1.0).accepted
    assert cases.do_rate(members["lin"], note, value=1.0).accepted
    case.refresh_from_db()
    assert case.state == "decided"
    tell_all()
    assert "不实" in told()["first"][0]
    assert case.code in told()["first"][0]


def test_the_verdict_is_told_once_however_often_the_worker_runs(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    for _ in range(3):
        tell_all()
    assert {address: len(texts) for address, texts in told().items()} == {"first": 1}


def test_who_joins_after_the_verdict_is_not_missed(members: dict[str, Member], case: Case) -> None:
    decide(members, case)
    answer = ask(RUMOUR, asker="late")
    assert answer.outcome == "answer"
    assert answer.verdict == "false"


def test_a_changed_verdict_goes_to_exactly_those_who_were_told_the_old_one(
    members: dict[str, Member], case: Case
) -> None:
    ask(RUMOUR, asker="second")
    decide(members, case)
    tell_all()
    ask(RUMOUR, asker="answered at once")
    ask("完全不同的另一件事：东湖小学明天停课一周，家长互相转告", asker="bystander")
    case.refresh_from_db()
    decide(members, case, "mostly-true", reason="水厂补发了公告。")
    tell_all()
    assert {address: len(texts) for address, texts in told().items()} == {
        "first": 2,
        "second": 2,
        "answered at once": 1,
    }
    last = told()["answered at once"][0]
    assert "“不实”改为“基本属实”" in last
    assert "水厂补发了公告" in last


def test_a_withdrawn_verdict_reaches_them_too_and_is_no_longer_an_answer(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    tell_all()
    case.refresh_from_db()
    note = cases.do_propose_note(
        members["chen"],
        case,
        rating="withdrawn",
        wording={},
        explanation={},
        sources=[],
        as_of=case.opened_at.date(),
        reason={"zh-Hans": "来源有误。", "en": "A source was wrong."},
    )
    agree(members, note)
    tell_all()
    assert "已撤回" in told()["first"][1]
    assert ask(RUMOUR, asker="later").outcome != "answer"
    card = claims.claim_card(Case.objects.get(pk=case.pk).claim_id)  # type: ignore[arg-type]
    assert card is not None
    assert [each.rating for each in card.history] == ["withdrawn", "false"]


def test_a_withdrawal_says_why_and_repeats_nothing_of_what_it_takes_back(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    case.refresh_from_db()
    decide(members, case, "withdrawn", reason="来源有误。")
    assert case.claim_id is not None
    card = claims.claim_card(case.claim_id)
    assert card is not None
    assert card.reason["zh-Hans"] == "来源有误。"
    assert (card.explanation, card.sources) == ({}, [])
    assert card.headline("zh-Hans") == RUMOUR
    assert card.basis["case"] == case.code


def test_somebody_who_asked_in_the_case_and_again_after_it_is_told_of_a_change_once(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    tell_all()
    ask(RUMOUR, asker="first")
    case.refresh_from_db()
    decide(members, case, "misleading", reason="背景不全。")
    tell_all()
    assert len(told()["first"]) == 2


def test_nobody_decides_alone() -> None:
    members = found_branch()
    for each in list(members.values())[1:]:
        each.is_active = False
        each.save()
    case = case_of(ask(RUMOUR))
    with pytest.raises(Refused, match="alone"):
        propose(members["lin"], case)


def test_a_member_whose_outlet_is_party_does_not_decide(members: dict[str, Member], case: Case) -> None:
    cases.do_declare_party(members["lin"], case, members["zhou"].outlet, "本账号发过这条")
    with pytest.raises(Refused, match="party"):
        propose(members["zhou"], case)
    note = propose(members["chen"], case)
    with pytest.raises(Refused, match="party"):
        cases.do_rate(members["zhou"], note, value=1.0)


def test_a_rating_given_before_becoming_a_party_counts_no_more(
    members: dict[str, Member], case: Case
) -> None:
    note = propose(members["chen"], case)
    cases.do_rate(members["zhou"], note, value=1.0)
    cases.do_rate(members["lin"], note, value=1.0)
    cases.do_declare_party(members["lin"], case, members["zhou"].outlet, "后来才知道")
    assert not cases.do_rate(members["he"], note, value=1.0).accepted
    assert cases.do_rate(members["daniel"], note, value=1.0).accepted, (
        "another outlet of the bloc speaks instead"
    )


def test_the_author_cannot_rate_their_own_note(members: dict[str, Member], case: Case) -> None:
    note = propose(members["chen"], case)
    with pytest.raises(Refused, match="own-note"):
        cases.do_rate(members["chen"], note, value=1.0)


def test_not_helpful_needs_a_reason(members: dict[str, Member], case: Case) -> None:
    note = propose(members["chen"], case)
    with pytest.raises(Refused, match="reason"):
        cases.do_rate(members["zhou"], note, value=0.0)


def test_an_opinion_ends_courteously_and_has_no_verdict(members: dict[str, Member]) -> None:
    case = case_of(ask("新开的九路公交车绕得人头晕，老人坐上去半天到不了医院", asker="opiner"))
    cases.do_close(members["lin"], case, "opinion")
    tell_all()
    assert told("closing")["opiner"] == ["这是看法，我们不评判。若有具体事实想查，请单独发来。"]
    case.refresh_from_db()
    assert case.claim_id is None
    with pytest.raises(Refused, match="case-closed"):
        propose(members["chen"], case)


def test_an_opinion_exit_can_be_contested_and_the_case_taken_up_again(members: dict[str, Member]) -> None:
    case = case_of(ask("新开的九路公交车绕得人头晕，老人坐上去半天到不了医院"))
    cases.do_close(members["lin"], case, "opinion")
    case.refresh_from_db()
    cases.do_reopen(members["he"], case, "其中的时间可以查")
    assert Case.objects.get(pk=case.pk).state == "open"


def test_a_case_joined_to_another_takes_its_askers_along_and_who_asked_in_both_is_one(
    members: dict[str, Member], case: Case
) -> None:
    other = case_of(ask("听说自来水厂要停水啦，水费还要涨三倍，大家快去交涉", asker="first"))
    ask("听说自来水厂要停水啦，水费还要涨三倍，大家快去交涉", asker="only in the other")
    assert other.pk != case.pk
    cases.do_merge(members["lin"], other, case)
    while cases.do_rekey():
        pass
    assert Asker.objects.filter(case=case).count() == 2
    case.refresh_from_db()
    assert case.askers_count == 2
    assert queries.find(other.code) == case
    decide(members, case)
    tell_all()
    assert {address: len(texts) for address, texts in told().items()} == {"first": 1, "only in the other": 1}


def test_a_split_moves_the_variants_and_their_askers(members: dict[str, Member], case: Case) -> None:
    other = case_of(ask("听说自来水厂要停水啦，水费还要涨三倍，大家快去交涉", asker="b"))
    cases.do_merge(members["lin"], other, case)
    variant = case.variants.exclude(text=RUMOUR).get()
    new = cases.do_split(members["lin"], case, [variant.pk])
    while cases.do_rekey():
        pass
    assert [asker.case_id for asker in Asker.objects.filter(variant=variant)] == [new.pk]
    assert Case.objects.get(pk=case.pk).askers_count == 1


def test_members_of_two_outlets_confirm_that_a_case_says_what_was_checked(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    case.refresh_from_db()
    other = case_of(ask("各位邻居，今晚开始没水用，要停三天，先存好水吧", asker="paraphraser"))
    assert case.claim_id is not None
    assert not cases.do_link_to_claim(members["su"], other, case.claim_id)
    assert not cases.do_link_to_claim(members["su"], other, case.claim_id), "nobody confirms their own word"
    tell_all()
    assert "paraphraser" not in told()
    assert cases.do_link_to_claim(members["lin"], other, case.claim_id)
    tell_all()
    assert "不实" in told()["paraphraser"][0]


def test_a_case_that_says_what_was_checked_teaches_the_claim_its_wordings(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    case.refresh_from_db()
    assert case.claim_id is not None
    said = "各位邻居，今晚开始没水用，要停三天，先存好水吧"
    other = case_of(ask(said, asker="paraphraser"))
    assert ask(f"转发：{said}", asker="another").outcome != "answer"
    for who in ("su", "lin"):
        cases.do_link_to_claim(members[who], other, case.claim_id)
    assert Wording.objects.filter(claim=case.claim_id, text=said).exclude(learnt=None).exists()
    assert matching.match_text(f"转发：{said}").outcome == "answer"


def test_a_wording_is_learnt_in_the_language_it_is_in_whoever_sent_it(members: dict[str, Member]) -> None:
    case = case_of(ask(RUMOUR, asker="a reader of English pages", lang="en"))
    decide(members, case, zh="云岚市自来水厂今晚八点起停水三天")
    case.refresh_from_db()
    assert list(Wording.objects.filter(text=RUMOUR).values_list("claim", "lang")) == [
        (case.claim_id, "zh-Hans")
    ]


def test_the_code_tells_at_any_time_where_the_case_stands(members: dict[str, Member], case: Case) -> None:
    assert "还没有结论" in ask(case.code, asker="somebody else", channel="api").message
    propose(members["chen"], case)
    assert "核对" in queries.status_text(case.code, "zh-Hans")
    decide(members, case)
    assert "不实" in ask(case.code, asker="somebody else").message
    assert "没有查询码" in ask("99999999").message


def test_after_a_week_without_a_verdict_the_asker_hears_that_it_is_still_not_known(
    members: dict[str, Member], case: Case
) -> None:
    Asker.objects.filter(case=case).update(asked_at="2026-01-01T00:00:00Z")
    tell_all()
    tell_all()
    assert len(told("closing")["first"]) == 1
    assert "还不能确定" in told("closing")["first"][0]


def test_an_objection_is_answered_by_a_person_who_tells_whoever_raised_it(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    case.refresh_from_db()
    assert case.claim_id is not None
    objection = cases.do_object(
        case.claim_id, 1, grounds="公告是昨天的", lang="zh-Hans", channel="web", address="objector"
    )
    assert objection in queries.open_objections(members["lin"])
    cases.do_answer_objection(members["lin"], objection, "谢谢，我们核对了日期，仍是今天的公告。")
    assert "核对了日期" in told("objection")["objector"][0]
    with pytest.raises(Refused, match="answered"):
        cases.do_answer_objection(members["he"], objection, "再答一次")


def test_the_queue_gives_its_reason(members: dict[str, Member], case: Case) -> None:
    urgent = case_of(ask("岚江大坝昨晚出现管涌，下游三个镇连夜撤离，赶紧通知亲戚"))
    cases.do_mark_urgent(members["he"], urgent, True)
    rows = queries.queue(members["lin"])
    assert [row.case.pk for row in rows] == [urgent.pk, case.pk]
    assert rows[0].place.reason.zh.startswith("紧急")


def test_what_was_forwarded_is_recognised_again_and_shown_to_nobody(
    members: dict[str, Member], case: Case
) -> None:
    ask("【转】" + RUMOUR + "有事打我电话13800138000，小区门口老王", asker="second")
    decide(members, case, zh="云岚市自来水厂今晚八点起停水三天")
    case.refresh_from_db()
    assert case.claim_id is not None
    card = claims.claim_card(case.claim_id)
    assert card is not None
    assert "13800138000" not in str(card.as_dict("zh-Hans"))
    again = ask("【转】" + RUMOUR + "有事打我电话13800138000，小区门口老王", asker="third")
    assert again.case is None or again.outcome == "answer"
    assert "13800138000" not in str(
        {**again.as_dict(), "matched": {**(again.matched or {}), "text": ""}, "message": ""}
    )

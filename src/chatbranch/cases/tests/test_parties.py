"""Who declared an outlet party to a case, how it answers, and how that is taken back: all of it in the open."""

from __future__ import annotations

import pytest
from tests.support.people import ask, case_of, decide, found_branch, propose

from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import desk, queries
from chatbranch.cases.models import Case, Party
from chatbranch.cases.tests.test_views import desk as browser
from chatbranch.cases.tests.test_views import page
from chatbranch.journal.queries import events_after, last_seq
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
def declared(members: dict[str, Member], case: Case) -> Party:
    """Su says that Zhou's outlet published the message; Lin is steward."""
    return cases.do_declare_party(members["su"], case, members["zhou"].outlet, "本账号发过这条")


def test_the_case_page_says_who_declared_an_outlet_a_party_when_and_why(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    assert declared.at is not None
    shown = page(browser(members["he"]), f"/desk/cases/{case.code}/")
    day = f"{declared.at.year}年{declared.at.month}月{declared.at.day}日"
    assert f"Su（厨房）{day}声明：本账号发过这条" in shown
    assert "declared by Su (厨房) on" in page(browser(members["he"]), f"/desk/cases/{case.code}/", "en")


def test_a_declaration_older_than_its_record_is_shown_without_a_name(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    Party.objects.update(by=None, at=None)
    shown = page(browser(members["he"]), f"/desk/cases/{case.code}/")
    assert "本账号发过这条" in shown
    assert "声明：" not in shown


def test_an_outlet_is_declared_a_party_once_until_that_is_taken_back(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    with pytest.raises(Refused, match="declared"):
        cases.do_declare_party(members["he"], case, members["zhou"].outlet, "另一个理由")
    cases.do_undo_party(members["su"], declared, "看错了")
    again = cases.do_declare_party(members["he"], case, members["zhou"].outlet, "另一个理由")
    assert again.pk != declared.pk


@pytest.mark.parametrize("who", ["su", "lin"])
def test_whoever_declared_it_or_a_steward_takes_it_back_and_the_outlet_decides_again(
    members: dict[str, Member], case: Case, declared: Party, who: str
) -> None:
    note = propose(members["chen"], case)
    with pytest.raises(Refused, match="party"):
        cases.do_rate(members["zhou"], note, value=1.0)
    cases.do_undo_party(members[who], declared, "查过了，不是它发的")
    decision = cases.do_rate(members["zhou"], note, value=1.0)
    assert decision.helpful == 1


def test_nobody_else_takes_it_back_nor_a_steward_of_the_outlet_itself(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    Member.objects.filter(pk=members["zhou"].pk).update(role="steward")
    for who in ("zhou", "he"):
        with pytest.raises(Refused, match="not-yours"):
            cases.do_undo_party(Member.objects.get(pk=members[who].pk), declared, "不是我们")
    assert Party.objects.get().undone_at is None


def test_taking_it_back_needs_a_reason_and_happens_once(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    with pytest.raises(Refused, match="empty"):
        cases.do_undo_party(members["su"], declared, "  ")
    cases.do_undo_party(members["su"], declared, "看错了")
    with pytest.raises(Refused, match="undone"):
        cases.do_undo_party(members["lin"], declared, "再来一次")


def test_declaration_answer_and_withdrawal_stay_on_record(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    before = last_seq() - 1
    cases.do_answer_party(members["zhou"], declared, "我们转载时已注明存疑。")
    cases.do_undo_party(members["su"], declared, "看错了")
    kinds = [(event.kind, event.data["by"]) for event in events_after(before)]
    assert kinds == [
        ("party.declared", str(members["su"].pk)),
        ("party.answered", str(members["zhou"].pk)),
        ("party.undone", str(members["su"].pk)),
    ]
    shown = page(browser(members["he"]), f"/desk/cases/{case.code}/")
    for said in ("本账号发过这条", "我们转载时已注明存疑。", "撤销：看错了"):
        assert said in shown


def test_the_outlet_finds_the_declaration_on_its_desk_and_answers_beside_it(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    zhou, code = browser(members["zhou"]), case.code
    assert f"声明校园与个案 {code} 有关：本账号发过这条" in page(zhou, "/desk/")
    assert "有关：本账号" not in page(browser(members["he"]), "/desk/")
    assert "不是这样？请答复" in page(zhou, f"/desk/cases/{code}/")
    path = f"/desk/cases/{code}/party/{declared.pk}/answer/"
    assert zhou.post(path, {"reply": " "}).status_code == 400
    zhou.post(path, {"reply": "这条不是<b>我们</b>发的。"})
    assert "这条不是&lt;b&gt;我们&lt;/b&gt;发的。" in page(browser(members["he"]), f"/desk/cases/{code}/")
    assert queries.declared_parties(members["zhou"]) == []
    assert zhou.post(path, {"reply": "再说一遍"}).status_code == 409


def test_only_the_outlet_itself_answers(members: dict[str, Member], declared: Party) -> None:
    with pytest.raises(Refused, match="not-yours"):
        cases.do_answer_party(members["he"], declared, "我替他们说")


def test_it_is_taken_back_with_a_plain_form_that_keeps_what_was_typed(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    su, he = browser(members["su"]), browser(members["he"])
    path = f"/desk/cases/{case.code}/party/{declared.pk}/undo/"
    assert f'id="undo-fold-{declared.pk}"' in page(su, f"/desk/cases/{case.code}/")
    assert f'id="undo-fold-{declared.pk}"' not in page(he, f"/desk/cases/{case.code}/")
    assert he.post(path, {"undone_why": "不对"}).status_code == 403
    refused = su.post(path, {"undone_why": ""})
    assert (refused.status_code, f'id="undo-fold-{declared.pk}" open' in refused.content.decode()) == (
        400,
        True,
    )
    assert su.post(path, {"undone_why": "看错了"}).status_code == 302
    assert "data-rate" not in page(su, f"/desk/cases/{case.code}/")
    assert he.post(f"/desk/cases/{case.code}/party/99999/undo/", {"undone_why": "x"}).status_code == 404


def test_a_party_moves_with_its_record_and_one_taken_back_does_not_come_along(
    members: dict[str, Member], case: Case, declared: Party
) -> None:
    other = case_of(ask(OTHER, asker="second"))
    cases.do_answer_party(members["zhou"], declared, "不是我们发的。")
    gone = cases.do_declare_party(members["su"], case, members["he"].outlet, "看着像")
    cases.do_undo_party(members["su"], gone, "不像")
    cases.do_merge(members["lin"], case, other)
    [moved] = [shown.party for shown in desk.case_page(members["lin"], other.code).parties]
    assert (moved.outlet, moved.by, moved.at) == (members["zhou"].outlet, members["su"], declared.at)
    assert moved.reply == "不是我们发的。"


def test_a_declaration_on_a_decided_case_waits_on_nobodys_desk(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    cases.do_declare_party(members["su"], case, members["zhou"].outlet, "发过")
    assert queries.declared_parties(members["zhou"]) == []

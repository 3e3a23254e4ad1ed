"""Nobody is told the same thing twice, and nobody too early."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.people import ask, case_of, decide, found_branch, inbound

from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import telling
from chatbranch.cases.models import Asker, Case
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock

OPINION = "新开的九路公交车绕得人头晕，老人坐上去半天到不了医院"
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
UNREADABLE = "http://127.0.0.1/a-page-nobody-reads"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


def tell_all() -> None:
    while telling.do_tell_verdicts() or telling.do_tell_closings():
        pass


def kinds_told(case: Case) -> list[str]:
    return list(Delivery.objects.filter(about__in=[case.pk, case.claim_id]).values_list("kind", flat=True))


def test_whoever_asks_about_a_closed_opinion_hears_the_courteous_exit_once(
    members: dict[str, Member],
) -> None:
    case = case_of(ask(OPINION, channel="api"))
    cases.do_close(members["lin"], case, "opinion")
    answer = ask(OPINION, asker="late")
    assert answer.message.startswith("这是看法")
    tell_all()
    assert kinds_told(case) == ["reply"]


def test_whoever_joins_a_decided_case_hears_its_verdict_once_and_any_change_of_it(
    members: dict[str, Member],
) -> None:
    case = case_of(ask(UNREADABLE, channel="api"))
    decide(members, case, zh="云岚市自来水厂今晚停水三天")
    case.refresh_from_db()
    assert "不实" in ask(UNREADABLE, asker="late").message
    tell_all()
    assert kinds_told(case) == ["reply"]
    decide(members, case, "mostly-true", reason="水厂补发了公告。", zh="云岚市自来水厂今晚停水三天")
    tell_all()
    assert kinds_told(case) == ["reply", "verdict"]


def test_the_week_in_which_nothing_was_found_begins_when_somebody_asks(members: dict[str, Member]) -> None:
    case = case_of(ask(RUMOUR, asker="first"))
    Case.objects.filter(pk=case.pk).update(opened_at=clock.ago(days=8))
    tell_all()
    assert kinds_told(case) == ["reply"], "whoever asked a moment ago has not waited for a week"
    with clock.held(clock.now() + timedelta(days=8)):
        tell_all()
    assert kinds_told(case) == ["reply", "closing"]


def test_whoever_asked_in_two_cases_is_not_told_before_they_are_seen_to_be_one(
    members: dict[str, Member],
) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OPINION, asker="both"))
    decide(members, case)
    tell_all()
    case.refresh_from_db()
    cases.do_merge(members["lin"], other, case)
    tell_all()
    while cases.do_rekey():
        pass
    tell_all()
    assert Delivery.objects.filter(kind="verdict").count() == 1


def test_who_left_an_email_moves_with_their_message_when_it_becomes_a_case_of_its_own(
    members: dict[str, Member],
) -> None:
    _, answer = intake.do_check(inbound(OPINION, asker="reader"), email="reader@example.org")
    case, kept = case_of(answer), case_of(ask(RUMOUR, asker="stays"))
    cases.do_merge(members["lin"], case, kept)
    new = cases.do_split(members["lin"], kept, [kept.variants.get(text=OPINION).pk])
    assert Asker.objects.filter(case=new).count() == 2, "on the page and by mail"
    kept.refresh_from_db()
    new.refresh_from_db()
    assert (new.askers_count, kept.askers_count) == (1, 1), "one asker with two addresses"

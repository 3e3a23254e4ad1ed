"""Somebody who asked more than once: told once of each verdict, and of all that they asked."""

from __future__ import annotations

import pytest
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch, inbound
from tests.support.traces import in_tables

from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import telling
from chatbranch.cases.models import AlsoSent, Asker, Case
from chatbranch.contacts import actions as contacts
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
OTHER = "听说水厂的水管爆了，我们这里从今天夜里开始要停三天的水，是真的吗"
THIRD = "云岚全市的自来水三天不供应，超市的桶装水已经被抢空"
CLAIM = "云岚市自来水厂今晚停水三天"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


def tell_all() -> None:
    while cases.do_rekey() or telling.do_tell_verdicts() or telling.do_tell_closings():
        pass


def told() -> list[str]:
    """What was told of verdicts so far, oldest first."""
    return [
        body["text"]
        for body in Delivery.objects.filter(kind="verdict")
        .order_by("created_at", "id")
        .values_list("body", flat=True)
    ]


def link(members: dict[str, Member], case: Case, to: Case) -> None:
    """Two outlets say that the case is what the other one's claim says."""
    to.refresh_from_db()
    assert to.claim_id
    assert not cases.do_link_to_claim(members["chen"], case, to.claim_id)
    assert cases.do_link_to_claim(members["zhou"], case, to.claim_id)
    case.refresh_from_db()


# --- two cases that ended in one claim ---------------------------------------------------------------------------------


def test_whoever_asked_in_two_cases_of_one_claim_is_told_of_its_change_once(
    either_database: Database,
) -> None:
    members = found_branch()
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    ask(OTHER, asker="only the other")
    decide(members, case, zh=CLAIM)
    tell_all()
    link(members, other, case)
    tell_all()
    before = len(told())
    decide(members, case, "mostly-true", reason="水厂补发了公告。", zh=CLAIM)
    tell_all()
    changes = told()[before:]
    assert len(changes) == 2, "one each"
    assert all("改为" in text for text in changes)
    assert set(Asker.objects.values_list("told_version", flat=True)) == {2}


def test_a_second_question_that_ends_in_a_verdict_told_before_is_answered_by_saying_so(
    members: dict[str, Member],
) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    decide(members, case, zh=CLAIM)
    tell_all()
    link(members, other, case)
    tell_all()
    first, second = told()
    assert case.code in first
    assert other.code in second
    assert "和之前告诉过您的是同一件事" in second
    assert "我们查过了" not in second, "the explanation was given before"


def test_two_questions_answered_by_one_verdict_get_one_letter_with_both_codes(
    members: dict[str, Member],
) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    decide(members, case, zh=CLAIM)
    link(members, other, case)
    tell_all()
    (letter,) = told()
    assert case.code in letter
    assert other.code in letter


def test_it_makes_no_difference_in_how_many_steps_they_are_told(members: dict[str, Member]) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    for place in range(3):
        ask(RUMOUR, asker=f"{place}")
    decide(members, case, zh=CLAIM)
    link(members, other, case)
    while telling.do_tell_verdicts(most=1):
        pass
    assert len(told()) == 4
    decide(members, case, "true", reason="水厂补发了公告。", zh=CLAIM)
    while telling.do_tell_verdicts(most=1):
        pass
    assert len(told()) == 8


def test_who_was_answered_at_once_and_asked_otherwise_before_is_told_of_a_change_once(
    members: dict[str, Member],
) -> None:
    case = case_of(ask(RUMOUR, asker="somebody else"))
    decide(members, case, zh=CLAIM)
    tell_all()
    other = case_of(ask(OTHER, asker="both"))
    case.refresh_from_db()
    assert case.claim_id
    cases.do_note_told(case.claim_id, 1, "web", "both", "zh-Hans")
    link(members, other, case)
    tell_all()
    before = len(told())
    decide(members, case, "true", reason="水厂补发了公告。", zh=CLAIM)
    tell_all()
    assert len(told()) == before + 2


def test_the_page_and_the_mail_of_one_asker_are_two_addresses_and_both_told_once(
    members: dict[str, Member],
) -> None:
    for text in (RUMOUR, OTHER):
        intake.do_check(inbound(text, asker="both"), email="both@example.org")
    case, other = Case.objects.order_by("opened_at")
    decide(members, case, zh=CLAIM)
    link(members, other, case)
    tell_all()
    assert len(told()) == 2
    assert set(Delivery.objects.filter(kind="verdict").values_list("channel", flat=True)) == {"web", "mail"}


def test_that_two_questions_are_one_persons_is_written_nowhere(members: dict[str, Member]) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    decide(members, case, zh=CLAIM)
    link(members, other, case)
    tell_all()
    case.refresh_from_db()
    assert case.claim_id
    in_claim = contacts.pseudonym_of("web", "both", case.claim_id)
    assert in_tables([in_claim]) == []
    names = [contacts.pseudonym_of("web", "both", each.id) for each in (case, other)]
    for delivery in Delivery.objects.all():
        row = f"{delivery.pseudonym} {delivery.once} {delivery.body}"
        assert sum(name in row for name in names) <= 1


def test_whoever_was_forgotten_is_told_nothing_and_holds_nobody_up(members: dict[str, Member]) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    ask(RUMOUR, asker="stays")
    decide(members, case, zh=CLAIM)
    link(members, other, case)
    intake.do_forget("web", "both")
    tell_all()
    assert len(told()) == 1


# --- two variants of one case, split apart -----------------------------------------------------------------------------


def case_of_two_variants(members: dict[str, Member], *askers: str) -> Case:
    """One case with two variants, both sent by each of the askers."""
    case, other = case_of(ask(RUMOUR, asker="first")), case_of(ask(OTHER, asker="second"))
    cases.do_merge(members["lin"], other, case)
    tell_all()
    for asker in askers:
        for text in (RUMOUR, OTHER):
            ask(text, asker=asker)
    case.refresh_from_db()
    return case


def part(members: dict[str, Member], case: Case, text: str) -> Case:
    new = cases.do_split(members["lin"], case, [case.variants.get(text=text).pk])
    while cases.do_rekey():
        pass
    case.refresh_from_db()
    new.refresh_from_db()
    return new


def test_whoever_sent_both_variants_follows_both_after_a_split(either_database: Database) -> None:
    members = found_branch()
    case = case_of_two_variants(members, "both")
    assert case.askers_count == 3
    new = part(members, case, OTHER)
    assert (case.askers_count, new.askers_count) == (2, 2)
    decide(members, case, zh=CLAIM)
    decide(members, new, "true", zh="水管在夜里爆了")
    tell_all()
    assert len(told()) == 4
    codes = [[each.code in text for each in (case, new)] for text in told()]
    assert sorted(codes) == [[False, True], [False, True], [True, False], [True, False]]


def test_it_makes_no_difference_which_of_the_variants_is_split_off(members: dict[str, Member]) -> None:
    case = case_of_two_variants(members, "both")
    new = part(members, case, RUMOUR)
    assert (case.askers_count, new.askers_count) == (2, 2)
    assert Asker.objects.filter(case=case).count() == Asker.objects.filter(case=new).count() == 2


def test_after_the_split_nothing_says_that_two_askers_are_one_person(members: dict[str, Member]) -> None:
    case = case_of_two_variants(members, "both")
    assert AlsoSent.objects.count() == 1
    part(members, case, OTHER)
    assert not AlsoSent.objects.exists()


def test_who_asked_in_two_cases_that_were_joined_and_parted_again_follows_both(
    members: dict[str, Member],
) -> None:
    case, other = case_of(ask(RUMOUR, asker="both")), case_of(ask(OTHER, asker="both"))
    cases.do_merge(members["lin"], other, case)
    tell_all()
    case.refresh_from_db()
    assert case.askers_count == 1
    new = part(members, case, OTHER)
    assert (case.askers_count, new.askers_count) == (1, 1)


def test_of_three_variants_two_that_part_together_are_followed_as_one_case(
    members: dict[str, Member],
) -> None:
    case = case_of_two_variants(members, "both")
    third = case_of(ask(THIRD, asker="third"))
    cases.do_merge(members["lin"], third, case)
    tell_all()
    ask(THIRD, asker="both")
    chosen = case.variants.filter(text__in=[OTHER, THIRD]).values_list("pk", flat=True)
    new = cases.do_split(members["lin"], case, list(chosen))
    while cases.do_rekey():
        pass
    assert Asker.objects.filter(case=new).count() == 3, "second, third, and who sent all"
    again = part(members, new, THIRD)
    assert Asker.objects.filter(case=again).count() == 2, "third, and who sent all"


def test_a_mail_address_left_with_both_variants_follows_both(members: dict[str, Member]) -> None:
    case = case_of_two_variants(members)
    for text in (RUMOUR, OTHER):
        intake.do_check(inbound(text, asker="both"), email="both@example.org")
    new = part(members, case, OTHER)
    case.refresh_from_db()
    assert (case.askers_count, new.askers_count) == (2, 2)
    decide(members, new, zh=CLAIM)
    tell_all()
    assert Delivery.objects.filter(kind="verdict", channel="mail").count() == 1


def test_whoever_is_forgotten_before_a_split_follows_nothing(members: dict[str, Member]) -> None:
    case = case_of_two_variants(members, "both")
    intake.do_forget("web", "both")
    assert not AlsoSent.objects.exists()
    new = part(members, case, OTHER)
    assert Asker.objects.filter(case=new).count() == 1


def test_whoever_is_forgotten_while_they_are_renamed_stays_forgotten(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = found_branch()
    case = case_of_two_variants(members, "both")
    new = cases.do_split(members["lin"], case, [case.variants.get(text=OTHER).pk])
    forget, steps = contacts.do_forget, []

    def renamed_after_the_first(channel: str, address: str) -> list[str]:
        pseudonyms = forget(channel, address)
        steps.append(pseudonyms)
        if len(steps) == 1:
            while cases.do_rekey():
                pass
        return pseudonyms

    monkeypatch.setattr(contacts, "do_forget", renamed_after_the_first)
    intake.do_forget("web", "both")
    assert Asker.objects.filter(case__in=[case, new]).count() == 2
    left = [contacts.pseudonym_of("web", "both", each.id) for each in (case, new)]
    assert not Contact.objects.filter(pseudonym__in=left).exists()

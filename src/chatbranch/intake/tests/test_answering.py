"""Accepted is written; written is answered, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support.people import inbound

from chatbranch.cases.models import Case
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake import replies
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
LATER = timedelta(seconds=30)


def test_what_a_crash_left_unanswered_is_answered_by_the_worker() -> None:
    intake.do_accept(inbound("东湖小学明天停课一周，家长互相转告"))
    assert intake.do_answer_waiting() == 0
    with clock.held(clock.now() + LATER):
        assert intake.do_answer_waiting() == 1
    assert Submission.objects.get().state == "answered"
    assert Delivery.objects.get().kind == "reply"


def test_one_message_that_cannot_be_matched_goes_to_members_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    intake.do_accept(inbound("这一条会让比对出错，不知为什么"))
    intake.do_accept(inbound("东湖小学明天停课一周，家长互相转告"))
    whole = replies.prepare

    def breaks(text: str, *arguments: Any, **more: Any) -> replies.Prepared:
        if "出错" in text:
            raise ZeroDivisionError
        return whole(text, *arguments, **more)

    monkeypatch.setattr(replies, "prepare", breaks)
    with clock.held(clock.now() + LATER):
        intake.do_answer_waiting()
    assert Case.objects.count() == 2
    assert set(Submission.objects.values_list("state", flat=True)) == {"answered"}


def test_answering_twice_gives_the_same_answer_and_one_reply() -> None:
    submission = intake.do_accept(inbound("东湖小学明天停课一周，家长互相转告"))
    assert intake.do_answer(submission.id) == intake.do_answer(submission.id)
    assert Delivery.objects.count() == 1


def test_whoever_asks_through_the_api_leaves_no_address() -> None:
    from chatbranch.contacts.models import Contact

    intake.do_check(inbound("东湖小学明天停课一周，家长互相转告", channel="api"))
    assert Contact.objects.count() == 0


def test_a_submission_is_kept_sealed_and_only_for_a_month() -> None:
    submission = intake.do_accept(inbound("东湖小学明天停课一周，家长互相转告", asker="@reader:example.org"))
    assert "停课".encode() not in bytes(submission.sealed)
    assert b"@reader" not in bytes(submission.sealed)
    intake.do_answer(submission.id)
    with clock.held(clock.now() + timedelta(days=31)):
        intake.do_tidy()
    assert not Submission.objects.exists()

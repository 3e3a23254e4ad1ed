"""“Forget me” holds for everything an asker sent, through a crash, and ends on a page that is there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from tests.support.people import ask, inbound

from chatbranch.contacts import actions as contacts
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_index")]
RUMOUR = "东湖小学明天停课一周，家长互相转告"
LATER = timedelta(seconds=30)


def test_what_was_sent_weeks_ago_is_erased_with_the_rest() -> None:
    with clock.held(clock.now() - timedelta(days=20)):
        ask(RUMOUR, asker="reader", channel="matrix")
    with clock.held(clock.now() - timedelta(days=10)):
        contacts.do_expire()
    assert Submission.objects.count() == 1
    intake.do_forget("matrix", "reader")
    assert Submission.objects.count() == 0


def test_an_answered_submission_holds_no_address_any_more() -> None:
    submission = intake.do_accept(inbound(RUMOUR, asker="reader"))
    intake.do_answer(submission.id)
    submission.refresh_from_db()
    assert bytes(submission.sealed) == b""


def test_being_forgotten_outlives_a_crash_in_the_midst_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ask(RUMOUR, asker="reader", channel="matrix")
    forget = intake.do_forget

    def dies(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(intake, "do_forget", dies)
    with pytest.raises(KeyboardInterrupt):
        ask("忘记我", asker="reader", channel="matrix")
    monkeypatch.setattr(intake, "do_forget", forget)
    with clock.held(clock.now() + LATER):
        intake.do_answer_waiting()
    assert Submission.objects.count() == 0
    assert list(Delivery.objects.values_list("kind", flat=True)) == ["farewell"]
    assert Contact.objects.count() == 1, "the farewell's own, erased with it"


def test_the_ask_page_says_that_it_is_done_and_lets_go_of_the_cookie() -> None:
    client = Client()
    client.post("/ask", {"text": RUMOUR})
    answer = client.post("/ask", {"text": "忘记我"}, follow=True)
    assert answer.status_code == 200
    assert "今后不再通知您" in answer.content.decode()
    assert not client.cookies["reader"].value

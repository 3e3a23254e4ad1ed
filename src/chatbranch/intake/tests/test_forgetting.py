"""“Forget me” holds for everything an asker sent, through a crash, and ends on a page that is there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.support.databases import Database
from tests.support.people import ask, case_of, inbound
from tests.support.traces import in_tables

from chatbranch.cases.models import Asker
from chatbranch.contacts import actions as contacts
from chatbranch.contacts.models import Contact, Scope
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake import replies, sealing
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Inbound

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


# --- while an answer is being prepared ---------------------------------------------------------------------------------


def nothing_left() -> bool:
    rows: list[Any] = [Asker, Contact, Delivery, Submission]
    return [table.__name__ for table in rows if table.objects.exists()] == []


def while_preparing(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let `do` happen after a message was read and matched, before its answer is written."""
    whole = replies.prepare

    def prepare(*arguments: Any, **more: Any) -> replies.Prepared:
        prepared = whole(*arguments, **more)
        do()
        return prepared

    monkeypatch.setattr(replies, "prepare", prepare)


def test_whoever_is_forgotten_while_their_answer_is_prepared_stays_forgotten(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = intake.do_accept(inbound(RUMOUR, asker="reader", channel="matrix"))
    while_preparing(monkeypatch, lambda: intake.do_forget("matrix", "reader"))
    assert intake.do_answer(submission.id).outcome == "forgotten"
    assert nothing_left()


def test_a_reader_who_is_forgotten_in_another_window_meanwhile_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    client.post("/ask", {"text": RUMOUR})
    while_preparing(monkeypatch, lambda: client.post("/forget/"))
    answer = client.post("/ask", {"text": "西山隧道今晚塌了一半，请大家绕行"})
    assert "今后不再通知您" in answer.content.decode()
    assert nothing_left()


def test_an_answer_to_what_is_not_there_any_more_is_no_error(either_database: Database) -> None:
    submission = intake.do_accept(inbound(RUMOUR, asker="reader", channel="matrix"))
    intake.do_forget("matrix", "reader")
    assert intake.do_answer(submission.id).outcome == "forgotten"


def test_an_answer_written_between_the_steps_of_forgetting_is_erased_with_the_rest(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = intake.do_accept(inbound(RUMOUR, asker="reader", channel="matrix"))
    forget, steps = contacts.do_forget, []

    def answered_after_the_first(channel: str, address: str) -> list[str]:
        pseudonyms = forget(channel, address)
        steps.append(pseudonyms)
        if len(steps) == 1:  # a case that did not exist when the pseudonyms were listed
            assert intake.do_answer(submission.id).outcome == "new"
        return pseudonyms

    monkeypatch.setattr(contacts, "do_forget", answered_after_the_first)
    intake.do_forget("matrix", "reader")
    assert len(steps) == 2
    assert nothing_left()


def test_an_answer_that_is_half_written_when_forgetting_begins_is_erased_with_the_rest(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = intake.do_accept(inbound(RUMOUR, asker="reader", channel="matrix"))
    written, listed = threading.Event(), threading.Event()
    settle, forget = replies.settle, contacts.do_forget

    def waits(*arguments: Any, **more: Any) -> replies.Settled:
        settled = settle(*arguments, **more)
        written.set()
        # on SQLite whoever forgets waits for this transaction, and lists nothing before it has ended
        listed.wait(0.5)
        return settled

    def begins(channel: str, address: str) -> list[str]:
        pseudonyms = forget(channel, address)
        listed.set()
        return pseudonyms

    def answer() -> object:
        try:
            return intake.do_answer(submission.id)
        finally:
            connection.close()

    monkeypatch.setattr(replies, "settle", waits)
    monkeypatch.setattr(contacts, "do_forget", begins)
    with ThreadPoolExecutor(1) as pool:
        answering = pool.submit(answer)
        assert written.wait(60)
        intake.do_forget("matrix", "reader")
        answering.result(60)
    assert nothing_left()


def test_others_who_ask_the_same_meanwhile_are_not_touched(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of(ask(RUMOUR, asker="somebody who stays", channel="matrix"))
    submission = intake.do_accept(inbound(RUMOUR, asker="reader", channel="matrix"))
    while_preparing(monkeypatch, lambda: intake.do_forget("matrix", "reader"))
    intake.do_answer(submission.id)
    assert Asker.objects.filter(case=case).count() == 1


# --- an e-mail address that came with a message --------------------------------------------------------------------------

EMAIL = "grandmother@mail.example"


def ask_by_page() -> Submission:
    return intake.do_accept(inbound(RUMOUR, asker="reader"), email=EMAIL)


def mail_left() -> list[str]:
    """Where the e-mail address, or a pseudonym it has or could have, stands in a table of ours (but for the salts)."""
    names = [contacts.pseudonym_of("mail", EMAIL, scope.subject) for scope in Scope.objects.all()]
    return [where for where in in_tables([EMAIL, *names]) if not where.startswith("contacts_scope")]


def test_an_address_forgotten_while_an_answer_to_it_is_prepared_is_told_nothing(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = ask_by_page()
    while_preparing(monkeypatch, lambda: intake.do_forget("mail", EMAIL))
    assert intake.do_answer(submission.id).outcome == "new", "who asked on the page is answered there"
    assert mail_left() == []
    assert not Contact.objects.filter(channel="mail").exists()
    assert Asker.objects.count() == 1


def test_an_address_forgotten_between_a_crash_and_the_answer_is_told_nothing(
    either_database: Database,
) -> None:
    ask_by_page()
    intake.do_forget("mail", EMAIL)
    with clock.held(clock.now() + LATER):
        assert intake.do_answer_waiting() == 1
    assert mail_left() == []
    assert Submission.objects.get().outcome == "new"


def test_an_address_forgotten_while_its_answer_is_half_written_is_erased_with_it(
    either_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = ask_by_page()
    written, listed = threading.Event(), threading.Event()
    also_tell, forget = replies.also_tell, contacts.do_forget

    def waits(*arguments: Any, **more: Any) -> None:
        also_tell(*arguments, **more)
        written.set()
        # on SQLite whoever forgets waits for this transaction, and lists nothing before it has ended
        listed.wait(0.5)

    def begins(channel: str, address: str) -> list[str]:
        pseudonyms = forget(channel, address)
        listed.set()
        return pseudonyms

    def answer() -> object:
        try:
            return intake.do_answer(submission.id)
        finally:
            connection.close()

    monkeypatch.setattr(replies, "also_tell", waits)
    monkeypatch.setattr(contacts, "do_forget", begins)
    with ThreadPoolExecutor(1) as pool:
        answering = pool.submit(answer)
        assert written.wait(60)
        intake.do_forget("mail", EMAIL)
        answering.result(60)
    assert mail_left() == []
    assert Asker.objects.count() == 1


def test_whoever_leaves_the_address_again_afterwards_is_told_there(either_database: Database) -> None:
    ask_by_page()
    intake.do_forget("mail", EMAIL)
    again = intake.do_accept(inbound("西山隧道今晚塌了一半，请大家绕行", asker="reader"), email=EMAIL)
    intake.do_answer(again.id)
    assert Contact.objects.filter(channel="mail").count() == 1


def test_forgetting_one_address_leaves_that_of_others_alone(either_database: Database) -> None:
    submission = ask_by_page()
    intake.do_forget("mail", "somebody-else@mail.example")
    intake.do_answer(submission.id)
    assert Contact.objects.filter(channel="mail").count() == 1


# --- who wrote, beside where -------------------------------------------------------------------------------------------


def direct(text: str) -> Inbound:
    return replace(
        inbound(text, asker="!two-of-us:chat.example", channel="matrix"), sender="@anna:chat.example"
    )


def test_whoever_says_it_one_to_one_is_forgotten_by_name_too() -> None:
    case = case_of(intake.do_check(direct(RUMOUR), reply=True)[1])
    by_name = contacts.pseudonym_of("matrix", "@anna:chat.example", case.id)
    assert contacts.forgotten_again([by_name]) == []
    assert intake.do_check(direct("忘记我"), reply=True)[1].outcome == "forgotten"
    assert contacts.forgotten_again([by_name]) == [by_name]
    assert not Asker.objects.exists()


def test_a_submission_sealed_before_senders_were_kept_is_still_answered() -> None:
    submission = intake.do_accept(direct(RUMOUR))
    body = json.loads(sealing.unseal(bytes(submission.sealed), submission.replay))
    del body["sender"]
    Submission.objects.update(sealed=sealing.seal(json.dumps(body).encode(), submission.replay))
    assert intake.do_answer(submission.id).outcome == "new"

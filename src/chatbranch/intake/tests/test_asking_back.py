"""One to one: the answer first, then one question; and the word that comes back costs nothing and moves nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch

from chatbranch.cases.models import Case
from chatbranch.claims.models import Wording
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake.answers import Answer
from chatbranch.intake.models import Meant
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Inbound

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

CHECKED = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
CHANGED = "紧急通知：云岚市自来水厂今晚八点起停水五天，请大家马上储水，转发给家人！"
QUESTION = "您问的是这一条吗"


def know_the_rumour() -> None:
    """The library knows the rumour in one wording; a changed number is only suggested."""
    decide(found_branch(), case_of(ask(CHECKED, asker="somebody else", channel="matrix")))


def say(text: str, asker: str = "anna", lang: str = "zh-Hans") -> Answer:
    return ask(text, asker=asker, channel="matrix", lang=lang)


def last_told() -> str:
    return str(Delivery.objects.filter(kind="reply").order_by("created_at", "id").last().body["text"])  # type: ignore[union-attr]


def asked_about() -> Answer:
    know_the_rumour()
    answer = say(CHANGED)
    assert answer.outcome == "suggest"
    return answer


def test_a_suggestion_ends_in_one_question_after_what_there_is_to_say() -> None:
    answer = asked_about()
    assert last_told().startswith(answer.message)
    assert last_told().count("？") == 1
    assert last_told().splitlines()[-1].startswith(QUESTION)


def test_nothing_is_asked_where_the_answer_is_clear_or_there_is_none() -> None:
    know_the_rumour()
    assert say(CHECKED).outcome == "answer"
    assert QUESTION not in last_told()
    assert say("东湖小学明天停课一周，家长互相转告").outcome == "new"
    assert QUESTION not in last_told()


@pytest.mark.parametrize("word", ["是", "对", "yes", "Yes.", "是的。", "對"])
def test_a_yes_is_understood_and_kept_as_a_confirmed_match(word: str) -> None:
    suggested = asked_about()
    assert say(word).outcome == "meant"
    kept = Meant.objects.get()
    assert kept.meant
    assert str(kept.claim_id) == suggested.claim["id"]  # type: ignore[index]
    assert kept.case_id == case_of(suggested).pk
    assert kept.fitted == suggested.why["fitted"]


@pytest.mark.parametrize("word", ["不是", "不对", "no", "No!", "否"])
def test_a_no_is_understood_and_kept_as_a_refused_match(word: str) -> None:
    asked_about()
    assert say(word).outcome == "not-meant"
    assert [each.meant for each in Meant.objects.all()] == [False]


def test_a_word_opens_no_case_and_is_answered_in_the_language_of_the_question() -> None:
    asked_about()
    before = Case.objects.count()
    assert say("yes", lang="en").lang == "zh-Hans"
    assert Case.objects.count() == before
    assert "谢谢" in last_told()
    assert QUESTION not in last_told()


def test_a_new_message_instead_is_just_a_new_message() -> None:
    asked_about()
    assert say("东湖小学明天停课一周，家长互相转告").outcome == "new"
    assert not Meant.objects.exists()
    assert say("是").outcome == "help", "the question was about what came before"


def test_a_word_to_nothing_that_was_asked_shows_how_it_works_and_opens_no_case() -> None:
    assert say("是").outcome == "help"
    assert say("no").outcome == "help"
    assert not Case.objects.exists()


def test_the_question_is_open_for_a_day() -> None:
    asked_about()
    with clock.held(clock.now() + timedelta(hours=25)):
        assert say("是").outcome == "help"


def test_one_may_answer_after_midnight() -> None:
    evening = clock.now().replace(hour=23, minute=50)
    with clock.held(evening):
        asked_about()
    with clock.held(evening + timedelta(minutes=20)):
        assert say("是").outcome == "meant"


def test_somebody_elses_yes_is_no_word_of_mine() -> None:
    asked_about()
    assert say("是", asker="ben").outcome == "help"
    assert not Meant.objects.exists()


def test_a_yes_said_a_hundred_times_teaches_the_library_nothing() -> None:
    asked_about()
    wordings = Wording.objects.count()
    with clock.held(clock.now()):
        for n in range(100):
            say(CHANGED, asker=f"reader {n}")
            assert say("是", asker=f"reader {n}").outcome == "meant"
    assert Wording.objects.count() == wordings
    assert say(CHANGED, asker="one more").outcome == "suggest"


def test_a_second_yes_is_counted_once(either_database: Database) -> None:
    asked_about()
    assert say("是").outcome == "meant"
    assert say("是").outcome == "help"
    assert Meant.objects.count() == 1


def test_whoever_is_forgotten_takes_their_word_along() -> None:
    asked_about()
    say("是")
    say("忘记我")
    assert not Meant.objects.exists()


def test_the_page_that_asks_once_and_the_api_ask_nothing_back() -> None:
    know_the_rumour()
    for channel in ("web", "api"):
        inbound = Inbound(channel, "anna", "", channel, CHANGED, clock.now(), lang="zh-Hans")
        submission, answer = intake.do_check(inbound)
        assert answer.outcome == "suggest"
        assert QUESTION not in answer.message
        assert not submission.asked


def test_in_a_room_nothing_is_asked_back() -> None:
    know_the_rumour()
    room = Inbound("matrix", "!room", "@anna", "1", CHANGED, clock.now(), direct=False, mentioned=True)
    assert intake.do_check(room, reply=True)[1].outcome == "suggest"
    assert QUESTION not in last_told()
    word = Inbound("matrix", "!room", "@anna", "2", "是", clock.now(), direct=False, mentioned=True)
    assert intake.do_check(word, reply=True)[1].outcome == "help"

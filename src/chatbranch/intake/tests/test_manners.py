"""In a room we are guests: one notice, short answers, and hardly ever a word that nobody asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch
from tests.support.traces import in_tables

from chatbranch.branch.models import Member
from chatbranch.cases import telling
from chatbranch.cases.models import Case
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake import letters
from chatbranch.intake.answers import Answer
from chatbranch.intake.manners import is_certain, worth_comparing
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Inbound

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CHECKED = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
CHANGED = "紧急通知：云岚市自来水厂今晚八点起停水五天，请大家马上储水，转发给家人！"
_number = count()


# --- the rule ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "停水三天是真的吗",
        "https://news.example/a-very-long-address-that-says-nothing",
        "看看 https://news.example/a-very-long-address-that-says-nothing",
        "😀" * 40,
        "！？。，" * 20,
        "@anna @ben @carol @daniel @emma @frank",
        "e\u0301" * 19,
        "",
    ],
)
def test_what_says_too_little_is_never_compared(text: str) -> None:
    assert not worth_comparing(text, NOW, NOW)


@pytest.mark.parametrize("text", ["云岚市自来水厂今晚八点起全市停水三天请储水", "The water will be cut off"])
def test_twenty_letters_or_characters_are_enough(text: str) -> None:
    assert worth_comparing(text, NOW, NOW)


def test_neither_an_article_nor_what_comes_in_late_is_compared() -> None:
    assert not worth_comparing("水" * 5_001, NOW, NOW)
    assert worth_comparing(CHECKED, NOW - timedelta(minutes=9), NOW)
    assert not worth_comparing(CHECKED, NOW - timedelta(minutes=11), NOW)


@given(
    st.sampled_from(["answer", "suggest", "new"]),
    st.sampled_from(["true", "mostly-true", "misleading", "false", "unknown", "withdrawn"]),
    st.booleans(),
)
def test_only_an_outright_answer_with_a_falsehood_in_force_is_certain(
    outcome: str, rating: str, in_force: bool
) -> None:
    certain = outcome == "answer" and rating in ("false", "misleading") and in_force
    assert is_certain(outcome, rating, in_force=in_force) == certain


# --- in a room ---------------------------------------------------------------------------------------------------------


def said(text: str, *, room: str = "!room:branch.example", mentioned: bool = False) -> Inbound:
    number = f"m{next(_number)}"
    return Inbound(
        "matrix",
        room,
        "@anna:branch.example",
        number,
        text,
        clock.now(),
        direct=False,
        mentioned=mentioned,
        reply_to=number,
    )


def library(rating: str = "false") -> tuple[dict[str, Member], Case]:
    """A branch that has decided about the rumour."""
    members = found_branch()
    case = case_of(ask(CHECKED, asker="somebody", channel="mail"))
    decide(members, case, rating)
    case.refresh_from_db()
    return members, case


def told(kind: str) -> list[str]:
    rows = Delivery.objects.filter(kind=kind, channel="matrix").order_by("id")
    return [str(body["text"]) for body in rows.values_list("body", flat=True)]


pages = pytest.mark.usefixtures("own_index")
stored = pytest.mark.django_db(transaction=True)


@pages
@stored
def test_a_published_falsehood_is_pointed_out_in_three_lines_with_a_link() -> None:
    _, case = library()
    assert intake.do_speak_unasked(said(CHECKED))
    (words,) = told("unasked")
    assert len(words.splitlines()) <= 4
    assert "不实" in words
    assert f"/claims/{case.claim_id}/" in words


@pages
@stored
@pytest.mark.parametrize("rating", ["true", "mostly-true", "unknown"])
def test_what_is_no_falsehood_is_left_to_the_room(rating: str) -> None:
    library(rating)
    assert not intake.do_speak_unasked(said(CHECKED))
    assert told("unasked") == []


@pages
@stored
def test_a_changed_number_is_left_to_the_room() -> None:
    library()
    assert not intake.do_speak_unasked(said(CHANGED))


@pages
@stored
def test_an_expired_verdict_is_left_to_the_room() -> None:
    from chatbranch.claims import actions as claims

    today = clock.now().date()
    claims.do_publish(
        claim_id=None,
        wordings={"zh-Hans": CHECKED},
        rating="false",
        as_of=today,
        expires=today,
        explanation={"zh-Hans": "并无停水。"},
        sources=[{"url": "https://source.example/", "title": "公告"}],
    )
    with clock.held(clock.now() + timedelta(days=2)):
        assert not intake.do_speak_unasked(said(CHECKED))
    assert intake.do_speak_unasked(said(CHECKED)), "it holds today"


@pages
@stored
def test_one_claim_is_pointed_out_once_a_day_in_each_room() -> None:
    library()
    noon = clock.now().replace(hour=12)
    with clock.held(noon):
        assert intake.do_speak_unasked(said(CHECKED))
        assert not intake.do_speak_unasked(said("转发：" + CHECKED))
        assert intake.do_speak_unasked(said(CHECKED, room="!another:branch.example"))
    with clock.held(noon + timedelta(days=1)):
        assert intake.do_speak_unasked(said(CHECKED))


@pages
@stored
def test_what_somebody_asked_for_today_is_not_said_again_unasked() -> None:
    library()
    answer(said(CHECKED, mentioned=True))
    assert not intake.do_speak_unasked(said(CHECKED))


@pages
def test_a_burst_of_one_rumour_is_pointed_out_once(either_database: Database) -> None:
    library()

    def speak(inbound: Inbound) -> bool:
        try:
            return intake.do_speak_unasked(inbound)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(speak, [said(CHECKED) for _ in range(12)])) == 1


@pages
@stored
def test_a_room_that_was_told_hears_of_the_change_too() -> None:
    members, case = library()
    intake.do_speak_unasked(said(CHECKED))
    decide(members, case, "true", reason="水厂补发了通知。")
    while telling.do_tell_verdicts():
        pass
    assert any("属实" in words for words in told("verdict"))


@pages
@stored
def test_what_is_not_spoken_about_leaves_no_trace() -> None:
    library()
    before = Submission.objects.count(), Delivery.objects.count()
    for text in (CHANGED, "我们家的猫今天又把花盆打翻了，谁来帮我收拾一下好不好呀"):
        assert not intake.do_speak_unasked(said(text))
    assert (Submission.objects.count(), Delivery.objects.count()) == before
    assert in_tables(["花盆", "停水五天", "@anna:branch.example", "!room:branch.example"]) == []


def answer(inbound: Inbound) -> Answer:
    return intake.do_check(inbound, reply=True)[1]


@pages
@stored
def test_whoever_mentions_us_in_a_room_is_answered_in_few_lines() -> None:
    library()
    assert answer(said(CHECKED, mentioned=True)).outcome == "answer"
    (words,) = told("reply")
    assert len(words.splitlines()) <= 3
    assert "/claims/" in words


@pages
@stored
def test_a_room_is_greeted_once_ever() -> None:
    assert intake.do_greet(said("大家好"))
    assert not intake.do_greet(said("早"))
    with clock.held(clock.now() + timedelta(days=400)):
        assert not intake.do_greet(said("新年好"))
    (words,) = told("greeting")
    assert "从不留存" in words
    assert "@我" in words
    assert in_tables(["大家好，早", "@anna:branch.example", "!room:branch.example"]) == []


@pages
def test_two_who_speak_first_at_once_are_one_greeting(either_database: Database) -> None:
    def greet(inbound: Inbound) -> bool:
        try:
            return intake.do_greet(inbound)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(greet, [said("你好") for _ in range(8)])) == 1
    assert len(told("greeting")) == 1


def test_a_room_is_compared_with_nothing_until_the_branch_wants_it(settings: Settings) -> None:
    from dataclasses import replace

    assert not settings.CONFIG.speak_unasked
    assert not intake.is_overheard(said(CHECKED))
    settings.CONFIG = replace(settings.CONFIG, speak_unasked=True)
    assert intake.is_overheard(said(CHECKED))
    assert not intake.is_overheard(said(f"【不实】{CHECKED} CB-7K2M-9QXD")), (
        "a card says itself what was found"
    )
    assert not intake.is_overheard(said("停水三天是真的吗"))


# --- what fits a phone -------------------------------------------------------------------------------------------------

COLUMNS, LINES = 34, 14  # a narrow phone at its usual size: 17 Chinese characters across


def screen_lines(text: str) -> int:
    """How many lines this takes on a narrow phone; a Chinese character is two columns wide."""
    wide = [sum(2 if ord(each) > 0x2E00 else 1 for each in line) for line in text.splitlines()]
    return sum(max(1, -(-columns // COLUMNS)) for columns in wide)


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_the_list_of_commands_fits_a_phone_screen(lang: str) -> None:
    assert screen_lines(letters.HELP.say(lang)) <= LINES


@pytest.mark.parametrize(
    ("lang", "commands"),
    [
        ("zh-Hans", ["1280", "是", "不是", "忘记我", "帮助"]),
        ("zh-Hant", ["1280", "是", "不是", "忘記我", "幫助"]),
        ("en", ["1280", "yes", "no", "forget me", "help"]),
    ],
)
def test_every_command_of_the_list_is_understood(lang: str, commands: list[str]) -> None:
    from chatbranch.intake.rules import read

    for command in commands:
        assert command in letters.HELP.say(lang)
        assert read(command).kind != "check", command

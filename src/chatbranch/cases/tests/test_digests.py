"""The daily digest: connected from a chat, sent once a day, each note with a link; urgent harm at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client
from tests.support.people import ask, case_of, found_branch, inbound, propose

from chatbranch.branch import actions as branch
from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases.models import Case, Digest, Note, Rating
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import Phrase

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水！"
CHAT = "12345678"
MORNING = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
"""Half past eight where the branch is."""


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def case(members: dict[str, Member]) -> Case:
    return case_of(ask(RUMOUR, asker="first"))


@pytest.fixture
def note(members: dict[str, Member], case: Case) -> Note:
    return propose(members["chen"], case)


def say_to_the_bot(text: str, *, channel: str = "telegram", address: str = CHAT) -> str:
    return intake.do_check(inbound(text, asker=address, channel=channel), reply=True)[1].message


def connect(member: Member, address: str = CHAT) -> str:
    return say_to_the_bot(f"值班 {cases.do_prepare_digest(member)}", address=address)


def digests() -> list[str]:
    return [each.body["text"] for each in Delivery.objects.filter(kind="digest").order_by("id")]


def test_a_chat_is_connected_by_a_code_and_told_once_a_day(members: dict[str, Member], note: Note) -> None:
    with clock.held(MORNING - timedelta(hours=1)):
        assert "连上了" in connect(members["zhou"])
        assert cases.do_send_digests() == 0, "it is half past seven"
    with clock.held(MORNING):
        assert cases.do_send_digests() == 1
        assert cases.do_send_digests() == 0
        assert "有 1 份提案等您评价" in digests()[0]
    with clock.held(MORNING + timedelta(days=1)):
        assert cases.do_send_digests() == 1


def test_its_link_rates_the_note(members: dict[str, Member], note: Note, client: Client) -> None:
    with clock.held(MORNING):
        connect(members["zhou"])
        cases.do_send_digests()
        path = re.search(r"/rate/[^/\s]+/", digests()[0])
        assert path is not None
        assert client.post(path[0], {"value": "1", "reasons": ["clear"]}).status_code == 200
    assert Rating.objects.get().by == members["zhou"]
    with clock.held(MORNING + timedelta(days=1)):
        assert cases.do_send_digests() == 0, "nothing waits any more, so nothing is said"


def test_only_what_is_urgent_interrupts(members: dict[str, Member], case: Case, note: Note) -> None:
    with clock.held(MORNING):
        connect(members["zhou"])
        cases.do_send_digests()
    afternoon = MORNING + timedelta(hours=6)
    with clock.held(afternoon):
        calm = propose(members["su"], case_of(ask("岚江大坝昨晚出现管涌，下游三个镇连夜撤离")))
        assert cases.do_send_digests() == 0
        cases.do_mark_urgent(members["he"], calm.case, True)
        assert cases.do_send_digests() == 1
        assert cases.do_send_digests() == 0
    assert "可能伤人" in digests()[-1]
    assert "管涌" in digests()[-1]


def test_a_code_works_once_within_an_hour_and_only_one_to_one(members: dict[str, Member]) -> None:
    code = cases.do_prepare_digest(members["zhou"])
    with clock.held(clock.now() + timedelta(hours=2)):
        assert "已过期" in say_to_the_bot(f"值班 {code}")
    assert "已过期" in say_to_the_bot("值班 ABCDEFGH")
    code = cases.do_prepare_digest(members["zhou"])
    assert "已过期" in say_to_the_bot(f"duty {code}", channel="api")
    assert "连上了" in say_to_the_bot(f"duty {code.lower()}")
    assert "已过期" in say_to_the_bot(f"duty {code}", address="another chat")
    assert Digest.objects.get().channel == "telegram"
    assert code not in str(list(Digest.objects.values()))


def test_a_chat_that_asks_to_be_forgotten_gets_nothing_more(members: dict[str, Member], note: Note) -> None:
    with clock.held(MORNING):
        connect(members["zhou"])
        say_to_the_bot("忘记我")
        assert cases.do_send_digests() == 0
    assert not Digest.objects.exists()


def test_connecting_another_chat_forgets_the_first(members: dict[str, Member], note: Note) -> None:
    subject = members["zhou"].pk
    connect(members["zhou"], "one")
    connect(members["zhou"], "two")
    assert Contact.objects.filter(scope_id=subject).count() == 1
    cases.do_end_digest(members["zhou"])
    assert not Contact.objects.filter(scope_id=subject).exists()


def test_who_has_left_gets_none(members: dict[str, Member], note: Note) -> None:
    connect(members["zhou"])
    branch.do_leave(members["zhou"])
    with clock.held(MORNING):
        assert cases.do_send_digests() == 0
    assert not Contact.objects.filter(scope_id=members["zhou"].pk).exists()


def test_a_long_list_is_cut_and_the_rest_is_a_page_away(members: dict[str, Member]) -> None:
    for number in "一二三四五六七":
        propose(members["chen"], case_of(ask(f"岚江第{number}大桥今晚封闭，所有车辆必须绕行北环路三天")))
    with clock.held(MORNING):
        connect(members["zhou"])
        cases.do_send_digests()
    text = digests()[0]
    assert "有 7 份提案" in text
    assert len(re.findall(r"/rate/[^/\s]{10,}/", text)) == 5
    assert text.endswith("/rate/")


def test_a_notice_to_a_member_comes_once_to_the_chat_they_connected(members: dict[str, Member]) -> None:
    connect(members["zhou"])
    about = members["zhou"].outlet_id
    with transaction.atomic():
        branch.do_notify(
            [members["zhou"], members["lin"]],
            Phrase("请看", "Please look"),
            about=about,
            link="/desk/accounts/",
        )
    assert cases.do_send_notices() == 1, "who connected no chat reads it on the desk"
    assert cases.do_send_notices() == 0
    told = Delivery.objects.get(kind="notice")
    assert told.body["text"].startswith("请看\n")
    assert told.body["text"].endswith("/desk/accounts/")

"""A flood stops where it comes from: nobody else is silenced by it, and no case grows by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch, inbound
from tests.support.traces import in_tables

from chatbranch.cases import telling
from chatbranch.cases.models import Asker, Case, Objection
from chatbranch.contacts import actions as contacts
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake import floods
from chatbranch.intake.models import Flood, Submission
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def one_moment() -> Iterator[None]:
    """However slow the machine, all that happens here happens within a minute."""
    with clock.held(clock.now()):
        yield


@pytest.fixture
def three_a_minute(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, network_asks_per_minute=3, network_objections_per_hour=2)


def visit(text: str, address: str = HERE, **headers: str) -> HttpResponse:
    """Ask on the page, in a browser that brings no cookie."""
    return Client(REMOTE_ADDR=address, **headers).post("/ask", {"text": text, "email": "a@example.org"})


def call(text: str, asker: str, address: str = HERE) -> HttpResponse:
    body = json.dumps({"text": text, "asker": asker, "lang": "en"})
    return Client(REMOTE_ADDR=address, HTTP_ACCEPT_LANGUAGE="en").post(
        "/api/v1/checks", body, content_type="application/json"
    )


# --- of one network ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_a_minute")
def test_browsers_without_a_cookie_share_the_limit_of_their_network_and_no_text_is_lost() -> None:
    assert [visit(f"第{place}条传言，各不相同，请看看").status_code for place in range(3)] == [302] * 3
    refused = visit("第四条传言，说的是隧道塌了")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    page = refused.content.decode()
    assert "您所在的网络这会儿发来的很多" in page
    assert "第四条传言，说的是隧道塌了</textarea>" in page
    assert Submission.objects.count() == 3
    assert visit("别处来的一条传言，请看看", ELSEWHERE).status_code == 302


@pytest.mark.usefixtures("three_a_minute")
def test_an_api_client_that_makes_up_askers_shares_the_limit_of_its_network() -> None:
    statuses = [call(f"rumour number {place} about something", f"asker {place}") for place in range(4)]
    assert [each.status_code for each in statuses] == [200, 200, 200, 429]
    error = statuses[3].json()["error"]
    assert error["code"] == "too-many"
    assert "try again in a minute" in error["message"]
    assert int(statuses[3].headers["Retry-After"]) <= 60


def test_when_the_day_is_used_up_one_is_told_to_come_back_tomorrow(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, network_asks_per_day=1)
    with clock.held(clock.now().replace(hour=22, minute=0, second=0, microsecond=0)):
        visit(RUMOUR)
        refused = visit(RUMOUR, HTTP_ACCEPT_LANGUAGE="en")
    assert "please try again tomorrow" in refused.content.decode()
    assert refused.headers["Retry-After"] == "7200"


@pytest.mark.usefixtures("three_a_minute")
def test_the_addresses_of_one_ipv6_network_are_one() -> None:
    answers = [visit(RUMOUR, f"2001:db8:1:2::{place}") for place in range(1, 5)]
    assert [each.status_code for each in answers] == [302, 302, 302, 429]
    assert visit(RUMOUR, "2001:db8:1:3::1").status_code == 302


@pytest.mark.usefixtures("three_a_minute")
def test_what_a_reader_writes_into_the_header_of_the_proxy_is_not_believed_without_one() -> None:
    answers = [visit(RUMOUR, HTTP_X_FORWARDED_FOR=f"192.0.2.{place}") for place in range(4)]
    assert [each.status_code for each in answers] == [302, 302, 302, 429]


@pytest.mark.usefixtures("three_a_minute")
def test_behind_a_proxy_what_the_proxy_vouches_for_counts_and_nothing_before_it(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, behind_proxy=True)
    apart = [visit(RUMOUR, HTTP_X_FORWARDED_FOR=f"192.0.2.{place}") for place in range(5)]
    assert [each.status_code for each in apart] == [302] * 5
    made_up = [visit(RUMOUR, HTTP_X_FORWARDED_FOR=f"192.0.2.{place}, {ELSEWHERE}") for place in range(4)]
    assert [each.status_code for each in made_up] == [302, 302, 302, 429]


@pytest.mark.usefixtures("three_a_minute")
def test_members_behind_one_address_are_not_held_up_by_each_other() -> None:
    members = list(found_branch().values())
    for member in members:
        client = Client(REMOTE_ADDR=HERE)
        client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
        assert client.post("/ask", {"text": RUMOUR}).status_code == 302
    assert Case.objects.get().askers_count == len(members) == 6


@pytest.mark.usefixtures("three_a_minute")
def test_what_one_asker_sends_too_fast_does_not_use_up_their_network(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, network_asks_per_minute=25)
    fast = Client(REMOTE_ADDR=HERE)
    statuses = [fast.post("/ask", {"text": f"第{place}条传言，各不相同"}).status_code for place in range(40)]
    assert statuses[:20] == [302] * 20
    assert set(statuses[20:]) == {429}
    assert visit(RUMOUR).status_code == 302


def test_of_a_network_only_a_pseudonym_of_the_day_is_kept_and_beside_no_submission() -> None:
    call(RUMOUR, "")
    visit("西山隧道今晚塌了一半，请大家绕行")
    name = contacts.pseudonym_of(floods.NETWORK, HERE, contacts.day_scope(clock.now().date()))
    assert in_tables([HERE]) == []
    assert in_tables([name]) == [f"intake_flood: {name!r}"]
    for channel in ("api", "web", floods.NETWORK):
        today = contacts.pseudonym_of(channel, HERE, contacts.day_scope(clock.now().date()))
        assert not Submission.objects.filter(pseudonym=today).exists()
        in_case = [contacts.pseudonym_of(channel, HERE, case.id) for case in Case.objects.all()]
        assert not Asker.objects.filter(pseudonym__in=in_case).exists()
    with clock.held(clock.now() + timedelta(days=2)):
        intake.do_tidy()
    assert in_tables([name]) == []


def test_where_a_submission_came_from_is_known_until_it_is_answered_and_no_longer() -> None:
    submission = intake.do_accept(inbound(RUMOUR), network=HERE)
    assert floods.network_of(submission.id) == HERE
    intake.do_answer(submission.id)
    assert floods.network_of(submission.id) == ""


# --- the number of askers ----------------------------------------------------------------------------------------------


def test_many_askers_of_one_network_are_all_answered_and_told_and_few_of_them_count() -> None:
    members = found_branch()
    for place in range(12):
        assert intake.do_check(inbound(RUMOUR, asker=f"made up {place}"), network=HERE)[1].case
    case = Case.objects.get()
    assert case.askers_count == 5
    assert Asker.objects.filter(case=case).count() == 12
    decide(members, case)
    while telling.do_tell_verdicts():
        pass
    assert Delivery.objects.filter(kind="verdict").count() == 12


def test_askers_of_other_networks_and_of_chats_count_on() -> None:
    for place in range(8):
        intake.do_check(inbound(RUMOUR, asker=f"here {place}"), network=HERE)
        intake.do_check(inbound(RUMOUR, asker=f"there {place}"), network=ELSEWHERE)
        intake.do_check(inbound(RUMOUR, asker=f"chat {place}", channel="matrix"))
    assert Case.objects.get().askers_count == 5 + 5 + 8


def test_one_network_may_add_to_another_case_and_to_the_same_tomorrow() -> None:
    for place in range(7):
        case = case_of(intake.do_check(inbound(RUMOUR, asker=f"here {place}"), network=HERE)[1])
    other = intake.do_check(inbound("西山隧道今晚塌了一半，请大家绕行"), network=HERE)[1]
    assert case_of(other).askers_count == 1
    with clock.held(clock.now() + timedelta(days=1)):
        intake.do_check(inbound(RUMOUR, asker="the day after"), network=HERE)
    case.refresh_from_db()
    assert case.askers_count == 6


def test_asking_again_does_not_use_up_what_a_network_may_add() -> None:
    for _ in range(7):
        intake.do_check(inbound(RUMOUR, asker="insistent"), network=HERE)
    intake.do_check(inbound(RUMOUR, asker="somebody else"), network=HERE)
    assert Case.objects.get().askers_count == 2


def test_after_a_crash_an_asker_whose_network_nobody_knows_any_more_is_answered_and_does_not_count() -> None:
    intake.do_check(inbound(RUMOUR, asker="first"), network=HERE)
    submission = intake.do_accept(inbound(RUMOUR, asker="second"), network=HERE)
    floods.let_go(submission.id)  # as in another process
    with clock.held(clock.now() + timedelta(seconds=30)):
        assert intake.do_answer_waiting() == 1
    assert Asker.objects.count() == 2
    assert Case.objects.get().askers_count == 1


def test_askers_of_one_network_who_come_at_the_same_moment_add_no_more(either_database: Database) -> None:
    start = threading.Barrier(6)

    def send(worker: int) -> None:
        try:
            start.wait()
            for place in range(4):
                intake.do_check(inbound(RUMOUR, asker=f"asker {worker} {place}"), network=HERE)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    assert Asker.objects.count() == 24
    assert Case.objects.get().askers_count == 5
    day = contacts.day_scope(clock.now().date())
    assert Flood.objects.get(pseudonym=contacts.pseudonym_of(floods.NETWORK, HERE, day)).count == 24


# --- in a room ---------------------------------------------------------------------------------------------------------


def said_in_room(text: str, sender: str) -> Inbound:
    spoken = inbound(text, asker="!room:branch.example", channel="matrix")
    return replace(spoken, sender=sender, direct=False, mentioned=True)


def test_one_noisy_person_does_not_silence_a_room() -> None:
    for place in range(20):
        intake.do_accept(said_in_room(f"第{place}条传言", "@noisy:branch.example"))
    with pytest.raises(Refused, match="too-many"):
        intake.do_accept(said_in_room("再来一条传言", "@noisy:branch.example"))
    assert intake.do_accept(said_in_room(RUMOUR, "@calm:branch.example")).state == "received"


def test_a_room_full_of_noise_has_a_limit_too_and_is_told_once() -> None:
    refused = []
    for place in range(63):
        try:
            intake.do_accept(said_in_room(f"第{place}条传言", f"@{place % 4}:branch.example"))
        except Refused as each:
            refused.append(each)
    assert Submission.objects.count() == 60
    assert [each.places["again"] for each in refused] == [False, True, True]
    assert "这个群" in refused[0].say("zh-Hans")


def test_whoever_asks_to_be_forgotten_in_a_room_leaves_no_count_behind() -> None:
    sender = "@noisy:branch.example"
    ask(RUMOUR, asker="!room:branch.example", channel="matrix")
    intake.do_check(said_in_room(RUMOUR, sender))
    assert Flood.objects.count() == 2
    intake.do_check(said_in_room("忘记我", sender))
    assert Flood.objects.count() == 0


# --- objections --------------------------------------------------------------------------------------------------------


def object_to(case: Case, grounds: str, client: Client | None = None, **more: str) -> HttpResponse:
    client = client or Client(REMOTE_ADDR=HERE)
    return client.post(f"/claims/{case.claim_id}/object", {"grounds": grounds, **more})


def decided() -> Case:
    case = case_of(ask(RUMOUR))
    decide(found_branch(), case)
    case.refresh_from_db()
    return case


@pytest.mark.usefixtures("three_a_minute")
def test_objections_of_one_network_are_limited_and_what_was_typed_comes_back() -> None:
    case = decided()
    assert [object_to(case, f"理由{place}").status_code for place in range(2)] == [200, 200]
    link = "https://water.example/notice"
    refused = object_to(case, "公告是昨天的，请再核对", url=link, email="reader@example.org")
    assert refused.status_code == 429
    assert 60 < int(refused.headers["Retry-After"]) <= 3600
    page = refused.content.decode()
    assert "公告是昨天的，请再核对</textarea>" in page
    assert link in page
    assert "过一小时" in page
    assert Objection.objects.count() == 2
    assert object_to(case, "别处来的理由", Client(REMOTE_ADDR=ELSEWHERE)).status_code == 200


@pytest.mark.usefixtures("three_a_minute")
def test_an_objection_that_was_not_taken_comes_back_filled_in_and_does_not_count() -> None:
    case = decided()
    for _ in range(4):
        refused = object_to(case, "公告是昨天的", url="javascript:alert(1)")
        assert refused.status_code == 400
        assert "公告是昨天的</textarea>" in refused.content.decode()
        assert "https://" in refused.content.decode()
    assert object_to(case, " ", url="https://water.example/").content.decode().count("water.example/") == 1
    assert object_to(case, "公告是昨天的").status_code == 200


@pytest.mark.usefixtures("three_a_minute")
def test_members_may_object_as_often_as_they_like() -> None:
    case = decided()
    client = Client(REMOTE_ADDR=HERE)
    from chatbranch.branch.models import Member

    client.force_login(
        Member.objects.get(username="lin"), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    assert [object_to(case, f"理由{place}", client).status_code for place in range(4)] == [200] * 4

"""Where a member is signed in: listed in plain words, ended one by one or all at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.branch import actions as branch
from chatbranch.branch.models import Member, Session
from chatbranch.branch.sessions import actions, devices
from chatbranch.branch.tests.conftest import PASSWORD
from chatbranch.kernel import clock

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 Version/17.0 Safari/604"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537 Chrome/120.0 Safari/537"
WECHAT = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537 Chrome/111 Mobile Safari/537 MicroMessenger/8.0"


def signed_in(member: Member, agent: str = WINDOWS) -> Client:
    """Another device of the same member."""
    if not member.authenticator_set.exists():
        TOTP.activate(member, generate_totp_secret())
    client = Client(headers={"user-agent": agent})
    client.force_login(member)
    assert client.get("/account/sessions/").status_code == 200
    return client


def inside(client: Client) -> bool:
    return client.get("/desk/members/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "zh", "en"),
    [
        (IPHONE, "iPhone上的Safari", "Safari on an iPhone"),
        (WINDOWS, "Windows 电脑上的Chrome", "Chrome on a Windows computer"),
        (WECHAT, "安卓手机上的微信", "WeChat on an Android phone"),
        ("curl/8", "某台设备上的某个浏览器", "some browser on some device"),
    ],
)
def test_a_device_is_named_in_plain_words(agent: str, zh: str, en: str) -> None:
    said = devices.words(devices.device(agent))
    assert (said.zh, said.en) == (zh, en)


@given(st.text())
def test_whatever_a_browser_says_of_itself_has_a_name_that_fits(agent: str) -> None:
    assert len(devices.device(agent)) <= 40
    assert devices.words(devices.device(agent)).en


def test_a_session_is_ended_from_another_device_and_is_over_with_its_next_request(steward: Member) -> None:
    phone, computer = signed_in(steward, IPHONE), signed_in(steward)
    page = computer.get("/account/sessions/").content.decode()
    assert "iPhone上的Safari" in page
    assert page.count("就是这台") == 1
    of_phone = Session.objects.get(device__contains="iphone")
    computer.post(f"/account/sessions/{of_phone.pk}/end/")
    assert not inside(phone)
    assert inside(computer)


def test_all_others_are_ended_at_once(steward: Member) -> None:
    here, *others = [signed_in(steward, agent) for agent in (WINDOWS, IPHONE, WECHAT)]
    here.post("/account/sessions/others/end/")
    assert [inside(each) for each in (here, *others)] == [True, False, False]
    assert Session.objects.count() == 1


def test_nobody_ends_the_session_of_another(steward: Member, join: Callable[..., Member]) -> None:
    lan = join("lan", "海风网")
    mine, theirs = signed_in(steward), signed_in(lan)
    key = Session.objects.get(member=lan).pk
    mine.post(f"/account/sessions/{key}/end/")
    assert inside(theirs)


def test_signing_out_or_changing_the_password_takes_the_others_off_the_list(steward: Member) -> None:
    one, two = signed_in(steward), signed_in(steward, IPHONE)
    one.post("/account/logout/")
    assert Session.objects.get().device == "safari iphone"
    three = signed_in(steward)
    answer = three.post("/account/password/", {"oldpassword": PASSWORD, "password1": "seven 灯笼 over rivers", "password2": "seven 灯笼 over rivers"})  # fmt: skip
    assert answer.status_code == 302
    assert inside(three)
    assert not inside(two)
    assert three.get("/account/sessions/").content.decode().count('<li class="spread">') == 1


def test_leaving_ends_every_session(steward: Member, join: Callable[..., Member]) -> None:
    lan = join("lan", "海风网")
    phone = signed_in(lan)
    branch.do_leave(lan)
    assert not inside(phone)
    assert not Session.objects.filter(member=lan).exists()


def test_a_session_from_before_the_list_joins_it(steward: Member) -> None:
    client = signed_in(steward)
    Session.objects.all().delete()
    kept = client.session
    del kept["branch_session"]
    kept.save()
    assert inside(client)
    assert Session.objects.count() == 1


def test_no_network_address_is_kept_and_old_sessions_are_forgotten(steward: Member) -> None:
    signed_in(steward)
    assert "127.0.0.1" not in str(list(Session.objects.values()))
    with clock.held(clock.now() + timedelta(days=31)):
        assert actions.do_tidy() == 1

"""The rooms page: every member sees who is connected to whom; stewards join and part rooms."""

from __future__ import annotations

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.test import Client
from tests.support.people import found_branch

from chatbranch.branch.models import Member
from chatbranch.deliveries.actions import do_report
from chatbranch.deliveries.models import Delivery
from chatbranch.kernel import clock
from chatbranch.relay import actions, platforms
from chatbranch.relay.models import Leg, Route
from chatbranch.relay.tests.support import PLAIN, RICH, arrived, carry, install, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> dict[str, Member]:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN})
    monkeypatch.setattr(platforms, "rooms", lambda: ["plain", "rich"])
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return found_branch()


def desk(member: Member) -> Client:
    client = Client()
    TOTP.activate(member, generate_totp_secret())
    client.force_login(member)
    return client


def test_a_steward_makes_a_conversation_joins_rooms_and_takes_one_out(members: dict[str, Member]) -> None:
    steward = desk(members["lin"])
    steward.post("/desk/rooms/new/", {"name": "成员群"})
    route = Route.objects.get()
    for channel, address in (("rich", "!a:example.org"), ("plain", "#water")):
        steward.post(f"/desk/rooms/{route.pk}/join/", {"channel": channel, "address": address})
    page = steward.get("/desk/rooms/?lang=en").content.decode()
    assert "#water" in page
    assert f"join {route.word}" in page
    steward.post(f"/desk/rooms/{Leg.objects.get(channel='plain').pk}/part/")
    assert [leg.channel for leg in Leg.objects.all()] == ["rich"]
    steward.post(f"/desk/rooms/{route.pk}/end/")
    assert not Route.objects.exists()


def test_a_room_cannot_be_in_two_conversations_and_what_was_typed_stays(members: dict[str, Member]) -> None:
    steward = desk(members["lin"])
    one, two = (actions.do_make_route(members["lin"], name) for name in ("one", "two"))
    actions.do_join(members["lin"], one, "plain", "#water")
    answer = steward.post(f"/desk/rooms/{two.pk}/join/", {"channel": "plain", "address": "#water"})
    assert answer.status_code == 409
    assert "“one”" in answer.content.decode()
    assert 'value="#water"' in answer.content.decode()


def test_other_members_look_but_only_stewards_change(members: dict[str, Member]) -> None:
    route = actions.do_make_route(members["lin"], "one")
    other = desk(members["chen"])
    assert "one" in other.get("/desk/rooms/").content.decode()
    assert other.post("/desk/rooms/new/", {"name": "two"}).status_code == 403
    assert other.post(f"/desk/rooms/{route.pk}/end/").status_code == 403
    assert Client().get("/desk/rooms/").status_code == 302


def test_a_broken_channel_is_shown_with_what_to_do_and_lines_with_what_waits(
    members: dict[str, Member],
) -> None:
    route = actions.do_make_route(members["lin"], "one", "en")
    for channel, address in (("rich", "!a"), ("plain", "#water")):
        actions.do_join(members["lin"], route, channel, address)
    do_report("plain", "broken", "the password is wrong: see plain.password")
    do_report("rich", "connected")
    arrived("plain", "x")
    carry(said("rich !a", "hello"))
    Delivery.objects.filter(state="queued").update(created_at=clock.ago(minutes=3))
    page = desk(members["chen"]).get("/desk/rooms/?lang=en").content.decode()
    assert "the password is wrong: see plain.password" in page
    assert 'data-health="broken"' in page
    assert "waiting, the oldest for 3 min" in page
    assert "wait 3 min</text>" in page

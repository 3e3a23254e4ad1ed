"""A lost phone: two members of different owners let somebody in again, a day later, unless the member says no."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from chatbranch.branch import actions as branch
from chatbranch.branch import queries
from chatbranch.branch.models import Member, Notice, Recovery
from chatbranch.branch.recovery import actions, rules
from chatbranch.branch.tests.test_sessions import inside, signed_in
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

Join = Callable[..., Member]
NEW = "seven quiet 灯笼 over rivers"


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Tries are counted in the cache; each test starts with none."""
    cache.clear()


@pytest.fixture
def members(steward: Member, join: Join) -> dict[str, Member]:
    return {
        "wen": steward,
        "bo": join("bo", "江边报", role="steward"),
        "lan": join("lan", "海风网"),
        "mei": join("mei", "山里报"),
    }


def asked(username: str = "lan") -> tuple[str, str]:
    """(token, code) of somebody who is locked out."""
    token = actions.do_ask(username)
    return token, Recovery.objects.latest("asked_at").code


def test_two_helpers_and_a_day_let_a_member_in_and_void_all_they_had(members: dict[str, Member]) -> None:
    lan = members["lan"]
    thief = signed_in(lan)
    visitor = Client()
    page = visitor.post("/account/lost/ask/", {"username": "LAN"})["Location"]
    code = Recovery.objects.get().code
    assert code in visitor.get(page).content.decode()
    for helper in ("wen", "mei"):
        signed_in(members[helper]).post("/desk/members/help/", {"member": str(lan.pk), "code": code})
    assert "两位成员都确认了" in visitor.get(page).content.decode()
    assert visitor.post(page, {"password": NEW}).status_code == 410, "not before the day has passed"
    with clock.held(clock.now() + timedelta(hours=24, minutes=1)):
        weak = visitor.post(page, {"password": "lan"})
        assert weak.status_code == 400
        assert visitor.post(page, {"password": NEW})["Location"] == "/account/2fa/"
    lan.refresh_from_db()
    assert lan.check_password(NEW)
    assert not lan.authenticator_set.exists()
    assert not inside(thief)
    assert visitor.get(page).status_code == 410, "it works once"
    assert [each for each in Event.objects.order_by("seq").values_list("kind", flat=True) if each.startswith(("recovery", "member.renewed"))] == [
        "recovery.asked", "recovery.helped", "recovery.helped", "member.renewed",
    ]  # fmt: skip


def test_a_steward_alone_and_two_of_one_owner_are_not_enough(members: dict[str, Member]) -> None:
    token, code = asked()
    for helper in ("wen", "wen", "bo"):
        actions.do_help(members[helper], members["lan"], code)
    with clock.held(clock.now() + timedelta(days=2)), pytest.raises(Refused, match="link-is-over"):
        actions.do_recover(token, NEW)


def test_nobody_helps_themselves_nor_with_a_wrong_number_nor_an_outsider(members: dict[str, Member]) -> None:
    _, code = asked()
    with pytest.raises(Refused, match="help-yourself"):
        actions.do_help(members["lan"], members["lan"], code)
    for wrong in ("", "000000", code + "1"):
        with pytest.raises(Refused, match="no-such-code"):
            actions.do_help(members["wen"], members["lan"], wrong)
    with pytest.raises(Refused, match="no-such-code"):
        actions.do_help(members["wen"], members["mei"], code)
    branch.do_leave(members["mei"])
    with pytest.raises(Refused, match="members-only"):
        actions.do_help(members["mei"], members["lan"], code)


def test_the_member_is_told_at_each_step_and_stops_it_from_where_they_are_signed_in(
    members: dict[str, Member],
) -> None:
    lan = members["lan"]
    phone = signed_in(lan)
    token, code = asked()
    actions.do_help(members["wen"], lan, code)
    assert "不是您本人的话，请马上叫停" in phone.get("/desk/").content.decode()
    actions.do_help(members["mei"], lan, code)
    (told,) = queries.notices(lan)
    assert "起，可以在找回的页面设新密码" in told.texts["zh-Hans"], "the later word stands for both"
    assert "叫停" in phone.get("/account/recoveries/").content.decode()
    phone.post(f"/account/recoveries/{Recovery.objects.get().pk}/stop/")
    with clock.held(clock.now() + timedelta(days=2)), pytest.raises(Refused, match="link-is-over"):
        actions.do_recover(token, NEW)
    assert inside(phone)
    assert queries.notices(lan) == []
    told = Notice.objects.filter(member__in=[members["wen"], members["mei"]])
    assert told.count() == 2, "the helpers learn that somebody fooled them"
    assert Event.objects.filter(kind="recovery.stopped").exists()


def test_nobody_else_can_stop_it(members: dict[str, Member]) -> None:
    token, code = asked()
    for helper in ("wen", "mei"):
        actions.do_help(members[helper], members["lan"], code)
    actions.do_stop(members["bo"], Recovery.objects.get())
    with clock.held(clock.now() + timedelta(hours=25)):
        assert actions.do_recover(token, NEW)


def test_asking_tells_nobody_which_names_are_here(members: dict[str, Member]) -> None:
    visitor = Client()
    for name in ("lan", "nobody"):
        page = visitor.post("/account/lost/ask/", {"username": name})["Location"]
        shown = visitor.get(page).content.decode()
        assert "六位数" in shown
        assert "Lan" not in shown
    assert not Recovery.objects.get(member=None).helpers.exists()


def test_asking_again_and_again_is_slowed_down(members: dict[str, Member]) -> None:
    visitor = Client()
    seen = [visitor.post("/account/lost/ask/", {"username": "lan"}).status_code for _ in range(11)]
    assert seen == [302] * 10 + [429]


def test_what_came_to_nothing_ends_after_a_week_and_is_forgotten(members: dict[str, Member]) -> None:
    token, code = asked()
    with clock.held(clock.now() + timedelta(days=7)):
        with pytest.raises(Refused, match="no-such-code"):
            actions.do_help(members["wen"], members["lan"], code)
        assert Client().get(f"/recover/{token}/").status_code == 410
    with clock.held(clock.now() + timedelta(days=15)):
        assert actions.do_tidy() == 1


def test_the_command_line_way_stays_and_is_on_record(steward: Member) -> None:
    branch.do_prepare_renewal(steward)
    assert Event.objects.filter(kind="member.reset-prepared", subject=steward.pk).count() == 1
    assert len(queries.notices(steward)) == 1


def test_the_states_follow_from_the_times() -> None:
    now = asked_at = clock.now()

    def state(*, now: datetime = now, opens_at: datetime | None = None, ended: bool = False) -> str:
        return rules.state(asked_at=asked_at, opens_at=opens_at, ended=ended, now=now)

    assert state() == "asked"
    assert state(now=now + timedelta(days=7)) == "over"
    opens = now + rules.WAITS
    assert state(opens_at=opens) == "waiting"
    assert state(opens_at=opens, now=opens) == "open"
    assert state(opens_at=opens, now=opens + timedelta(days=7)) == "over"
    assert state(opens_at=opens, now=opens, ended=True) == "over"
    assert not rules.enough(["a", "a"])
    assert rules.enough(["a", "b"])

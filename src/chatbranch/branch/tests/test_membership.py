from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from tests.support.databases import Database

from chatbranch.branch import actions, queries
from chatbranch.branch.models import Invitation, Member, Outlet
from chatbranch.branch.tests.conftest import PASSWORD, outlet, person
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

Join = Callable[..., Member]


def test_an_invitation_makes_one_member_of_that_outlet(steward: Member, client: Client) -> None:
    token = actions.do_invite(steward, outlet("海风网"), "member")
    assert "海风网" in client.get(f"/join/{token}/").content.decode()
    answer = client.post(f"/join/{token}/", {"person": "兰", "username": "lan", "password": PASSWORD})
    assert answer["Location"] == "/account/2fa/"
    assert Member.objects.get(username="lan").outlet.name == "海风网"
    assert client.get(f"/join/{token}/").status_code == 410


def test_an_invitation_ends_after_seven_days(steward: Member) -> None:
    token = actions.do_invite(steward, steward.outlet, "member")
    with clock.held(clock.now() + timedelta(days=7, seconds=1)), pytest.raises(Refused, match="link-is-over"):
        actions.do_join(token, person("late"))


def test_a_refused_name_leaves_the_invitation_usable(steward: Member) -> None:
    token = actions.do_invite(steward, steward.outlet, "member")
    with pytest.raises(Refused, match="name-taken"):
        actions.do_join(token, person("WEN"))
    assert actions.do_join(token, person("lan")).outlet == steward.outlet


def test_links_of_one_kind_do_not_work_as_another(steward: Member) -> None:
    renewal = actions.do_prepare_renewal(steward)
    with pytest.raises(Refused, match="link-is-over"):
        actions.do_join(renewal, person("lan"))
    invitation = actions.do_invite(steward, steward.outlet, "member")
    with pytest.raises(Refused, match="link-is-over"):
        actions.do_renew(invitation, PASSWORD)


def at_once(*tries: Callable[[], object]) -> list[str]:
    """Start all of them at the same moment, each in a thread of its own; "done" or the refusal's code of each, sorted."""
    start, results = threading.Barrier(len(tries)), []

    def attempt(what: Callable[[], object]) -> None:
        start.wait()
        try:
            what()
            results.append("done")
        except Refused as refusal:
            results.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(each,)) for each in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(tries), "everybody got an answer"
    return sorted(results)


def founded() -> Member:
    token = actions.do_prepare_founding()
    return actions.do_found(token, name="南湾分会", charter="", outlet=outlet(), person=person("wen"))


def test_of_many_people_with_one_invitation_one_joins(either_database: Database) -> None:
    token = actions.do_invite(founded(), outlet("海风网"), "member")
    results = at_once(*(partial(actions.do_join, token, person(f"p{number}")) for number in range(6)))
    assert results == ["done"] + ["link-is-over"] * 5
    assert Member.objects.count() == 2


def test_colleagues_of_a_new_outlet_joining_at_the_same_moment_make_it_once(
    either_database: Database,
) -> None:
    steward = founded()
    tokens = [actions.do_invite(steward, outlet("海风网", bloc="海边三县", means="region")) for _ in range(5)]
    results = at_once(
        *(partial(actions.do_join, token, person(f"p{number}")) for number, token in enumerate(tokens))
    )
    assert results == ["done"] * 5
    assert Outlet.objects.filter(name="海风网").count() == 1


def test_of_two_people_wanting_one_sign_in_name_one_gets_it(either_database: Database) -> None:
    steward = founded()
    tokens = [actions.do_invite(steward, steward.outlet) for _ in range(4)]
    assert (
        at_once(*(partial(actions.do_join, token, person("lan")) for token in tokens))
        == ["done"] + ["name-taken"] * 3
    )


def test_two_stewards_leaving_at_the_same_moment_do_not_leave_the_branch_without_one(
    either_database: Database,
) -> None:
    first = founded()
    second = actions.do_join(actions.do_invite(first, first.outlet, "steward"), person("lan"))
    assert at_once(partial(actions.do_leave, first), partial(actions.do_leave, second)) == [
        "done",
        "last-steward",
    ]


def test_a_withdrawn_invitation_and_one_by_somebody_who_left_are_void(steward: Member, join: Join) -> None:
    lan = join("lan", "海风网", role="steward")
    theirs, ours = actions.do_invite(lan, lan.outlet), actions.do_invite(steward, steward.outlet)
    actions.do_leave(lan)
    actions.do_withdraw_invitation(steward, queries.invitations(steward)[0])
    for token in (theirs, ours):
        with pytest.raises(Refused, match="link-is-over"):
            queries.invitation(token)
    assert not Invitation.objects.filter(used_at=None).exists()


def test_a_member_may_not_invite_other_outlets_nor_stewards(join: Join) -> None:
    lan = join("lan", "海风网")
    assert actions.do_invite(lan, lan.outlet, "member")
    for target, role in (
        (outlet("新报"), "member"),
        (Outlet.objects.get(name="江边报"), "member"),
        (lan.outlet, "steward"),
    ):
        with pytest.raises(Refused, match="may-not-invite"):
            actions.do_invite(lan, target, role)


def test_an_outlets_owner_keeps_one_spelling_so_that_their_outlets_are_seen_as_one(join: Join) -> None:
    join("lan", "海风网", owner="Harbour Media")
    second = join("mei", "海风视频", owner="harbour  media")
    assert second.outlet.owner == "Harbour Media"
    standings = queries.standings(Member.objects.values_list("pk", flat=True))
    assert len({standing.outlet for standing in standings.values()}) == 2


def test_a_name_in_use_by_another_owner_is_refused(join: Join) -> None:
    join("lan", "海风网", owner="甲")
    with pytest.raises(Refused, match="outlet-taken"):
        join("mei", "海风网", owner="乙")


def test_early_members_are_founders_and_later_ones_wait_thirty_days(join: Join) -> None:
    early = join("lan", "海风网")
    with clock.held(clock.now() + timedelta(days=31)):
        late = actions.do_add_member(person=person("mei"), outlet=outlet("山里报"))
        assert queries.standing(early).counts_from <= clock.now()
        assert queries.standing(late).counts_from == clock.now() + timedelta(days=30)


def test_a_bloc_is_changed_by_the_outlets_members_after_ninety_days(steward: Member, join: Join) -> None:
    lan = join("lan", "海风网")
    with pytest.raises(Refused, match="bloc-too-soon"):
        actions.do_change_bloc(lan, lan.outlet, "学生家长", "audience")
    with clock.held(clock.now() + timedelta(days=91)):
        with pytest.raises(Refused, match="not-your-outlet"):
            actions.do_change_bloc(lan, steward.outlet, "学生家长", "audience")
        actions.do_change_bloc(lan, lan.outlet, "学生家长", "audience")
        assert lan.outlet.bloc.name == "学生家长"
        with pytest.raises(Refused, match="bloc-too-soon"):
            actions.do_change_bloc(lan, lan.outlet, "海边三县", "region")


def test_interests_are_public_to_members_and_ended_only_by_their_owner(steward: Member, join: Join) -> None:
    lan = join("lan", "海风网")
    interest = actions.do_declare_interest(lan, " 某药厂   顾问 ")
    assert queries.interests_of([lan.pk]) == {lan.pk: ["某药厂 顾问"]}
    with pytest.raises(Refused, match="not-yours"):
        actions.do_end_interest(steward, interest)
    actions.do_end_interest(lan, interest)
    assert queries.interests_of([lan.pk]) == {}
    assert queries.interests(steward, lan)[0].ended_at is not None


def test_leaving_closes_the_door_and_keeps_the_work(steward: Member, join: Join, client: Client) -> None:
    lan = join("lan", "海风网")
    client.force_login(lan)
    actions.do_leave(lan)
    lan.refresh_from_db()
    assert not queries.is_member(lan)
    assert not lan.check_password(PASSWORD)
    assert client.get("/desk/members/").status_code == 302
    assert Member.objects.filter(name="Lan").exists()
    assert [each.username for each in queries.members(steward)] == ["wen"]


def test_the_last_steward_names_another_before_leaving(steward: Member, join: Join) -> None:
    lan = join("lan", "海风网")
    with pytest.raises(Refused, match="last-steward"):
        actions.do_leave(steward)
    with pytest.raises(Refused, match="stewards-only"):
        actions.do_set_role(lan, lan, "steward")
    actions.do_set_role(steward, lan, "steward")
    actions.do_leave(steward)
    assert [each.role for each in queries.members(lan)] == ["steward"]


def test_the_desk_is_open_from_the_second_member_on(steward: Member, join: Join) -> None:
    assert not queries.desk_is_open()
    join("lan", "海风网")
    assert queries.desk_is_open()


@pytest.mark.parametrize(
    "query",
    [queries.members, queries.outlets, queries.blocs, queries.invitations],
    ids=lambda query: query.__name__,
)
def test_outsiders_get_no_list_of_anybody(
    steward: Member, join: Join, query: Callable[[object], object]
) -> None:
    gone = join("lan", "海风网")
    actions.do_leave(gone)
    for outsider in (None, AnonymousUser(), gone):
        with pytest.raises(Refused, match="members-only"):
            query(outsider)


def test_no_table_has_a_field_for_an_identity_document_or_a_score() -> None:
    from django.apps import apps

    names = {
        field.name
        for model in apps.get_app_config("branch").get_models()
        for field in model._meta.get_fields()
    }
    unwanted = (
        "passport",
        "identity",
        "id_card",
        "document",
        "score",
        "weight",
        "reputation",
        "rank",
        "politic",
    )
    assert not [name for name in names if any(word in name for word in unwanted)]


def test_a_lost_key_is_renewed_by_a_link_that_voids_the_old_ones(steward: Member, client: Client) -> None:
    old = Client()
    old.force_login(steward)
    token = actions.do_prepare_renewal(steward)
    answer = client.post(f"/renew/{token}/", {"password": "seven quiet 灯笼 over rivers"})
    assert answer["Location"] == "/account/2fa/"
    steward.refresh_from_db()
    assert steward.check_password("seven quiet 灯笼 over rivers")
    assert old.get("/desk/members/")["Location"].startswith("/account/login/"), "other sessions end"
    assert client.get(f"/renew/{token}/").status_code == 410


def test_the_charter_is_written_by_stewards_and_read_by_members(steward: Member, join: Join) -> None:
    lan = join("lan", "海风网")
    with pytest.raises(Refused, match="stewards-only"):
        actions.do_write_charter(lan, "我说了算")
    actions.do_write_charter(steward, " 只查事实，不评看法。 ")
    found = queries.branch()
    assert found is not None
    assert found.charter == "只查事实，不评看法。"

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from tests.support.databases import Database

from chatbranch.branch import actions, queries
from chatbranch.branch.models import Branch, Invitation, Member
from chatbranch.branch.tests.conftest import PASSWORD, outlet, person
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

FORM = {
    "branch": "南湾分会",
    "charter": "查清楚，再告诉每一位问过的人。",
    "outlet": "江边报",
    "platform": "公众号",
    "owner": "江边报编辑部",
    "bloc": "银发读者",
    "means": "audience",
    "person": "文",
    "username": "wen",
    "password": PASSWORD,
}


@pytest.mark.django_db
def test_the_founding_link_makes_branch_outlet_bloc_and_steward_and_leads_to_the_second_factor(
    client: Client,
) -> None:
    token = actions.do_prepare_founding()
    assert "成立分会" in client.get(f"/found/{token}/").content.decode()
    answer = client.post(f"/found/{token}/", FORM)
    assert (answer.status_code, answer["Location"]) == (302, "/account/2fa/")
    steward = Member.objects.get()
    assert (steward.role, steward.founder, steward.outlet.bloc.name) == ("steward", True, "银发读者")
    assert queries.branch_name() == "南湾分会"
    assert client.session["_auth_user_id"] == str(steward.pk)
    assert list(Event.objects.order_by("seq").values_list("kind", flat=True)) == [
        "member.joined",
        "branch.founded",
    ]


@pytest.mark.django_db
def test_the_founding_link_works_once(client: Client) -> None:
    token = actions.do_prepare_founding()
    client.post(f"/found/{token}/", FORM)
    with pytest.raises(Refused, match="link-is-over"):
        actions.do_found(token, name="另一个", charter="", outlet=outlet("别家"), person=person("another"))
    with pytest.raises(Refused, match="already-founded"):
        actions.do_prepare_founding()
    assert Branch.objects.count() == Member.objects.count() == 1


@pytest.mark.django_db
def test_an_old_founding_link_says_where_a_new_one_comes_from(client: Client) -> None:
    damaged = client.get("/found/damaged/")
    assert damaged.status_code == 410
    assert "会打印一个新的" in damaged.content.decode()
    assert "您刚才写的" not in damaged.content.decode(), "nothing was written yet"
    token = actions.do_prepare_founding()
    client.post(f"/found/{token}/", FORM)
    assert "这里的分会已经成立" in client.get(f"/found/{token}/").content.decode()


@pytest.mark.django_db
def test_a_second_printed_link_is_void_once_the_first_has_founded_the_branch() -> None:
    first, second = actions.do_prepare_founding(), actions.do_prepare_founding()
    actions.do_found(first, name="南湾分会", charter="", outlet=outlet(), person=person())
    with pytest.raises(Refused, match="link-is-over"):
        actions.do_found(second, name="北湾分会", charter="", outlet=outlet("北湾"), person=person("bei"))


@pytest.mark.django_db
def test_only_the_hash_of_a_link_is_kept() -> None:
    token = actions.do_prepare_founding()
    assert token not in str(list(Invitation.objects.values()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [("branch", " "), ("outlet", ""), ("platform", ""), ("owner", ""), ("bloc", ""), ("means", "party"), ("person", ""),
     ("username", "a b"), ("password", "password1234"), ("password", "short")],
)  # fmt: skip
def test_what_is_missing_is_said_and_the_link_still_works(client: Client, field: str, value: str) -> None:
    token = actions.do_prepare_founding()
    answer = client.post(f"/found/{token}/", FORM | {field: value})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'data-tone="bad"' in page
    assert "江边报编辑部" in page or field == "owner", "what was typed is kept"
    assert PASSWORD not in page
    assert not Branch.objects.exists()
    assert client.post(f"/found/{token}/", FORM).status_code == 302


def test_of_two_people_founding_at_the_same_moment_one_succeeds(either_database: Database) -> None:
    tokens = [actions.do_prepare_founding() for _ in range(4)] * 2
    start, results = threading.Barrier(len(tokens)), []

    def found(number: int, token: str) -> None:
        start.wait()
        try:
            actions.do_found(
                token,
                name=f"分会{number}",
                charter="",
                outlet=outlet(f"报{number}"),
                person=person(f"p{number}"),
            )
            results.append("founded")
        except Refused as refusal:
            results.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=found, args=pair) for pair in enumerate(tokens)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(tokens), "everybody got an answer"
    assert results.count("founded") == 1
    assert set(results) <= {"founded", "link-is-over", "already-founded"}
    assert Branch.objects.count() == Member.objects.count() == 1


@pytest.mark.django_db
def test_a_founding_link_does_not_last_for_ever() -> None:
    token = actions.do_prepare_founding()
    with clock.held(clock.now() + timedelta(days=91)), pytest.raises(Refused, match="link-is-over"):
        queries.invitation(token)

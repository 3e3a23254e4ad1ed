"""Rating notes: three answers with reasons, at the desk or by a link on a phone, and peers where there is a vacancy."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings
from tests.support.databases import Database
from tests.support.people import agree, ask, case_of, found_branch, propose

from chatbranch.branch import actions as branch
from chatbranch.branch import queries as members_of
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases import queries
from chatbranch.cases.hearing import decision_on
from chatbranch.cases.models import Case, Note, Rating, RatingLink
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水！"


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def case(members: dict[str, Member]) -> Case:
    return case_of(ask(RUMOUR, asker="first"))


@pytest.fixture
def note(members: dict[str, Member], case: Case) -> Note:
    return propose(members["chen"], case)


def path_of(token: str) -> str:
    return f"/rate/{token}/"


def test_the_last_word_of_a_rater_counts(members: dict[str, Member], note: Note) -> None:
    for name in ("zhou", "lin"):
        cases.do_rate(members[name], note, value=1.0)
    cases.do_rate(members["zhou"], note, value=0.0, reasons=["weak-sources"])
    assert not cases.do_rate(members["he"], note, value=1.0).accepted
    assert cases.do_rate(members["zhou"], note, value=1.0).accepted
    assert Rating.objects.count() == 5, "what was said before stays on record"


def test_somewhat_helpful_is_no_yes_and_wants_a_reason(members: dict[str, Member], note: Note) -> None:
    with pytest.raises(Refused, match="reason"):
        cases.do_rate(members["zhou"], note, value=0.5)
    cases.do_rate(members["zhou"], note, value=0.5, reasons=["lacks-context"])
    for name in ("lin", "he"):
        decision = cases.do_rate(members[name], note, value=1.0)
    assert not decision.accepted
    assert decision.lacking == (("年轻", 1),)


def test_a_reason_nobody_offered_is_not_kept(members: dict[str, Member], note: Note) -> None:
    cases.do_rate(members["zhou"], note, value=0.0, reasons=["unclear", "<b>", "unclear", "opinion"])
    assert Rating.objects.get().reasons == ["opinion", "unclear"]


@pytest.mark.parametrize("value", [0.7, -1.0, 2.0, float("nan")])
def test_there_are_three_answers_and_no_other(members: dict[str, Member], note: Note, value: float) -> None:
    with pytest.raises(Refused, match="value"):
        cases.do_rate(members["zhou"], note, value=value, reason="because")


def test_a_colleague_of_the_author_does_not_rate_the_note(members: dict[str, Member], note: Note) -> None:
    colleague = branch.do_add_member(
        person=Person("Colleague", "colleague", "绿豆 sails past seven lamps"), outlet=members["chen"].outlet
    )
    with pytest.raises(Refused, match="own-note"):
        cases.do_rate(colleague, note, value=1.0)
    assert queries.waiting_notes(colleague) == []


# By link


def test_a_link_shows_the_passage_and_the_sources_first_and_rates_once(
    members: dict[str, Member], note: Note, client: Client
) -> None:
    token = cases.do_make_rating_link(members["zhou"], note)
    shown = client.get(path_of(token))
    page = shown.content.decode()
    assert page.index(RUMOUR) < page.index("https://source.example/page") < page.index("我们查过了")
    assert shown["Referrer-Policy"] == "no-referrer"
    assert client.get(path_of(token)).status_code == 200, "looking uses nothing up"
    thanks = client.post(path_of(token), {"value": "1", "reasons": ["clear", "good-sources"]})
    assert "已记下，谢谢" in thanks.content.decode()
    rating = Rating.objects.get()
    assert (rating.by, rating.value, rating.reasons) == (members["zhou"], 1.0, ["good-sources", "clear"])
    assert client.post(path_of(token), {"value": "0", "reason": "twice"}).status_code == 410
    assert client.get(path_of(token)).status_code == 410
    assert Rating.objects.count() == 1


def test_an_answer_without_a_reason_keeps_the_link_and_what_was_typed(
    members: dict[str, Member], note: Note, client: Client
) -> None:
    token = cases.do_make_rating_link(members["zhou"], note)
    refused = client.post(path_of(token), {"value": "0"})
    assert refused.status_code == 400
    assert "请点一个原因" in refused.content.decode()
    assert 'value="0" checked' in refused.content.decode()
    assert client.post(path_of(token), {"value": "0", "reason": "来源打不开"}).status_code == 200
    assert Rating.objects.get().reason == "来源打不开"


def test_a_link_is_one_raters_and_ends_with_time_with_leaving_and_with_the_note(
    members: dict[str, Member], note: Note, client: Client
) -> None:
    old, gone, late = (cases.do_make_rating_link(members[name], note) for name in ("zhou", "daniel", "su"))
    with clock.held(clock.now() + timedelta(days=8)):
        assert client.get(path_of(old)).status_code == 410
        assert cases.do_tidy_links() == 3
    late = cases.do_make_rating_link(members["su"], note)
    gone = cases.do_make_rating_link(members["daniel"], note)
    branch.do_leave(members["daniel"])
    assert client.get(path_of(gone)).status_code == 410
    agree(members, note)
    assert client.post(path_of(late), {"value": "1"}).status_code == 409
    assert RatingLink.objects.get(rater=members["su"]).used_at is None
    assert client.get(path_of("no-such-token")).status_code == 410


def test_the_link_itself_is_kept_nowhere(members: dict[str, Member], note: Note) -> None:
    token = cases.do_make_rating_link(members["zhou"], note)
    assert token not in str(list(RatingLink.objects.values()))


@pytest.mark.usefixtures("own_index")
def test_of_two_presses_at_once_one_rates(either_database: Database) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    people = found_branch()
    proposed = propose(people["chen"], case_of(ask(RUMOUR, asker="first")))
    token = cases.do_make_rating_link(people["zhou"], proposed)

    def press(value: float) -> bool:
        try:
            cases.do_rate_by_link(token, value=value, reasons=["clear", "unclear"])
        except Refused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(press, [1.0, 0.0, 1.0, 0.0])) == 1
    assert Rating.objects.count() == 1


# One after another


def signed_in(member: Member) -> Client:
    from chatbranch.site.demo import _second_factor

    _second_factor(member)
    client = Client()
    client.force_login(member, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_notes_wait_one_after_another_until_none_does(members: dict[str, Member], note: Note) -> None:
    other = propose(members["su"], case_of(ask("岚江大坝昨晚出现管涌，下游三个镇连夜撤离，赶紧通知亲戚")))
    client = signed_in(members["zhou"])
    assert "等您表态" in client.get("/desk/").content.decode()
    first = client.get("/rate/").content.decode()
    assert RUMOUR in first
    assert "还有 1 份等您" in first
    after = client.post(f"/desk/notes/{note.pk}/rate/", {"value": "1", "then": "next"}, follow=True)
    assert "管涌" in after.content.decode()
    client.post(f"/desk/notes/{other.pk}/rate/", {"value": "1", "then": "next"})
    assert "没有等您的提案" in client.get("/rate/").content.decode()


# Peers


def peer_of(members: dict[str, Member], name: str = "海那边", owner: str = "海那边编辑部") -> Member:
    outlet = NewOutlet(name, "博客", owner, "", peer="海城分会")
    token = branch.do_invite(members["lin"], outlet, "peer")
    return branch.do_join(token, Person(name, name, "绿豆 sails past seven lamps"))


def stand_aside(members: dict[str, Member], case: Case, *names: str) -> None:
    for name in names:
        cases.do_declare_party(members["lin"], case, members[name].outlet, "发过这条")


def test_a_peer_is_no_member(members: dict[str, Member], case: Case) -> None:
    peer = peer_of(members)
    assert not members_of.is_member(peer)
    assert peer.pk not in {each.pk for each in members_of.members(members["lin"])}
    assert members_of.member_count() == 6
    assert [outlet.peer for outlet in members_of.peers(members["lin"])] == ["海城分会"]
    assert "海那边" not in {outlet.name for outlet in members_of.outlets(members["lin"])}
    client = signed_in(peer)
    for address in (
        "/desk/",
        f"/desk/cases/{case.code}/",
        "/desk/members/",
        "/desk/objections/",
        "/desk/deliveries/",
    ):
        assert client.get(address).headers["Location"] == "/rate/", address
    for doing in ("comment", "evidence", "note", "urgent", "duty", "party", "close", "merge", "split"):
        answer = client.post(f"/desk/cases/{case.code}/{doing}/", {"text": "hello", "as": "opinion"})
        assert answer.headers["Location"] == "/rate/", doing
    with pytest.raises(Refused, match="members-only"):
        branch.do_invite(peer, peer.outlet, "peer")


def test_where_the_branch_can_decide_a_peer_is_asked_nothing(members: dict[str, Member], note: Note) -> None:
    with clock.held(clock.now() + timedelta(days=29)):
        peer = peer_of(members)
    with clock.held(clock.now() + timedelta(days=80)):
        assert queries.waiting_notes(peer) == []
        with pytest.raises(Refused, match="no-vacancy"):
            cases.do_rate(peer, note, value=1.0)


def test_a_peer_fills_the_vacancy_of_a_bloc_that_must_stand_aside_and_it_is_said(
    members: dict[str, Member], case: Case, note: Note
) -> None:
    peer = peer_of(members)
    stand_aside(members, case, "he", "su")
    with clock.held(clock.now() + timedelta(days=31)):
        assert [each.pk for each in queries.waiting_notes(peer)] == [note.pk]
        for name in ("zhou", "lin"):
            decision = cases.do_rate(members[name], note, value=1.0)
        assert decision.vacancies == 1
        assert "友会" in decision.why.zh
        decision = cases.do_rate(peer, note, value=1.0)
    assert decision.accepted
    assert decision.as_dict()["filled_by_peers"] == 1
    case.refresh_from_db()
    assert case.state == "decided"


def test_a_peers_word_counts_from_thirty_days_on(members: dict[str, Member], case: Case, note: Note) -> None:
    peer = peer_of(members)
    stand_aside(members, case, "he", "su")
    for name in ("zhou", "lin"):
        cases.do_rate(members[name], note, value=1.0)
    assert not cases.do_rate(peer, note, value=1.0).accepted, "not even in a branch that is younger than that"
    with clock.held(clock.now() + timedelta(days=31)):
        assert decision_on(note).accepted


def test_outlets_of_one_owner_fill_one_vacancy(members: dict[str, Member], case: Case, note: Note) -> None:
    peers = [peer_of(members, name, "同一人") for name in ("海那边", "山那边")]
    stand_aside(members, case, "zhou", "daniel", "he", "su")
    with clock.held(clock.now() + timedelta(days=31)):
        cases.do_rate(members["lin"], note, value=1.0)
        for peer in peers:
            decision = cases.do_rate(peer, note, value=1.0)
    assert decision.vacancies == 2
    assert not decision.accepted


def test_a_steward_ends_what_was_agreed_with_a_peer(members: dict[str, Member]) -> None:
    peer = peer_of(members)
    with pytest.raises(Refused, match="stewards-only"):
        branch.do_end_peer(members["zhou"], peer.outlet)
    branch.do_end_peer(members["lin"], peer.outlet)
    peer.refresh_from_db()
    assert not members_of.is_rater(peer)
    assert members_of.peers(members["lin"]) == []
    with pytest.raises(Refused, match="no-peer"):
        branch.do_end_peer(members["lin"], members["su"].outlet)


def test_a_peer_is_invited_for_an_outlet_of_a_peer_branch_only(members: dict[str, Member]) -> None:
    with pytest.raises(Refused, match="peer-outlet"):
        branch.do_invite(members["lin"], members["su"].outlet, "peer")
    with pytest.raises(Refused, match="peer-outlet"):
        branch.do_invite(members["lin"], NewOutlet("海那边", "博客", "海", "", peer="海城分会"), "steward")
    with pytest.raises(Refused, match="may-not-invite"):
        branch.do_invite(members["zhou"], NewOutlet("海那边", "博客", "海", "", peer="海城分会"), "peer")


def test_a_steward_invites_a_peer_on_the_members_page(members: dict[str, Member], settings: Settings) -> None:
    client = signed_in(members["lin"])
    form = {"to": "new", "peer": "海城分会", "outlet": "海那边", "platform": "博客", "owner": "海"}
    link = re.search(r"/join/[^/]+/", client.post("/desk/members/invite/", form).content.decode())
    assert link is not None
    guest = Client()
    assert "友会" in guest.get(link[0]).content.decode()
    guest.post(link[0], {"person": "海燕", "username": "haiyan", "password": "绿豆 sails past seven lamps"})
    assert Member.objects.get(username="haiyan").role == "peer"
    assert "海那边" in client.get("/desk/members/").content.decode()

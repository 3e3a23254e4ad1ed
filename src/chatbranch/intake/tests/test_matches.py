"""Recent matches on the desk: seen by members, corrected with two clicks, naming no asker and keeping nobody's text."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from tests.support.databases import Database
from tests.support.people import ask, case_of, found_branch
from tests.support.traces import in_files, in_tables

from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.claims import actions as claims
from chatbranch.claims.models import Wording
from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake import matches
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.matching import queries as matching
from chatbranch.matching.agreement import NOT_SAME, NOTHING, SAME
from chatbranch.matching.models import Correction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
CLAIM = "云岚市自来水厂今晚八点起停水三天"
SENT = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
ALTERED = "紧急通知：云岚市自来水厂今晚八点起停水五天，请大家马上储水，转发给家人！"


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def claim(members: dict[str, Member]) -> UUID:
    return publish(CLAIM)


def publish(text: str) -> UUID:
    return claims.do_publish(
        claim_id=None,
        wordings={"zh-Hans": text},
        rating="false",
        as_of=clock.now().date(),
        sources=[{"url": "https://source.example/"}],
    ).claim_id


def desk(member: Member) -> Client:
    client = Client()
    if not member.authenticator_set.exists():
        TOTP.activate(member, generate_totp_secret())
    client.force_login(member)
    return client


def shown(member: Member, query: str = "", lang: str = "zh-Hans") -> str:
    answer = desk(member).get(f"/desk/matches/?lang={lang}{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def correct(member: Member, key: Any, **form: str) -> Any:
    return desk(member).post(f"/desk/matches/{key}/correct/", form, follow=True)


def test_members_see_what_was_matched_with_what_and_what_differs(
    members: dict[str, Member], claim: UUID
) -> None:
    assert ask(SENT).outcome == "answer"
    assert ask(ALTERED).outcome == "suggest"
    page = shown(members["lin"])
    assert page.index("停水五天") < page.index("停水三天</mark>" if "停水三天</mark>" in page else "停水三天")
    assert re.search(r'数字：<del class="was">三天?</del> → <ins class="now">五天?</ins>', page)
    assert re.search(r'Number: <del class="was">三天?</del>', shown(members["lin"], lang="en"))
    assert page.count('class="card" id="match-') == 2
    only = shown(members["lin"], "&outcome=answer")
    assert "停水五天" not in only
    assert f"/claims/{claim}/" in only
    assert desk(members["lin"]).get("/desk/matches/?before=nonsense&outcome=x").status_code == 200


def test_a_message_that_many_sent_stands_there_once_with_its_number(
    members: dict[str, Member], claim: UUID
) -> None:
    for each in range(3):
        ask(f"{SENT}{'！' * each}")
    page = shown(members["lin"])
    assert page.count('class="card" id="match-') == 1
    assert "3 次" in page


def test_pages_follow_one_another_without_gap_or_repetition(
    members: dict[str, Member], claim: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matches, "PAGE", 2)
    for each in range(5):
        ask(f"{SENT}我在{'东西南北中'[each]}门听说的")
    seen: list[UUID] = []
    before: UUID | None = None
    while True:
        rows, before = matches.recent_matches(members["lin"], "en", before=before)
        seen += [row.key for row in rows]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_only_members_come_in(claim: UUID, client: Client) -> None:
    ask(SENT)
    key = Submission.objects.get().pk
    assert client.get("/desk/matches/").status_code == 302
    assert client.post(f"/desk/matches/{key}/correct/", {"is": "not"}).status_code == 302
    assert not Correction.objects.exists()


def test_two_members_correct_an_answer_with_one_button_each(members: dict[str, Member], claim: UUID) -> None:
    ask(SENT)
    key = Submission.objects.get().pk
    first = correct(members["lin"], key, **{"is": "not", "note": "说的是另一座水厂"})
    assert "再有另一个账号的成员这样看" in first.content.decode()
    assert "不是同一条 <q>说的是另一座水厂</q>" in shown(members["chen"])
    assert ask(SENT).outcome == "answer"
    second = correct(members["chen"], Submission.objects.latest("id").pk, **{"is": "not"})
    assert "同样的消息不再自动用那一条回答" in second.content.decode()
    given = ask(SENT)
    assert (given.outcome, given.why["rule"]) == ("suggest", "members-say-another")
    assert "我们的成员看过，认为说的是另一件事" in given.message
    told = str(Delivery.objects.latest("id").body)
    assert given.message.splitlines()[0] in told
    assert "您问的是这一条吗" not in told, "members have answered that"
    assert "认为说的是另一件事" in shown(members["he"])


def test_the_right_claim_is_one_of_those_that_came_near_or_pasted(
    members: dict[str, Member], claim: UUID
) -> None:
    other = publish("云岚市自来水厂今晚八点起停水五天")
    ask("自来水厂今晚八点起停水，马上储水")
    row = matches.recent_matches(members["lin"], "zh-Hans")[0][0]
    (near,) = row.panel.others
    assert {row.card.id, near.claim_id} == {claim, other}
    correct(members["lin"], row.key, **{"is": str(near.claim_id)})
    correct(members["chen"], row.key, **{"is": "at", "at": f"http://testserver/claims/{near.claim_id}/"})
    assert list(Correction.objects.values_list("says", "claim_id")) == [(SAME, near.claim_id)] * 2
    assert Wording.objects.filter(claim_id=near.claim_id, learnt__isnull=False).exists()


@pytest.mark.parametrize("form", [{}, {"is": "at", "at": "我不知道"}, {"is": "perhaps"}])
def test_a_choice_that_names_no_claim_is_refused_and_said(
    members: dict[str, Member], claim: UUID, form: dict[str, str]
) -> None:
    ask(SENT)
    answer = correct(members["lin"], Submission.objects.get().pk, **form)
    assert answer.status_code == 400
    assert "没有认出是哪一条" in answer.content.decode()
    assert not Correction.objects.exists()


def test_what_is_no_longer_here_cannot_be_corrected(members: dict[str, Member], claim: UUID) -> None:
    ask(SENT, asker="reader", channel="matrix")
    key = Submission.objects.get().pk
    intake.do_forget("matrix", "reader")
    assert correct(members["lin"], key, **{"is": "not"}).status_code == 404


def test_a_party_to_the_messages_case_does_not_correct_it_here_either(
    members: dict[str, Member], claim: UUID
) -> None:
    case = case_of(ask(ALTERED))
    cases.do_declare_party(members["he"], case, members["lin"].outlet, "这条是它发的")
    key = Submission.objects.get().pk
    with pytest.raises(Refused, match="party"):
        matches.do_correct(members["lin"], key, NOT_SAME)
    answer = correct(members["lin"], key, **{"is": "not"})
    assert answer.status_code == 403
    assert "您与此案有关" in answer.content.decode()


# --- whose text it is --------------------------------------------------------------------------------------------------

MINE = "我家楼下的王阿姨说，云岚市自来水厂今晚八点起停水三天，请大家马上储水"


def judged(members: dict[str, Member], *, keep: bool = False) -> None:
    """Two members judge the one message that was answered."""
    key = Submission.objects.latest("id").pk
    for who in ("lin", "chen"):
        matches.do_correct(members[who], key, NOTHING, keep=keep)


@pytest.mark.django_db(transaction=True)
def test_forget_me_takes_the_text_of_a_corrected_message_from_everywhere(either_database: Database) -> None:
    members, _ = found_branch(), publish(CLAIM)
    assert ask(MINE, asker="reader", channel="matrix").outcome == "answer"
    judged(members)
    assert "matching_correction" in {where.partition(":")[0] for where in in_tables(["王阿姨"])}
    intake.do_forget("matrix", "reader")
    assert intake.do_scrub()
    assert in_tables(["王阿姨"]) == []
    if either_database.file:
        from django.db import connection

        connection.close()
        assert in_files([either_database.file.parent], ["王阿姨"]) == []
    assert matching.match_text(MINE).outcome == "suggest", "what members said of it still holds"


def test_a_text_that_others_sent_too_stays_until_the_last_of_them_is_gone(
    members: dict[str, Member], claim: UUID
) -> None:
    ask(MINE, asker="reader", channel="matrix")
    ask(MINE, asker="another", channel="matrix")
    judged(members)
    intake.do_forget("matrix", "reader")
    assert set(Correction.objects.values_list("text", flat=True)) == {MINE}
    intake.do_forget("matrix", "another")
    assert set(Correction.objects.values_list("text", flat=True)) == {""}


def test_the_text_goes_with_the_submission_after_its_thirty_days(
    members: dict[str, Member], claim: UUID
) -> None:
    ask(MINE)
    with clock.held(clock.now() + timedelta(days=29)):
        judged(members)
        intake.do_tidy()
        assert set(Correction.objects.values_list("text", flat=True)) == {MINE}
    with clock.held(clock.now() + timedelta(days=31)):
        intake.do_tidy()
    assert set(Correction.objects.values_list("text", flat=True)) == {""}
    assert matching.match_text(MINE).outcome == "suggest"


def test_a_text_of_a_case_or_one_that_a_member_keeps_stays(members: dict[str, Member], claim: UUID) -> None:
    ask(ALTERED, asker="reader", channel="matrix")
    judged(members)
    ask(MINE, asker="reader", channel="matrix")
    judged(members, keep=True)
    intake.do_forget("matrix", "reader")
    assert sorted(set(Correction.objects.values_list("text", flat=True))) == sorted([ALTERED, MINE])


@pytest.mark.django_db(transaction=True)
def test_whoever_was_forgotten_is_so_again_when_a_backup_comes_back() -> None:
    members, _ = found_branch(), publish(CLAIM)
    ask(MINE, asker="reader", channel="matrix")
    judged(members)
    tables = (Submission, Correction)
    before = [list(table.objects.values()) for table in tables]
    intake.do_forget("matrix", "reader")
    for table, rows in zip(tables, before, strict=True):
        table.objects.all().delete()
        table.objects.bulk_create(table(**row) for row in rows)
    assert set(Correction.objects.values_list("text", flat=True)) == {MINE}
    intake.do_forget_again()
    assert set(Correction.objects.values_list("text", flat=True)) == {""}

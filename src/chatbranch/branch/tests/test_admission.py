"""After the founding month: two members vouch for a newcomer, who signs the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import combinations, product

import pytest
from django.test import Client
from tests.support.databases import Database

from chatbranch.branch import actions, code, queries, rules
from chatbranch.branch.models import Member, Signature
from chatbranch.branch.rules import Voice, admission_lacks
from chatbranch.branch.tests.conftest import PASSWORD, outlet, person
from chatbranch.branch.tests.test_membership import at_once
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

Join = Callable[..., Member]
SIGNED = code.FIRST.sha256("zh-Hans")


def branches() -> Iterator[list[Voice]]:
    """Every branch of up to four owners in up to three blocs, with one to three members each."""
    for owners in range(1, 5):
        for blocs in product("xyz", repeat=owners):
            for sizes in product((1, 3), repeat=owners):
                yield [
                    Voice(f"owner {owner}", bloc)
                    for owner, (bloc, size) in enumerate(zip(blocs, sizes, strict=True))
                    for _ in range(size)
                ]


def test_in_every_branch_two_can_admit_and_nobody_alone_where_there_are_others() -> None:
    count = 0
    for branch in branches():
        count += 1
        ways = [
            pair for pair in combinations(branch, min(2, len(branch))) if not admission_lacks(pair, branch)
        ]
        assert ways, branch
        owners, blocs = {each.owner for each in branch}, {each.bloc for each in branch}
        for pair in ways:
            assert len({each.owner for each in pair}) == min(2, len(owners))
            assert len({each.bloc for each in pair}) == min(2, len(blocs))
        if len(branch) > 1:
            assert all(admission_lacks([each], branch) for each in branch)
    assert count > 500


@pytest.mark.parametrize(
    ("vouchers", "lacks"),
    [("", "owner"), ("a", "owner"), ("aa", "owner"), ("ab", "bloc"), ("ac", ""), ("abc", "")],
)
def test_what_is_missing_is_said(vouchers: str, lacks: str) -> None:
    branch = {"a": Voice("a", "x"), "b": Voice("b", "x"), "c": Voice("c", "y")}
    given = [branch[each] for each in vouchers]
    assert admission_lacks(given, [*branch.values(), branch["a"]]) == lacks
    assert lacks == "" or lacks in rules.LACKING


@pytest.fixture
def later(steward: Member, join: Join) -> Iterator[dict[str, Member]]:
    """A branch of three owners in two blocs, its founding month over."""
    members = {
        "wen": steward,
        "lan": join("lan", "海风网"),
        "mei": join("mei", "山里报", bloc="山区", means="region"),
    }
    with clock.held(clock.now() + timedelta(days=31)):
        yield members


def test_a_newcomer_waits_for_two_owners_from_two_blocs_and_signs_the_code(
    later: dict[str, Member], client: Client
) -> None:
    token = actions.do_invite(later["wen"], later["wen"].outlet, whom="小何")
    page = client.get(f"/join/{token}/").content.decode()
    assert "还要一位其他负责人的账号的成员担保" in page
    assert "登录名" not in page
    with pytest.raises(Refused, match="admission-waits"):
        actions.do_join(token, person("he"), signed=SIGNED)
    (waiting,) = queries.admissions(later["lan"])
    actions.do_vouch(later["lan"], waiting.invitation)
    assert "其他圈" in client.get(f"/join/{token}/").content.decode(), "both are of one bloc"
    actions.do_vouch(later["mei"], waiting.invitation)
    form = {"person": "何", "username": "he", "password": PASSWORD}
    unsigned = client.post(f"/join/{token}/", form)
    assert "打勾" in unsigned.content.decode()
    assert client.post(f"/join/{token}/", {**form, "signed": SIGNED})["Location"] == "/account/2fa/"
    signature = Signature.objects.get()
    assert (signature.member.username, signature.version, signature.sha256) == ("he", "1", SIGNED)
    assert [kind for kind in Event.objects.order_by("seq").values_list("kind", flat=True) if kind.startswith(("admission", "code"))][-4:] == [
        "admission.opened", "admission.vouched", "admission.vouched", "code.signed",
    ]  # fmt: skip
    assert queries.admissions(later["lan"]) == []


def test_a_text_that_is_not_in_force_is_not_signed(later: dict[str, Member]) -> None:
    token = actions.do_invite(later["wen"], later["wen"].outlet, whom="小何")
    actions.do_vouch(later["mei"], queries.admissions(later["mei"])[0].invitation)
    for other in ("", code.current().sha256("en"), "0" * 64):
        with pytest.raises(Refused, match="code-unsigned"):
            actions.do_join(token, person("he"), signed=other)
    assert actions.do_join(token, person("he"), signed=SIGNED)


def test_the_word_of_who_has_left_counts_no_more(later: dict[str, Member]) -> None:
    token = actions.do_invite(later["wen"], later["wen"].outlet, whom="小何")
    actions.do_vouch(later["mei"], queries.admissions(later["mei"])[0].invitation)
    actions.do_leave(later["mei"])
    with pytest.raises(Refused, match="admission-waits"):
        actions.do_join(token, person("he"), signed=SIGNED)


def test_nobody_vouches_twice_nor_for_a_link_that_is_over(later: dict[str, Member]) -> None:
    token = actions.do_invite(later["wen"], later["wen"].outlet, whom="小何")
    (waiting,) = queries.admissions(later["mei"])
    for _ in range(2):
        actions.do_vouch(later["mei"], waiting.invitation)
    assert waiting.invitation.vouchers.count() == 2
    actions.do_join(token, person("he"), signed=SIGNED)
    with pytest.raises(Refused, match="link-is-over"):
        actions.do_vouch(later["lan"], waiting.invitation)


def test_a_newcomer_has_a_name_for_the_others(later: dict[str, Member]) -> None:
    with pytest.raises(Refused, match="whom-missing"):
        actions.do_invite(later["wen"], later["wen"].outlet)


def test_an_invitation_from_the_founding_month_does_not_outlast_it(steward: Member, join: Join) -> None:
    join("lan", "海风网")
    with clock.held(clock.now() + timedelta(days=28)):
        token = actions.do_invite(steward, steward.outlet)
    with clock.held(clock.now() + timedelta(days=31)), pytest.raises(Refused, match="admission-waits"):
        actions.do_join(token, person("he"), signed=SIGNED)


def test_a_link_printed_at_the_machine_is_nobodys_word(later: dict[str, Member]) -> None:
    token = actions.do_invite(later["wen"], later["wen"].outlet, whom="小何", vouches=False)
    actions.do_vouch(later["mei"], queries.admissions(later["mei"])[0].invitation)
    with pytest.raises(Refused, match="admission-waits"):
        actions.do_join(token, person("he"), signed=SIGNED)


def test_of_many_who_vouch_at_the_same_moment_each_counts_once(either_database: Database) -> None:
    token = actions.do_prepare_founding()
    wen = actions.do_found(token, name="南湾", charter="", outlet=outlet(), person=person())
    mei = actions.do_join(actions.do_invite(wen, outlet("山里报", bloc="山区")), person("mei"))
    with clock.held(clock.now() + timedelta(days=31)):
        link = actions.do_invite(wen, wen.outlet, whom="小何")
        (waiting,) = queries.admissions(mei)
        assert at_once(*[partial(actions.do_vouch, mei, waiting.invitation)] * 4) == ["done"] * 4
        assert waiting.invitation.vouchers.count() == 2
        assert actions.do_join(link, person("he"), signed=SIGNED)


def test_a_founder_signs_the_code_when_they_like(steward: Member, client: Client) -> None:
    assert queries.unsigned(steward)
    client.force_login(steward)
    page = client.get("/conduct/").content.decode()
    assert SIGNED in page
    assert "我同意，签名" in page
    actions.do_sign_code(steward, SIGNED, "zh-Hans")
    actions.do_sign_code(steward, SIGNED, "zh-Hans")
    assert not queries.unsigned(steward)
    assert Event.objects.filter(kind="code.signed").count() == 1
    assert "我同意，签名" not in client.get("/conduct/").content.decode()


def test_both_languages_of_the_code_have_every_clause() -> None:
    for lang in ("zh-Hans", "en"):
        lines = code.FIRST.text(lang).splitlines()
        assert [line.partition(".")[0] for line in lines] == [str(n) for n in range(1, len(lines) + 1)]
        assert all(len(line) > 10 for line in lines)


@pytest.mark.django_db
def test_the_founding_page_takes_the_other_outlets_too_and_gives_a_link_for_each(client: Client) -> None:
    token = actions.do_prepare_founding()
    form = {"branch": "南湾", "outlet": "江边报", "platform": "公众号", "owner": "文", "bloc": "银发", "means": "audience",
            "person": "文", "username": "wen", "password": PASSWORD,
            "outlet-2": "海风网", "platform-2": "微博", "owner-2": "兰", "bloc-2": "海边", "means-2": "region"}  # fmt: skip
    wrong = client.post(f"/found/{token}/", {**form, "owner-2": ""})
    assert wrong.status_code == 400
    assert "海风网" in wrong.content.decode()
    page = client.post(f"/found/{token}/", form).content.decode()
    link = page.split("/join/")[1].split("/")[0]
    assert client.get(f"/join/{link}/").status_code == 200
    member = actions.do_join(link, person("lan"))
    assert (member.outlet.name, member.founder) == ("海风网", True)

"""The desk's pages as a member's browser asks for them, without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings
from tests.support.people import OUTLETS, ask, case_of, decide, found_branch, propose

from chatbranch.branch import actions as branch
from chatbranch.branch.details import Person
from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases.models import Case, Evidence, Note, Objection
from chatbranch.claims import actions as claims
from chatbranch.kernel import clock
from chatbranch.matching import queries as matching

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
ALTERED = "紧急通知：云岚市自来水厂今晚十点起停水五天，请大家马上储水，转发给家人！"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def case(members: dict[str, Member]) -> Case:
    return case_of(ask(RUMOUR, asker="first"))


def desk(member: Member) -> Client:
    """A browser in which this member is signed in with a second factor."""
    client = Client()
    if not member.authenticator_set.exists():
        TOTP.activate(member, generate_totp_secret())
    client.force_login(member)
    return client


def page(client: Client, path: str, lang: str = "zh-Hans") -> str:
    answer = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def note_form(**changes: str) -> dict[str, str | list[str]]:
    return {
        "rating": "false",
        "wording_zh": "云岚市自来水厂今晚八点起停水三天",
        "explanation_zh": "水厂没有停水计划。",
        "source_url": ["https://water.example/notice", ""],
        "source_title": ["供水公告", ""],
        "source_publisher": ["云岚水务", ""],
        "as_of": clock.now().date().isoformat(),
        **changes,
    }


def test_members_of_other_outlets_decide_a_case_with_plain_forms(
    members: dict[str, Member], case: Case
) -> None:
    author, first, second, third = (desk(members[name]) for name in ("chen", "zhou", "he", "lin"))
    assert author.post(f"/desk/cases/{case.code}/note/", note_form()).status_code == 302
    note = Note.objects.get()
    assert note.sources == [
        {
            "url": "https://water.example/notice",
            "title": "供水公告",
            "publisher": "云岚水务",
            "lang": "zh-Hans",
        }
    ]
    assert "这是您提的" in page(author, f"/desk/cases/{case.code}/")
    assert "还需要 3 个" in page(first, f"/desk/cases/{case.code}/")
    for client in (first, second, third):
        assert client is first or "还缺一方成员的意见" in page(client, f"/desk/cases/{case.code}/")
        client.post(f"/desk/notes/{note.pk}/rate/", {"value": "1", "reasons": ["good-sources"]})
    case.refresh_from_db()
    assert case.state == "decided"
    shown = page(author, f"/desk/cases/{case.code}/")
    assert "现在的结论" in shown
    assert f"/claims/{case.claim_id}/" in shown


def test_what_a_note_lacks_is_said_and_nothing_typed_is_lost(members: dict[str, Member], case: Case) -> None:
    client = desk(members["chen"])
    for changes, said in (
        ({"source_url": "", "source_title": "", "source_publisher": ""}, "至少给出一个来源"),
        ({"source_url": "javascript:alert(1)"}, "http:// 或 https://"),
        ({"as_of": "last week"}, "2026-11-23 这样"),
        ({"as_of": "2999-01-01"}, "不能在将来"),
        ({"rating": ""}, "请选一个结论"),
        ({"rating": "withdrawn"}, "请选一个结论"),
    ):
        answer = client.post(f"/desk/cases/{case.code}/note/", note_form(**changes))
        shown = answer.content.decode()
        assert answer.status_code == 400, changes
        assert said in shown
        assert "水厂没有停水计划。" in shown
        assert re.search(r'id="propose-fold"\s+open', shown)
        if "source_url" in changes:
            assert "javascript:alert" not in re.findall(r'href="([^"]*)"', shown)
    assert not Note.objects.exists()


def test_a_refusal_needs_its_reason(members: dict[str, Member], case: Case) -> None:
    note = propose(members["chen"], case)
    client = desk(members["zhou"])
    answer = client.post(f"/desk/notes/{note.pk}/rate/", {"value": "0", "reason": " "})
    assert answer.status_code == 400
    assert "请点一个原因" in answer.content.decode()
    client.post(f"/desk/notes/{note.pk}/rate/", {"value": "0", "reason": "来源打不开"})
    assert "“来源打不开”" in page(desk(members["he"]), f"/desk/cases/{case.code}/")


def test_a_new_members_word_is_shown_as_not_counted(members: dict[str, Member], case: Case) -> None:
    with clock.held(clock.now() + timedelta(days=40)):
        newcomer = branch.do_add_member(
            person=Person("新来", "newcomer", "绿豆 sails past seven lamps"), outlet=members["zhou"].outlet
        )
        note = propose(members["chen"], case)
        cases.do_rate(newcomer, note, value=1.0)
        shown = page(desk(members["he"]), f"/desk/cases/{case.code}/")
        assert "不计入：加入未满 30 天" in shown
        assert "还需要 3 个" in shown


def test_a_party_reads_and_discusses_but_is_offered_no_decision(
    members: dict[str, Member], case: Case
) -> None:
    note = propose(members["chen"], case)
    client = desk(members["zhou"])
    client.post(
        f"/desk/cases/{case.code}/party/", {"outlet": str(members["zhou"].outlet_id), "why": "这条是我们发的"}
    )
    shown = page(client, f"/desk/cases/{case.code}/")
    assert "您与此案有关（这条是我们发的）" in shown
    assert "data-rate" not in shown
    assert 'id="propose-fold"' not in shown
    assert 'href="#propose"' not in shown
    assert client.post(f"/desk/notes/{note.pk}/rate/", {"value": "1"}).status_code == 403
    client.post(f"/desk/cases/{case.code}/comment/", {"text": "原稿在这里。"})
    assert "原稿在这里。" in page(client, f"/desk/cases/{case.code}/")


def test_versions_stand_side_by_side_with_their_differences_marked(
    members: dict[str, Member], case: Case
) -> None:
    other = case_of(ask(ALTERED, asker="second", channel="matrix"))
    assert other.pk != case.pk, "a changed number is another case until a member says otherwise"
    desk(members["lin"]).post(f"/desk/cases/{other.code}/merge/", {"into": case.code})
    shown = page(desk(members["lin"]), f"/desk/cases/{case.code}/")
    assert re.search(r'<del class="was">[八十]</del><ins class="now">[八十]</ins>', shown)
    assert re.search(r'<del class="was">[三五]</del><ins class="now">[三五]</ins>', shown)
    assert "Matrix 1" in shown
    assert "此案已并入" in page(desk(members["lin"]), f"/desk/cases/{other.code}/")


def test_a_forwarded_picture_is_covered_until_a_member_asks_to_see_it(
    members: dict[str, Member], case: Case
) -> None:
    variant = case.variants.get()
    case.variants.update(image="ab" * 32)
    shown = page(desk(members["lin"]), f"/desk/cases/{case.code}/")
    veil = re.search(rf'<details class="veil" id="veil-{variant.pk}">(.+?)</details>', shown, re.DOTALL)
    assert veil is not None
    assert "显示图片（可能有私人信息）" in veil.group(1)
    assert shown.count("ab" * 32) == veil.group(1).count("ab" * 32) == 2


def test_split_makes_a_case_of_the_chosen_versions(members: dict[str, Member], case: Case) -> None:
    client = desk(members["lin"])
    other = case_of(ask(ALTERED, asker="second"))
    client.post(f"/desk/cases/{other.code}/merge/", {"into": case.code})
    moved = case.variants.get(text=ALTERED)
    assert client.post(f"/desk/cases/{case.code}/split/", {"variants": ["nonsense"]}).status_code == 400
    client.post(f"/desk/cases/{case.code}/split/", {"variants": [str(moved.pk)]})
    moved.refresh_from_db()
    assert moved.case.code != case.code
    assert (moved.case.askers_count, Case.objects.get(pk=case.pk).askers_count) == (1, 1)


def test_evidence_keeps_its_hash_and_time_and_files_open_only_for_members(
    members: dict[str, Member], case: Case, client: Client
) -> None:
    lin = desk(members["lin"])
    path = f"/desk/cases/{case.code}/evidence/"
    lin.post(path, {"file": SimpleUploadedFile("告示.png", PNG), "note": "水厂门口拍的"})
    lin.post(
        path, {"file": SimpleUploadedFile("page.svg", b"<svg onload=alert(1)>", content_type="image/svg+xml")}
    )
    lin.post(path, {"url": "https://water.example/notice", "quote": "供水正常"})
    picture, page_file, link = Evidence.objects.order_by("at")
    shown = page(lin, f"/desk/cases/{case.code}/")
    assert picture.sha256[:12] in shown
    assert "告示.png" in shown
    answer = lin.get(f"/desk/files/{picture.file}/")
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    unsafe = lin.get(f"/desk/files/{page_file.file}/")
    assert unsafe["Content-Type"] == "application/octet-stream"
    assert unsafe["Content-Disposition"].startswith("attachment")
    assert link.quote == "供水正常"
    assert client.get(f"/desk/files/{picture.file}/").status_code == 302
    assert lin.get(f"/desk/files/{'0' * 64}/").status_code == 404
    assert lin.get("/desk/files/..%2Fkeys%2Fdjango.key/").status_code == 404


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "链接、引文或文件"),
        ({"url": "ftp://x"}, "http:// 或 https://"),
        ({"url": "https://", "note": "我的说明"}, "我的说明"),
    ],
)
def test_evidence_without_substance_is_refused_and_kept_in_the_form(
    members: dict[str, Member], case: Case, form: dict[str, str], said: str
) -> None:
    answer = desk(members["lin"]).post(f"/desk/cases/{case.code}/evidence/", form)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Evidence.objects.exists()


def test_a_file_over_ten_megabytes_is_refused_kindly(
    members: dict[str, Member], case: Case, tmp_path: Path
) -> None:
    big = SimpleUploadedFile("big.bin", b"\0" * (10 * 1024 * 1024 + 1))
    answer = desk(members["lin"]).post(f"/desk/cases/{case.code}/evidence/", {"file": big})
    assert answer.status_code == 413
    assert "10 MB" in answer.content.decode()


@pytest.mark.parametrize("exit_as", ["opinion", "private"])
def test_a_case_leaves_courteously_and_can_be_opened_again(
    members: dict[str, Member], case: Case, exit_as: str
) -> None:
    client = desk(members["lin"])
    client.post(f"/desk/cases/{case.code}/close/", {"as": exit_as})
    case.refresh_from_db()
    assert case.state == exit_as
    assert case.code in page(client, f"/desk/?state={exit_as}")
    client.post(f"/desk/cases/{case.code}/reopen/", {"why": "可以查"})
    case.refresh_from_db()
    assert case.state == "open"


@pytest.mark.parametrize("state", ["decided", "merged", "false", ""])
def test_a_case_is_closed_by_hand_only_as_opinion_or_private(
    members: dict[str, Member], case: Case, state: str
) -> None:
    assert desk(members["lin"]).post(f"/desk/cases/{case.code}/close/", {"as": state}).status_code == 404
    case.refresh_from_db()
    assert case.state == "open"


def test_a_decided_case_offers_change_and_withdrawal_filled_with_what_is_in_force(
    members: dict[str, Member], case: Case
) -> None:
    decide(members, case)
    client = desk(members["lin"])
    shown = page(client, f"/desk/cases/{case.code}/")
    assert 'value="withdrawn"' in shown
    assert "https://source.example/page" in shown
    refused = client.post(f"/desk/cases/{case.code}/note/", note_form(rating="true"))
    assert "写明原因" in refused.content.decode()
    withdrawn = note_form(rating="withdrawn", reason_zh="来源已更正")
    assert client.post(f"/desk/cases/{case.code}/note/", withdrawn).status_code == 302
    assert Note.objects.order_by("-at")[0].rating == "withdrawn"


def test_the_queue_gives_its_reasons_and_filters_by_state(members: dict[str, Member], case: Case) -> None:
    client = desk(members["lin"])
    many = case_of(ask("听说喝板蓝根能治近视，学校要求每天喝", asker="a"))
    ask("听说喝板蓝根能治近视，学校要求每天喝", asker="b")
    client.post(f"/desk/cases/{case.code}/urgent/", {"urgent": "yes"})
    shown = page(client, "/desk/")
    assert "紧急：可能伤人" in shown
    assert "2 人在问" in shown
    assert shown.index(case.code) < shown.index(many.code)
    assert case.code not in page(client, "/desk/?state=decided")
    assert client.get("/desk/?state=nonsense").status_code == 404


def test_the_queue_asks_only_those_for_their_word_who_may_still_give_it(
    members: dict[str, Member], case: Case
) -> None:
    note = propose(members["chen"], case)
    cases.do_rate(members["zhou"], note, value=1.0)
    cases.do_declare_party(members["su"], case, members["he"].outlet, "发过这条")
    asked = {name: "等您表态" in page(desk(members[name]), "/desk/") for name in members}
    assert asked == {"lin": True, "chen": False, "zhou": False, "daniel": True, "he": False, "su": True}
    assert "等其他成员表态" in page(desk(members["chen"]), "/desk/")


def test_with_one_member_the_desk_says_why_it_waits_and_how_to_invite(settings: Settings) -> None:
    from chatbranch.branch.details import NewOutlet, Person

    token = branch.do_prepare_founding()
    outlet = NewOutlet("早知道", "WeChat", "早知道", "老城")
    alone = branch.do_found(
        token,
        name="云岚",
        charter="",
        outlet=outlet,
        person=Person("林", "lin", "绿豆 sails past seven lamps"),
    )
    case, client = case_of(ask(RUMOUR)), desk(alone)
    for path in ("/desk/", f"/desk/cases/{case.code}/"):
        shown = page(client, path)
        assert "只有一位成员" in shown
        assert "/desk/members/#invite" in shown
    assert 'id="propose-fold"' not in page(client, f"/desk/cases/{case.code}/")
    answer = client.post(f"/desk/cases/{case.code}/note/", note_form())
    assert answer.status_code == 409
    assert not Note.objects.exists()
    said = client.post(
        "/desk/members/invite/", {"to": str(alone.outlet_id), "role": "member"}
    ).content.decode()
    link = re.search(r"http://[^<]*(/join/[\w-]+/)", said)
    assert link is not None
    assert Client().get(link.group(1)).status_code == 200


def test_an_objection_is_answered_by_a_person_once(members: dict[str, Member], case: Case) -> None:
    decide(members, case)
    case.refresh_from_db()
    assert case.claim_id is not None
    cases.do_object(case.claim_id, 1, grounds="<b>你们</b>错了", url="javascript:alert(1)", lang="zh-Hans")
    objection, client = Objection.objects.get(), desk(members["lin"])
    shown = page(client, "/desk/objections/")
    assert "&lt;b&gt;你们&lt;/b&gt;错了" in shown
    assert "javascript:" not in shown
    assert client.post(f"/desk/objections/{objection.pk}/", {"answer": " "}).status_code == 400
    client.post(f"/desk/objections/{objection.pk}/", {"answer": "谢谢，我们再查。"})
    assert "没有等着的异议" in page(client, "/desk/objections/")
    assert client.post(f"/desk/objections/{objection.pk}/", {"answer": "又一次"}).status_code == 409


def test_the_ledger_shows_what_was_sent_and_never_to_whom(members: dict[str, Member], case: Case) -> None:
    client = desk(members["lin"])
    shown = page(client, "/desk/deliveries/")
    assert "网页聊天" in shown
    assert "Web chat" in page(client, "/desk/deliveries/", "en")
    assert "当场的回答" in shown
    assert f">个案 {case.code}</a>" in shown
    assert ">web" not in shown
    assert "first" not in re.sub(r"<[^>]+>", "", shown)
    assert client.get("/desk/deliveries/?state=nonsense&before=nonsense").status_code == 200
    assert client.get("/desk/deliveries/?case=0000").status_code == 404


def test_a_case_page_shows_no_asker(members: dict[str, Member], case: Case) -> None:
    shown = page(desk(members["lin"]), f"/desk/cases/{case.code}/")
    asker = case.askers.get()
    assert asker.pseudonym not in shown
    assert "first" not in re.sub(r"<[^>]+>", "", shown)


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_every_desk_page_renders_in_every_language_without_anything_inline(
    members: dict[str, Member], case: Case, lang: str
) -> None:
    note = propose(members["chen"], case)
    cases.do_comment(members["chen"], case, "看看。")
    client = desk(members["lin"])
    for path in (
        "/desk/",
        f"/desk/cases/{case.code}/",
        "/desk/objections/",
        "/desk/deliveries/",
        "/desk/members/",
        "/desk/members/leave/",
    ):
        shown = page(client, path, lang)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", shown), path
        for script in re.findall(r"<script[^>]*>", shown):
            assert "src=" in script, path
    assert str(note.pk) in page(client, f"/desk/cases/{case.code}/", lang)


def test_nobody_is_made_steward_by_a_slip_of_the_thumb(members: dict[str, Member]) -> None:
    shown = page(desk(members["lin"]), "/desk/members/")
    folded = re.findall(r'<details class="confirm.+?</details>', shown, re.DOTALL)
    assert len(folded) == len(members) - 1
    assert all('name="role" value="steward"' in each and "自己放下" in each for each in folded)
    assert 'class="confirm' not in page(desk(members["he"]), "/desk/members/")


def test_an_unknown_code_is_not_found(members: dict[str, Member]) -> None:
    client = desk(members["lin"])
    assert client.get("/desk/cases/0000/").status_code == 404
    assert client.post("/desk/cases/0000/comment/", {"text": "x"}).status_code == 404
    assert len(OUTLETS) == len(members)


# --- correcting a match ------------------------------------------------------------------------------------------------


def known(text: str) -> str:
    """A claim of the library; its id."""
    published = claims.do_publish(
        claim_id=None,
        wordings={"zh-Hans": text},
        rating="false",
        as_of=clock.now().date(),
        sources=[{"url": "https://source.example/"}],
    )
    return str(published.claim_id)


def test_a_case_is_the_same_as_a_claim_when_two_outlets_press_one_button(members: dict[str, Member]) -> None:
    claim = known("云岚市自来水厂今晚八点起停水三天")
    subject = case_of(ask(ALTERED, asker="first"))
    assert str(subject.resembles_id) == claim
    shown = page(desk(members["lin"]), f"/desk/cases/{subject.code}/")
    assert f'name="is" value="{claim}"' in shown
    path = f"/desk/cases/{subject.code}/correct/"
    first = desk(members["lin"]).post(path, {"is": claim, "note": "只是天数写错"}, follow=True)
    assert "再有另一个账号的成员" in first.content.decode()
    assert "是同一条 <q>只是天数写错</q>" in page(desk(members["chen"]), f"/desk/cases/{subject.code}/")
    second = desk(members["chen"]).post(path, {"is": claim}, follow=True)
    assert "问过的人会收到那条结论" in second.content.decode()
    subject.refresh_from_db()
    assert (subject.state, str(subject.claim_id)) == ("decided", claim)
    assert matching.match_text(ALTERED).outcome == "answer"


def test_a_case_that_resembles_nothing_can_be_given_the_claim_it_says(members: dict[str, Member]) -> None:
    claim = known("饮水机里的水烧开两次会致癌")
    subject = case_of(ask(RUMOUR, asker="first"))
    for who in ("lin", "chen"):
        answer = desk(members[who]).post(
            f"/desk/cases/{subject.code}/correct/", {"is": "at", "at": f"http://testserver/claims/{claim}/"}
        )
        assert answer.status_code == 302
    subject.refresh_from_db()
    assert str(subject.claim_id) == claim


def test_that_a_case_is_another_claim_leaves_it_open(members: dict[str, Member]) -> None:
    known("云岚市自来水厂今晚八点起停水三天")
    subject = case_of(ask(ALTERED, asker="first"))
    for who in ("lin", "chen"):
        desk(members[who]).post(f"/desk/cases/{subject.code}/correct/", {"is": "not"})
    subject.refresh_from_db()
    assert subject.state == "open"
    shown = page(desk(members["he"]), f"/desk/cases/{subject.code}/")
    assert "不再自动这样回答" in shown
    assert shown.count("不是同一条") >= 2
    assert matching.match_text(ALTERED).rule == "members-say-another"


def test_a_party_corrects_nothing_and_is_offered_nothing(members: dict[str, Member]) -> None:
    known("云岚市自来水厂今晚八点起停水三天")
    subject = case_of(ask(ALTERED, asker="first"))
    cases.do_declare_party(members["he"], subject, members["lin"].outlet, "这条是它发的")
    client = desk(members["lin"])
    assert 'name="is"' not in page(client, f"/desk/cases/{subject.code}/")
    assert client.post(f"/desk/cases/{subject.code}/correct/", {"is": "not"}).status_code == 403
    assert (
        desk(members["he"]).post(f"/desk/cases/{subject.code}/correct/", {"is": "never"}).status_code == 400
    )


def test_a_case_that_was_split_off_has_no_match_to_correct(members: dict[str, Member], case: Case) -> None:
    other = case_of(ask(ALTERED, asker="second"))
    cases.do_merge(members["lin"], other, case)
    split = cases.do_split(members["lin"], case, [case.variants.get(text=ALTERED).pk])
    assert 'name="is"' not in page(desk(members["lin"]), f"/desk/cases/{split.code}/")
    assert (
        desk(members["lin"]).post(f"/desk/cases/{split.code}/correct/", {"is": "nothing"}).status_code == 409
    )

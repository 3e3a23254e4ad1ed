"""The pages: what each person sees, and what nobody may see before its time."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from chatbranch.branch import actions as branch
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Member, Notice
from chatbranch.conduct import actions, code
from chatbranch.conduct.actions import Complainant
from chatbranch.conduct.models import Complaint, Matter
from chatbranch.conduct.states import State
from chatbranch.conduct.tests.people import (
    GROUNDS,
    PASSAGE,
    START,
    URL,
    complain,
    in_effect,
    judge,
    jurors,
    later,
    members,
    now,
    open_and_ask,
    turn,
)
from chatbranch.kernel import clock

pytestmark = pytest.mark.usefixtures("sqlite_database")


@pytest.fixture(autouse=True)
def on_a_monday() -> Iterator[None]:
    with clock.held(START):
        yield


def desk(member: Member) -> Client:
    Authenticator.objects.get_or_create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def text(client: Client, path: str, lang: str = "zh-Hans") -> str:
    response = client.get(path, {"lang": lang})
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


def form(accused: Member, **more: str) -> dict[str, str]:
    said = {
        "url": URL,
        "outlet": str(accused.outlet_id),
        "passage": PASSAGE,
        "clause": "2",
        "grounds": GROUNDS,
    }
    return said | more


def do(member: Member, matter: Matter, deed: str, **said: str) -> int:
    return desk(member).post(f"/desk/conduct/{matter.pk}/{deed}/", said).status_code


def test_a_reader_complains_without_an_account_and_follows_it_with_the_key() -> None:
    people = members()
    shown = Client().post("/conduct/complain/", form(people["chen"])).content.decode()
    key = shown.split("<code>")[1].split("</code>")[0]
    assert len(key) == 19
    for typed in (key, key.lower().replace("-", " ")):
        page = Client().get("/conduct/complaints/", {"key": typed, "lang": "en"}).content.decode()
        assert "takes a first look" in page
    assert key.replace("-", "") not in str(Complaint.objects.values())
    assert Client().get("/conduct/complaints/", {"key": "AAAA-AAAA-AAAA-AAAA"}).status_code == 404


def test_what_was_typed_survives_a_refusal_and_an_opinion_is_answered_courteously() -> None:
    people = members()
    opinion = "我觉得这座桥修得太丑了"
    answer = Client().post("/conduct/complain/", form(people["chen"], passage=opinion))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert opinion in page
    assert GROUNDS in page
    assert "账号有权这样说" in page
    assert 'name="insists"' in page
    taken = Client().post("/conduct/complain/", form(people["chen"], passage=opinion, insists="里面有事实"))
    assert taken.status_code == 200


@pytest.mark.parametrize(
    ("field", "said"), [("url", "weibo"), ("outlet", ""), ("clause", "9"), ("passage", " "), ("email", "x")]
)
def test_a_refusal_stands_beside_its_field(field: str, said: str) -> None:
    answer = Client().post("/conduct/complain/", form(members()["chen"], **{field: said}))
    assert answer.status_code == 400
    assert "error" in answer.content.decode()
    assert not Matter.objects.exists()


def test_before_a_measure_is_in_effect_no_public_page_speaks_of_the_matter() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    silent = []
    for step in (turn, lambda: judge(matter, True, True, False)):
        step()
        silent += [
            text(Client(), "/conduct/decisions/"),
            text(Client(), "/conduct/"),
            text(Client(), "/log/"),
        ]
        assert Client().get(f"/conduct/decisions/{matter.pk}/").status_code == 404
    assert not [page for page in silent if "街坊" in page or PASSAGE in page]
    turn()
    public = text(Client(), "/conduct/decisions/")
    assert "街坊" in public
    assert PASSAGE in public


def test_a_decision_in_effect_shows_the_reply_beside_it_masked_and_its_proof() -> None:
    people, matter = in_effect()
    reply = matter.replies.get()
    actions.do_mask(people["he"], reply, "网友", "第三人")
    page = text(Client(), f"/conduct/decisions/{matter.pk}/")
    assert "我们引用的是██的视频。" in page
    assert "依据公告和照片。" in page
    assert "/log/" in page
    assert "告诫" in page
    assert "advisory" in text(Client(), f"/conduct/decisions/{matter.pk}/", "en").lower()


def test_a_measure_that_rests_or_has_ended_leaves_the_public_pages() -> None:
    people, matter = in_effect()
    assert "街坊" in text(Client(), "/conduct/decisions/")
    with later(days=61):
        assert "街坊" not in text(Client(), "/conduct/decisions/")
    actions.do_appeal(people["chen"], matter, "请再看。")
    assert "街坊" not in text(Client(), "/conduct/decisions/")
    assert Client().get(f"/conduct/decisions/{matter.pk}/").status_code == 404


def test_the_outlet_sees_what_happens_now_what_next_until_when_and_what_it_can_do() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    page = text(desk(people["chen"]), f"/desk/conduct/{matter.pk}/")
    for said in (
        "现在",
        "接下来",
        "到何时",
        "您可以",
        "2026年3月11日",
        PASSAGE,
        "不编造",
        "再延长七个工作日",
    ):
        assert said in page, said
    assert "grandmother" not in page


def test_a_matter_is_worked_through_by_its_forms() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    assert do(people["he"], matter, "open", passage=PASSAGE, clause="2") == 302
    assert do(people["he"], matter, "evidence", url="https://roads.example/bridge") == 302
    assert do(people["chen"], matter, "evidence", text="来源不便公开", sealed="yes") == 302
    assert "来源不便公开" not in text(desk(people["he"]), f"/desk/conduct/{matter.pk}/")
    assert do(people["he"], matter, "ask") == 302
    assert do(people["chen"], matter, "extend") == 302
    assert do(people["chen"], matter, "reply", text="视频是真的。", all="yes") == 302
    turn()
    panel = jurors(matter)
    assert "来源不便公开" in text(desk(panel[0]), f"/desk/conduct/{matter.pk}/")
    for juror in panel:
        said = {"broken": "yes", "measure": "notice", "days": "30", "reasons": "查无此事。"}
        assert do(juror, matter, "vote", **said) == 302
    assert do(panel[0], matter, "state", facts="大桥当晚通车。") == 302
    assert "大桥当晚通车。" in text(desk(panel[1]), f"/desk/conduct/{matter.pk}/")
    assert do(panel[1], matter, "approve") == 302
    turn()
    assert now(matter).state is State.EFFECTIVE
    assert do(people["chen"], matter, "appeal", grounds="请再看。") == 302
    assert now(matter).state is State.APPEALED


@pytest.mark.parametrize(
    ("who", "deed", "status"),
    [
        ("chen", "open", 403),
        ("chen", "screen", 403),
        ("he", "reply", 403),
        ("he", "appeal", 403),
        ("he", "vote", 400),
        ("he", "approve", 403),
        ("he", "nothing", 404),
    ],
)
def test_nobody_does_what_is_not_theirs(who: str, deed: str, status: int) -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    said = {"passage": PASSAGE, "clause": "2", "reason": "x", "how": "opinion", "text": "x", "grounds": "x"}
    assert do(people[who], matter, deed, **said) == status


def test_votes_are_seen_by_jurors_alone_and_by_them_only_once_all_are_there() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    turn()
    panel = jurors(matter)
    actions.do_vote(panel[0], matter, broken=True, measure="notice", days=30, reasons="暗语七七四")
    for each in (*panel, people["chen"]):
        assert "暗语七七四" not in text(desk(each), f"/desk/conduct/{matter.pk}/")


def _peer() -> Member:
    return branch.do_add_member(
        person=Person("Pim", "pim", "绿豆 sails past seven lamps"),
        outlet=NewOutlet("友会之声", "WeChat", "友会主人", "", peer="友会"),
        role=Member.Role.PEER,
    )


def test_a_peer_sees_a_matter_only_as_its_juror() -> None:
    people = members()
    peer = _peer()
    matter = complain(people["chen"]).complaint.matter
    assert desk(peer).get(f"/desk/conduct/{matter.pk}/").status_code == 404
    assert "没有" in text(desk(peer), "/desk/conduct/")


def test_in_a_small_branch_a_peer_is_told_on_their_own_pages_and_judges() -> None:
    people = members()
    for name in ("zhou", "su", "daniel", "jiang"):
        branch.do_leave(people[name])
    peer = _peer()
    Member.objects.filter(pk=peer.pk).update(founder=True)
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    turn()
    assert peer in jurors(matter)
    waiting = text(desk(peer), "/rate/")
    assert f"/desk/conduct/{matter.pk}/" in waiting
    assert 'href="/desk/conduct/"' in waiting
    assert 'href="/desk/members/"' not in text(desk(peer), "/desk/conduct/")
    notice = Notice.objects.get(member=peer)
    desk(peer).post(f"/desk/notices/{notice.pk}/read/")
    assert f"/desk/conduct/{matter.pk}/" not in text(desk(peer), "/rate/")
    assert do(peer, matter, "vote", broken="yes", measure="notice", days="30", reasons="查无此事。") == 302
    assert len(now(matter).panel.votes) == 1


def test_a_steward_writes_the_next_edition_and_members_are_asked_to_sign_it() -> None:
    people = members()
    assert desk(people["chen"]).get("/desk/conduct/code/").status_code == 403
    steward = desk(people["lin"])
    assert "写新的一版" in text(steward, "/desk/conduct/")
    assert "写新的一版" not in text(desk(people["chen"]), "/desk/conduct/")
    present = code.first().clauses
    typed = {f"zh-{number}": each["zh-Hans"] for number, each in present.items()}
    typed |= {f"en-{number}": each["en"] for number, each in present.items()}
    assert steward.post("/desk/conduct/code/", typed).status_code == 400, "nothing new in it"
    lacking = steward.post("/desk/conduct/code/", {**typed, "zh-10": "写明机器做的部分。"})
    assert lacking.status_code == 400
    assert "写明机器做的部分。" in lacking.content.decode()
    typed |= {"zh-10": "写明机器做的部分。", "en-10": "Say what a machine has made."}
    assert steward.post("/desk/conduct/code/", typed)["Location"] == "/conduct/"
    assert set(Notice.objects.filter(link="/conduct/").values_list("member__username", flat=True)) == set(
        people
    )
    page = text(desk(people["chen"]), "/conduct/")
    assert "写明机器做的部分。" in page
    sha256 = page.split('name="signed" value="')[1].split('"')[0]
    assert desk(people["chen"]).post("/desk/members/code/", {"signed": sha256})["Location"] == "/conduct/"
    assert "我同意，签名" not in text(desk(people["chen"]), "/conduct/")
    first = desk(people["chen"]).get("/conduct/", {"edition": "1"}).content.decode()
    assert "写明机器做的部分。" not in first


def test_evidence_is_erased_on_its_page_once_nothing_can_be_appealed() -> None:
    people, matter = in_effect()
    page = f"/desk/conduct/{matter.pk}/"
    onlooker = next(each for each in people.values() if each not in [*jurors(matter), people["chen"]])
    assert "删内容" not in text(desk(onlooker), page)
    with later(days=200):
        assert "删内容" in text(desk(onlooker), page)
        evidence = str(matter.evidence.get().pk)
        assert do(onlooker, matter, "let-go", evidence=evidence) == 302
        assert "roads.example" not in text(desk(onlooker), page)
        assert "内容已删" in text(desk(onlooker), page)


def test_an_appeal_that_waits_for_thirty_days_is_an_alarm_on_the_desk() -> None:
    people, matter = in_effect()
    actions.do_appeal(people["chen"], matter, "请再看。")
    turn()
    with later(days=29):
        assert "有申诉等了三十天" not in text(desk(people["he"]), "/desk/")
    with later(days=31):
        assert "有申诉等了三十天" in text(desk(people["he"]), "/desk/")
    with later(days=91):
        assert now(matter).state is State.REVERSED
        assert "有申诉等了三十天" not in text(desk(people["he"]), "/desk/")


def test_the_desk_says_that_a_matter_waits_and_lists_what_is_yours_first() -> None:
    people = members()
    old = complain(people["lin"], url="https://weibo.example/old").complaint.matter
    mine = complain(people["chen"]).complaint.matter
    actions.do_open(people["he"], old, passage=PASSAGE, clause="2")
    actions.do_screen(people["he"], mine, "opinion", "看法")
    rows = text(desk(people["lin"]), "/desk/conduct/")
    assert rows.index(str(old.pk)) < rows.index(str(mine.pk))
    assert "关于您的账号" in rows


def test_the_draws_page_lets_anyone_draw_again() -> None:
    people, matter = in_effect()
    page = text(Client(), f"/conduct/draws/{matter.pk}/", "en")
    assert "is the one that was put into the log beforehand" in page
    assert "from hashlib import sha256" in page
    assert not [each for each in people.values() if each.name in page]
    assert Client().get(f"/conduct/draws/{uuid4()}/").status_code == 404


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_the_standing_pages_are_there_in_every_language(lang: str) -> None:
    members()
    for path in (
        "/conduct/",
        "/conduct/complain/",
        "/conduct/complaints/",
        "/conduct/remedies/",
        "/conduct/decisions/",
    ):
        assert text(Client(), path, lang)


def test_a_member_complains_under_their_own_name_and_is_then_no_juror() -> None:
    people = members()
    desk(people["zhou"]).post("/conduct/complain/", form(people["chen"]))
    matter = Matter.objects.get()
    assert matter.complaints.get().by == people["zhou"]
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    turn()
    assert str(people["zhou"].pk) not in now(matter).panel.jurors


def test_a_warning_is_shown_when_it_is_given() -> None:
    people = members()
    client, pages = Client(), []
    for number in range(5):
        url = f"https://weibo.example/{number}"
        pages.append(client.post("/conduct/complain/", form(people["chen"], url=url)).content.decode())
    assert ["提醒：" in page for page in pages] == [False] * 4 + [True]
    assert complain(people["chen"], who=Complainant("en")).warned is False

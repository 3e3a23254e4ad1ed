"""Members at work in a real browser: joining with a passkey, deciding a case together, by phone, keyboard, or without scripts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Visit
from tests.browser.test_asking import KNOWN
from tests.browser.test_looks import LOOKS, findings
from tests.support.house import House

pytestmark = pytest.mark.server

PASSWORD = "绿豆 sails past seven lamps"
PEOPLE = ["chen", "zhou", "lin", "he"]
"""Members of the demo branch: two of one bloc, and one of each other."""
BROUGHT = "{mark}号通知：云岚北桥今晚九点起封桥检修五天，车辆请绕行，互相转告！"

AT_THE_DESK = re.compile(r"://[^/?]+/desk/$")

_SIGN_IN = """
from chatbranch.branch.models import Member
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.cached_db import SessionStore
for username in {people}:
    member = Member.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(member.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = member.get_session_auth_hash()
    session.save()
    print(username, session.session_key)
"""
_INVITE = """
from chatbranch.branch import actions
from chatbranch.branch.details import NewOutlet
from chatbranch.branch.models import Member
steward = Member.objects.filter(role="steward", left_at=None).first()
print(actions.do_invite(steward, NewOutlet({name!r}, "播客", {name!r}, "下游乡镇", "region")))
"""
_ASK = """
from chatbranch.intake import actions
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Inbound
inbound = Inbound("web", ids.new_token(), "", str(ids.new_id()), {text!r}, clock.now(), lang="zh-Hans")
print(actions.do_check(inbound)[1].case["code"])
"""
_MATCHED = """
from chatbranch.intake import actions, matches
from chatbranch.branch.models import Member
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock, ids
from chatbranch.kernel.messages import Inbound
inbound = Inbound("web", ids.new_token(), "", str(ids.new_id()), {text!r}, clock.now(), lang="zh-Hans")
submission, answer = actions.do_check(inbound)
assert answer.claim, answer
print(submission.id)
"""
_ROOMS = """
from chatbranch.deliveries.actions import do_report
from chatbranch.relay import actions
rooms = ["irc #yunlan", "xmpp yunlan@rooms.example.org", "matrix !abcdefghijklmnop:example.org", "telegram -1001234567890"]
actions.do_follow_settings({"成员群": {"rooms": rooms}})
do_report("irc", "connected")
do_report("xmpp", "reconnecting", "no answer from rooms.example.org")
do_report("telegram", "broken", "telegram.token is refused: take it again from BotFather")
"""
_PICTURE = """
import base64
from chatbranch.cases import actions
from chatbranch.cases.models import Variant
picture = base64.b64decode({picture!r})
Variant.objects.filter(case__code={code!r}).update(image=actions.do_keep_file(picture))
"""
RED_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"


@pytest.fixture(scope="module")
def keys(house: House) -> dict[str, str]:
    """username -> a session in which that member is signed in (signing in itself is tried in tests of its own)."""
    printed = house.run(_SIGN_IN.format(people=[*PEOPLE, "su"]))
    return dict(line.split() for line in printed.splitlines())


@pytest.fixture
def desk(visit: Visit, house: House, keys: dict[str, str]) -> Callable[..., Any]:
    """desk("chen", "/desk/"): a page in the browser of that member."""

    def opened(username: str, path: str, **options: Any) -> Any:
        page = visit("/about/", **options)
        page.context.add_cookies([{"name": "sessionid", "value": keys[username], "url": house.url}])
        page.goto(path)
        return page

    return opened


@pytest.fixture
def case(house: House) -> str:
    """The code of a new case."""
    return house.run(_ASK.format(text=BROUGHT.format(mark=time.monotonic_ns())))


def rate(page: Any) -> None:
    """Say of the note on this page that it is helpful: a tap, a reason, and send."""
    form = page.locator("form.rate").first
    form.get_by_role("radio", name="✓ 有帮助").check()
    form.get_by_role("checkbox", name="依据可靠").check()
    form.get_by_role("button", name="提交评价").click()


@pytest.fixture
def match(house: House) -> str:
    """The key of a message that was matched a moment ago."""
    return house.run(_MATCHED.format(text=f"{KNOWN} {time.monotonic_ns() % 1000}号群转"))


def propose(page: Any, code: str) -> None:
    """Fill and send the note form of the case whose page is open."""
    page.goto(f"/desk/cases/{code}/#propose")
    if not page.locator("#propose").is_visible():
        page.locator("#propose-fold > summary").click()
    page.get_by_role("radio", name="不实").check()
    page.get_by_label("查的是哪一句（中文）").fill("云岚北桥今晚九点起封桥检修五天")
    page.get_by_label("理由（中文）").fill("养护单位没有封桥计划。")
    form = page.locator("#propose-fold")
    form.get_by_label("网址").first.fill("https://roads.example/notice")
    form.get_by_label("标题").first.fill("养护公告")
    page.get_by_role("button", name="提出，请别人核对").click()


def code_of(secret: str) -> str:
    """The six digits an authenticator app shows now (RFC 6238, SHA-1, 30 s)."""
    digest = hmac.new(
        base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1
    ).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def by_name(house: House) -> str:
    """The house's address by name: browsers offer passkeys on no bare number."""
    return house.url.replace("127.0.0.1", "localhost")


def join(page: Any, house: House, username: str, outlet: str) -> None:
    page.goto(f"{by_name(house)}/join/{house.run(_INVITE.format(name=outlet))}/")
    page.get_by_label("怎么称呼您").fill("宁宁")
    page.get_by_label("登录名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="加入").click()


def sign_out(page: Any, house: House) -> None:
    page.goto(f"{by_name(house)}/account/logout/")
    page.get_by_role("button", name="退出").click()


def test_a_passkey_is_added_and_opens_the_desk_by_itself(visit: Visit, house: House) -> None:
    page = visit("/about/")
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    held = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    join(page, house, "ning", "宁静电台")
    assert "/account/2fa/" in page.url
    page.goto(f"{by_name(house)}/desk/")
    assert "/account/2fa/" in page.url, "no desk before the second factor"
    page.get_by_role("link", name="添加通行密钥").click()
    page.get_by_label("给它起个名字").fill("我的手机")
    page.get_by_role("button", name="添加").click()
    page.wait_for_url("**/account/2fa/codes/")
    credentials = device.send("WebAuthn.getCredentials", {"authenticatorId": held})["credentials"]
    assert [each["isResidentCredential"] for each in credentials] == [True]
    page.get_by_role("link", name="抄好了，去工作台").click()
    assert page.get_by_role("heading", name="工作台").is_visible()

    sign_out(page, house)
    page.goto(f"{by_name(house)}/desk/")
    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url(AT_THE_DESK)
    assert page.get_by_role("heading", name="工作台").is_visible()

    sign_out(page, house)
    device.send("WebAuthn.setUserVerified", {"authenticatorId": held, "isUserVerified": False})
    page.goto(f"{by_name(house)}/account/login/")
    page.get_by_role("button", name="用通行密钥登录").click()
    page.get_by_text("没有成功：可能是取消了").wait_for()


def test_an_authenticator_app_is_set_up_and_asked_for(visit: Visit, house: House) -> None:
    page = visit("/about/")
    join(page, house, "ming", "明日视频")
    page.get_by_role("link", name="设置验证码应用").click()
    page.locator("summary", has_text="扫不了").click()
    secret = page.get_by_label("或把这一串抄进应用").input_value()
    here = page.get_by_role("link", name="直接打开应用").get_attribute("href")
    assert here.startswith("otpauth://totp/")
    assert f"secret={secret}" in here
    picture = page.get_by_role("img", name="用验证码应用扫的图")
    assert picture.evaluate("image => image.naturalWidth") > 0, "the picture is drawn under the strict policy"
    page.get_by_label("六位数").fill(code_of(secret))
    page.get_by_role("button", name="设好").click()
    page.wait_for_url("**/account/2fa/codes/")
    spare = page.get_by_label("请抄下来").input_value().split()[0]

    sign_out(page, house)
    page.goto(f"{by_name(house)}/account/login/")
    page.get_by_label("登录名").fill("ming")
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="继续").click()
    page.get_by_label("验证码").fill("123")
    page.get_by_role("button", name="登录", exact=True).click()
    assert page.get_by_text("验证码不对").is_visible()
    page.get_by_label("验证码").fill(spare)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(AT_THE_DESK)


def test_members_decide_together_and_each_sees_it_without_reloading(
    desk: Callable[..., Any], case: str
) -> None:
    author, first, second, third = (desk(name, f"/desk/cases/{case}/") for name in PEOPLE)
    first.evaluate("window.stayed = true")
    propose(author, case)
    first.get_by_text("养护单位没有封桥计划。").first.wait_for()
    assert first.evaluate("window.stayed"), "the page was not loaded anew"
    first.get_by_role("link", name="看提案").click()
    rate(first)
    author.get_by_text("还缺一方成员的意见").first.wait_for()
    second.get_by_text("还缺一方成员的意见").first.wait_for()
    rate(second)
    rate(third)
    author.get_by_label("现在的结论").wait_for()
    reader = author.context.browser.new_page()
    reader.goto(author.url.split("/desk/")[0] + f"/status/{case}/?lang=zh-Hans")
    assert reader.get_by_text("不实").first.is_visible()
    reader.close()


def test_words_being_written_survive_an_update(desk: Callable[..., Any], case: str) -> None:
    writing, other = desk("chen", f"/desk/cases/{case}/"), desk("zhou", f"/desk/cases/{case}/")
    writing.locator("#evidence-fold > summary").click()
    writing.get_by_label("引文").fill("写到一半的引文")
    other.get_by_label("您的话").fill("我去问养护单位。")
    other.get_by_role("button", name="发出").click()
    writing.get_by_text("我去问养护单位。").wait_for()
    assert writing.get_by_label("引文").input_value() == "写到一半的引文"
    assert writing.get_by_label("引文").is_visible()


def test_the_desk_works_without_scripts(desk: Callable[..., Any], case: str) -> None:
    author = desk("chen", f"/desk/cases/{case}/", scripts=False)
    propose(author, case)
    for name in PEOPLE[1:]:
        rating = desk(name, f"/desk/cases/{case}/", scripts=False)
        rate(rating)
    verdict = rating.get_by_label("现在的结论")
    for _ in range(
        60
    ):  # in force once the public log has proved its entry, and shown when the page is loaded again
        if verdict.is_visible():
            break
        rating.wait_for_timeout(500)
        rating.reload()
    assert verdict.is_visible()


def test_a_match_is_corrected_with_two_taps_and_shown_to_the_others(
    desk: Callable[..., Any], match: str
) -> None:
    page = desk("chen", "/desk/matches/")
    card = page.locator(f"#match-{match}")
    card.get_by_text("订正这个比对").click()
    heights = card.locator("form .button, form .link-button").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44, "large enough for a thumb"
    card.get_by_role("button", name="不是同一条").click()
    page.get_by_text("再有另一个账号的成员这样看").wait_for()
    assert page.url.endswith(f"#match-{match}")
    other = desk("zhou", "/desk/matches/", scripts=False).locator(f"#match-{match}")
    assert other.get_by_text("云岚街坊 · 陈秀兰：不是同一条").is_visible()


def test_the_desk_is_worked_by_keyboard(desk: Callable[..., Any], case: str) -> None:
    page = desk("chen", "/desk/", width=1280)
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.getAttribute('href')") == first
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{first}")
    for key, field in (("e", "evidence-url"), ("c", "comment-text")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == field
        page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.name") == "rating"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.get_by_label("使用快捷键").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    assert re.search(r"/desk/cases/\d+/", page.url), "keys that were switched off do nothing"


@pytest.fixture(scope="module")
def rooms(house: House) -> None:
    """A conversation of four rooms, one of them on a channel that is broken."""
    house.run(_ROOMS)


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize(("lang", "dark"), LOOKS, ids=lambda value: str(value))
def test_every_desk_page_is_readable_by_everyone_and_fits_a_phone(
    desk: Callable[..., Any], axe: str, case: str, match: str, lang: str, dark: bool
) -> None:
    propose(desk("zhou", "/desk/"), case)  # so that there is something to rate
    page = desk("chen", "/desk/", lang=lang, dark=dark)
    found = []
    paths = (
        "/desk/",
        "/rate/",
        "/desk/matches/",
        f"/desk/matches/#match-{match}",
        f"/desk/cases/{case}/",
        "/desk/members/",
        "/desk/members/help/",
        "/desk/accounts/",
        "/account/sessions/",
        "/desk/objections/",
        "/desk/conduct/",
        "/conduct/",
        "/desk/deliveries/",
        "/desk/rooms/",
        "/account/2fa/",
    )
    for looker, path in (
        *((page, path) for path in paths),
        (desk("lin", "/desk/", lang=lang, dark=dark), "/desk/conduct/code/"),
        *((desk(who, "/desk/", lang=lang, dark=dark), "/desk/conduct/ >") for who in ("he", "su")),
    ):
        looker.goto(path.removesuffix(" >"))
        if path.endswith(">"):  # the first matter in the list
            looker.locator(".list-link").first.click()
            looker.wait_for_load_state()
        looker.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        found += findings(looker, axe)
        if looker.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{path} is wider than a phone")
    assert found == []


def test_a_forwarded_picture_is_blurred_until_a_key_or_a_tap_uncovers_it(
    desk: Callable[..., Any], house: House, case: str
) -> None:
    house.run(_PICTURE.format(picture=RED_DOT, code=case))
    page = desk("chen", f"/desk/cases/{case}/")
    picture, cover = page.locator(".forwarded-image"), page.locator(".veil > summary")
    blur = "each => getComputedStyle(each).filter"
    assert "blur" in picture.evaluate(blur)
    cover.focus()
    page.keyboard.press("Enter")
    assert picture.evaluate(blur) == "none"
    assert page.get_by_role("link", name="打开原图").is_visible()
    cover.click()
    assert "blur" in picture.evaluate(blur)

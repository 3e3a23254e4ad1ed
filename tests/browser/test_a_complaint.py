"""The whole life of one complaint, from a reader's phone to a reversed appeal, in a real browser; in English and in Chinese.

The pages are served in this process, so that the clock can be held: ten weeks pass in some seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.test import Client
from pytest_django import Settings

from chatbranch.branch.models import Member
from chatbranch.conduct.matters import progress_of
from chatbranch.conduct.models import Matter
from chatbranch.conduct.tests.people import PASSAGE, START, URL, members, turn
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import Phrase
from tests.browser.test_looks import findings
from tests.support.databases import Database

pytestmark = pytest.mark.server


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Scene:
    """A branch served from this process; its people's browsers, in one language; and the hands of its clock."""

    def __init__(self, chromium: Any, axe: str, url: str, lang: str, hands: ExitStack) -> None:
        self.url, self.lang = url, lang
        self._chromium, self._axe, self._hands = chromium, axe, hands
        self._pages: dict[str, Any] = {}
        self._looked: set[str] = set()
        self.found: list[str] = []
        self.people = members()

    def later(self, **span: float) -> None:
        """Move the clock on, and let the worker take its turn."""
        self._hands.enter_context(clock.held(clock.now() + timedelta(**span)))
        turn()

    def say(self, zh: str, en: str) -> str:
        return Phrase(zh, en).say(self.lang)

    def phone(self, who: str) -> Any:
        """A browser of somebody's own, on a phone; signed in, where they are a member."""
        if who not in self._pages:
            context = self._chromium.new_context(
                base_url=self.url, locale=self.lang, viewport={"width": 390, "height": 844}
            )
            if who in self.people:
                cookie = self._sign_in(who)
                context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.url}])
            self._pages[who] = context.new_page()
            self._pages[who].set_default_timeout(20_000)
        return self._pages[who]

    def _sign_in(self, who: str) -> str:
        member = self.people[who]
        Authenticator.objects.get_or_create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
        client = Client()
        client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
        return str(client.cookies["sessionid"].value)

    def look(self, page: Any) -> None:
        """Hold the page to what every page is held to, each kind of page once."""
        kind = f"{page.title()} {page.locator('form').count()}"
        if kind in self._looked:
            return
        self._looked.add(kind)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        self.found += findings(page, self._axe)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.found.append(f"{page.url} is wider than a phone")

    def press(self, page: Any, zh: str, en: str) -> None:
        page.get_by_role("button", name=self.say(zh, en), exact=True).click()

    def fill(self, page: Any, zh: str, en: str, text: str) -> None:
        page.get_by_label(self.say(zh, en), exact=True).first.fill(text)

    def jurors(self) -> list[str]:
        """The present panel, by sign-in name."""
        panel = progress_of(Matter.objects.get()).panel
        return [Member.objects.get(pk=each).username for each in panel.jurors]

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()


@pytest.fixture(scope="module", autouse=True)
def beside_a_loop() -> Iterator[None]:
    """Playwright's loop runs in this thread; Django would take it for one that must not be blocked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(params=["zh-Hans", pytest.param("en", marks=pytest.mark.soak)])
def scene(
    request: pytest.FixtureRequest,
    chromium: Any,
    sqlite_database: Database,
    axe: str,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[Scene]:
    settings.LOG_DIR = tmp_path / "log"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with ExitStack() as hands:
        hands.enter_context(clock.held(START))
        made = Scene(chromium, axe, f"http://127.0.0.1:{server.server_port}", request.param, hands)
        yield made
        made.close()
    server.shutdown()
    server.server_close()


def complains(scene: Scene) -> str:
    """A reader complains on their phone; returns their key."""
    page = scene.phone("reader")
    page.goto("/")
    page.get_by_role("link", name=scene.say("守则与投诉", "Code of conduct")).click()
    scene.look(page)
    page.get_by_role("link", name=scene.say("投诉一篇内容", "Complain about a post")).click()
    page.get_by_label(scene.say("哪个账号", "Which outlet")).select_option(label="街坊 (WeChat)")
    scene.fill(page, "内容的网址", "Address of the post", URL)
    scene.fill(page, "是哪一句", "Which words", PASSAGE)
    page.get_by_label(scene.say("违反哪一条", "Which clause they break")).select_option("2")
    scene.fill(page, "为什么", "Why", "I crossed the bridge this morning. 大桥没有垮塌。")
    scene.look(page)
    scene.press(page, "送出投诉", "Send the complaint")
    key = str(page.locator("code").first.inner_text())
    scene.look(page)
    return key


def follows(scene: Scene, key: str) -> Any:
    """The reader looks up where it stands."""
    page = scene.phone("reader")
    page.goto("/conduct/complaints/")
    scene.fill(page, "投诉码", "Your key", key)
    scene.press(page, "看进展", "See where it stands")
    scene.look(page)
    return page


def is_opened(scene: Scene) -> None:
    """He, whom nothing binds to it, takes the first look, brings evidence, and asks for the outlet's answer."""
    page = scene.phone("he")
    page.goto("/desk/")
    page.get_by_role("link", name=scene.say("守则", "Conduct"), exact=True).click()
    scene.look(page)
    page.get_by_role("link", name=PASSAGE).click()
    scene.look(page)
    scene.press(page, "受理，通知账号", "Open it, and tell the outlet")
    page.get_by_text(scene.say("补充材料", "Add evidence")).click()
    scene.fill(page, "链接", "Link", "https://roads.example/bridge")
    scene.press(page, "加上", "Add")
    scene.press(page, "请账号作答", "Ask for the outlet's answer")
    page.get_by_text(scene.say("已请账号作答。", "The outlet is asked for its answer.")).wait_for()


def answers(scene: Scene) -> None:
    """Chen finds the notice at her desk, sees what she can do and until when, takes longer, and replies."""
    page = scene.phone("chen")
    page.goto("/desk/")
    notice = page.locator(".notice", has_text=PASSAGE)
    assert scene.say("什么都没有认定", "Nothing has been found") in notice.inner_text()
    notice.get_by_role("link").click()
    for zh, en in (("现在", "Now"), ("接下来", "Next"), ("到何时", "Until"), ("您可以", "You can")):
        assert page.locator("dt", has_text=scene.say(zh, en)).first.is_visible()
    assert page.get_by_text(scene.say("2026年3月11日", "11 March 2026")).first.is_visible()
    scene.look(page)
    scene.press(page, "再延长七个工作日", "Take another seven working days")
    assert page.get_by_text(scene.say("2026年3月23日", "23 March 2026")).first.is_visible()
    scene.fill(page, "您的答复", "Your reply", "我们引用的是网友的视频。 The video came from a reader.")
    scene.press(page, "送出答复", "Send the reply")
    page.get_by_text(scene.say("一字不改。", "word for word.")).first.wait_for()


def judges(scene: Scene, stands: tuple[bool, bool, bool], *, appeal: bool = False) -> None:
    """The panel votes; two of its majority write it down and stand by it."""
    panel = scene.jurors()
    for who, broken in zip(panel, stands, strict=True):
        page = scene.phone(who)
        page.goto("/desk/")
        page.locator(".notice", has_text=scene.say("您被抽为评议员", "drawn as a juror")).get_by_role(
            "link"
        ).first.click()
        if appeal:
            said = (
                ("站得住", "It stands") if broken else ("站不住，或说不准", "It does not, or I cannot tell")
            )
        else:
            said = ("违反了", "It was") if broken else ("没有，或说不准", "It was not, or I cannot tell")
            page.get_by_label(scene.say("若违反了，怎样处理", "If it was, what should follow")).select_option(
                "notice"
            )
            scene.fill(page, "几天", "For how many days", "90")
        page.get_by_role("radio", name=scene.say(*said), exact=True).check()
        scene.fill(page, "理由", "Your reasons", "看了公告和视频。 I looked at the notice and the video.")
        scene.look(page)
        scene.press(page, "投票", "Vote")
    agreed = [who for who, broken in zip(panel, stands, strict=True) if broken == (sum(stands) >= 2)]
    writer, other = scene.phone(agreed[0]), scene.phone(agreed[1])
    writer.reload()
    scene.fill(writer, "事实", "The facts", "大桥当晚照常通车。 The bridge was open that night.")
    scene.look(writer)
    scene.press(writer, "写好了", "Written")
    other.reload()
    scene.look(other)
    scene.press(other, "我同意，署定", "I stand by it")
    scene.later(seconds=1)


def test_a_complaint_lives_from_a_readers_phone_to_a_reversed_appeal(scene: Scene) -> None:
    reader = scene.phone("reader")
    key = complains(scene)
    assert scene.say("一位成员初看", "takes a first look") in reader.content()
    is_opened(scene)
    answers(scene)
    assert scene.say("等账号答复", "Waiting for the outlet's reply") in follows(scene, key).content()

    scene.later(days=23)  # the longer window is over; the lot is drawn
    reader.goto("/conduct/decisions/")
    assert "街坊" not in reader.locator("main").inner_text(), "no public word before it takes effect"
    judges(scene, (True, False, True))

    follows(scene, key).get_by_role("link", name=scene.say("看理由书", "Read the reasons")).click()
    shown = reader.locator("main").inner_text()
    assert scene.say("公开通告", "Public notice") in shown
    assert "The bridge was open that night." in shown
    assert "The video came from a reader." in shown, "the reply stands beside it"
    scene.look(reader)
    reader.get_by_role("link", name=scene.say("评议组是怎样抽的", "How the panel was drawn")).click()
    assert reader.get_by_text(
        scene.say("就是事先写进日志的那一个", "the one that was put into the log beforehand")
    ).is_visible()
    scene.look(reader)

    scene.later(days=20)
    accused = scene.phone("chen")
    accused.reload()
    scene.fill(
        accused, "为什么应当重新看", "Why it should be looked at again", "评议没有看原视频。 Please watch it."
    )
    scene.look(accused)
    accused.get_by_role("button", name=scene.say("申诉", "Appeal"), exact=True).click()
    scene.later(seconds=1)
    reader.goto("/conduct/decisions/")
    assert "街坊" not in reader.locator("main").inner_text(), "it rests, and is not public meanwhile"
    judges(scene, (False, True, False), appeal=True)

    assert scene.say("申诉后撤销", "Reversed on appeal") in follows(scene, key).content()
    accused.goto("/desk/")
    told = accused.locator(".notice", has_text=scene.say("申诉后撤销", "Reversed on appeal"))
    assert told.first.is_visible(), "whoever heard the notice hears this, too"
    reader.goto("/conduct/decisions/")
    assert "街坊" not in reader.locator("main").inner_text()
    reader.goto("/conduct/remedies/")
    scene.look(reader)
    assert scene.found == []

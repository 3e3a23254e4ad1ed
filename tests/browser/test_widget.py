"""The chat box on a member's own site, in a real browser: two origins, two sites, and a strict policy on the member's pages."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.conftest import neighbour
from tests.browser.test_asking import KNOWN
from tests.browser.test_looks import findings
from tests.support.house import House
from tests.support.ports import free_port

pytestmark = pytest.mark.server

PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A member's page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>Today's news</h1><p>An article. <a href="#">A link</a></p></main>
<script src="{house}/widget.js" async {more}></script></body></html>"""
# as strict as a site can be that wants the box
POLICY = "default-src 'none'; script-src {house}; frame-src {house}; require-trusted-types-for 'script'"

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def sites(house: House, member_site: str) -> Iterator[tuple[str, str]]:
    """A site on the branch's list and one that is not, both serving the same page."""
    stranger = f"http://localhost:{free_port()}"
    servers = [_serve(house, site) for site in (member_site, stranger)]
    yield member_site, stranger
    for server in servers:
        server.shutdown()
        server.server_close()


def _serve(house: House, site: str) -> ThreadingHTTPServer:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, _, asked = self.path.partition("?")
            lang, _, more = asked.partition("&")
            body = PAGE.format(lang=lang or "zh-CN", house=house.url, more=more.replace("&", " ")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY.format(house=house.url))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", urlsplit(site).port or 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def open_site(chromium: Any, sites: tuple[str, str]) -> Iterator[Open]:
    """A reader on the member's page: open_site("en", width=375, dark=True) -> the page. Complaints of its console fail the test."""
    contexts, complaints = [], []

    def go(
        lang: str = "zh-CN", *, more: str = "", width: int = 1280, dark: bool = False, path: str = ""
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 812 if width < 500 else 800},
            color_scheme="dark" if dark else "light",
            locale=lang,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{path or sites[0]}/?{lang}&{more}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert [said for said in complaints if "favicon" not in said] == []


def opened(page: Any) -> Any:
    """Press the button; returns the chat within, ready to be written in."""
    page.locator("button.open").click()
    chat = page.frame_locator("iframe")
    chat.locator("#say").wait_for()
    return chat


def ask(chat: Any, text: str) -> str:
    chat.locator("#say").fill(text)
    chat.locator("#chat-form button").click()
    answer = chat.locator(".turn-ours").first
    answer.wait_for()
    said: str = answer.inner_text()
    return said


def test_a_reader_asks_on_a_member_s_page_and_is_answered_there(open_site: Open, house: House) -> None:
    page = open_site()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert page.locator("iframe").count() == 0
    chat = opened(page)
    assert "不实" in ask(chat, KNOWN)
    assert all(url.startswith(house.url) for url in asked), "nothing comes from anywhere else"
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "reader"]
    assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
    assert cookie["partitionKey"].startswith("http://localhost")
    page.reload()
    chat = opened(page)
    chat.locator(".turn-ours").first.wait_for()  # the same reader, who is shown the last day's answers


def losing_cookies(page: Any) -> None:
    """Let this browser keep no cookie that a frame's introduction brings."""

    def introduce(route: Any) -> None:
        said = httpx.post(route.request.url, headers={"Origin": route.request.headers["origin"]})
        route.fulfill(status=said.status_code, body=said.text, content_type="application/json")

    page.context.route(re.compile("/connect/web/reader"), introduce)


def test_where_no_cookie_is_kept_the_frame_keeps_the_token_itself(open_site: Open, member_site: str) -> None:
    page = open_site(path=neighbour(member_site))
    losing_cookies(page)
    assert "不实" in ask(opened(page), KNOWN)
    assert [each for each in page.context.cookies() if each["name"] == "reader"] == []
    page.reload()
    opened(page).locator(".turn-ours").first.wait_for()


def test_where_nothing_can_be_kept_at_all_the_conversation_lasts_as_long_as_the_page(open_site: Open) -> None:
    """This browser lets a frame of another site keep nothing but such cookies."""
    page = open_site()
    losing_cookies(page)
    assert "不实" in ask(opened(page), KNOWN)
    page.locator("button.close").click()
    opened(page).locator(".turn-ours").first.wait_for()


def test_the_keyboard_opens_stays_within_and_esc_gives_the_focus_back(open_site: Open) -> None:
    page = open_site("en")
    page.locator("button.open").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.chatbranch") == "right"
    page.keyboard.press("Enter")
    chat = page.frame_locator("iframe")
    chat.locator("#say:focus").wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.localName") in (
            "div",
            "body",
        )  # never the page's own link
    chat.locator("#say").focus()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="hidden")
    assert (
        page.evaluate("document.querySelector('[data-chatbranch]').shadowRoot.activeElement.className")
        == "open"
    )
    page.keyboard.press("Enter")
    page.locator("dialog").wait_for()
    page.locator("button.close").click()
    page.locator("dialog").wait_for(state="hidden")


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_it_fits_the_screen_and_is_readable_by_everyone(
    open_site: Open, axe: str, lang: str, dark: bool, width: int
) -> None:
    page = open_site(lang, width=width, dark=dark, more="data-position=left")
    page.locator("button.open").wait_for()
    closed = page.locator("button.open").bounding_box()
    assert closed["x"] < 40
    assert closed["height"] >= 44
    chat = opened(page)
    ask(chat, KNOWN)
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert width > 400 or box["width"] == width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert chat.locator("body").evaluate("body => body.scrollWidth <= innerWidth")
    assert page.locator("button.close").bounding_box()["width"] >= 44
    expected = "True or false? Ask" if lang == "en" else "真的假的？问一问"
    assert page.locator("button.open").inner_text() == expected
    assert chat.locator("html").get_attribute("lang") == ("en" if lang == "en" else "zh-Hans")
    assert findings(page, axe) == []


def test_a_site_that_is_not_on_the_list_cannot_show_the_chat(chromium: Any, sites: tuple[str, str]) -> None:
    context = chromium.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.goto(f"{sites[1]}/?zh-CN")
    page.locator("button.open").click()
    page.locator("dialog p").wait_for(timeout=30_000)  # says that it cannot be opened here
    assert any("frame-ancestors" in line for line in said)
    assert page.locator("dialog a").get_attribute("target") == "_blank"
    context.close()


def test_only_the_chat_made_for_it_may_be_framed(house: House, member_site: str) -> None:
    within = httpx.get(f"{house.url}/chat/?embed=1")
    assert f"frame-ancestors {member_site}" in within.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in within.headers
    for path in ("/", "/chat/", "/chat/?embed=2", "/library/", "/account/login/"):
        page = httpx.get(f"{house.url}{path}")
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"

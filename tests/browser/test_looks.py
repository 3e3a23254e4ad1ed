"""Every public page, on a phone: readable by everyone, within the screen, and without anything inline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.conftest import Visit
from tests.browser.test_asking import KNOWN, OPINION_FREE_NEW, ask

pytestmark = pytest.mark.server

PAGES = (
    "/",
    "/library/",
    "/library/?q=水",
    "/about/",
    "/accounts/",
    "/log/",
    "/conduct/",
    "/conduct/complain/",
    "/conduct/complaints/",
    "/conduct/decisions/",
    "/conduct/remedies/",
    "/status/",
    "/forget/",
    "/chat/",
    "/account/login/",
    "/c/CB-0000-0000",
    "/account/lost/",
    "/no-such-page/",
)
SERIOUS = ("serious", "critical")
LOOKS = [("zh-Hans", False), ("en", True)]  # each language and each scheme: colours do not depend on words


def findings(page: Any, axe: str) -> list[str]:
    """What axe-core finds serious on the page as it stands, one line each. Run in an isolated world: the CSP stays on."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame})["executionContextId"]
    session.send("Runtime.evaluate", {"expression": axe, "contextId": world})
    asked = {
        "expression": "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))",
        "contextId": world,
        "awaitPromise": True,
        "returnByValue": True,
    }
    violations = json.loads(session.send("Runtime.evaluate", asked)["result"]["value"])
    return [
        f"{page.url}: {each['id']}: {node['target']} {node['failureSummary']}"
        for each in violations
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(("lang", "dark"), LOOKS, ids=lambda value: str(value))
def test_every_page_is_readable_by_everyone(visit: Visit, axe: str, lang: str, dark: bool) -> None:
    page = visit("/", lang=lang, dark=dark)
    found = []
    for path in PAGES:
        page.goto(path)
        found += findings(page, axe)
    assert found == []


@pytest.mark.parametrize(("lang", "dark"), LOOKS, ids=lambda value: str(value))
def test_every_answer_is_readable_by_everyone(visit: Visit, axe: str, lang: str, dark: bool) -> None:
    page = visit("/", lang=lang, dark=dark)
    found = []
    for text in (KNOWN, OPINION_FREE_NEW.format(place=f"南门{lang}"), "。。"):
        page.goto("/")
        ask(page, text)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        found += findings(page, axe)
    assert found == []


@pytest.mark.parametrize("rating", ["true", "mostly-true", "misleading", "false", "unknown"])
def test_each_verdict_page_is_readable_by_everyone(visit: Visit, axe: str, rating: str) -> None:
    for dark in (False, True):
        page = visit(f"/library/?rating={rating}", dark=dark)
        page.locator(".list-link").first.click()
        page.wait_for_load_state()
        assert page.locator(f".verdict[data-rating={rating}] h1").count() == 1
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        assert findings(page, axe) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_no_page_is_wider_than_its_screen(visit: Visit, width: int, lang: str) -> None:
    page = visit("/", width=width, lang=lang)
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_what_can_be_touched_is_large_enough_for_a_thumb(visit: Visit) -> None:
    page = visit("/")
    for path in PAGES:
        page.goto(path)
        sizes = page.evaluate(
            "[...document.querySelectorAll('.button, nav a, summary, select, .choice')].filter(each => each.offsetParent)"
            ".map(each => [each.textContent.trim(), each.getBoundingClientRect().height])"
        )
        assert [each for each in sizes if each[1] < 44] == [], path


def test_pages_allow_nothing_inline_and_nothing_from_elsewhere(visit: Visit) -> None:
    page = visit("/about/")
    response = page.goto("/")
    policy = response.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "default-src 'none'" in policy
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto("/library/")
    here = page.url.split("/library")[0]
    assert fetched
    assert [url for url in fetched if not url.startswith(here)] == []

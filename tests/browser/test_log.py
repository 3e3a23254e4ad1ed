"""The public log in a real browser: it verifies a proof by itself, and sees when one was forged."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.browser.conftest import Visit
from tests.browser.test_looks import findings
from tests.support.house import House, wait_for

pytestmark = pytest.mark.server
EACH = ".checks li"


@pytest.fixture(autouse=True)
def published(house: House) -> None:
    """The worker has published the demo's cases; it starts after the pages."""
    wait_for(lambda: httpx.get(f"{house.url}/log/0.spicy").status_code == 200, 120, "the first proof")


@pytest.mark.parametrize(("lang", "width"), [("zh-Hans", 390), ("en", 1280)])
def test_an_entrys_proof_is_verified_on_its_page(visit: Visit, axe: str, lang: str, width: int) -> None:
    page = visit("/log/", lang=lang, width=width)
    page.locator(".list-link").first.click()
    page.wait_for_selector(".checks li[data-holds]")
    page.wait_for_selector('[data-when="good"]:not([hidden]), [data-when="no-ed25519"]:not([hidden])')
    held = page.eval_on_selector_all(EACH, "all => all.map(each => each.dataset.holds)")
    assert held[:2] == ["true", "true"]
    assert "false" not in held
    if page.locator(
        '[data-when="good"]'
    ).is_visible():  # browsers of before 2025 have no Ed25519, and the page says so
        assert set(held) == {"true"}
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert findings(page, axe) == []


def test_a_verdicts_page_shows_its_proof_and_verifies_it(visit: Visit, house: House) -> None:
    pages = (httpx.get(f"{house.url}/log/{index}/").text for index in range(20))
    claim = next(found[0] for page in pages if (found := re.search(r"/claims/[0-9a-f-]{36}/", page)))
    page = visit(claim, lang="en")
    page.wait_for_selector('[data-when="good"]:not([hidden]), [data-when="no-ed25519"]:not([hidden])')
    held = page.eval_on_selector_all(EACH, "all => all.map(each => each.dataset.holds)")
    assert len(held) == 4, "the words are checked too"
    assert "false" not in held
    assert page.get_by_text("Witnessing pending").is_visible()


def test_a_forged_proof_is_seen(visit: Visit) -> None:
    page = visit("/log/0/")
    whole = page.evaluate("fetch('/log/0.tlog-proof').then(answer => answer.text())")
    lines = whole.split("\n")
    forged = "\n".join(
        [*lines[:3], lines[3][:5] + ("A" if lines[3][5] != "A" else "B") + lines[3][6:], *lines[4:]]
    )
    page.route(re.compile(r"tlog-proof"), lambda route: route.fulfill(body=forged, content_type="text/plain"))
    page.reload()
    page.wait_for_selector('[data-when="bad"]:not([hidden])')
    assert page.locator('.checks li[data-check="tree"]').get_attribute("data-holds") == "false"


def test_without_scripts_the_page_says_that_nothing_was_verified(visit: Visit) -> None:
    page = visit("/log/0/", lang="en", scripts=False)
    assert page.locator('[data-when="off"]').is_visible()
    assert not page.locator('[data-when="good"]').is_visible()
    assert json.loads(page.locator("#leaf").text_content())["kind"] in ("case.opened", "lot.committed")

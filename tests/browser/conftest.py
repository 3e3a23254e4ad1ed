"""A real branch and a real Chromium, each started once for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import House, open_house
from tests.support.ports import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

Visit = Callable[..., Any]


@pytest.fixture(scope="session")
def member_site() -> str:
    """Where a member's own site stands, which may embed the chat: another site than the house's, to browsers."""
    return f"http://localhost:{free_port()}"


def neighbour(member_site: str) -> str:
    """The same pages under a name that is the house's own site to browsers, as a subdomain would be."""
    return member_site.replace("localhost", "127.0.0.1")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, member_site: str) -> Iterator[House]:
    """The branch as `chatbranch up --demo` starts it."""
    with open_house(
        tmp_path_factory.mktemp("house"), CHATBRANCH_WEB_SITES=f"{member_site}, {neighbour(member_site)}"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium; skips where there is none.

    A file's own, ended with it: while Playwright's driver runs, its event loop runs in this thread, and tests of other
    files that bring a loop of their own, or use the ORM, would be refused.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-noto-cjk")
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: uv sync --group dev")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any, house: House) -> Iterator[Visit]:
    """A new reader with a phone: visit("/about/", lang="en", dark=True, scripts=False) -> the page.

    Whatever a page's console complains of (a refused script or style above all) fails the test at its end.
    """
    contexts, complaints = [], []

    def go(
        path: str, *, lang: str = "zh-Hans", dark: bool = False, scripts: bool = True, width: int = 390
    ) -> Any:
        context = chromium.new_context(
            base_url=house.url,
            locale=lang,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            viewport={"width": width, "height": 844},
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()
    expected = (
        "Failed to load resource: the server responded with a status of 4"  # a refusal that a test asked for
    )
    assert [said for said in complaints if expected not in said] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The axe-core script, as its package ships it."""
    package = pytest.importorskip("axe_playwright_python", reason="no axe-core: uv sync --group dev")
    return (Path(package.__file__).parent / "axe.min.js").read_text("utf-8")

"""Linking a real provider in a real browser, and signing in through it; with the strict CSP, which no page of it loosens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from pytest_django import Settings

from chatbranch.branch.models import LinkedSignIn
from chatbranch.branch.tests.test_signin import code
from tests.browser.test_a_complaint import Quiet
from tests.browser.test_looks import findings
from tests.servers.oidc import provider
from tests.support.databases import Database
from tests.support.people import PASSWORD, found_branch

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", autouse=True)
def beside_a_loop() -> Iterator[None]:
    """Playwright's loop runs in this thread; Django would take it for one that must not be blocked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def url(sqlite_database: Database, settings: Settings) -> Iterator[str]:
    """A branch served from this process, whose settings name a real provider."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    cache.clear()
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    with provider() as issuer:
        oidc = {"name": "同乐会", "issuer": issuer, "client_id": "branch", "client_secret": "seven lamps"}
        settings.CONFIG = replace(settings.CONFIG, oidc=oidc, public_url=here)
        yield here
    server.shutdown()
    server.server_close()


def test_a_member_links_a_provider_and_signs_in_with_it(chromium: Any, axe: str, url: str) -> None:
    secret = str(generate_totp_secret())
    TOTP.activate(found_branch()["lin"], secret)
    page = chromium.new_context(
        base_url=url, locale="zh-Hans", viewport={"width": 390, "height": 844}
    ).new_page()
    page.set_default_timeout(20_000)
    complaints, seen = [], []
    page.on("console", lambda said: complaints.append(said) if said.type == "error" else None)
    page.route(
        lambda address: "//127.0.0.1:" not in address, lambda route: route.abort()
    )  # the provider's styles

    def look() -> None:
        seen.extend(findings(page, axe))
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, page.url

    def press(name: str, kind: str = "link") -> None:
        page.get_by_role(kind, name=name, exact=True).click()

    def there() -> None:
        page.locator("button[name=sub]").first.click()

    page.goto("/account/login/")
    page.locator("[name=login]").fill("lin")
    page.locator("[name=password]").fill(PASSWORD)
    press("继续", "button")
    page.locator("[name=code]").fill(code(secret))
    press("登录", "button")
    page.wait_for_url(f"{url}/desk/")
    page.goto("/account/linked/")
    look()
    press("关联同乐会")
    page.locator("[name=password]").fill(PASSWORD)
    press("确认", "button")
    look()
    press("去同乐会")
    there()
    page.wait_for_url(f"{url}/account/linked/")
    assert LinkedSignIn.objects.get().member.username == "lin"
    look()

    page.context.clear_cookies()
    page.goto("/account/login/?next=/desk/members/")
    look()
    press("用同乐会登录")
    there()
    page.wait_for_url(f"{url}/account/2fa/authenticate/")
    page.locator("[name=code]").fill(code(secret, later=1))
    press("登录", "button")
    page.wait_for_url(f"{url}/desk/members/")

    LinkedSignIn.objects.all().delete()
    page.context.clear_cookies()
    page.goto("/account/provider/")
    there()
    assert "还没有成员关联这个登录" in page.get_by_role("alert").inner_text()
    look()
    press("回到登录")
    page.wait_for_url(f"{url}/account/login/")
    assert seen == []
    ours = [each.text for each in complaints if each.location["url"].startswith(url)]
    assert [each for each in ours if "status of 404" not in each] == []
    page.context.close()

"""The event stream: who may listen, for how long, and what happens while the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import OperationalError, transaction
from django.test import Client
from tests.support.people import found_branch

from chatbranch.branch.models import Member
from chatbranch.journal.actions import do_record
from chatbranch.kernel import ids
from chatbranch.site import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_index")]


@pytest.fixture
def member() -> Member:
    return found_branch()["lin"]


class Browser:
    """Listens with a member's cookie, for some seconds or until the stream is ended."""

    def __init__(self, member: Member) -> None:
        client = Client()
        client.force_login(member)
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        self.scope: dict[str, Any] = {"query_string": b"", "headers": [(b"cookie", cookie.encode())]}
        self.status, self.heard = 0, ""
        self.leaves = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.heard += message.get("body", b"").decode()

    async def listen(self) -> None:
        await asyncio.wait_for(live.live(self.scope, self.receive, self.send), 10)


def second_factor(member: Member) -> None:
    TOTP.activate(member, generate_totp_secret())


def happens() -> None:
    with transaction.atomic():
        do_record("case.changed", ids.new_id())


def test_a_member_without_a_second_factor_hears_nothing(member: Member) -> None:
    browser = Browser(member)
    browser.leaves.set()
    asyncio.run(browser.listen())
    assert browser.status == 403


def test_a_stream_ends_soon_after_its_member_may_no_longer_listen(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    second_factor(member)
    browser = Browser(member)

    async def signs_out_meanwhile() -> None:
        listening = asyncio.create_task(browser.listen())
        await asyncio.sleep(0.3)
        await asyncio.to_thread(Authenticator.objects.filter(user=member).delete)
        await listening

    asyncio.run(signs_out_meanwhile())
    assert browser.status == 200


def test_a_database_that_was_away_for_a_moment_ends_no_stream(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_broadcast", live.Broadcast())
    monkeypatch.setattr(live, "POLL", 0.05)
    second_factor(member)
    browser, read, failures = Browser(member), live._events_after, [OperationalError, OperationalError]

    async def reads(since: int) -> list[dict[str, Any]]:
        if failures:
            raise failures.pop()
        return await read(since)

    monkeypatch.setattr(live, "_events_after", reads)

    async def something_happens() -> None:
        listening = asyncio.create_task(browser.listen())
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not failures:
                break
        await asyncio.to_thread(happens)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if "case.changed" in browser.heard:
                break
        browser.leaves.set()
        await listening

    asyncio.run(something_happens())
    assert "case.changed" in browser.heard

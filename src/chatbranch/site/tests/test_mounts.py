"""The web chat's own addresses: what comes there counts where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from asgiref.sync import sync_to_async
from django.conf import settings as ours
from django.test import Client
from pytest_django import Settings
from tests.support.databases import Database
from tests.support.people import found_branch

from chatbranch.cases.models import Case
from chatbranch.intake.actions import do_answer_waiting
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock
from chatbranch.site import mounts
from chatbranch.site.threads import in_thread

pytestmark = pytest.mark.usefixtures("own_index")
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def one_moment() -> Iterator[None]:
    """However slow the machine, all that happens here happens within a minute."""
    with clock.held(clock.now()):
        yield


@pytest.fixture
def three_a_minute(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, network_asks_per_minute=3)


async def say(text: str, address: str = HERE, **headers: str) -> int:
    """Post a message as the chat page does, from a browser without a cookie; returns the status."""
    given = {"content-type": "application/json", "host": "testserver", **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/connect/web/messages",
        "scheme": "http",
        "query_string": b"",
        "client": (address, 4711),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }
    body, status = json.dumps({"text": text}).encode(), []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        status.append(message.get("status"))

    await mounts.mount(nothing)(scope, receive, send)
    return int(status[0])


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing but the chat is asked for")


@pytest.mark.usefixtures("three_a_minute")
async def test_readers_of_one_network_share_its_limit_in_the_chat(sqlite_database: Database) -> None:
    statuses = [await say(f"第{place}条传言，各不相同") for place in range(4)]
    assert statuses == [202, 202, 202, 429]
    assert await say("别处来的传言", ELSEWHERE) == 202
    assert await in_thread(Submission.objects.count) == 4


@pytest.mark.usefixtures("three_a_minute")
async def test_the_header_of_the_proxy_counts_only_where_there_is_a_proxy(
    sqlite_database: Database, settings: Settings
) -> None:
    forged = [await say("同一条传言", x_forwarded_for=f"192.0.2.{place}") for place in range(4)]
    assert forged == [202, 202, 202, 429]
    settings.CONFIG = replace(settings.CONFIG, behind_proxy=True)
    vouched = [await say("同一条传言", x_forwarded_for=f"192.0.2.{place}") for place in range(4)]
    assert vouched == [202] * 4


@pytest.mark.usefixtures("three_a_minute")
async def test_a_member_has_no_limit_in_the_chat(sqlite_database: Database) -> None:
    cookie = await sync_to_async(cookie_of_a_member)()
    statuses = [await say("同一条传言", cookie=cookie, origin="http://testserver") for _ in range(5)]
    assert statuses == [202] * 5


async def test_many_askers_of_one_network_are_answered_in_the_chat_and_few_count(
    sqlite_database: Database,
) -> None:
    assert [await say("云岚市今晚八点起停水三天，请马上储水") for _ in range(8)] == [202] * 8
    with clock.held(clock.ahead(seconds=60)):
        while await in_thread(do_answer_waiting):
            pass
    assert await in_thread(Submission.objects.filter(state="answered").count) == 8
    case = await in_thread(Case.objects.get)
    assert 1 <= case.askers_count <= 5


def cookie_of_a_member() -> str:
    member = found_branch()["lin"]
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    name = ours.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"

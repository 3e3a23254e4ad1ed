"""What rooms say among themselves: greeted once, compared only where the branch wants it, and never in the way."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from pytest_django import Settings
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch, inbound
from tests.support.traces import in_tables

from chatbranch.deliveries.models import Delivery
from chatbranch.intake.models import Submission
from chatbranch.kernel.messages import Attachment, Inbound
from chatbranch.relay.tests.support import RICH, install, join
from chatbranch.site import inbox, overhearing

pytestmark = pytest.mark.usefixtures("own_index")
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
CHAT = "我们家的猫今天又把花盆打翻了，谁来帮我收拾一下好不好呀"


def said(text: str, *, room: str = "!room", mentioned: bool = False) -> Inbound:
    message = inbound(text, asker=room, channel="rich")
    return replace(message, direct=False, mentioned=mentioned, sender="anna")


async def take(*messages: Inbound) -> None:
    box = inbox.Inbox()
    for each in messages:
        await box.take_from_chat(each)
    await box.finish(60)


async def kinds() -> list[str]:
    """What was queued to the room's platform, in order."""
    rows = Delivery.objects.filter(channel="rich").order_by("created_at", "id")
    return await inbox.in_thread(lambda: list(rows.values_list("kind", flat=True)))


def know_the_rumour() -> None:
    decide(found_branch(), case_of(ask(RUMOUR, channel="matrix")))


@pytest.fixture
def _speaking(settings: Settings) -> None:
    settings.CONFIG = replace(settings.CONFIG, speak_unasked=True)


@pytest.mark.usefixtures("_speaking")
async def test_a_falsehood_shared_in_a_room_is_pointed_out(either_database: Database) -> None:
    await inbox.in_thread(know_the_rumour)
    await take(said(CHAT), said(RUMOUR), said(RUMOUR))
    assert await kinds() == ["greeting", "unasked"]


async def test_a_branch_that_did_not_ask_for_it_stays_silent(sqlite_database: Database) -> None:
    await inbox.in_thread(know_the_rumour)
    await take(said(RUMOUR))
    assert await kinds() == ["greeting"]


@pytest.mark.usefixtures("_speaking")
async def test_what_a_room_says_among_itself_is_found_nowhere_afterwards(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await inbox.in_thread(know_the_rumour)
    before = await inbox.in_thread(Submission.objects.count)
    with caplog.at_level("DEBUG", logger="chatbranch"):
        await take(said(CHAT), said(RUMOUR.replace("三天", "五天")))
    assert await inbox.in_thread(Submission.objects.count) == before
    assert await inbox.in_thread(in_tables, ["花盆", "五天", "anna"]) == []
    assert "花盆" not in caplog.text


@pytest.mark.usefixtures("_speaking")
async def test_whoever_mentions_us_is_answered_and_not_spoken_to_unasked(sqlite_database: Database) -> None:
    await inbox.in_thread(know_the_rumour)
    await take(said(RUMOUR, mentioned=True))
    assert sorted(await kinds()) == ["greeting", "reply"]


@pytest.mark.usefixtures("_speaking")
async def test_a_room_of_a_route_is_its_peoples_own(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, {"rich": RICH})
    await inbox.in_thread(know_the_rumour)
    await inbox.in_thread(join, "rich !room")
    await take(said(RUMOUR))
    assert await kinds() == []


@pytest.mark.usefixtures("_speaking")
async def test_when_too_much_is_said_at_once_the_rest_is_let_go_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And what is kept waiting holds no picture."""
    compared: list[Inbound] = []
    go_on = threading.Event()

    def slowly(message: Inbound) -> bool:
        go_on.wait(60)
        compared.append(message)
        return False

    monkeypatch.setattr(overhearing.intake, "do_speak_unasked", slowly)
    monkeypatch.setattr(overhearing, "MOST_WAITING", 3)
    hearing = overhearing.Overhearing(lambda _: None)
    for _ in range(8):
        hearing.hear(replace(said(RUMOUR), attachments=(Attachment("a", "image/png", b"x"),)))
    go_on.set()
    with caplog.at_level("INFO", logger="chatbranch"):
        assert hearing.under_way is not None
        async with asyncio.timeout(60):
            await hearing.under_way
    assert len(compared) == 3
    assert not any(each.attachments for each in compared)
    assert "5 messages of rooms were not compared" in caplog.text


@pytest.mark.usefixtures("_speaking")
async def test_one_that_breaks_us_does_not_silence_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def breaks(message: Inbound) -> bool:
        if "猫" in message.text:
            raise ZeroDivisionError
        return True

    monkeypatch.setattr(overhearing.intake, "do_speak_unasked", breaks)
    hearing = overhearing.Overhearing(told.append)
    hearing.hear(said(CHAT))
    hearing.hear(said(RUMOUR))
    assert hearing.under_way is not None
    async with asyncio.timeout(60):
        await hearing.under_way
    assert told == ["rich"]
    assert "could not be compared" in caplog.text

"""From a connector into the house: nothing that breaks on the way is lost, told twice, or in the way of the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import OperationalError
from tests.support.databases import Database
from tests.support.people import inbound

from chatbranch.deliveries.models import Delivery
from chatbranch.intake.models import Submission
from chatbranch.kernel.messages import Inbound
from chatbranch.site import inbox

pytestmark = pytest.mark.usefixtures("own_index")

EMPTY = replace(inbound("🙏🙏", channel="matrix"), address="!room:branch.example")


async def take(*messages: Inbound) -> None:
    box = inbox.Inbox()
    for each in messages:
        await box.take_from_chat(each)
    await box.finish(60)


async def test_a_message_is_durable_first_and_then_answered(sqlite_database: Database) -> None:
    box = inbox.Inbox()
    await box.take(inbound("明天起全市停水三天，请大家储水", channel="matrix"))
    assert await inbox.in_thread(Submission.objects.count) == 1
    await box.finish(60)
    assert await states() == ["answered"]


async def test_what_is_not_said_to_us_is_not_even_written_down(sqlite_database: Database) -> None:
    chatter = replace(inbound("我们自己聊", channel="matrix"), direct=False, mentioned=False)
    await take(chatter)
    assert await states() == []


async def test_why_something_was_not_taken_is_told_once_however_often_it_is_brought(
    sqlite_database: Database,
) -> None:
    await take(EMPTY, EMPTY)
    await take(EMPTY)  # and by a process started anew
    (told,) = await inbox.in_thread(lambda: list(Delivery.objects.all()))
    assert (told.kind, told.channel) == ("refusal", "matrix")


async def test_a_flood_is_told_kindly_and_only_once(sqlite_database: Database) -> None:
    asker = "!flood:branch.example"
    await take(*(inbound(f"大蒜能治第{place}种病", channel="matrix", asker=asker) for place in range(25)))
    refusals = await inbox.in_thread(lambda: Delivery.objects.filter(kind="refusal").count())
    assert refusals == 1
    assert len(await states()) == 20


async def test_while_the_database_is_away_the_connector_keeps_the_message(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox.intake, "do_accept", failing(OperationalError("database is away")))
    box = inbox.Inbox()
    for _ in range(inbox.TRIES * 3):
        with pytest.raises(OperationalError):
            await box.take_from_chat(EMPTY)


async def test_a_message_that_breaks_us_every_time_is_set_aside_so_that_the_next_is_read(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inbox.intake, "do_accept", failing(ZeroDivisionError()))
    box = inbox.Inbox()
    for _ in range(inbox.TRIES - 1):
        with pytest.raises(ZeroDivisionError):
            await box.take_from_chat(EMPTY)
    await box.take_from_chat(EMPTY)
    assert "set aside" in caplog.text


def failing(error: Exception):  # type: ignore[no-untyped-def]
    def do_accept(message: Inbound) -> None:
        raise error

    return do_accept


async def states() -> list[str]:
    return await inbox.in_thread(lambda: list(Submission.objects.values_list("state", flat=True)))

"""From a connector into the house: nothing that breaks on the way is lost, told twice, or in the way of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from django.db import OperationalError
from tests.support.databases import Database
from tests.support.people import inbound

from chatbranch.connectors.contract import Capabilities
from chatbranch.deliveries import sender
from chatbranch.deliveries.models import Delivery
from chatbranch.deliveries.tests.standin import StandIn
from chatbranch.deliveries.writer import Writer
from chatbranch.intake.models import Submission
from chatbranch.kernel.messages import Attachment, Inbound
from chatbranch.relay.actions import Brought
from chatbranch.relay.tests.support import PLAIN, PUPPETS, RICH, install, join, legs, said, texts
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


async def test_what_rooms_say_while_a_transaction_is_under_way_shares_the_next(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    hear = inbox.hear

    def counted(brought: Sequence[Brought]) -> list[inbox.Heard | Exception]:
        sizes.append(len(brought))
        return hear(brought)

    monkeypatch.setattr(inbox, "hear", counted)
    with Writer() as writer:
        await both_rooms(writer)
        box = inbox.Inbox(writer.call)
        await asyncio.gather(*(box.take_from_chat(each) for each in chatter("rich !a", 30)))
        assert sizes == [30]
        assert await writer.call(Delivery.objects.count) == 30


async def test_while_the_database_is_away_what_waits_is_brought_again_in_its_order(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_AT_ONCE", 4)
    with Writer() as writer:
        await both_rooms(writer)
        box = inbox.Inbox(writer.call)
        said = chatter("rich !a", 10)
        with monkeypatch.context() as patch:
            patch.setattr(inbox.relay, "do_carry", once(patch, OperationalError("database is away")))
            ends = await asyncio.gather(*(box.take_from_chat(each) for each in said), return_exceptions=True)
        assert {type(each) for each in ends} == {
            OperationalError
        }  # none after a failed one was taken before it
        await asyncio.gather(*(box.take_from_chat(each) for each in said))
        assert await writer.call(heard_by, "plain") == [str(n) for n in range(10)]


async def test_a_message_with_files_is_not_overtaken_by_what_is_brought_after_it(
    sqlite_database: Database,
) -> None:
    photo = Attachment("photo.png", "image/png", b"a picture")
    with Writer() as writer:
        await both_rooms(writer)
        box = inbox.Inbox(writer.call)
        first, second = said("plain #b", "0", "p0", attachments=(photo,)), said("plain #b", "1", "p1")
        await asyncio.gather(box.take_from_chat(first), box.take_from_chat(second))
        assert await writer.call(heard_by, "rich") == ["0", "1"]


async def test_files_that_no_room_took_when_they_came_are_named_to_a_room_that_joined_since(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox.relay, "do_keep_files", lambda _: [])
    with Writer() as writer:
        await both_rooms(writer)
        photo = Attachment("photo.png", "image/png", b"a picture")
        await inbox.Inbox(writer.call).take_from_chat(said("plain #b", "look", attachments=(photo,)))
        (text,) = await writer.call(texts, "rich")
    assert "photo.png" in str(text)


async def test_a_room_that_joined_just_before_the_database_went_away_tells_its_word_to_nobody(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Writer() as writer:
        route = await writer.call(join, "rich !a", "plain #b")
        box = inbox.Inbox(writer.call)
        call = said("puppets g", f"join {route.word}", "j1", mentioned=True)
        whole = inbox.relay.do_carry

        def away_for_the_second(brought: Sequence[Brought]) -> object:
            if brought[0].what.message_id == "j1":
                return whole(brought)
            raise OperationalError("database is away")

        with monkeypatch.context() as patch:
            patch.setattr(inbox.relay, "do_carry", away_for_the_second)
            ends = await asyncio.gather(
                *(box.take_from_chat(each) for each in [call, *chatter("rich !a", 2)]), return_exceptions=True
            )
        assert ends[0] is None, "what was heard is not to be brought again"
        assert [type(each) for each in ends[1:]] == [OperationalError] * 2
        assert await writer.call(legs) == 3
        assert not [text for text in await writer.call(texts, "plain") if route.word in str(text)]


async def test_a_thousand_messages_a_room_are_heard_in_their_order_on_every_leg(
    either_database: Database,
) -> None:
    """Carried and sent at the same time, one connection for both; whoever is told says so before the next is told."""
    legs = {name: StandIn() for name in ("rich", "plain", "puppets")}
    legs["plain"].capabilities = Capabilities(idempotent=False, per_second=0)
    legs["puppets"].capabilities = Capabilities(idempotent=True, per_second=0, names=True)
    size = 1000 if either_database.file else 100  # PostgreSQL takes its time on a busy machine
    with Writer() as writer:
        await both_rooms(writer, "puppets g")
        box = inbox.Inbox(writer.call)
        telling = asyncio.create_task(sender.run(legs, ready=box.sends_by, writer=writer))
        rooms = [chatter("rich !a", size), chatter("plain #b", size)]
        await asyncio.gather(*(box.take_from_chat(each) for said in rooms for each in said))
        async with asyncio.timeout(300):
            while [len(each.taken) for each in legs.values()] != [size, size, 2 * size]:
                await asyncio.sleep(0.05)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    order = [*range(size)]
    assert numbers(legs["rich"]) == numbers(legs["plain"]) == order
    assert numbers(legs["puppets"], "(Rich)") == numbers(legs["puppets"], "(Plain)") == order


async def test_senders_are_stirred_once_and_early_where_it_is_known_where_a_room_s_words_go(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN})
    heard: list[str] = []
    carried = inbox.hear

    def hear(brought: Sequence[Brought]) -> list[inbox.Heard | Exception]:
        heard.append("carried")
        return carried(brought)

    monkeypatch.setattr(inbox, "hear", hear)
    with Writer() as writer:
        await both_rooms(writer)
        box = inbox.Inbox(writer.call)
        box.sends_by(heard.append)
        picture = Attachment("图.png", "image/png", b"\x89PNG")
        for what in (
            said("rich !a", "1", "m1"),
            said("rich !a", "2", "m2"),
            said("rich !a", "3", "m3", attachments=(picture,)),
        ):
            await box.take_from_chat(what)
            heard.append("|")
    first, known, with_file, _ = " ".join(heard).split("|")
    assert first.split() == with_file.split() == ["carried", "plain"]
    assert sorted(known.split()) == ["carried", "plain"]


def numbers(leg: StandIn, by: str = "") -> list[int]:
    return [int(each.text.rpartition(" ")[2]) for each in leg.taken if by in f"{each.author} {each.text}"]


def chatter(room: str, count: int) -> list[Inbound]:
    return [said(room, str(n), f"{room} {n}") for n in range(count)]


async def both_rooms(writer: Writer, *more: str) -> None:
    await writer.call(join, "rich !a", "plain #b", *more)


def heard_by(channel: str) -> list[str]:
    return [str(text).rpartition(" ")[2] for text in texts(channel)]


def once(patch: pytest.MonkeyPatch, error: Exception) -> Callable[[Sequence[Brought]], object]:
    """Fails the first time, and is itself again."""
    whole = inbox.relay.do_carry

    def failing(brought: Sequence[Brought]) -> object:
        patch.setattr(inbox.relay, "do_carry", whole)
        raise error

    return failing


@pytest.fixture(autouse=True)
def _platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN, "puppets": PUPPETS})


def failing(error: Exception):  # type: ignore[no-untyped-def]
    def do_accept(message: Inbound) -> None:
        raise error

    return do_accept


async def states() -> list[str]:
    return await inbox.in_thread(lambda: list(Submission.objects.values_list("state", flat=True)))

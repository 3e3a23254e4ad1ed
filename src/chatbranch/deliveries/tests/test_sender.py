"""The sender, with the real tables on both databases and a stand-in platform."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from chatbranch.connectors.contract import Capabilities, Later, Undeliverable
from chatbranch.contacts.actions import do_forget as forget_contact
from chatbranch.deliveries import rules, sender
from chatbranch.deliveries.actions import do_forget
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.deliveries.tests.standin import StandIn, queue, queue_each, sending
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Outbound, Receipt

pytestmark = pytest.mark.usefixtures("either_database")
db = sync_to_async


def only() -> Delivery:
    return Delivery.objects.get()


async def nothing_waits() -> bool:
    return not await Delivery.objects.filter(state="queued").aexists()


def once_then_fine(error: Exception) -> Callable[[Outbound], None]:
    """A mood that raises `error` the first time only."""
    errors = [error]

    def mood(_: Outbound) -> None:
        if errors:
            raise errors.pop()

    return mood


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come within milliseconds here; the real pauses are tested in test_rules."""
    monkeypatch.setattr(rules, "backoff", lambda attempts, chance: 0.05)


async def test_what_is_queued_is_sent_and_its_lane_is_dropped() -> None:
    (key,) = await db(queue)("standin", "anna", "不实")
    platform = StandIn()
    await sending({"standin": platform}, lambda: bool(platform.taken))
    row = await db(only)()
    assert (row.state, row.receipt, row.attempts, row.lane_id) == ("sent", "id of 不实", 1, None)
    assert (platform.taken[0].key, platform.taken[0].address) == (str(key), "anna")
    assert not await Lane.objects.aexists()


async def test_one_destination_hears_its_messages_in_order() -> None:
    texts = [str(n) for n in range(40)]
    await db(queue)("standin", "anna", *texts)
    platform = StandIn()
    platform.mood = once_then_fine(ConnectionError())
    await sending({"standin": platform}, lambda: len(platform.taken) == 40)
    assert platform.texts == texts
    assert platform.most_under_way == 1


async def test_where_the_platform_keeps_their_order_new_words_do_not_wait_for_those_before() -> None:
    await db(queue)("standin", "anna", *(str(n) for n in range(rules.BATCH)))
    platform = StandIn(Capabilities(idempotent=True, in_order=True, per_second=0), takes=0.05)
    await sending({"standin": platform}, lambda: len(platform.taken) == rules.BATCH)
    assert platform.most_under_way == rules.BATCH
    assert platform.texts == [str(n) for n in range(rules.BATCH)]


async def test_what_may_have_arrived_before_goes_by_itself_and_those_after_it_wait() -> None:
    keys = await db(queue)("standin", "anna", "1", "2", "3")
    await Delivery.objects.filter(pk=keys[0]).aupdate(attempted_at=clock.now())  # a process died sending it
    platform = StandIn(Capabilities(idempotent=True, in_order=True, per_second=0), takes=0.05)
    under_way = []
    platform.mood = lambda outbound: under_way.append((outbound.text, outbound.repeat, platform.under_way))
    await sending({"standin": platform}, lambda: len(platform.taken) == 3)
    assert under_way[0] == ("1", True, 1)
    assert {text for text, _, beside in under_way if beside == 2} == {"2"}


async def test_many_destinations_are_served_at_the_same_time_but_not_without_bound() -> None:
    await db(queue_each)("standin", 120)
    platform = StandIn(takes=0.1)
    await sending({"standin": platform}, lambda: len(platform.taken) == 120)
    assert 10 < platform.most_under_way <= rules.AT_ONCE


async def test_where_a_repeat_is_not_recognised_few_are_under_way_at_once() -> None:
    await db(queue_each)("standin", 30)
    platform = StandIn(Capabilities(idempotent=False, per_second=0), takes=0.05)
    await sending({"standin": platform}, lambda: len(platform.taken) == 30)
    assert platform.most_under_way <= rules.AT_ONCE_UNSURE


async def test_being_asked_to_wait_is_respected_and_is_no_attempt() -> None:
    await db(queue)("standin", "anna", "不实")
    platform = StandIn()
    platform.mood = once_then_fine(Later(0.6, "M_LIMIT_EXCEEDED"))
    asked = time.monotonic()
    await sending({"standin": platform}, lambda: bool(platform.taken))
    assert time.monotonic() - asked >= 0.6
    assert (await db(only)()).attempts == 1


async def test_an_undeliverable_message_fails_with_its_reason_and_the_next_one_goes_out() -> None:
    await db(queue)("standin", "anna@example.org", "first", "second")
    platform = StandIn()
    platform.mood = once_then_fine(Undeliverable("550 <anna@example.org>: no such user Anna"))
    await sending({"standin": platform}, lambda: bool(platform.taken))
    failed = await Delivery.objects.aget(state="failed")
    assert platform.texts == ["second"]
    assert (failed.reason, failed.lane_id) == ("undeliverable", None)
    assert failed.detail.startswith("550")
    assert "anna" not in failed.detail.lower()
    event = await Event.objects.aget(kind="delivery.failed")
    assert event.data["reason"] == "undeliverable"
    assert not {"pseudonym", "address"} & event.data.keys()


async def test_a_platform_that_is_down_is_tried_again_under_the_same_key() -> None:
    await db(queue)("standin", "anna", "不实")
    platform, keys = StandIn(), []

    def mood(outbound: Outbound) -> None:
        keys.append(outbound.key)
        if len(keys) < 4:
            raise ConnectionRefusedError

    platform.mood = mood
    await sending({"standin": platform}, lambda: bool(platform.taken))
    row = await db(only)()
    assert (len(keys), len(set(keys)), row.attempts, row.repeats, row.reason) == (4, 1, 4, 0, "")


@pytest.mark.parametrize("recognised", [True, False])
async def test_after_a_failure_a_platform_that_can_look_is_told_that_it_may_have_the_message(
    recognised: bool,
) -> None:
    await db(queue)("standin", "anna", "不实")
    platform = StandIn(Capabilities(idempotent=recognised, per_second=0))
    platform.mood = once_then_fine(ConnectionError())
    await sending({"standin": platform}, lambda: bool(platform.taken))
    assert platform.taken[0].repeat is recognised
    assert (await db(only)()).repeats == 0  # a failure is no second telling


async def test_after_seven_days_a_message_is_given_up_with_a_reason() -> None:
    await db(queue)("standin", "anna", "不实")
    await Delivery.objects.aupdate(give_up_at=clock.ago(seconds=1))
    platform = StandIn()
    await sending({"standin": platform}, nothing_waits)
    row = await db(only)()
    assert (row.state, row.reason, platform.taken) == ("failed", "gave-up", [])


async def test_a_message_whose_asker_was_forgotten_is_not_sent() -> None:
    await db(queue)("standin", "anna", "不实")
    await db(forget_contact)("standin", "anna")
    platform = StandIn()
    await sending({"standin": platform}, nothing_waits)
    row = await db(only)()
    assert (row.state, row.reason, platform.taken) == ("failed", "erased", [])


async def test_a_slow_platform_delays_nobody_else() -> None:
    await db(queue_each)("slow", 60)
    await db(queue)("quick", "anna", "不实")
    slow, quick = StandIn(takes=3.0), StandIn()

    def quick_was_told() -> bool:
        if quick.taken:
            assert not slow.taken
        return bool(quick.taken)

    await sending({"slow": slow, "quick": quick}, quick_was_told)


async def test_one_lane_keeps_to_the_pace_of_its_platform() -> None:
    await db(queue)("standin", "anna", *"abcd")
    platform = StandIn(Capabilities(idempotent=True, per_second=5))
    started = time.monotonic()
    await sending({"standin": platform}, lambda: len(platform.taken) == 4)
    assert time.monotonic() - started >= 0.6


async def test_a_whole_channel_keeps_to_its_pace() -> None:
    await db(queue_each)("standin", 25)
    platform = StandIn()
    started = time.monotonic()
    await sending({"standin": platform}, lambda: len(platform.taken) == 25, per_channel={"standin": 10.0})
    assert time.monotonic() - started >= 1.3  # a burst of ten, then ten a second


async def test_stopping_lets_what_is_on_its_way_land() -> None:
    await db(queue_each)("standin", 20)
    platform = StandIn(takes=0.5)
    await sending({"standin": platform}, lambda: platform.under_way == 20)
    assert len(platform.taken) == 20
    assert await Delivery.objects.filter(state="sent").acount() == 20


async def test_a_message_forgotten_while_on_its_way_leaves_no_trace() -> None:
    await db(queue)("standin", "anna", "不实")
    platform = StandIn(takes=0.5)
    task = asyncio.create_task(sending({"standin": platform}, lambda: bool(platform.taken)))
    while not platform.under_way:
        await asyncio.sleep(0.01)
    await db(do_forget)(await db(forget_contact)("standin", "anna"))
    await task
    assert not await Delivery.objects.aexists()
    assert not await Lane.objects.aexists()


async def test_a_time_out_may_have_arrived_and_is_repeated_once_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "SEND_WITHIN", 0.1)
    await db(queue)("standin", "anna", "不实")
    platform = StandIn(Capabilities(idempotent=False, per_second=0), takes=5.0)
    await sending({"standin": platform}, nothing_waits)
    row = await db(only)()
    assert (row.state, row.reason, row.attempts, row.repeats) == ("failed", "interrupted", 2, 1)


async def test_two_senders_share_the_work_and_send_nothing_twice() -> None:
    """There are more lanes than one sender holds at once, and neither lets one go before the other has begun."""
    await db(queue_each)("standin", 2 * rules.AT_ONCE, "first", "second")

    class Sharing(StandIn):
        async def send(self, outbound: Outbound) -> Receipt:
            began[self].set()
            await asyncio.gather(*(each.wait() for each in began.values()))
            return await super().send(outbound)

    one, two = Sharing(takes=0.002), Sharing(takes=0.002)
    began = {one: asyncio.Event(), two: asyncio.Event()}
    other = asyncio.create_task(sender.run({"standin": two}))  # type: ignore[dict-item]
    everything = 4 * rules.AT_ONCE
    await sending({"standin": one}, lambda: len(one.taken) + len(two.taken) >= everything)
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    keys = [each.key for each in one.taken + two.taken]
    assert len(keys) == len(set(keys)) == everything
    assert one.taken
    assert two.taken


async def test_long_texts_are_cut_and_markup_left_out_as_the_platform_needs() -> None:
    await db(queue)("standin", "anna", "开头" + "长" * 500 + "\nhttps://branch.example/c/1280")
    platform = StandIn(Capabilities(idempotent=True, per_second=0, characters=100))
    await sending({"standin": platform}, lambda: bool(platform.taken))
    (text,) = platform.texts
    assert len(text) <= 100
    assert text.startswith("开头")
    assert text.endswith("…\nhttps://branch.example/c/1280")


async def test_a_pulled_channel_is_never_pushed_to() -> None:
    await db(queue)("web", "anna", "不实")
    await db(queue)("standin", "bo", "不实")
    web, other = StandIn(Capabilities(pulled=True)), StandIn()
    await sending({"web": web, "standin": other}, lambda: bool(other.taken))
    assert not web.taken
    assert await Delivery.objects.filter(channel="web", state="queued").aexists()


async def test_a_clock_set_back_makes_nobody_wait_longer() -> None:
    now = clock.now()
    with clock.held(now + timedelta(hours=3)):
        await db(queue)("standin", "anna", "不实")
        platform = StandIn()
        task = asyncio.create_task(sending({"standin": platform}, lambda: bool(platform.taken)))
        platform.mood = once_then_fine(Later(0.2, "busy"))
        while await Lane.objects.filter(next_at__lte=clock.now()).aexists():
            await asyncio.sleep(0.01)
        with clock.held(now):
            while await Lane.objects.filter(next_at__gt=now + timedelta(minutes=1)).aexists():
                await asyncio.sleep(0.01)
        with clock.held(now + timedelta(seconds=1)):
            await task
    assert platform.texts == ["不实"]

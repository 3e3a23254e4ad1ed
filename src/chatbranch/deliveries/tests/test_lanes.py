"""Leases and fences: whoever holds a lane writes, whoever comes back late does not."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.support.databases import Database

from chatbranch.contacts.models import Contact, Scope
from chatbranch.deliveries import lanes, rules
from chatbranch.deliveries.actions import do_free_lanes
from chatbranch.deliveries.lanes import Done, Job, Manners, turn
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.deliveries.rules import Broken, Postponed, Refusal, Sent
from chatbranch.deliveries.tests.standin import queue
from chatbranch.journal.models import Event
from chatbranch.kernel import clock

KEYED = Manners("standin", idempotent=True, interval=0.0)
KEYLESS = Manners("standin", idempotent=False, interval=0.0)


def lease(manners: Manners = KEYED, room: int = 50) -> list[Job]:
    return turn(manners, [], room).jobs


def test_a_leased_lane_is_nobody_elses(either_database: Database) -> None:
    queue("standin", "anna", "a", "b")
    assert len(lease(KEYLESS)) == 1
    assert lease(KEYLESS) == []


def test_where_a_repeat_is_recognised_one_lease_covers_the_next_few_in_order(
    either_database: Database,
) -> None:
    queue("standin", "anna", *map(str, range(rules.BATCH + 1)))
    jobs = lease()
    assert [job.body["text"] for job in jobs] == [*map(str, range(rules.BATCH))]
    assert lease() == []
    turn(KEYED, [Done(job, Sent()) for job in jobs], 0)
    assert [job.body["text"] for job in lease()] == [str(rules.BATCH)]


def test_a_holder_come_back_late_writes_nothing(either_database: Database) -> None:
    queue("standin", "anna", "a")
    (stale,) = lease()
    with clock.held(clock.now() + rules.LEASE):
        (fresh,) = lease()
        assert fresh.delivery == stale.delivery
        turn(KEYED, [Done(stale, Refusal("late"))], 0)
        assert Delivery.objects.get().state == "queued"
        turn(KEYED, [Done(fresh, Sent("in time"))], 0)
    row = Delivery.objects.get()
    assert (row.state, row.receipt, row.attempts) == ("sent", "in time", 2)
    assert turn(KEYED, [Done(stale, Sent("late"))], 0).unwritten == []


def test_who_knows_that_nobody_else_sends_need_not_wait_for_the_dead(either_database: Database) -> None:
    queue("standin", "anna", "a")
    (dead,) = lease()
    assert do_free_lanes() == 1
    (fresh,) = lease()
    assert fresh.repeat
    turn(KEYED, [Done(dead, Refusal("late"))], 0)
    assert Delivery.objects.get().state == "queued"


def test_what_may_have_arrived_stays_in_doubt_while_the_platform_puts_us_off(
    either_database: Database,
) -> None:
    queue("standin", "anna", "a")
    lease(KEYLESS)
    for _ in range(3):  # a crash, then a platform that is not ready yet
        do_free_lanes()
        (again,) = lease(KEYLESS)
        assert again.repeat
        turn(KEYLESS, [Done(again, Postponed(0.0))], 0)
        row = Delivery.objects.get()
        assert (row.state, row.repeats, row.attempts) == ("queued", 0, 1)
    (again,) = lease(KEYLESS)
    turn(KEYLESS, [Done(again, Sent("x"))], 0)
    row = Delivery.objects.get()
    assert (row.state, row.repeats) == ("sent", 1)


def test_a_repeat_after_a_crash_is_counted_and_happens_once(either_database: Database) -> None:
    queue("standin", "anna", "a")
    assert len(lease(KEYLESS)) == 1  # and here the process is killed
    with clock.held(clock.now() + rules.LEASE):
        assert len(lease(KEYLESS)) == 1
        assert Delivery.objects.get().repeats == 1
    with clock.held(clock.now() + 2 * rules.LEASE):
        assert lease(KEYLESS) == []
    row = Delivery.objects.get()
    assert (row.state, row.reason, row.repeats, row.attempts) == ("failed", "interrupted", 1, 2)
    assert Event.objects.get().kind == "delivery.failed"


def test_a_wait_is_given_back_and_the_lane_rests_for_as_long(either_database: Database) -> None:
    queue("standin", "anna", "a")
    (job,) = lease()
    before = clock.now()
    turn(KEYED, [Done(job, Postponed(3600))], 0)
    row, lane = Delivery.objects.get(), Lane.objects.get()
    assert (row.attempts, row.attempted_at, row.reason) == (0, None, "postponed")
    assert lane.next_at >= before + timedelta(seconds=3599)
    assert lease() == []


def test_queueing_while_the_last_message_ends_never_loses_the_lane(either_database: Database) -> None:
    """Threads queue to a few lanes while another sends and drops them as they empty."""
    stop = threading.Event()
    mistakes: list[Exception] = []

    def queue_some(worker: int) -> None:
        try:
            for n in range(25):
                queue("standin", f"asker {n % 3}", f"{worker} {n}")
        except Exception as error:
            mistakes.append(error)
        finally:
            connection.close()

    def send_all() -> None:
        done: list[Done] = []
        while not stop.is_set() or done:
            step = turn(KEYED, done, 50)
            done = [*step.unwritten, *(Done(job, Sent()) for job in step.jobs)]
        connection.close()

    sender = threading.Thread(target=send_all)
    writers = [threading.Thread(target=queue_some, args=(worker,)) for worker in range(3)]
    sender.start()
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    stop.set()
    sender.join()
    done = [Done(job, Sent()) for job in lease()]
    while done:
        done = [Done(job, Sent()) for job in turn(KEYED, done, 50).jobs]
    assert mistakes == []
    assert Delivery.objects.filter(state="sent").count() == 75
    assert not Lane.objects.exists()


def test_a_lane_another_transaction_holds_is_passed_over_and_its_result_kept(
    postgresql_database: Database,
) -> None:
    queue("standin", "anna", "a")
    (job,) = lease()
    held, written = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lanes.lock([job.lane], wait=True)
            held.set()
            written.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    done = Done(job, Sent())
    assert turn(KEYED, [done], 0).unwritten == [done]
    written.set()
    holder.join()
    assert turn(KEYED, [done], 0).unwritten == []
    assert Delivery.objects.get().state == "sent"


class Outbox(RuleBasedStateMachine):
    """Several holders lease, send, crash, and come back late while time passes; a platform sees what they send."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        for table in (Delivery, Lane, Contact, Scope, Event):
            table.objects.all().delete()
        self.now = datetime(2026, 11, 24, tzinfo=UTC)
        self.queued: dict[str, list[str]] = {}
        self.seen: dict[str, list[str]] = {}
        random.seed(0)

    @rule(address=st.sampled_from("abc"))
    def queue_one(self, address: str) -> None:
        with clock.held(self.now):
            text = f"{address}{len(self.queued.setdefault(address, []))}"
            queue("standin", address, text)
            self.queued[address].append(text)

    @rule(seconds=st.sampled_from([0.1, 5, 61]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(target=jobs, room=st.integers(1, 2))
    def lease_and_send(self, room: int) -> list[Job]:
        """What is leased leaves at once; that it ended may be written later, or never."""
        with clock.held(self.now):
            leased = turn(KEYED, [], room).jobs
        for job in leased:
            self.seen.setdefault(job.address, []).append(job.body["text"])
        return leased

    @rule(
        held=consumes(jobs),
        outcome=st.sampled_from([Sent(), Broken("x"), Broken("x", unsure=True), Postponed(1)]),
    )
    def write_down(self, held: list[Job], outcome: rules.Outcome) -> None:
        with clock.held(self.now):
            turn(KEYED, [Done(job, outcome) for job in held], 0)

    @rule(held=consumes(jobs))
    def crash(self, held: list[Job]) -> None:
        """The process dies before it could write: its leases run out."""

    @invariant()
    def nothing_is_lost_and_order_holds(self) -> None:
        waiting = set(Delivery.objects.filter(state="queued").values_list("body__text", flat=True))
        for address, queued in self.queued.items():
            first_seen = list(dict.fromkeys(self.seen.get(address, [])))
            assert first_seen == queued[: len(first_seen)]
            assert set(queued) == set(first_seen) | (waiting & set(queued))

    @invariant()
    def whatever_waits_has_a_lane(self) -> None:
        assert not Delivery.objects.filter(state="queued", lane=None).exists()
        assert not Delivery.objects.exclude(state="queued").exclude(lane=None).exists()


def test_whatever_holders_do_nothing_is_lost_and_order_holds(sqlite_database: Database) -> None:
    run_state_machine_as_test(
        Outbox,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

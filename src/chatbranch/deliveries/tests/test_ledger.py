"""The ledger, pulled conversations, retrying by hand, and what is pruned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import AnonymousUser

from chatbranch.branch.models import Bloc, Member, Outlet
from chatbranch.contacts.actions import do_forget as forget_contact
from chatbranch.deliveries.actions import do_forget, do_handed_over, do_prune, do_retry
from chatbranch.deliveries.lanes import Done, Job, Manners, turn
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.deliveries.queries import Tally, conversation, counts, ledger
from chatbranch.deliveries.rules import Broken, Refusal, Sent
from chatbranch.deliveries.tests.standin import queue
from chatbranch.journal.models import Event
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused

pytestmark = pytest.mark.usefixtures("either_database")
MANNERS = Manners("standin", idempotent=True, interval=0.0)


@pytest.fixture
def member(either_database: object) -> Member:
    bloc = Bloc.objects.create(name="north", means="region")
    outlet = Outlet.objects.create(name="江边观察", platform="wechat", owner="li", bloc=bloc)
    return Member.objects.create(username="li", name="Li", outlet=outlet)


def end(outcome: Callable[[Job], object]) -> None:
    """Lease all there is, and end each as told."""
    jobs = turn(MANNERS, [], 50).jobs
    turn(MANNERS, [Done(job, outcome(job)) for job in jobs], 0)  # type: ignore[arg-type]


def test_the_ledger_is_for_members_only() -> None:
    for read in (ledger, counts):
        with pytest.raises(Refused):
            read(AnonymousUser())


def test_accepted_is_queued_and_sent_and_failed(member: Member) -> None:
    about = ids.new_id()
    for n in range(6):
        queue("standin", f"asker {n}", "不实", subject=about)
    queue("web", "bo", "不实")
    ends = {"asker 0": Refusal("blocked"), "asker 1": Broken("ConnectionError")}
    end(lambda job: ends.get(job.address, Sent()))
    assert counts(member) == [
        Tally("standin", accepted=6, queued=1, sent=4, failed=1, repeats=0),
        Tally("web", accepted=1, queued=1, sent=0, failed=0, repeats=0),
    ]
    assert [tally.channel for tally in counts(member, about=about)] == ["standin"]


def test_the_ledger_reads_newest_first_page_by_page_and_names_nobody(member: Member) -> None:
    for n in range(5):
        queue("standin", f"asker {n}", "不实")
    first = ledger(member, most=3)
    rest = ledger(member, before=first[-1].id)
    assert [entry.id for entry in first + rest] == sorted((entry.id for entry in first + rest), reverse=True)
    assert len(first + rest) == 5
    end(lambda job: Refusal("blocked"))
    (entry, *_) = ledger(member, state="failed", channel="standin")
    assert entry.say("en") == "failed because this person cannot be reached there (blocked)"
    assert entry.say("zh-Hans") == "未能送达：对方无法收到消息 (blocked)"
    assert not {"pseudonym", "address", "body", "lane", "once"} & set(vars(entry))


def test_a_failed_delivery_is_retried_by_hand_after_the_others_of_its_lane(member: Member) -> None:
    (key,) = queue("standin", "anna", "first")
    end(lambda job: Refusal("blocked"))
    do_retry(member, key)
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.reason) == ("queued", 0, "")
    end(lambda job: Sent())
    assert Delivery.objects.get().state == "sent"
    assert Event.objects.filter(kind="delivery.retried").count() == 1


def test_what_cannot_be_retried_is_refused_with_a_reason(member: Member) -> None:
    (key,) = queue("standin", "anna", "first")
    for actor, delivery, code in (
        (AnonymousUser(), key, "members-only"),
        (member, ids.new_id(), "no-such-delivery"),
        (member, key, "not-failed"),
    ):
        with pytest.raises(Refused) as refused:
            do_retry(actor, delivery)
        assert refused.value.code == code
    end(lambda job: Refusal("blocked"))
    forget_contact("standin", "anna")
    with pytest.raises(Refused) as refused:
        do_retry(member, key)
    assert refused.value.code == "address-erased"


def test_a_pulled_conversation_tells_what_waits_in_order_and_only_there() -> None:
    first, second = queue("web", "anna", "一", "二")
    queue("web", "bo", "别人的")
    assert [each.text for each in conversation("web", "anna")] == ["一", "二"]
    assert [each.cursor for each in conversation("web", "anna", after=str(first))] == [str(second)]
    assert [each.text for each in conversation("web", "anna", after="not a cursor")] == ["一", "二"]
    assert conversation("other", "anna") == []


def test_what_was_handed_over_is_sent_and_comes_again_for_a_reloaded_page_for_a_day() -> None:
    first, second = queue("web", "anna", "一", "二")
    assert do_handed_over("web", "anna", str(first)) == 1
    assert do_handed_over("web", "anna", str(first)) == 0
    assert [(each.text, each.fresh) for each in conversation("web", "anna")] == [("一", False), ("二", True)]
    with clock.held(clock.now() + timedelta(hours=25)):
        assert [each.text for each in conversation("web", "anna")] == ["二"]
        do_handed_over("web", "anna", str(second))
    with clock.held(clock.now() + timedelta(hours=50)):
        do_prune()
        assert not Lane.objects.exists()
    assert Delivery.objects.filter(state="sent", lane=None).count() == 2


def test_what_nobody_fetches_fails_after_seven_days_with_that_reason() -> None:
    queue("web", "anna", *(str(n) for n in range(3)))
    with clock.held(clock.now() + timedelta(days=6)):
        do_prune()
        assert Delivery.objects.filter(state="queued").count() == 3
    with clock.held(clock.now() + timedelta(days=7, minutes=1)):
        do_prune()
    assert set(Delivery.objects.values_list("state", "reason")) == {("failed", "unfetched")}
    assert Event.objects.filter(kind="delivery.failed").count() == 3
    assert not Lane.objects.exists()


def test_texts_and_pseudonyms_are_pruned_after_ninety_days(member: Member) -> None:
    queue("standin", "anna", "不实")
    end(lambda job: Sent("receipt"))
    queue("standin", "anna", "还在等")
    with clock.held(clock.now() + timedelta(days=91)):
        Delivery.objects.filter(state="queued").update(give_up_at=clock.ahead(days=1))
        assert do_prune() == 1
    sent = Delivery.objects.get(state="sent")
    assert (sent.body, sent.pseudonym, sent.receipt, sent.lane_id) == ({}, "", "", None)
    assert Delivery.objects.get(state="queued").body == {"text": "还在等"}
    assert counts(member)[0].accepted == 2


def test_forgetting_erases_every_delivery_and_lane_of_an_asker_and_nobody_elses() -> None:
    for subject in (ids.new_id(), ids.new_id()):
        queue("standin", "anna", "a", "b", subject=subject)
        queue("standin", "bo", "a", subject=subject)
    assert do_forget(forget_contact("standin", "anna")) == 4
    assert Delivery.objects.count() == 2
    assert Lane.objects.count() == 1


def test_messages_end_in_the_order_they_were_queued() -> None:
    keys: list[UUID] = [queue("standin", "anna", str(n))[0] for n in range(20)]
    assert keys == sorted(keys)

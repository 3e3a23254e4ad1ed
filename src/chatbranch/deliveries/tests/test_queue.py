"""Queueing: in the deciding transaction, once, to whoever still has an address."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import transaction

from chatbranch.contacts.actions import do_forget as forget_contact
from chatbranch.contacts.actions import do_keep
from chatbranch.deliveries.actions import Message, do_queue, do_queue_many
from chatbranch.deliveries.models import Delivery, Lane
from chatbranch.kernel import ids

pytestmark = pytest.mark.usefixtures("either_database")


def test_a_delivery_is_gone_when_the_decision_is() -> None:
    pseudonym = do_keep("wechat", "anna", ids.new_id(), "zh-Hans")
    with suppress(ZeroDivisionError), transaction.atomic():
        do_queue(pseudonym=pseudonym, kind="verdict", text="不实", once="a")
        raise ZeroDivisionError
    assert not Delivery.objects.exists()
    assert not Lane.objects.exists()


def test_a_delivery_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(RuntimeError):
        do_queue(pseudonym="p", kind="verdict", text="不实", once="a")


def test_what_is_queued_twice_is_told_once() -> None:
    pseudonym = do_keep("wechat", "anna", ids.new_id(), "zh-Hans")
    with transaction.atomic():
        first = do_queue(pseudonym=pseudonym, kind="verdict", text="不实", once="v1")
        second = do_queue(pseudonym=pseudonym, kind="verdict", text="不实", once="v1")
    assert first is not None
    assert first.body == {"text": "不实"}
    assert second is None
    assert Delivery.objects.count() == 1


def test_nothing_is_queued_for_an_erased_address() -> None:
    pseudonym = do_keep("wechat", "anna", ids.new_id(), "zh-Hans")
    forget_contact("wechat", "anna")
    with transaction.atomic():
        assert do_queue(pseudonym=pseudonym, kind="verdict", text="不实", once="v1") is None


def test_two_subjects_of_one_asker_share_a_lane_only_while_something_waits() -> None:
    with transaction.atomic():
        for once in ("a", "b"):
            do_queue(
                pseudonym=do_keep("wechat", "anna", ids.new_id(), "en"),
                kind="verdict",
                text="false",
                once=once,
            )
    assert Lane.objects.count() == 1
    assert "anna" not in Lane.objects.get().name


def test_a_thousand_messages_are_queued_in_order() -> None:
    subject = ids.new_id()
    with transaction.atomic():
        pseudonyms = [do_keep("wechat", f"asker {n % 100}", subject, "en") for n in range(100)]
        queued = do_queue_many(
            Message(pseudonyms[n % 100], "verdict", str(n), f"once {n}", subject, html="<b>x</b>")
            for n in range(1000)
        )
    assert len(queued) == 1000
    texts = [row.body["text"] for row in Delivery.objects.order_by("id")]
    assert texts == [str(n) for n in range(1000)]
    assert Lane.objects.count() == 100

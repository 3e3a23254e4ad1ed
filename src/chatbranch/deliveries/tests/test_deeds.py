"""What is done to a message already sent: edits, deletions, reactions, replies; and the files a message carries."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from pytest_django import Settings

from chatbranch.connectors.contract import Capabilities, Undeliverable
from chatbranch.contacts.actions import do_keep
from chatbranch.deliveries import files
from chatbranch.deliveries.actions import Message, do_queue_many
from chatbranch.deliveries.models import Delivery
from chatbranch.deliveries.tests.standin import FAST, StandIn, queue, sending
from chatbranch.kernel import ids
from chatbranch.kernel.messages import Attachment, Outbound, Receipt

SLOW = Capabilities(per_second=0)
pytestmark = pytest.mark.django_db(transaction=True)


class Editing(StandIn):
    """A stand-in that also edits and takes reactions; `seen` is all that reached it, in order."""

    def __init__(self, capabilities: Capabilities = FAST) -> None:
        super().__init__(capabilities)
        self.seen: list[tuple[str, str, str]] = []

    async def send(self, outbound: Outbound) -> Receipt:
        await super().send(outbound)
        self.seen.append(("send", outbound.reply_to, outbound.text))
        return Receipt(f"id of {outbound.text}")

    async def edit(self, outbound: Outbound, target: str) -> Receipt:
        self.seen.append(("edit", target, outbound.text))
        return Receipt()

    async def react(self, outbound: Outbound, target: str) -> Receipt:
        self.seen.append(("react", target, outbound.text))
        return Receipt()

    async def unreact(self, outbound: Outbound, target: str) -> Receipt:
        self.seen.append(("unreact", target, outbound.text))
        return Receipt()


def queue_to_a_room(*messages: dict[str, object]) -> None:
    with transaction.atomic():
        room = do_keep("standin", "#room", ids.new_id(), "en")
        do_queue_many(
            Message(**{"pseudonym": room, "kind": "relay", "once": f"{n}", "text": "", **each})  # type: ignore[arg-type]
            for n, each in enumerate(messages)
        )


def nothing_waits() -> bool:
    return not Delivery.objects.filter(state="queued").exists()


async def all_gone(connector: StandIn) -> None:
    await sending({"standin": connector}, sync_to_async(nothing_waits))


@pytest.mark.parametrize("able", [FAST, SLOW], ids=["in batches", "one by one"])
async def test_an_edit_finds_the_copy_it_is_for_even_when_both_were_still_waiting(able: Capabilities) -> None:
    connector = Editing(able)
    await sync_to_async(queue_to_a_room)(
        {"text": "gas at 5%", "once": "copy"},
        {"text": "gas at 50%", "deed": "edit", "refers": "copy"},
        {"text": "👍", "deed": "react", "refers": "copy"},
        {"text": "indeed", "refers": "copy"},
        {"text": "👍", "deed": "unreact", "target": "their own id"},
    )
    await all_gone(connector)
    assert connector.seen == [
        ("send", "", "gas at 5%"),
        ("edit", "id of gas at 5%", "gas at 50%"),
        ("react", "id of gas at 5%", "👍"),
        ("send", "id of gas at 5%", "indeed"),
        ("unreact", "their own id", "👍"),
    ]


async def test_an_edit_of_what_never_arrived_fails_and_says_so() -> None:
    connector = Editing()

    def refuse(outbound: Outbound) -> None:
        raise Undeliverable("the room is closed")

    connector.mood = refuse
    await sync_to_async(queue_to_a_room)(
        {"text": "a", "once": "copy"}, {"text": "b", "deed": "edit", "refers": "copy"}
    )
    await all_gone(connector)
    reasons = await sync_to_async(
        lambda: [*Delivery.objects.order_by("id").values_list("reason", flat=True)]
    )()
    assert reasons == ["undeliverable", "orphaned"]


async def test_a_deed_the_platform_cannot_do_fails_and_says_so() -> None:
    await sync_to_async(queue_to_a_room)({"text": "", "deed": "delete", "target": "x"})
    await all_gone(Editing())
    row = await sync_to_async(Delivery.objects.get)()
    assert (row.state, row.detail) == ("failed", "this platform cannot delete")


async def test_after_one_that_did_not_leave_the_rest_of_its_batch_waits_and_order_is_kept() -> None:
    connector = StandIn()
    trouble = [RuntimeError("hiccup")]

    def stumble(outbound: Outbound) -> None:
        if outbound.text == "2" and trouble:
            raise trouble.pop()

    connector.mood = stumble
    await sync_to_async(queue)("standin", "anna", "1", "2", "3", "4")
    await all_gone(connector)
    assert connector.texts == ["1", "2", "3", "4"]
    attempts = await sync_to_async(
        lambda: [*Delivery.objects.order_by("id").values_list("attempts", flat=True)]
    )()
    assert attempts == [1, 2, 1, 1]


async def test_files_leave_with_their_message_and_are_swept_afterwards(
    settings: Settings, tmp_path: Path
) -> None:
    settings.FILES_DIR = tmp_path
    picture = Attachment("图.png", "image/png", b"\x89PNG", "https://example.org/p")
    connector = StandIn()
    packed = await sync_to_async(files.pack)([picture])
    await sync_to_async(queue_to_a_room)({"text": "look", "files": tuple(packed)})
    age_all(tmp_path)
    assert await sync_to_async(files.sweep)() == 0
    await all_gone(connector)
    assert connector.taken[0].attachments == (picture,)
    assert await sync_to_async(files.sweep)() == 1


def age_all(folder: Path) -> None:
    long_ago = time.time() - 2 * files.UNCLAIMED
    for path in folder.glob("passing/??/*"):
        os.utime(path, (long_ago, long_ago))

"""One falsehood, one case: however many send it, from wherever, at the same moment."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from chatbranch.cases import actions as cases
from chatbranch.cases import telling
from chatbranch.cases.models import Asker, Case, Variant
from chatbranch.intake import actions as intake
from tests.support.databases import Database
from tests.support.people import case_of, found_branch, inbound, propose

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
CHANNELS = ("web", "matrix", "api", "cli", "mail")
PREFIXES = ("", "【转】", "转发：", "急急急！", "群里看到的：", "Fwd: ")
ENDINGS = ("", "🙏🙏🙏", "！！！", " https://t.example/a?utm_source=x", "~", "\n\n")


def forwarded(place: int) -> str:
    """The rumour as the `place`-th person passes it on: prefix, emoji, link, script, spacing, a cut end."""
    chance = random.Random(place)
    text = RUMOUR
    if chance.random() < 0.2:
        from chatbranch.kernel.text import to_traditional

        text = to_traditional(text)
    if chance.random() < 0.2:
        text = text.replace("，", " ， ")
    if chance.random() < 0.2:
        text = text[: -chance.randrange(1, 8)]
    return chance.choice(PREFIXES) + text + chance.choice(ENDINGS)


@pytest.mark.usefixtures("own_index")
def test_a_thousand_near_identical_messages_from_five_channels_make_one_case_with_a_thousand_askers(
    either_database: Database,
) -> None:
    refused: list[BaseException] = []
    start = threading.Barrier(10)

    def send(worker: int) -> None:
        try:
            start.wait()
            for place in range(worker, 1000, 10):
                intake.do_check(
                    inbound(forwarded(place), asker=f"asker {place}", channel=CHANNELS[place % 5]), reply=True
                )
        except BaseException as error:
            refused.append(error)
            raise
        finally:
            connection.close()

    began = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(send, range(10)))
    print(f"1,000 messages in {time.monotonic() - began:.1f} s on {either_database.vendor}")
    assert not refused
    assert Case.objects.count() == 1
    assert Case.objects.get().askers_count == 1000
    assert Asker.objects.count() == 1000
    assert sum(Variant.objects.values_list("count", flat=True)) == 1000


@pytest.mark.usefixtures("own_index")
def test_the_same_messages_delivered_again_by_their_platform_change_nothing(
    either_database: Database,
) -> None:
    sent = [inbound(RUMOUR, asker=f"asker {place}", channel="matrix") for place in range(20)]
    for message in [*sent, *sent]:
        intake.do_check(message, reply=True)
    assert Case.objects.get().askers_count == 20


@pytest.mark.usefixtures("own_index")
def test_one_asker_who_sends_it_twenty_times_is_one_asker(either_database: Database) -> None:
    for _ in range(20):
        intake.do_check(inbound(RUMOUR, asker="insistent"), reply=True)
    assert Case.objects.get().askers_count == 1


@pytest.mark.usefixtures("own_index")
def test_nobody_who_joins_while_a_verdict_is_being_reached_is_left_out(either_database: Database) -> None:
    members = found_branch()
    case = case_of(intake.do_check(inbound(RUMOUR, asker="first"))[1])
    note = propose(members["chen"], case)
    for early in ("zhou", "lin"):
        cases.do_rate(members[early], note, value=1.0)
    start = threading.Barrier(9)

    def send(worker: int) -> None:
        try:
            start.wait()
            for place in range(12):
                intake.do_check(inbound(RUMOUR, asker=f"asker {worker} {place}"), reply=True)
        finally:
            connection.close()

    def decide() -> None:
        try:
            start.wait()
            cases.do_rate(members["he"], note, value=1.0)
        finally:
            connection.close()

    with ThreadPoolExecutor(9) as pool:
        done = [pool.submit(send, worker) for worker in range(8)] + [pool.submit(decide)]
        for each in done:
            each.result()
    while telling.do_tell_verdicts():
        pass
    assert Asker.objects.count() == 97
    assert set(Asker.objects.values_list("told_version", flat=True)) == {1}

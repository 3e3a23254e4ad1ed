"""What can never happen: a private message in a room, a circle, a message lost between being taken and being queued."""

from __future__ import annotations

import random

import pytest
from django.db.models import Count
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.deliveries.models import Delivery
from chatbranch.relay import rules
from chatbranch.relay.models import Carried
from chatbranch.relay.tests.support import PLAIN, RICH, carry, install, join, said

ROOMS = ["rich !a", "rich !b", "plain #c", "plain #d"]


@pytest.fixture
def _platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN})


@pytest.mark.usefixtures("_platforms")
@pytest.mark.django_db(transaction=True)
def test_in_a_thousand_trials_no_private_report_reaches_a_room() -> None:
    """Whatever it says, whoever it names, even where its address is that of a room of a route."""
    join(*ROOMS)
    chance = random.Random(20261124)
    for n in range(1000):
        text = chance.choice(["谣言", "join it", "@bot hi", "#c", "!a", "/relay"]) + str(n)
        carry(
            said(
                chance.choice(ROOMS),
                text,
                f"m{n}",
                chance.choice(["anna", "ben"]),
                direct=True,
                mentioned=chance.random() < 0.5,
                in_reply_to=chance.choice(["", f"m{n - 1}"]),
                trail=chance.choice([(), ("0123456789abcdef",)]),
            )
        )
    assert not Delivery.objects.exists()
    assert not Carried.objects.exists()


@pytest.mark.usefixtures("_platforms")
@pytest.mark.django_db(transaction=True)
def test_accepted_is_carried_to_every_other_room_exactly_once() -> None:
    join(*ROOMS)
    for n in range(200):
        room = ROOMS[n % len(ROOMS)]
        carry(said(room, str(n), f"m{n}"))
        carry(said(room, str(n), f"m{n}"))
    assert Delivery.objects.count() == 200 * (len(ROOMS) - 1)
    counts = Delivery.objects.values("about").annotate(n=Count("id")).values_list("n", flat=True)
    assert set(counts) == {len(ROOMS) - 1}


rooms = st.integers(0, 5).map(lambda n: f"room {n}")


@given(relays=st.lists(st.sets(rooms, min_size=2), min_size=1, max_size=4), start=rooms)
def test_relays_that_share_rooms_never_go_in_circles(relays: list[set[str]], start: str) -> None:
    """Each relay takes every copy it sees in its rooms for a new message: the trail alone must end it."""
    said_in, steps = [(start, ())], 0
    while said_in:
        here, trail = said_in.pop()
        for relay in relays:
            if here in relay:
                onto = rules.destinations(here, sorted(relay), trail)
                said_in += [(there, rules.onward(trail, [here, *onto])) for there in onto]
        steps += 1
        assert steps < 2_000


@given(st.text(min_size=1, max_size=3000), st.integers(20, 500))
def test_nothing_is_lost_in_cutting_a_text_to_size(text: str, most: int) -> None:
    parts = rules.split(text, most)
    assert "".join(parts) == text
    assert all(0 < len(part) <= most for part in parts)

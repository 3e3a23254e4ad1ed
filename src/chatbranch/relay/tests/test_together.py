"""What waits at the same time is carried in one transaction: nothing in it is in the way of the rest, or out of order."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from chatbranch.deliveries.models import Delivery
from chatbranch.kernel.messages import Change, Inbound
from chatbranch.relay import actions, carrying, rules
from chatbranch.relay.actions import Brought, Went
from chatbranch.relay.models import Carried, Leg
from chatbranch.relay.tests.support import PLAIN, PUPPETS, RICH, done, install, join, said, texts, waiting

pytestmark = pytest.mark.usefixtures("either_database")


@pytest.fixture(autouse=True)
def _platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN, "puppets": PUPPETS})


def carry(*whats: Inbound | Change) -> list[Went]:
    return actions.do_carry([Brought(each) for each in whats])


def numbered(room: str, count: int) -> list[Inbound]:
    return [said(room, str(n), f"{room} {n}") for n in range(count)]


@pytest.fixture
def unsayable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that says "bad" breaks us."""
    gist = rules.gist

    def fragile(text: str) -> str:
        if text == "bad":
            raise ZeroDivisionError
        return gist(text)

    monkeypatch.setattr(carrying.rules, "gist", fragile)


@pytest.mark.usefixtures("unsayable")
def test_a_message_that_breaks_us_does_not_spoil_those_carried_with_it() -> None:
    join("rich !a", "plain #b")
    went = carry(said("rich !a", "1", "m1"), said("rich !a", "bad", "m2"), said("plain #b", "2", "m3"))
    assert (went[0], went[2]) == (["plain"], ["rich"])
    assert isinstance(went[1], ZeroDivisionError)
    assert texts("plain") == ["Anna (Rich): 1"]
    assert texts("rich") == ["Anna (Plain): 2"]


def test_while_the_database_is_away_nothing_of_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    join("rich !a", "plain #b")

    def away(messages: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(carrying.deliveries, "do_queue_many", away)
        with pytest.raises(OperationalError):
            carry(*numbered("rich !a", 3))
    assert not Carried.objects.exists()
    carry(*numbered("rich !a", 3))
    assert len(texts("plain")) == 3


def test_many_cost_hardly_more_statements_than_one() -> None:
    join("rich !a", "plain #b", "puppets g")
    counts = []
    for room, count in (("rich !a", 1), ("plain #b", 100)):
        with CaptureQueriesContext(connection) as asked:
            carry(*numbered(room, count))
        counts.append(len([each for each in asked if not each["sql"].startswith("INSERT")]))
    assert counts[1] == counts[0]


def test_each_room_hears_them_in_the_order_in_which_they_were_said() -> None:
    join("rich !a", "plain #b", "puppets g")
    both = [
        each for pair in zip(numbered("rich !a", 50), numbered("plain #b", 50), strict=True) for each in pair
    ]
    carry(*both)
    assert texts("plain") == [f"Anna (Rich): {n}" for n in range(50)]
    assert texts("rich") == [f"Anna (Plain): {n}" for n in range(50)]
    heard = [(body["author"], body["text"]) for body in waiting("puppets")]
    assert heard == [(f"Anna ({each.channel.title()})", each.text) for each in both]


def test_a_message_brought_twice_at_the_same_time_is_carried_once() -> None:
    join("rich !a", "plain #b")
    carry(said("rich !a", "once"), said("rich !a", "once"))
    carry(said("rich !a", "once"), said("rich !a", "another", "m2"))
    assert texts("plain") == ["Anna (Rich): once", "Anna (Rich): another"]


def test_a_reply_and_an_edit_find_the_message_that_is_carried_with_them() -> None:
    join("rich !a", "puppets g")
    carry(
        said("rich !a", "gas at 5%", "gas"),
        said("rich !a", "really?", "r", "ben", in_reply_to="gas"),
        done("rich !a", "edit", "gas", "gas at 50%"),
    )
    first, reply, edit = waiting("puppets")
    copy = Delivery.objects.get(body=first).once
    assert reply["refers"] == edit["refers"] == copy
    assert edit["deed"] == "edit"


def test_what_was_carried_before_and_comes_again_is_what_an_edit_beside_it_finds() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "gas at 5%", "gas"))
    carry(said("rich !a", "gas at 5%", "gas"), done("rich !a", "edit", "gas", "gas at 50%"))
    assert waiting("puppets")[1]["refers"] == Delivery.objects.order_by("id")[0].once


def test_nobody_but_the_writer_edits_a_message_that_is_carried_with_it() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "gas at 5%", "gas"), done("rich !a", "edit", "gas", "false", sender="ben"))
    assert [body["text"] for body in waiting("puppets")] == ["gas at 5%"]


def test_a_room_that_has_left_hears_nothing_more() -> None:
    join("rich !a", "plain #b", "puppets g")
    carry(said("rich !a", "1", "m1"))
    join("rich !a", "puppets g")
    went = carry(said("rich !a", "2", "m2"), said("plain #b", "3", "m3"))
    assert went == [["puppets"], None]
    assert texts("plain") == ["Anna (Rich): 1"]


def test_a_room_whose_address_was_erased_is_sent_nothing() -> None:
    join("rich !a", "plain #b")
    carrying.contacts.do_erase([Leg.objects.get(channel="plain").pseudonym])
    carry(said("rich !a", "hello"))
    assert texts("plain") == []

"""“Forget me”, said one to one, reaches what the relay keeps of that person; and of nobody else."""

from __future__ import annotations

import pytest
from tests.support.databases import Database

from chatbranch.deliveries.models import Delivery
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Inbound
from chatbranch.relay import actions
from chatbranch.relay.models import Carried
from chatbranch.relay.tests.support import PLAIN, RICH, carry, install, join, said

pytestmark = pytest.mark.usefixtures("own_index")


@pytest.fixture(autouse=True)
def _platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN})


def one_to_one(text: str) -> Inbound:
    """Anna writes to the bot in a conversation of two, whose address is not her name."""
    return Inbound("rich", "!two-of-us", "anna", f"direct-{text}", text, clock.now())


def test_what_was_carried_of_whoever_is_forgotten_goes_and_the_rest_stays(either_database: Database) -> None:
    join("rich !a", "plain #b")
    carry(said("rich !a", "from anna", "m1", "anna"))
    carry(said("rich !a", "from ben", "m2", "ben"))
    assert intake.do_check(one_to_one("forget me"), reply=True)[1].outcome == "forgotten"
    assert actions.do_forget() == 1
    assert list(Carried.objects.values_list("gist", flat=True)) == ["from ben"]
    assert not [body for body in bodies() if "from anna" in str(body)]


def test_who_only_asks_is_not_forgotten_by_the_relay(either_database: Database) -> None:
    join("rich !a", "plain #b")
    carry(said("rich !a", "from anna", "m1", "anna"))
    intake.do_check(one_to_one("help"), reply=True)
    assert actions.do_forget() == 0
    assert Carried.objects.count() == 1


def bodies() -> list[object]:
    return list(Delivery.objects.values_list("body", flat=True))

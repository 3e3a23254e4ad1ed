"""Two relays that share their rooms, as two branches would: nothing goes in circles.

Each takes what the other brings for something new. On XMPP a message bears the rooms it has been carried to; plain IRC lets
nothing be borne, so each relay is told who the other is (the `peers` setting).
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.servers.legs import Irc, Words, Xmpp, connected, present, said, settings_of
from tests.servers.ngircd import Ngircd, ngircd
from tests.servers.prosody import Prosody, prosody
from tests.support.databases import Database
from tests.support.house import House, house

__all__ = ["ngircd", "prosody"]
pytestmark = [pytest.mark.server]

OTHER = "otherbot"


@dataclass
class Circle:
    """A channel and a room, each with both relays in it. The first relay's names are those of `irc` and `xmpp`."""

    irc: Irc
    xmpp: Xmpp
    houses: tuple[House, House]

    async def heard(self, leg: Irc | Xmpp) -> Words:
        """What both relays have said in one of the two."""
        return [*await leg.heard(), *await leg.heard_of(OTHER)]


@pytest.fixture
async def circle(
    ngircd: Ngircd, prosody: Prosody, sqlite_database: Database, tmp_path: Path
) -> AsyncIterator[Circle]:
    irc, xmpp = Irc(ngircd), Xmpp(prosody)
    mine = settings_of([irc, xmpp], tmp_path)
    account = prosody.account(OTHER)
    theirs = {
        **mine,
        "CHATBRANCH_IRC_NICK": OTHER,
        "CHATBRANCH_XMPP_JID": account,
        "CHATBRANCH_XMPP_PASSWORD": OTHER,
    }
    with ExitStack() as stack:
        async with present(irc, xmpp):
            first = stack.enter_context(house(sqlite_database, **mine, CHATBRANCH_IRC_PEERS=OTHER))
            other = _another(sqlite_database, tmp_path)
            second = stack.enter_context(house(other, **theirs, CHATBRANCH_IRC_PEERS=irc.nick))
            yield Circle(irc, xmpp, (first, second))


def _another(database: Database, folder: Path) -> Database:
    """A second branch's database, as empty as the first."""
    assert database.file
    own = folder / "other"
    own.mkdir()
    file = Path(shutil.copy(database.file, own / database.file.name))
    return replace(database, file=file, options={**database.options, "NAME": file})


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(5, id="short"),
        pytest.param(
            60 * float(os.environ.get("SOAK_MINUTES", "10")),
            marks=pytest.mark.soak,
            id="ten minutes",
        ),
    ],
)
async def test_two_relays_that_share_both_rooms_do_not_go_in_circles(circle: Circle, seconds: float) -> None:
    irc, xmpp = circle.irc, circle.xmpp
    for each in circle.houses:
        await asyncio.to_thread(each.start, "connectors")
    await connected([irc, xmpp])
    await _both_are_there(circle)
    spoken, end = 0, asyncio.get_running_loop().time() + seconds
    while spoken < 20 or asyncio.get_running_loop().time() < end:
        await asyncio.gather(said(irc, spoken), said(xmpp, spoken))
        spoken += 1
        await asyncio.sleep(0.2)
    numbers = range(spoken)
    for leg, source in ((irc, "xmpp"), (xmpp, "irc")):
        missing, end = {*numbers}, asyncio.get_running_loop().time() + 300
        while missing and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.5)
            missing = {*numbers} - {n for name, n in await circle.heard(leg) if name == source}
        assert not missing, f"of {spoken} said on {source}, {len(missing)} came from neither relay"
    await asyncio.sleep(3)  # a circle would go on
    for leg, source in ((irc, "xmpp"), (xmpp, "irc")):
        heard = Counter(each for each in await circle.heard(leg) if each[1] < 1_000_000)
        assert heard == {(source, n): 2 for n in numbers}  # once by each relay, and nothing of its own


async def _both_are_there(circle: Circle) -> None:
    """Until the second relay carries both ways, too."""
    number = 2_000_000
    async with asyncio.timeout(200):
        for leg, there, source in ((circle.irc, circle.xmpp, "irc"), (circle.xmpp, circle.irc, "xmpp")):
            while not [each for each in await there.heard_of(OTHER) if each[0] == source]:
                number += 1
                await said(leg, number)
                await asyncio.sleep(1)

"""Who judges is drawn so that anyone can draw again; and every small branch has a panel, or is told plainly what is missing."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.conduct import lots
from chatbranch.conduct.lots import HOME, PEER, Missing, Slip, draw, in_order, mark, read_pool, write_pool

SEED = bytes(range(32))


def slips(*blocs: str) -> list[Slip]:
    """One person of each owner, in these blocs."""
    return [Slip(mark("lot", str(place)), str(place + 1), bloc) for place, bloc in enumerate(blocs)]


pools = st.lists(st.sampled_from([HOME, "1", "2", PEER]), min_size=0, max_size=9).map(
    lambda blocs: slips(*blocs)
)


@given(pools)
def test_a_pool_is_read_from_the_log_as_it_was_written(pool: list[Slip]) -> None:
    assert sorted(read_pool(write_pool(pool)), key=str) == sorted(pool, key=str)


@pytest.mark.parametrize(
    "written", ["x", "0123456789abcdef-1", "0123456789abcdef-1-q", "0123456789abcdef-1-1."]
)
def test_what_is_no_pool_is_not_read_as_one(written: str) -> None:
    with pytest.raises(ValueError, match="pool"):
        read_pool(written)


@given(pools, st.binary(min_size=32, max_size=32), st.booleans(), st.integers(1, 3))
def test_the_draw_does_not_depend_on_the_order_in_which_people_are_told(
    pool: list[Slip], seed: bytes, appeal: bool, blocs: int
) -> None:
    assert draw(seed, pool, blocs=blocs, appeal=appeal) == draw(seed, pool[::-1], blocs=blocs, appeal=appeal)


@given(pools, st.binary(min_size=32, max_size=32), st.booleans(), st.integers(1, 3))
def test_a_panel_is_three_owners_and_not_one_bloc_alone(
    pool: list[Slip], seed: bytes, appeal: bool, blocs: int
) -> None:
    panel = draw(seed, pool, blocs=blocs, appeal=appeal)
    if isinstance(panel, Missing):
        return
    assert len({slip.owner for slip in panel}) == 3
    assert blocs < 2 or len({slip.bloc for slip in panel}) >= 2 or all(slip.peer for slip in panel)
    assert not appeal or sum(slip.bloc != HOME for slip in panel) >= 2
    peers = sum(slip.peer for slip in panel)
    without = draw(seed, [slip for slip in pool if not slip.peer], blocs=blocs, appeal=appeal)
    assert (peers == 0) == (not isinstance(without, Missing)), "peers only complete a panel"


def test_everybody_is_drawn_about_as_often() -> None:
    pool = slips(HOME, HOME, "1", "1", "2", "2")
    drawn = Counter[str]()
    for number in range(3_000):
        panel = draw(sha256(str(number).encode()).digest(), pool, blocs=3)
        assert not isinstance(panel, Missing)
        drawn.update(slip.mark for slip in panel)
    assert all(1_350 < times < 1_650 for times in drawn.values()), drawn


def test_several_people_of_one_owner_have_one_chance_between_them_to_sit() -> None:
    pool = [*slips(HOME, "1", "2"), *(Slip(mark("lot", f"more {n}"), "1", HOME) for n in range(20))]
    panel = draw(SEED, pool, blocs=3)
    assert not isinstance(panel, Missing)
    assert len({slip.owner for slip in panel}) == 3


def test_whoever_stays_keeps_their_place_when_another_is_replaced() -> None:
    pool = slips(HOME, HOME, "1", "1", "2", "2")
    panel = draw(SEED, pool, blocs=3)
    assert not isinstance(panel, Missing)
    gone, *stay = panel
    rest = [slip for slip in pool if slip is not gone]
    again = draw(SEED, rest, blocs=3, keep=[slip.mark for slip in stay])
    assert not isinstance(again, Missing)
    assert set(stay) < set(again)


def test_a_stranger_draws_the_same_with_a_few_lines_of_their_own() -> None:
    """What the page of a draw tells people to do, in a Python that knows nothing of ours."""
    pool = slips(HOME, HOME, "1", "1", "2", "2")
    program = (
        "import sys; from hashlib import sha256\n"
        "seed, pool = bytes.fromhex(sys.argv[1]), sys.argv[2].split('.')\n"
        "print(sha256(seed).hexdigest())\n"
        "for slip in sorted(pool, key=lambda each: sha256(seed + each[:16].encode()).digest()): print(slip)\n"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-c", program, SEED.hex(), write_pool(pool)], capture_output=True, text=True
    ).stdout.split()
    assert said[0] == lots.seed_hash(SEED)
    assert said[1:] == [str(slip) for slip in in_order(SEED, pool)]


# --- small branches --------------------------------------------------------------------------------------------------------


def splits(number: int, most: int = 9) -> Iterator[tuple[int, ...]]:
    """Every way to part so many outlets into blocs, as the blocs' sizes."""
    if number == 0:
        yield ()
    for first in range(min(number, most), 0, -1):
        for rest in splits(number - first, first):
            yield (first, *rest)


def situations() -> Iterator[tuple[tuple[int, ...], int, tuple[int, ...]]]:
    """(sizes of the blocs, the accused outlet's bloc, how many of each bloc may judge), for 3 to 8 outlets and every conflict."""
    for number in range(3, 9):
        for sizes in splits(number):
            for accused in range(len(sizes)):
                there = [size - (bloc == accused) for bloc, size in enumerate(sizes)]
                for free in product(*(range(each + 1) for each in there)):
                    yield sizes, accused, free


def pool_of(accused: int, free: tuple[int, ...]) -> list[Slip]:
    return slips(
        *(
            HOME if bloc == accused else str(bloc + 1)
            for bloc, number in enumerate(free)
            for _ in range(number)
        )
    )


def test_every_small_branch_has_a_panel_or_is_told_what_is_missing() -> None:
    tried = Counter[str]()
    for sizes, accused, free in situations():
        pool = pool_of(accused, free)
        for appeal in (False, True):
            found = draw(SEED, pool, blocs=len(sizes), appeal=appeal)
            tried[type(found).__name__] += 1
            if isinstance(found, Missing):
                help_comes(found, pool, len(sizes), appeal)
    assert tried["tuple"] > 3_000
    assert tried["Missing"] > 300


def help_comes(missing: Missing, pool: list[Slip], blocs: int, appeal: bool) -> None:
    """With so many peers as were asked for there is a panel, and with one fewer there is none."""
    peers = [Slip(mark("lot", f"peer {each}"), f"9{each}", PEER) for each in range(missing.owners)]
    completed = draw(SEED, [*pool, *peers], blocs=blocs, appeal=appeal)
    assert not isinstance(completed, Missing), (pool, missing)
    assert isinstance(draw(SEED, [*pool, *peers[:-1]], blocs=blocs, appeal=appeal), Missing)
    assert 0 <= missing.views <= missing.owners
    assert missing.phrase.en
    assert missing.phrase.zh
    if missing.views == 0 and pool:
        home = pool[0].bloc  # then anybody of another owner will do, of a bloc that is there already too
        more = [Slip(mark("lot", f"more {each}"), f"8{each}", home) for each in range(missing.owners)]
        assert not isinstance(draw(SEED, [*pool, *more], blocs=blocs, appeal=appeal), Missing)


def test_a_founding_branch_of_six_outlets_has_its_panels_without_any_peer() -> None:
    pool = slips(HOME, "1", "1", "2", "2")  # three blocs of two, one outlet accused
    first = draw(SEED, pool, blocs=3)
    assert not isinstance(first, Missing)
    on_appeal = [slip for slip in pool if slip not in first]
    second = draw(SEED, on_appeal, blocs=3, appeal=True)
    assert isinstance(second, Missing), (
        "five owners are one too few for two panels: a peer completes the second"
    )
    assert second.owners == 1


def test_every_panel_that_is_drawn_could_not_have_been_drawn_without_its_peers() -> None:
    for blocs in combinations([HOME, "1", "2", PEER, PEER, PEER], 5):
        panel = draw(SEED, slips(*blocs), blocs=3)
        assert not isinstance(panel, Missing)
        own = sum(bloc != PEER for bloc in blocs)
        assert sum(slip.peer for slip in panel) == max(0, 3 - own)

"""The verifiable lot: who judges is drawn so that anyone can draw again, and see that it comes out the same. Pure.

At receipt a random seed is drawn and its SHA-256 put into the public log. When the reply window closes, the pool is fixed by rule.
The pool is put in order by SHA-256(seed, slip), and the first three in that order who fit together are the panel. Then
the seed is put into the log beside the pool. Whoever fixed the seed did not know the pool, and whoever knows the pool
cannot change the seed.

A slip stands for one person in one lot, so that the log names nobody, and nobody can be followed from one lot to the next.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations

from chatbranch.conduct.rules import JURORS, MAJORITY
from chatbranch.kernel.phrases import Phrase

SEED = 32  # bytes
PEER = "p"
HOME = "0"
"""In the place of a bloc: a peer branch's; and the bloc of the outlet that is judged."""
_SLIP = re.compile(r"([0-9a-f]{16})-(\d{1,3})-(\d{1,3}|p)")


@dataclass(frozen=True)
class Slip:
    """One person in one lot. owner, bloc: numbers that hold for this lot only; of a peer, the bloc is PEER."""

    mark: str
    owner: str
    bloc: str

    @property
    def peer(self) -> bool:
        """Whether they are of a peer branch."""
        return self.bloc == PEER

    def __str__(self) -> str:
        return f"{self.mark}-{self.owner}-{self.bloc}"


def new_seed() -> bytes:
    """A fresh seed."""
    return secrets.token_bytes(SEED)


def seed_hash(seed: bytes) -> str:
    """What is logged at receipt: 64 hex digits."""
    return sha256(seed).hexdigest()


def mark(lot: str, person: str) -> str:
    """What stands for a person in a lot: 16 hex digits. Identifiers of members are unguessable, so it names nobody."""
    return sha256(f"{lot}\n{person}".encode()).hexdigest()[:16]


def write_pool(pool: Iterable[Slip]) -> str:
    """A pool as it stands in the log: slips by their marks, parted by full stops."""
    return ".".join(str(each) for each in sorted(pool, key=lambda slip: slip.mark))


def read_pool(written: str) -> list[Slip]:
    """The slips of a pool in the log. Raises ValueError for what is none."""
    found = [_SLIP.fullmatch(each) for each in written.split(".")] if written else []
    if any(each is None for each in found):
        raise ValueError("this is no pool")
    return [Slip(*each.groups()) for each in found if each]


def in_order(seed: bytes, pool: Iterable[Slip]) -> list[Slip]:
    """The pool in the order of the draw."""
    return sorted(pool, key=lambda slip: sha256(seed + slip.mark.encode()).digest())


@dataclass(frozen=True)
class Missing:
    """Why no panel can be drawn, and what would help. owners: of so many more owners somebody is needed; views: so many of them
    from elsewhere than those there are."""

    owners: int
    views: int

    @property
    def phrase(self) -> Phrase:
        """The same, said to members."""
        if self.views:
            return Phrase(
                f"评议组还缺 {self.owners} 位，其中 {self.views} 位须来自别的圈或友会。请一个友会派人补上。",
                f"The panel lacks {self.owners}, of whom {self.views} must come from another bloc or a peer branch. Ask a peer branch for jurors.",
            )
        return Phrase(
            f"评议组还缺 {self.owners} 位，须来自不同负责人的账号。请一个友会派人补上。",
            f"The panel lacks {self.owners}, from outlets of other owners. Ask a peer branch for jurors.",
        )


def draw(
    seed: bytes, pool: Collection[Slip], *, blocs: int, appeal: bool = False, keep: Sequence[str] = ()
) -> tuple[Slip, ...] | Missing:
    """The panel: three from three owners; from two blocs at least, where the branch has them (`blocs`: how many it has); on appeal
    two of them from elsewhere than the outlet's bloc. Members of the branch come first; peers complete the panel.

    keep: marks of jurors who stay, when one of them is to be replaced.
    """
    one_each = _first_of_each_owner(in_order(seed, pool), keep)
    for peers in range(JURORS + 1):
        for three in combinations(one_each, JURORS):
            here = {slip.mark for slip in three}
            if (
                sum(slip.peer for slip in three) == peers
                and here.issuperset(keep)
                and _fit(three, blocs, appeal)
            ):
                return three
    return _missing(one_each, blocs, appeal)


def _first_of_each_owner(ordered: Sequence[Slip], keep: Sequence[str]) -> list[Slip]:
    found: dict[str, Slip] = {}
    for slip in sorted(ordered, key=lambda slip: slip.mark not in keep):
        found.setdefault(slip.owner, slip)
    return [slip for slip in ordered if found[slip.owner] is slip]


def _fit(three: Sequence[Slip], blocs: int, appeal: bool) -> bool:
    """Whether these three may judge together. Of a branch with several blocs, no bloc is alone; peers are of none."""
    elsewhere = sum(slip.bloc != HOME for slip in three)
    mixed = blocs < 2 or len({slip.bloc for slip in three}) >= 2 or all(slip.peer for slip in three)
    return mixed and (not appeal or elsewhere >= MAJORITY)


def _missing(one_each: Sequence[Slip], blocs: int, appeal: bool) -> Missing:
    """The fewest peers, each of another owner, with whom a panel can be drawn; and how many of them cannot be from a bloc that is
    there already."""
    for more in range(1, JURORS + 1):
        peers = [Slip(f"peer {each}", f"peer {each}", PEER) for each in range(more)]
        if any(_fit(three, blocs, appeal) for three in combinations([*one_each, *peers], JURORS)):
            break
    elsewhere = sum(slip.bloc != HOME for slip in one_each)
    outside = max(0, MAJORITY - elsewhere) if appeal else 0
    alone = int(blocs >= 2 and len({slip.bloc for slip in one_each}) == 1)
    return Missing(more, min(more, max(outside, alone)))

"""What members' corrections of a match amount to. Pure, and short enough to be read aloud to the branch's members.

One outlet has one voice, and outlets of one owner are one outlet; the last word of each member counts. An outlet whose
members disagree about a claim says nothing about it, and one voice alone changes nothing that happens by itself:

- members of two outlets say that a message does not say what a claim says: the claim is no longer an answer to it,
  whatever others say, for silence does less harm than a wrong "this was checked";
- members of two outlets say that it does, and no outlet says otherwise: the claim learns the wording. That cannot be
  taken back, so one outlet's no is enough to wait.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

OUTLETS_NEEDED = 2

SAME, NOT_SAME, NOTHING = "same", "not-same", "nothing"
SAYS = (SAME, NOT_SAME, NOTHING)

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def choice_of(said: str, address: str = "") -> tuple[str, UUID | None] | None:
    """What a page's button says: "not", "nothing", the id of a claim, or "at" for the claim whose page `address` names.

    Returns (says, claim); None for anything else. "not" is about the claim that was found.
    """
    if said in ("not", NOTHING):
        return (NOT_SAME if said == "not" else NOTHING), None
    found = _ID.search(address if said == "at" else said)
    return (SAME, UUID(found.group())) if found else None


@dataclass(frozen=True)
class Word:
    """One member's present word on a message. `outlet`: the key of its owner.

    same: the message says what `claim` says; then it does not say what `found` says, where that is another claim.
    not-same: it does not say what `claim` says. nothing: it says none of the claims that were there then; of those that
    are spoken of now, `knew`.
    """

    outlet: str
    says: str
    claim: str | None = None
    found: str | None = None
    knew: frozenset[str] = frozenset()
    counts: bool = True

    def of(self, claim: str) -> bool | None:
        """Whether the message says what this claim says, by this word; None where it does not tell."""
        if self.says == SAME:
            return True if claim == self.claim else (False if claim == self.found else None)
        denied = {self.found, *self.knew} if self.says == NOTHING else {self.claim}
        return False if claim in denied else None


@dataclass(frozen=True)
class Agreed:
    """What is agreed about one message.

    yes, no: for each claim spoken of, how many outlets say that the message says it, or does not.
    nothing: how many say that no claim does.
    """

    yes: dict[str, int]
    no: dict[str, int]
    nothing: int = 0

    def is_apart(self, claim: str) -> bool:
        """Whether the claim is no answer to the message."""
        return self.no.get(claim, 0) >= OUTLETS_NEEDED

    def learns(self, claim: str) -> bool:
        """Whether the claim learns the message as a wording."""
        return self.yes.get(claim, 0) >= OUTLETS_NEEDED and not self.no.get(claim, 0)

    @property
    def right(self) -> frozenset[str]:
        """The claims that outlets say it says, and none denies."""
        return frozenset(claim for claim, outlets in self.yes.items() if outlets and not self.no[claim])

    @property
    def wrong(self) -> frozenset[str]:
        """The claims that outlets say it does not say, and none says it does."""
        return frozenset(claim for claim, outlets in self.no.items() if outlets and not self.yes[claim])

    @property
    def fits_nothing(self) -> bool:
        """Whether outlets say that no claim says it, and none names one."""
        return self.nothing > 0 and not any(self.yes.values())

    @property
    def disputed(self) -> bool:
        """Whether outlets contradict each other about a claim."""
        return any(self.yes[claim] and self.no[claim] for claim in self.yes)

    @property
    def by_two(self) -> bool:
        """Whether two outlets say one and the same."""
        return max([self.nothing, *self.yes.values(), *self.no.values()]) >= OUTLETS_NEEDED


def agreed(words: Sequence[Word]) -> Agreed:
    """What these words, the last of each member on one message, amount to."""
    heard = [word for word in words if word.counts]
    spoken = {claim for word in heard for claim in (word.claim, word.found, *word.knew) if claim}
    yes, no = {}, {}
    for claim in sorted(spoken):
        for_it = {word.outlet for word in heard if word.of(claim) is True}
        against = {word.outlet for word in heard if word.of(claim) is False}
        yes[claim], no[claim] = len(for_it - against), len(against - for_it)
    nothing = {word.outlet for word in heard if word.says == NOTHING}
    return Agreed(yes, no, len(nothing - {word.outlet for word in heard if word.says == SAME}))

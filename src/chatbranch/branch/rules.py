"""How the association holds together: who counts as one, who may invite, when a vote counts. Pure, to be read aloud."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import normalise

MEMBER, STEWARD, PEER = "member", "steward", "peer"
BLOC_KEPT = timedelta(days=90)
NEW_MEMBER_WAITS = timedelta(days=30)
FOUNDING_TIME = timedelta(days=30)
INVITATION_LASTS = timedelta(days=7)
FOUNDING_LINK_LASTS = timedelta(days=90)
ADMISSION_LASTS = timedelta(days=14)
PEOPLE_NEEDED = 2
VOUCHERS = 2

Lacks = Literal["", "owner", "bloc", "member"]
LACKING: dict[Lacks, Phrase] = {
    "owner": Phrase(
        "还要一位其他负责人的账号的成员担保。", "A member of an outlet of another owner still has to vouch."
    ),
    "bloc": Phrase("还要一位其他圈的成员担保。", "A member of another bloc still has to vouch."),
    "member": Phrase("还要一位成员担保。", "One more member still has to vouch."),
}

BLOC_MEANS: dict[str, Phrase] = {
    "audience": Phrase("读者相近", "the same kind of readers"),
    "region": Phrase("同一地区", "the same region"),
}


def owner_key(owner: str) -> str:
    """What makes outlets count as one: the same owner, however it is spaced, capitalised or punctuated."""
    folded = unicodedata.normalize("NFKC", owner).casefold()
    return "".join(character for character in folded if character.isalnum())


def count_as_one(owner: str, other: str) -> bool:
    """Whether two outlets with these owners have one voice between them."""
    return owner_key(owner) == owner_key(other)


def joins_as_founder(founded_at: datetime, joined_at: datetime, role: str = MEMBER) -> bool:
    """Whoever joins in the branch's first 30 days is a founder: until then there is nobody to be outvoted by newcomers.
    A peer never is."""
    return role != PEER and joined_at < founded_at + FOUNDING_TIME


def counts_from(joined_at: datetime, founder: bool, rests_until: datetime | None = None) -> datetime:
    """From when a member's word on a note counts: 30 days after joining; a founder's at once. Never while their outlet's
    membership rests."""
    counts = joined_at if founder else joined_at + NEW_MEMBER_WAITS
    return max(counts, rests_until) if rests_until else counts


def speaks_of(text: str, matter: str) -> bool:
    """Whether a text speaks of what a member has declared to be bound to."""
    name = normalise(matter).text
    return len(name) >= 2 and name in normalise(text).text


@dataclass(frozen=True)
class Voice:
    """A member as far as admitting others goes: which owner they work for, and that owner's bloc."""

    owner: str
    bloc: str


def admission_lacks(vouchers: Sequence[Voice], branch: Sequence[Voice]) -> Lacks:
    """What an admission still needs; empty where nothing. `branch`: everybody who could vouch, the vouchers included.

    Two members of different owners vouch, from two blocs. Where the branch has one bloc, two owners of it do; where it has one
    owner, two members; where it has one member, that one: there is always a way.
    """
    if len(_owners(vouchers)) < min(VOUCHERS, len(_owners(branch))):
        return "owner"
    if len(_blocs(vouchers)) < min(VOUCHERS, len(_blocs(branch))):
        return "bloc"
    return "member" if len(vouchers) < min(VOUCHERS, len(branch)) else ""


def _owners(voices: Sequence[Voice]) -> set[str]:
    return {each.owner for each in voices}


def _blocs(voices: Sequence[Voice]) -> set[str]:
    return {each.bloc for each in voices}


def bloc_may_change_from(bloc_since: datetime) -> datetime:
    """From when an outlet may declare another bloc: 90 days after the last declaration."""
    return bloc_since + BLOC_KEPT


def may_invite(role: str, own_outlet: object, outlet: object | None, invited_role: str) -> bool:
    """Stewards invite anyone; a member invites colleagues of their own outlet, as members.

    `outlet` is None for an outlet that is still to join.
    """
    if role == STEWARD:
        return True
    return outlet is not None and outlet == own_outlet and invited_role == MEMBER


def check_bloc_change(bloc_since: datetime, now: datetime) -> None:
    """Refuses a change of bloc that comes too soon after the last one."""
    free = bloc_may_change_from(bloc_since)
    if now < free:
        raise Refused(
            "bloc-too-soon",
            Phrase(
                "所属圈每 90 天最多改一次，{day} 起可以再改。",
                "An outlet's bloc changes at most every 90 days; it may change again from {day}.",
            ),
            status=409,
            field="bloc",
            day=f"{free:%Y-%m-%d}",
        )

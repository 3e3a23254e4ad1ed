"""The queue's order and its reasons, and how states are called. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbranch.kernel.phrases import Phrase

STATES: dict[str, Phrase] = {
    "open": Phrase("核查中", "being checked"),
    "decided": Phrase("已有结论", "decided"),
    "opinion": Phrase("属看法，不评判", "an opinion, not rated"),
    "private": Phrase("属私事，不公开", "private, not public"),
    "merged": Phrase("已并入另一个案", "joined to another case"),
}
PERSON_LOOKS_WITHIN = timedelta(hours=24)
STILL_UNKNOWN_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class Place:
    """Where a case stands in the queue, and why. Smaller ranks come first."""

    rank: tuple[int, float]
    reason: Phrase


def place(
    *,
    urgent: bool,
    askers: int,
    opened_at: datetime,
    has_note: bool,
    touched: bool,
    now: datetime,
    yours: bool = True,
) -> Place:
    """A case's place: urgent harm, then notes waiting for your word, then what nobody has looked at for a day, then notes
    waiting for others' words, then askers.

    yours: whether the word of the member who looks is still missing on a note. The number of askers orders the work; it
    says nothing about the claim.
    """
    age = now - opened_at
    hours = int(age.total_seconds() // 3600)
    if urgent:
        return Place((0, -askers), Phrase("紧急：可能伤人", "urgent: may hurt people"))
    if has_note and yours:
        return Place((1, -askers), Phrase("有结论提案，等您表态", "a note is waiting for your word"))
    if not touched and age >= PERSON_LOOKS_WITHIN:
        return Place(
            (2, -hours), Phrase(f"已等 {hours} 小时，还没人看", f"nobody has looked for {hours} hours")
        )
    if has_note:
        return Place(
            (3, -askers), Phrase("有结论提案，等其他成员表态", "a note is waiting for others' words")
        )
    if askers > 1:
        return Place((4, -askers), Phrase(f"{askers} 人在问", f"{askers} people ask"))
    waited = Phrase(f"等了 {hours} 小时", f"waiting {hours} h") if hours else Phrase("刚收到", "just arrived")
    return Place((5, opened_at.timestamp()), waited)

"""The measures there are, and towards whom: member outlets, and nobody else. Pure.

A measure is made by `Measure.on`, which takes a `MemberOutlet`; and a MemberOutlet is made from an outlet that has not left and
is of no other branch. A type checker refuses anything else, and so does the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol, final
from uuid import UUID

from chatbranch.kernel.phrases import Phrase


class OfTheBranch(Protocol):
    """An outlet as the branch keeps it. left_at, peer: empty for one that belongs to this branch now."""

    @property
    def id(self) -> UUID: ...
    @property
    def left_at(self) -> datetime | None: ...
    @property
    def peer(self) -> str: ...


@final
class MemberOutlet:
    """An outlet that belongs to this branch. Raises NotAMember for any other."""

    __slots__ = ("id",)

    def __init__(self, outlet: OfTheBranch) -> None:
        if outlet.left_at is not None or outlet.peer:
            raise NotAMember("no measure is taken towards an outlet that is not of this branch")
        self.id = outlet.id


class NotAMember(Exception):
    """Code tried to take a measure towards somebody outside the branch. A defect, never a person's mistake."""


class Measure(Enum):
    """From the mildest to the strongest: (word in tables and log, what it is called, the longest it may last in days)."""

    GUIDANCE = ("guidance", Phrase("提醒", "guidance"), 30)
    CORRECTION = ("correction", Phrase("要求更正", "request to correct"), 90)
    ADVISORY = ("advisory", Phrase("告诫", "advisory"), 180)
    NOTICE = ("notice", Phrase("公开通告", "public notice"), 180)
    SUSPENSION = ("suspension", Phrase("暂停成员资格", "suspension"), 180)
    EXCLUSION = ("exclusion", Phrase("除名", "exclusion"), 730)

    def __init__(self, word: str, phrase: Phrase, longest: int) -> None:
        self.word, self.phrase, self.longest = word, phrase, longest

    @property
    def grade(self) -> int:
        """1 for the mildest."""
        return list(Measure).index(self) + 1

    @property
    def rests(self) -> bool:
        """Whether the outlet's membership rests while it is in effect."""
        return self in (Measure.SUSPENSION, Measure.EXCLUSION)

    @classmethod
    def read(cls, word: str) -> Measure | None:
        """The measure of this word; None where there is none."""
        return next((each for each in cls if each.word == word), None)

    def on(self, outlet: MemberOutlet, *, until: datetime, reasons: str) -> Imposed:
        """This measure towards a member outlet, until then, for these reasons; raises ValueError where there are none."""
        return Imposed(self, outlet, until, reasons)


@final
@dataclass(frozen=True)
class Imposed:
    """A measure as it is decided. There is none without an end, and none without reasons."""

    measure: Measure
    outlet: MemberOutlet
    until: datetime
    reasons: str

    def __post_init__(self) -> None:
        if not isinstance(self.outlet, MemberOutlet):
            raise NotAMember("a measure is taken towards a member outlet")
        if not self.reasons.strip():
            raise ValueError("a measure has reasons")

"""What a matter is: its states, what can happen to it, and where it stands. Pure.

A matter is one post of a member outlet under complaint. What happened to it is a list of events that only grows; steps.py says what
may follow on what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from chatbranch.conduct import rules
from chatbranch.conduct.measures import Measure
from chatbranch.conduct.rules import Finding, Vote


class State(StrEnum):
    """Where a matter can stand."""

    RECEIVED = "received"
    OPINION = "opinion"
    OUT_OF_SCOPE = "out-of-scope"
    DUPLICATE = "duplicate"
    EVIDENCE = "evidence"
    REPLY = "reply"
    PANEL = "panel"
    GUIDED = "guided"
    DISMISSED = "dismissed"
    DECIDED = "decided"
    EFFECTIVE = "effective"
    APPEALED = "appealed"
    UPHELD = "upheld"
    REVERSED = "reversed"
    EXPIRED = "expired"


class Kind(StrEnum):
    """What can happen to a matter."""

    RECEIVED = "received"
    NOTICED = "noticed"
    SCREENED = "screened"
    REOPENED = "reopened"
    OPENED = "opened"
    EVIDENCE = "evidence"
    ASKED = "asked"
    EXTENDED = "extended"
    REPLIED = "replied"
    MASKED = "masked"
    CORRECTED = "corrected"
    CLOSED = "closed"
    SHORT = "short"
    DRAWN = "drawn"
    REPLACED = "replaced"
    VOTED = "voted"
    STATED = "stated"
    APPROVED = "approved"
    DISMISSED = "dismissed"
    EFFECTIVE = "effective"
    APPEALED = "appealed"
    LAPSED = "lapsed"
    SETTLED = "settled"
    EXPIRED = "expired"


ENDED = frozenset(
    {State.OPINION, State.OUT_OF_SCOPE, State.DUPLICATE, State.GUIDED, State.DISMISSED}
    | {State.REVERSED, State.EXPIRED}
)
"""Nothing more is to be expected, unless a person takes it up again."""
IN_EFFECT = frozenset({State.EFFECTIVE, State.UPHELD})
"""The states in which a measure holds, and in which alone there is a public word."""
APPEALABLE = frozenset({State.EFFECTIVE, State.EXPIRED})
BEFORE_PANEL = frozenset({State.EVIDENCE, State.REPLY})
JUDGED = frozenset({State.PANEL, State.APPEALED})
ANY = frozenset(State)


@dataclass(frozen=True)
class Event:
    """One thing that happened. by: the member who did it, or "" (the clock, or a reader). says: what the kind needs."""

    kind: Kind
    at: datetime
    by: str = ""
    says: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Panel:
    """One round of judging: the first, or the appeal. statement: as it was written, until two jurors stand by it."""

    jurors: tuple[str, ...] = ()
    seated_at: Mapping[str, datetime] = field(default_factory=dict)
    votes: tuple[Vote, ...] = ()
    writer: str = ""
    approvers: frozenset[str] = frozenset()

    @property
    def finding(self) -> Finding | None:
        """What the votes come to, once all are there."""
        return rules.finding(self.votes) if rules.all_said(self.votes) else None

    @property
    def stands(self) -> bool:
        """On appeal: whether a majority would let the finding stand."""
        return sum(vote.broken for vote in self.votes) >= rules.MAJORITY

    @property
    def majority(self) -> frozenset[str]:
        """The jurors who voted as it came out."""
        return frozenset(vote.juror for vote in self.votes if vote.broken == self.stands)

    @property
    def approved(self) -> bool:
        """Whether two different jurors stand by the written reasons."""
        return len(self.approvers) >= 2

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The jurors who have not voted."""
        voted = {vote.juror for vote in self.votes}
        return tuple(each for each in self.jurors if each not in voted)


@dataclass(frozen=True)
class Progress:
    """Where a matter stands. first, appeal: the two rounds; no appeal, None. left: what was left of the measure's time when the
    appeal began. settled_at: when two jurors of the appeal stood by its reasons."""

    state: State
    received_at: datetime
    since: datetime
    noticed_at: datetime | None = None
    evidence: int = 0
    reply_until: datetime | None = None
    extensions: int = 0
    replies: int = 0
    said_all: bool = False
    closed: bool = False
    first: Panel = Panel()
    appeal: Panel | None = None
    measure: Measure | None = None
    decided_at: datetime | None = None
    ends: datetime | None = None
    intent: bool = False
    appeal_until: datetime | None = None
    appealed_at: datetime | None = None
    settled_at: datetime | None = None
    left: timedelta = timedelta(0)
    short_at: datetime | None = None
    pattern: bool = False

    @property
    def panel(self) -> Panel:
        """The round that is being judged, or was last."""
        return self.appeal or self.first

    @property
    def round(self) -> int:
        """1 for the first panel, 2 on appeal."""
        return 2 if self.appeal is not None else 1

    def is_in_effect(self, now: datetime) -> bool:
        """Whether the measure holds at this moment."""
        return self.state in IN_EFFECT and self.ends is not None and now < self.ends

    def may_appeal(self, now: datetime) -> bool:
        """Whether the outlet may still appeal."""
        in_time = self.appeal_until is not None and now < self.appeal_until
        return self.state in APPEALABLE and in_time and self.appealed_at is None

    def is_final(self, now: datetime) -> bool:
        """Whether the finding can no longer be appealed: it was upheld, or nobody did in time."""
        if self.appeal is not None:
            return self.measure is not None and self.state in (State.UPHELD, State.EXPIRED)
        ripe = self.appeal_until is not None and now >= self.appeal_until
        return ripe and self.state in (State.EFFECTIVE, State.EXPIRED)

    def is_over(self, now: datetime) -> bool:
        """Whether nothing about it can be appealed any more."""
        return self.is_final(now) or self.state in (State.REVERSED, State.GUIDED, State.DISMISSED)

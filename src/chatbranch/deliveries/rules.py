"""When to send, wait, repeat and give up. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from chatbranch.kernel.backoff import pause

GIVE_UP_AFTER = timedelta(days=7)
LEASE = timedelta(seconds=60)
"""How long a lane is held for one message. Longer than a send may take, so that only a dead or stalled holder loses it."""
SEND_WITHIN = 45.0
"""Seconds a connector has for one message."""
KEEP_TEXT = timedelta(days=90)
KEEP_CONVERSATION = timedelta(days=1)

AT_ONCE = 50
"""Messages under way on one channel at the same time."""
AT_ONCE_UNSURE = 4
"""The same where the platform does not recognise a repeat: what a crash may repeat at most (each message once)."""
BATCH = 10
"""Messages one lease may cover, where the platform recognises a repeat and wants no rest between two."""
BATCH_WITHIN = 10.0
"""Seconds after which a batch is broken off; the lease must outlast it and one more send."""
FEW_LANES = 16
"""A batch is taken only while so few lanes wait: many lanes keep a channel busy by themselves."""
CHANNEL_SHARE = 10
"""A channel as a whole sends at most as fast as this many busy lanes."""


CLOCK_SLACK = timedelta(minutes=1)


def set_back_by(wall: timedelta, steady: float) -> timedelta | None:
    """By how much the wall clock was set back, while `steady` seconds really passed; None for less than a minute."""
    by = timedelta(seconds=steady) - wall
    return by if by >= CLOCK_SLACK else None


@dataclass(frozen=True)
class Sent:
    """The platform took the message."""

    receipt: str = ""


@dataclass(frozen=True)
class Postponed:
    """The platform asked us to wait: no attempt, no failure."""

    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Broken:
    """The attempt failed. `unsure`: nobody knows whether the platform took the message all the same (a time-out)."""

    detail: str = ""
    unsure: bool = False


@dataclass(frozen=True)
class Refusal:
    """The message can never arrive there."""

    detail: str = ""


@dataclass(frozen=True)
class Held:
    """Not begun: a message before it on the same lane did not leave, and order is kept."""


Outcome = Sent | Postponed | Broken | Refusal | Held
State = Literal["queued", "sent", "failed"]


@dataclass(frozen=True)
class Settled:
    """What becomes of a delivery after an attempt. `pause`: seconds until its lane goes on. `unsure`: may have arrived."""

    state: State
    reason: str = ""
    detail: str = ""
    pause: float = 0.0
    unsure: bool = False


def backoff(attempts: int, chance: float) -> float:
    """Seconds to wait after the `attempts`-th failure in a row: doubling from 1 s to 5 min, jittered by half.

    chance: uniform in [0, 1). Jitter keeps ten thousand lanes that failed together from coming back together.
    """
    return pause(attempts - 1, chance)


def settle(outcome: Outcome, *, attempts: int, interval: float, left: timedelta, chance: float) -> Settled:
    """What an attempt's outcome means. interval: the lane's rest between messages, s; left: the time until giving up."""
    match outcome:
        case Sent():
            return Settled("sent", pause=interval)
        case Refusal(detail):
            return Settled("failed", "undeliverable", detail, pause=interval)
        case Held():
            return Settled("queued")
        case Postponed(seconds, detail):
            return Settled("queued", "postponed", detail, pause=max(seconds, interval))
        case Broken(detail, unsure):
            if left <= timedelta(0):
                return Settled("failed", "gave-up", detail, pause=interval)
            return Settled(
                "queued", "retrying", detail, pause=max(backoff(attempts, chance), interval), unsure=unsure
            )


@dataclass(frozen=True)
class Head:
    """The first waiting delivery of a free lane, as far as the decision to send it goes.

    orphaned: it does something to a message of ours that never arrived there.
    """

    interrupted: bool
    repeats: int
    left: timedelta
    reachable: bool
    orphaned: bool = False


Start = Literal["send", "repeat", "gave-up", "erased", "interrupted", "orphaned"]


def start(head: Head, *, idempotent: bool) -> Start:
    """Whether the head of a lane is sent, or why it never will be.

    An interrupted attempt may have arrived. Where the platform recognises the key it is simply sent again; elsewhere
    it is repeated once, and a second interruption ends it rather than tell somebody three times.
    """
    if not head.reachable:
        return "erased"
    if head.orphaned:
        return "orphaned"
    if head.interrupted and not idempotent:
        return "repeat" if head.repeats == 0 else "interrupted"
    return "gave-up" if head.left <= timedelta(0) else "send"


def fit(text: str, most: int) -> str:
    """The text within `most` characters: whole, or its beginning and its last line (which tells where to read on)."""
    if len(text) <= most:
        return text
    last = text.rstrip().rpartition("\n")[2]
    tail = f"…\n{last}" if len(last) + 2 < most // 2 else "…"
    return text[: most - len(tail)].rstrip() + tail


@dataclass
class Bucket:
    """A token bucket for one channel: `rate` messages a second, bursts of one second's worth; rate 0 has no limit.

    Being asked to wait on three lanes in a row means the whole channel is asked: it rests for as long, at most a minute.
    """

    rate: float
    clock: Callable[[], float]
    tokens: float = field(init=False)
    at: float = field(init=False)
    rests_until: float = field(default=0.0, init=False)
    asked: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.tokens, self.at = self._most, self.clock()

    @property
    def _most(self) -> float:
        return max(self.rate, 1.0)

    def room(self, wanted: int) -> int:
        """How many of `wanted` messages may leave now."""
        now = self.clock()
        self.tokens, self.at = min(self._most, self.tokens + (now - self.at) * self.rate), now
        if now < self.rests_until:
            return 0
        return wanted if self.rate <= 0 else min(wanted, int(self.tokens))

    def take(self, count: int) -> None:
        """`count` messages left."""
        self.tokens -= count if self.rate > 0 else 0

    def heard(self, outcome: Outcome) -> None:
        """Learn from an outcome whether the channel itself wants rest."""
        self.asked = self.asked + 1 if isinstance(outcome, Postponed) else 0
        if self.asked >= 3 and isinstance(outcome, Postponed):
            self.rests_until, self.asked = self.clock() + min(outcome.seconds, 60.0), 0

"""When a member is let in again. Pure, to be read aloud."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

ASKING_LASTS = timedelta(days=7)
WAITS = timedelta(hours=24)
STAYS_OPEN = timedelta(days=7)
HELPERS = 2

State = Literal["asked", "waiting", "open", "over"]


def enough(owners: Collection[str]) -> bool:
    """Whether those who helped are enough: two members of different owners, whoever they are; no steward alone."""
    return len(set(owners)) >= HELPERS


def state(*, asked_at: datetime, opens_at: datetime | None, ended: bool, now: datetime) -> State:
    """Where it stands: asked for, waiting for its day to pass, open for a new password, or over.

    opens_at: a day after the second member helped. ended: used, or stopped.
    """
    if ended:
        return "over"
    if opens_at is None:
        return "asked" if now < asked_at + ASKING_LASTS else "over"
    if now < opens_at:
        return "waiting"
    return "open" if now < opens_at + STAYS_OPEN else "over"

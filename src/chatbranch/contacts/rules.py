"""How long anything that leads to a person is kept. Pure."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

KEEP_DAYS = 90
"""The longest an address is kept after its holder last asked (people.md, safeguard 8)."""

DAY_SCOPE_DAYS = 31
"""How long the salt of one day outlives that day's last use: a day longer than what was sent under it is kept, so that
"forget me" finds all of it."""

FORGOTTEN_MONTHS = 6
"""How long the forgotten list remembers: a backup older than the window has no living address left to forget again."""

_DAYS = uuid.UUID("6f1c2b6e-0d53-5a63-9d6e-3b0b1b7f5a10")


def day_scope(day: date) -> uuid.UUID:
    """The subject under which a day's askers are counted: a UUIDv5, which no case or claim (UUIDv7) can have."""
    return uuid.uuid5(_DAYS, day.isoformat())


def kept_days(asked: int) -> int:
    """The window an address is kept, in days: what was asked for, at least one, never more than the longest."""
    return min(max(asked, 1), KEEP_DAYS)


def oldest_use(subject: uuid.UUID, today: date) -> date:
    """A salt last used before this day may go, once no address hangs on it."""
    return today - timedelta(days=DAY_SCOPE_DAYS if subject.version == 5 else KEEP_DAYS)


def month_of(day: date) -> str:
    """The month a line of the forgotten list carries: coarse on purpose, so that lines of one person do not stand out."""
    return f"{day:%Y-%m}"


def remembers(month: str, today: date) -> bool:
    """Whether a line of that month ("2026-11") still has a backup to guard against."""
    year, number = (int(part) for part in month.split("-"))
    return (today.year - year) * 12 + today.month - number <= FORGOTTEN_MONTHS

"""What could be read aloud to the members: until when, who may judge, what a panel's votes come to. Pure.

Days are counted in the accused outlet's favour: a day ends when it has ended everywhere on earth, and the day on which
something is said does not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from chatbranch.conduct.measures import Measure

NOTICE_WITHIN = timedelta(hours=24)
NOTICE_AT_LATEST = timedelta(hours=20)
"""So long after a complaint the outlet is told although nobody has looked at it yet."""
REPLY_DAYS = 7  # working days
EXTENSIONS = 2
"""So often the outlet may add another seven working days, by itself."""
EVIDENCE_WITHIN = timedelta(days=14)
VOTE_WITHIN = timedelta(days=7)
DRAW_AGAIN = timedelta(days=1)
APPEAL_MONTHS = 6
APPEAL_TARGET = timedelta(days=30)
APPEAL_LIMIT = timedelta(days=90)
PATTERN, PATTERN_MONTHS = 3, 12
"""So many final findings, each with intent evidenced, in so many months, are put before a panel as such."""
JURORS, MAJORITY = 3, 2
WARNED_FROM, REFUSED_FROM = 5, 10
"""Complaints of one reader, or of one network, on one day: from the first on they are warned, and that is logged; only after
that, and above the second, further ones wait until tomorrow."""


# --- days --------------------------------------------------------------------------------------------------------------


def working_days_after(start: datetime, days: int, holidays: Collection[date] = ()) -> datetime:
    """The end of the `days`-th working day after `start`. Saturdays, Sundays and `holidays` are none."""
    day = start.astimezone(UTC).date()
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in holidays:
            days -= 1
    return end_of(day)


def end_of(day: date) -> datetime:
    """When this day has ended everywhere on earth: at noon UTC of the next, for the last clocks stand at UTC-12."""
    return datetime.combine(day + timedelta(days=1), time(12), UTC)


def last_day(until: datetime) -> date:
    """The last day that is over at `until`, for people: the inverse of `end_of`."""
    return (until.astimezone(UTC) - timedelta(hours=36)).date()


def months_after(start: datetime, months: int) -> datetime:
    """The same day so many months on; the last of the month where that has no such day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for day in range(start.day, 27, -1):
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return start.replace(year=year, month=month + 1)


# --- posts -------------------------------------------------------------------------------------------------------------

_TRACKING = {
    "fbclid",
    "gclid",
    "igshid",
    "spm",
    "share_token",
    "si",
    "ref_src",
    "scene",
    "from",
    "isappinstalled",
}


def canonical_url(said: str) -> str:
    """One address for one post, however it was shared; empty for what is no web address.

    http and https are one, `www.` and `m.` go, as do fragments and what only says where a link was clicked; what is left of
    the query is put in order.
    """
    try:
        parts = urlsplit(said.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or "." not in parts.hostname:
        return ""
    host = parts.hostname.lower().rstrip(".")
    for start in ("www.", "m."):
        host = host.removeprefix(start) if host.count(".") > 1 else host
    at = f":{port}" if port and port not in (80, 443) else ""
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in _TRACKING and not name.lower().startswith("utm_")
    ]
    query = f"?{urlencode(sorted(kept))}" if kept else ""
    return f"https://{host}{at}{parts.path.rstrip('/') or '/'}{query}"


# --- who may judge -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """What the rule knows of somebody who might judge. owner: key of the owner of their outlet.

    interest: a declared interest that the matter speaks of, or "". vouched: they vouched for somebody of the accused
    outlet, or the other way round. counts_from: never while their own outlet's membership rests.
    """

    id: str
    owner: str
    counts_from: datetime
    complained: bool = False
    interest: str = ""
    vouched: bool = False


def may_judge(person: Person, accused_owner: str, now: datetime) -> bool:
    """Whether somebody goes into the pool: a full member who is not of the accused's owner, has not complained, is bound by no
    interest or vouching."""
    free = not (person.complained or person.interest or person.vouched)
    return free and person.owner != accused_owner and person.counts_from <= now


# --- what votes come to ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vote:
    """One juror's word. broken: the clause was broken (on appeal: the finding stands). measure, days: what should follow, for how
    long. intent: it was done knowingly, and something shows that."""

    juror: str
    broken: bool
    measure: Measure | None = None
    days: int = 0
    intent: bool = False
    reasons: str = ""


@dataclass(frozen=True)
class Finding:
    """What a majority agrees on, at least. intent: a majority found it evidenced."""

    measure: Measure
    days: int
    intent: bool


def finding(votes: Sequence[Vote]) -> Finding | None:
    """The mildest of what a majority would have: the second strongest measure asked for. None where no majority says
    that the clause was broken: then there is no finding.

    days: the fewest that anyone asks for who would have that measure or a stronger one.
    """
    found = sorted((vote for vote in votes if vote.broken and vote.measure), key=_grade, reverse=True)
    if len(found) < MAJORITY:
        return None
    agreed = found[MAJORITY - 1].measure
    assert agreed is not None
    days = min(vote.days for vote in found if _grade(vote) >= agreed.grade)
    return Finding(agreed, days, sum(vote.intent for vote in found) >= MAJORITY)


def _grade(vote: Vote) -> int:
    return vote.measure.grade if vote.measure else 0


def all_said(votes: Sequence[Vote]) -> bool:
    """Whether nothing that is still to be said can change what the votes come to."""
    return len(votes) == JURORS


# --- a pattern ---------------------------------------------------------------------------------------------------------


def pattern(final: Iterable[tuple[str, datetime, bool]], now: datetime) -> tuple[str, ...]:
    """Of an outlet's final findings (key, decided at, intent evidenced), the three newest that together are to be put before
    a panel as such; empty where there are not three within twelve months of now. It is a matter for a panel, and
    never a measure by itself."""
    counted = sorted(
        (decided, key)
        for key, decided, intent in final
        if intent and months_after(decided, PATTERN_MONTHS) > now
    )
    return tuple(key for _, key in counted[-PATTERN:]) if len(counted) >= PATTERN else ()

"""When we speak in a room without having been asked: hardly ever. Pure; could be read aloud to the room.

A word that nobody asked for, before everybody, is welcome only where it is certain, about something that harms, about what
was said just now, and not said already today. Everything else is the room's own business.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chatbranch.kernel.text import length

FEWEST = 20
"""Letters and digits without which a message says too little to be sure what it says."""
LONGEST = 5_000
"""Characters above which nothing is compared unasked: an article says many things."""
JUST_NOW = timedelta(minutes=10)
FALSEHOODS = frozenset({"false", "misleading"})


def worth_comparing(text: str, sent_at: datetime, now: datetime) -> bool:
    """Whether a message of a room is looked at at all. Links, names and emoji alone never are; nor is what a platform
    brings later, when the talk has moved on."""
    return len(text) <= LONGEST and now - sent_at <= JUST_NOW and length(text) >= FEWEST


def is_certain(outcome: str, rating: str, *, in_force: bool) -> bool:
    """Whether this is a published falsehood beyond doubt.

    outcome: of matching, after the guard; a suggestion never is. in_force: the verdict is the newest, and not expired.
    """
    return outcome == "answer" and rating in FALSEHOODS and in_force

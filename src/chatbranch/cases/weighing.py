"""In a branch of many raters, what all their ratings together say of a note, beside the quorum (consensus/bridging.py).

Fitting takes longer than a transaction may, so a rating never publishes there: the worker does, within seconds. What a fit
knows of raters stays in this process, without their names, until the next rating.
"""

from __future__ import annotations

import threading
from uuid import UUID

from django.db.models import QuerySet

from chatbranch.branch import queries as branch
from chatbranch.cases.models import Note, Rating
from chatbranch.consensus.bridging import RATERS_FROM, Axis, Bridging, Rated
from chatbranch.consensus.rules import Decision
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import Phrase

_lock = threading.Lock()
_State = tuple[int, UUID | None]
_fitted: tuple[_State, Axis | None] = ((-1, None), None)


def has_many_raters() -> bool:
    """Whether as many people have rated notes here as it takes to tell who usually disagrees."""
    return _present().values("by").distinct().count() >= RATERS_FROM


def bridging_on(note: Note) -> Bridging | None:
    """What the ratings of the whole branch say of this note; None where there are too few raters."""
    axis = _axis() if has_many_raters() else None
    return axis.bridging(str(note.pk)) if axis else None


def why(note: Note, decision: Decision) -> Phrase:
    """The sentence under a note: the quorum's; once that accepts, what the ratings of the whole branch say, if they do."""
    bridging = bridging_on(note) if decision.accepted and note.accepted_at is None else None
    return bridging.why if bridging else decision.why


def state() -> _State:
    """Changes with every rating, and when somebody leaves."""
    present = _present()
    return present.count(), present.order_by("-id").values_list("id", flat=True).first()


def _present() -> QuerySet[Rating]:
    return Rating.objects.filter(by__left_at=None, by__is_active=True)


def _axis() -> Axis | None:
    """Of the ratings as they are now; fitted once for each state of them."""
    global _fitted
    now = state()
    with _lock:
        if _fitted[0] != now:
            rated = _rated()
            _fitted = now, Axis.of(rated) if rated else None
        return _fitted[1]


def _rated() -> list[Rated]:
    """Everybody's present word on every note, of those whose word counts."""
    said = _present().order_by("at", "id").values_list("note_id", "by_id", "value")
    last = {(note, rater): value for note, rater, value in said}
    standings, now = branch.standings({rater for _, rater in last}), clock.now()
    return [
        Rated(str(note), str(rater), standings[rater].outlet, value)
        for (note, rater), value in last.items()
        if rater in standings and standings[rater].counts_from <= now
    ]

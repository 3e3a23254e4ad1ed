"""What happened to a matter, read and written. Whoever writes holds the matter first, so that events have one order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatbranch.branch.actions import do_let_rest
from chatbranch.branch.models import Member
from chatbranch.conduct.models import Matter, MatterEvent
from chatbranch.conduct.states import Event, Kind, Progress
from chatbranch.conduct.steps import NotNow, advance, due, fold
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


class Held:
    """A matter held until the transaction ends, with what happened to it so far. Make one inside the transaction."""

    def __init__(self, matter: Matter) -> None:
        self.matter = (
            Matter.objects.select_for_update(of=("self",)).select_related("outlet__bloc").get(pk=matter.pk)
        )
        self._events = events_of(self.matter)
        self.progress: Progress | None = fold(self._events) if self._events else None
        self.place = len(self._events)

    @property
    def now(self) -> Progress:
        """Where it stands."""
        assert self.progress is not None
        return self.progress

    def write(
        self,
        kind: Kind,
        by: Member | None = None,
        says: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> int:
        """Let this happen; returns its place. Raises NotNow where it cannot."""
        event = Event(kind, at or clock.now(), str(by.pk) if by else "", dict(says or {}))
        self.progress = advance(self.progress, event)
        self.place += 1
        MatterEvent.objects.create(
            matter=self.matter, place=self.place, kind=kind.value, by=by, says=dict(says or {}), at=event.at
        )
        self.wake(due(self.progress))
        if kind in _MOVES_EFFECT:
            self._let_rest()
        do_record("matter.changed", self.matter.id, what=kind.value)
        return self.place

    def _let_rest(self) -> None:
        """The outlet's membership rests for as long as the strongest measures towards it are in effect, and no longer."""
        outlet, now = self.matter.outlet_id, clock.now()
        ends = [
            progress.ends
            for matter in Matter.objects.filter(outlet=outlet).prefetch_related("events")
            if (progress := progress_of(matter)).measure is not None
            and progress.measure.rests
            and progress.is_in_effect(now)
            and progress.ends is not None
        ]
        do_let_rest(outlet, max(ends, default=None))

    def wake(self, at: datetime | None) -> None:
        """Let the clock look again at this moment."""
        Matter.objects.filter(pk=self.matter.pk).update(due_at=at)


def events_of(matter: Matter) -> list[Event]:
    """What happened to it, in order. Where its events were fetched beforehand (`prefetch_related`), nothing is asked."""
    return [as_event(each) for each in sorted(matter.events.all(), key=lambda each: each.place)]


def as_event(row: MatterEvent) -> Event:
    """A row as the rules know it."""
    return Event(Kind(row.kind), row.at, str(row.by_id) if row.by_id else "", row.says)


def progress_of(matter: Matter) -> Progress:
    """Where it stands."""
    return fold(events_of(matter))


def said_at(matter: Matter, *kinds: Kind) -> Mapping[str, Any]:
    """What the newest event of these kinds says; nothing where there is none."""
    wanted = [each for each in events_of(matter) if each.kind in kinds]
    return wanted[-1].says if wanted else {}


def not_now(problem: NotNow) -> Refused:
    """What is said to a person whose step came too late, or too early."""
    return Refused("not-now", _NOT_NOW, status=409, because=str(problem))


_MOVES_EFFECT = (Kind.EFFECTIVE, Kind.APPEALED, Kind.SETTLED, Kind.LAPSED, Kind.EXPIRED)
_NOT_NOW = Phrase(
    "这一步现在做不了，事项可能刚有变化。请刷新看看现在到了哪一步。",
    "This cannot be done now; the matter may just have moved on. Please reload to see where it stands.",
)

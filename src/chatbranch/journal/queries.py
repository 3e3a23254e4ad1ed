"""Reading events. Event data names no asker and no address, so that members may follow all of it live."""

from __future__ import annotations

from chatbranch.journal.models import Event

__all__ = ["Event", "events_after", "first_after", "last_seq"]


def last_seq(*kinds: str) -> int:
    """The newest event's number (of these kinds, if named), 0 when there is none."""
    events = Event.objects.filter(kind__in=kinds) if kinds else Event.objects.all()
    return events.order_by("-seq").values_list("seq", flat=True).first() or 0


def events_after(seq: int, *, most: int = 200) -> list[Event]:
    """Events after `seq`, oldest first, at most `most`."""
    return list(Event.objects.filter(seq__gt=seq).order_by("seq")[:most])


def first_after(seq: int, kind: str) -> Event | None:
    """The oldest event of this kind after `seq`."""
    return Event.objects.filter(seq__gt=seq, kind=kind).order_by("seq").first()

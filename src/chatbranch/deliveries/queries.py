"""Reading the outbox: the ledger for members, and what waits for a reader who fetches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, Sum

from chatbranch.branch.queries import Looker, insider
from chatbranch.contacts.queries import destination
from chatbranch.deliveries import reasons, rules
from chatbranch.deliveries.models import Channel, Delivery
from chatbranch.kernel import clock

FRESH = "fresh"


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. It names a channel and a subject, never an asker, an address or a text."""

    id: UUID
    channel: str
    kind: str
    about: UUID | None
    state: str
    reason: str
    detail: str
    attempts: int
    repeats: int
    created_at: datetime
    sent_at: datetime | None

    def say(self, lang: str) -> str:
        """ "queued", "sent", or "failed because …", in the reader's language."""
        return reasons.say(self.state, self.reason, self.detail, self.repeats, lang)


@dataclass(frozen=True)
class Tally:
    """How many messages a channel was given: accepted = queued + sent + failed. repeats: sent again after a crash."""

    channel: str
    accepted: int
    queued: int
    sent: int
    failed: int
    repeats: int


@dataclass(frozen=True)
class Waiting:
    """A message of a pulled conversation. `cursor` orders them; `fresh`: not handed over yet."""

    cursor: str
    text: str
    html: str
    kind: str
    about: UUID | None
    at: datetime
    fresh: bool


def ledger(
    actor: Looker,
    *,
    about: UUID | None = None,
    state: str | None = None,
    channel: str | None = None,
    before: UUID | None = None,
    most: int = 50,
) -> list[Entry]:
    """Deliveries, newest first, for members; `before` is the last line already seen."""
    insider(actor)
    rows = Delivery.objects.all()
    wanted = {"about": about, "state": state, "channel": channel, "id__lt": before}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    fields = [*Entry.__dataclass_fields__]
    return [Entry(*row) for row in rows.order_by("-id").values_list(*fields)[:most]]


def counts(actor: Looker, *, about: UUID | None = None) -> list[Tally]:
    """Per channel, how many were accepted, and where they stand; of one subject, or of all."""
    insider(actor)
    rows = Delivery.objects.filter(about=about) if about else Delivery.objects.all()
    states = {state: Count("id", filter=Q(state=state)) for state in ("queued", "sent", "failed")}
    found = (
        rows.values("channel")
        .annotate(accepted=Count("id"), again=Sum("repeats"), **states)
        .order_by("channel")
    )
    return [
        Tally(row["channel"], row["accepted"], row["queued"], row["sent"], row["failed"], row["again"])
        for row in found
    ]


def channels(actor: Looker) -> list[Channel]:
    """How each channel is, by name, for members."""
    insider(actor)
    return list(Channel.objects.order_by("name"))


def conversation(channel: str, address: str, after: str = "", *, most: int = 100) -> list[Waiting]:
    """What a reader of a pulled channel has not seen: messages after the cursor `after`, oldest first.

    What was handed over within the last day comes again for a reader without a cursor (a reloaded page), unless the
    cursor is "fresh", or "fresh:" and a cursor: then only what nobody was handed yet (a chat that keeps its own history).
    """
    kept = Q(state=Delivery.State.QUEUED)
    kind, _, place = after.partition(":")
    if kind != FRESH:
        kept, place = kept | Q(sent_at__gte=clock.now() - rules.KEEP_CONVERSATION), after
    rows = Delivery.objects.filter(kept, lane=destination(channel, address)).order_by("id")
    seen = _cursor(place)
    rows = rows.filter(id__gt=seen) if seen else rows
    return [_waiting(row) for row in rows[:most]]


def fresh(channel: str, addresses: Sequence[str]) -> set[str]:
    """Those of `addresses` (at most some thousand) of a pulled channel with something not handed over yet."""
    lanes = {destination(channel, address): address for address in addresses}
    waiting = Delivery.objects.filter(lane__in=list(lanes), state=Delivery.State.QUEUED)
    return {lanes[lane] for lane in waiting.values_list("lane", flat=True).distinct() if lane}


def pseudonyms() -> Iterator[str]:
    """Every pseudonym something was queued for (for forgetting again after a restore)."""
    return Delivery.objects.exclude(pseudonym="").values_list("pseudonym", flat=True).distinct().iterator()


def recipients(kind: str, *, sent_or_before: datetime) -> list[str]:
    """The pseudonyms of deliveries of one kind that were sent, or were queued before a moment."""
    done = ~Q(state=Delivery.State.QUEUED) | Q(created_at__lt=sent_or_before)
    return list(Delivery.objects.filter(done, kind=kind).values_list("pseudonym", flat=True))


def _cursor(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None  # a cursor comes back from outside; a broken one starts from the beginning


def _waiting(row: Delivery) -> Waiting:
    body, fresh = row.body, row.state == Delivery.State.QUEUED
    return Waiting(
        str(row.pk), body.get("text", ""), body.get("html", ""), row.kind, row.about, row.created_at, fresh
    )

"""Reading the outbox: the ledger for members, and what waits for a reader who fetches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q, Sum

from chatbranch.branch.queries import Looker, insider
from chatbranch.contacts.queries import destination
from chatbranch.deliveries import reasons, rules
from chatbranch.deliveries.models import Channel, Delivery
from chatbranch.kernel import clock, ids

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

    def name(self, lang: str) -> str:
        """What it says: an answer, a verdict, a greeting, …"""
        return reasons.name(self.kind, lang)


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
class ChannelHealth:
    """How a channel is ("connected", "reconnecting", "broken"), since when, and what to do about it."""

    name: str
    health: str
    why: str
    since: datetime


@dataclass(frozen=True)
class Traffic:
    """What goes to one destination: of the last day how much was accepted and why some failed; what waits, since when."""

    accepted: int = 0
    queued: int = 0
    oldest: datetime | None = None
    last_sent: datetime | None = None
    failed: Mapping[str, int] = field(default_factory=dict)

    @property
    def lag(self) -> float:
        """Seconds that the oldest waiting message has waited; 0 when nothing waits."""
        return max(0.0, (clock.now() - self.oldest).total_seconds()) if self.oldest else 0.0


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
    """Per channel, how many were accepted, and where they stand; of one subject, or of all. For members."""
    insider(actor)
    return tallies(about)


def tallies(about: UUID | None = None) -> list[Tally]:
    """As `counts`; for whoever has looked at who asks."""
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


def channels() -> dict[str, ChannelHealth]:
    """How each channel is that has said so, by name."""
    rows = Channel.objects.order_by("name").values_list("name", "health", "why", "since")
    return {row[0]: ChannelHealth(*row) for row in rows}


def traffic(pseudonyms: Sequence[str]) -> dict[str, Traffic]:
    """What goes to each of a few destinations."""
    recent = Q(created_at__gte=clock.ago(days=1))
    rows = Delivery.objects.filter(pseudonym__in=pseudonyms)
    queued = Q(state=Delivery.State.QUEUED)
    found = rows.values("pseudonym").annotate(
        accepted=Count("id", filter=recent),
        queued=Count("id", filter=queued),
        oldest=Min("created_at", filter=queued),
        last_sent=Max("sent_at"),
    )
    failed: dict[str, dict[str, int]] = defaultdict(dict)
    for row in (
        rows.filter(recent, state=Delivery.State.FAILED).values("pseudonym", "reason").annotate(n=Count("id"))
    ):
        failed[row["pseudonym"]][row["reason"]] = row["n"]
    known = {row.pop("pseudonym"): row for row in found}
    return {each: Traffic(**known.get(each, {}), failed=failed[each]) for each in pseudonyms}


def reason_in_words(reason: str, lang: str) -> str:
    """Why deliveries failed, as the ledger says it."""
    return reasons.REASONS[reason].say(lang) if reason in reasons.REASONS else reason


def about_receipt(pseudonym: str, receipt: str) -> UUID | None:
    """What the message was about that a destination knows by this id of its platform."""
    found = Delivery.objects.filter(receipt=receipt, pseudonym=pseudonym).exclude(receipt="")
    return found.values_list("about", flat=True).first()


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
    seen = ids.read_id(place)  # a cursor comes back from outside; a broken one starts from the beginning
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


def _waiting(row: Delivery) -> Waiting:
    body, fresh = row.body, row.state == Delivery.State.QUEUED
    return Waiting(
        str(row.pk), body.get("text", ""), body.get("html", ""), row.kind, row.about, row.created_at, fresh
    )

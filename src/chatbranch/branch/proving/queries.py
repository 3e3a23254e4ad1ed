"""Reads about accounts: what was proved of them is for everybody, what is still being proved for members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse

from chatbranch.branch import rules as branch_rules
from chatbranch.branch.models import Account, Outlet, Proving, Sighting
from chatbranch.branch.proving import likeness, places, rules
from chatbranch.branch.proving.places import Place
from chatbranch.branch.queries import Looker, insider, steward
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


@dataclass(frozen=True)
class Shown:
    """One way in which an account was shown to be its outlet's, as everybody may read it."""

    method: Phrase
    proved_at: datetime
    seen_at: datetime
    unproved_at: datetime | None
    why: Phrase | None
    evidence: list[Sighting]


@dataclass(frozen=True)
class Card:
    """An account as everybody may read it. `proved`: shown now; `shown`: every way it was ever shown by."""

    account: Account
    place: Place
    shown: list[Shown]

    @property
    def proved(self) -> bool:
        return self.account.closed_at is None and any(each.unproved_at is None for each in self.shown)


def accounts() -> list[tuple[Outlet, list[Card]]]:
    """Every outlet of the branch with its accounts that were ever proved, open ones first; outlets without any come last.
    For everybody."""
    held = Prefetch("accounts", _accounts())
    found = Outlet.objects.filter(left_at=None, peer="").prefetch_related(held).order_by("name")
    shown = [(outlet, _cards(outlet.accounts.all())) for outlet in found]
    return sorted(shown, key=lambda each: not each[1])


def card(account: Account) -> Card:
    """An account as everybody may read it, its evidence included."""
    ways = account.provings.exclude(proved_at=None).prefetch_related(_evidence()).order_by("proved_at")
    return Card(account, places.read(account.address), [_shown(each) for each in ways])


def elsewhere(account: Account) -> list[Card]:
    """Where this account's outlet is, too: its other accounts that are proved now."""
    others = _accounts().filter(outlet=account.outlet_id).exclude(pk=account.pk)
    return [each for each in _cards(others) if each.proved]


def evidence(key: UUID) -> Sighting | None:
    """What was kept of a look, for everybody; None where there is nothing."""
    return Sighting.objects.filter(pk=key, good=True).exclude(sha256="").first()


def own_accounts(actor: Looker) -> list[Account]:
    """The accounts of the actor's outlet, with their provings, the open ones first."""
    member = insider(actor)
    mine = Account.objects.filter(outlet=member.outlet_id).prefetch_related("provings__sightings")
    return list(mine.order_by("closed_at", "added_at"))


def to_look_at(actor: Looker) -> list[Proving]:
    """Codes that wait for members of other outlets to see them with their own eyes, and that this one has not seen."""
    member = insider(actor)
    waiting = Proving.objects.filter(
        method=Proving.Method.SHOWN,
        proved_at=None,
        account__closed_at=None,
        started_at__gt=clock.now() - rules.CHALLENGE_LASTS,
    ).exclude(post="")
    found = waiting.exclude(sightings__by=member).select_related("account__outlet").order_by("started_at")
    own = branch_rules.owner_key(member.outlet.owner)
    return [each for each in found if branch_rules.owner_key(each.account.outlet.owner) != own]


def unproved(actor: Looker) -> list[Proving]:
    """What is no longer shown of the open accounts of the actor's outlet."""
    member = insider(actor)
    mine = Proving.objects.filter(account__outlet=member.outlet_id, account__closed_at=None)
    return list(mine.exclude(unproved_at=None).select_related("account"))


def may_tend(actor: Looker, outlet: Outlet) -> None:
    """Refuses whoever is neither a member of this outlet nor a steward."""
    member = insider(actor)
    if member.outlet_id != outlet.pk:
        try:
            steward(member)
        except Refused:
            raise Refused(
                "not-your-outlet",
                Phrase(
                    "只有本账号的成员或执事可以做。",
                    "Only the outlet's own members or a steward may do this.",
                ),
                status=403,
            ) from None


def check_likeness(place: Place, outlet: Outlet) -> None:
    """Refuses an account that readers could take for a proved one of another owner, naming that one."""
    if likeness.hidden(place.name):
        raise Refused(
            "account-hidden",
            Phrase(
                "名字里有看不见的字符，请去掉。",
                "The name holds characters that nobody sees; please remove them.",
            ),
            field="address",
        )
    if likeness.mixed(place.handle or place.host):
        raise Refused(
            "account-mixed",
            Phrase(
                "名字里混用了几种文字，读者容易看错，不能这样写。",
                "The name mixes scripts, so that readers could be misled; it cannot be used.",
            ),
            field="address",
        )
    for other in _proved_of_others(outlet):
        there = places.read(other.address)
        if places.same(other.address, place.address):
            raise Refused(
                "account-taken",
                Phrase("这个主页已核验为“{outlet}”的。", "This account is proved to be {outlet}'s."),
                status=409,
                field="address",
                outlet=other.outlet.name,
            )
        if likeness.resembles(place, there):
            raise Refused(
                "account-look-alike",
                Phrase(
                    "“{name}”和“{outlet}”已核验的 {other} 太像，读者会认错。若确实是您的，请换一个名字，或与对方商量。",
                    "“{name}” looks too much like {other}, which is proved to be {outlet}'s; readers would be misled. If it is yours, please choose another name, or speak with them.",
                ),
                status=409,
                field="address",
                name=place.name,
                other=there.name,
                outlet=other.outlet.name,
            )


def our_page(account: Account) -> str:
    """The address of this account's page at the branch, to which the account's own page can link."""
    return str(settings.CONFIG.url) + reverse("account", args=[account.pk])


def proved_addresses(outlet: Outlet, *, but: Account) -> tuple[str, ...]:
    """The addresses of this outlet's other accounts that are proved now."""
    others = _proved().filter(outlet=outlet).exclude(pk=but.pk)
    return tuple(others.values_list("address", flat=True).distinct())


def _proved() -> QuerySet[Account]:
    now = Q(provings__proved_at__isnull=False, provings__unproved_at=None)
    return Account.objects.filter(now, closed_at=None).distinct()


def _proved_of_others(outlet: Outlet) -> list[Account]:
    own = branch_rules.owner_key(outlet.owner)
    found = _proved().select_related("outlet")
    return [each for each in found if branch_rules.owner_key(each.outlet.owner) != own]


def _accounts() -> QuerySet[Account]:
    """Accounts that were proved at some time, the open ones first."""
    ways = Proving.objects.exclude(proved_at=None).order_by("proved_at").prefetch_related(_evidence())
    return (
        Account.objects.filter(provings__proved_at__isnull=False)
        .distinct()
        .prefetch_related(Prefetch("provings", ways))
        .select_related("outlet")
        .order_by("closed_at", "added_at")
    )


def _cards(found: Iterable[Account]) -> list[Card]:
    """Their cards; `found` as _accounts() fetches them."""
    return [
        Card(each, places.read(each.address), [_shown(way) for way in each.provings.all()]) for each in found
    ]


def _evidence() -> Prefetch[str, QuerySet[Sighting], str]:
    kept = Sighting.objects.filter(good=True).exclude(sha256="").select_related("by").order_by("-at")
    return Prefetch("sightings", kept)


def _shown(way: Proving) -> Shown:
    assert way.proved_at is not None
    assert way.seen_at is not None
    return Shown(
        rules.METHODS[rules.method(way.method)],
        way.proved_at,
        way.seen_at,
        way.unproved_at,
        rules.WHY.get(way.why) if way.unproved_at else None,
        list(way.sightings.all()),
    )

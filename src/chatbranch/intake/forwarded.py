"""A card of ours that somebody forwards: whether it is genuine, and what holds today. Old ones answer as well as new ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from chatbranch.cases import queries as cases
from chatbranch.claims import codes, passing_on
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.intake.pictures import card_codes
from chatbranch.kernel.ids import read_id

_PAGE = re.compile(r"/claims/([0-9a-fA-F-]{36})(?:/|\.json|/card\.png)?(?:[?#].*)?")


@dataclass(frozen=True)
class Forwarded:
    """What a message shows: a card by its `code`, genuine or not; or the page of a claim (`claim_id`)."""

    code: str = ""
    claim_id: UUID | None = None
    genuine: bool = False


def card_in(text: str, link: str, images: Iterable[str]) -> Forwarded | None:
    """The card that a message shows, in its words or its pictures; a genuine one, if one is. None where there is none."""
    shown = list(dict.fromkeys(_codes(text, images)))
    for code in shown:
        if found := claims.card_of_code(code):
            return Forwarded(code, found.id, genuine=True)
    if page := _page(link):
        return Forwarded(claim_id=page, genuine=True)
    return Forwarded(shown[0]) if shown else None


def letter(code: str, then: ClaimCard, now: ClaimCard, lang: str, *, url: str) -> str:
    """What whoever forwarded it is told. code: empty where they sent the address of the page."""
    if code:
        return passing_on.of_card(then, now, lang, url=url)
    return passing_on.of_page(now, lang, url=url)


def _codes(text: str, images: Iterable[str]) -> Iterator[str]:
    yield from codes.find(text)
    for name in images:
        try:
            yield from card_codes(cases.kept_file(name))
        except FileNotFoundError:
            continue


def _page(link: str) -> UUID | None:
    """The claim whose page of ours is at this address."""
    if not link.startswith(settings.CONFIG.url):
        return None
    found = _PAGE.fullmatch(link.removeprefix(settings.CONFIG.url))
    claim_id = read_id(found[1]) if found else None
    return claim_id if claim_id and claims.claim_card(claim_id) else None

"""One falsehood, one case: which open case a message belongs to, decided under one lock."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.db import connection

from chatbranch.cases.models import Band, Case, Variant
from chatbranch.claims.rules import WITHDRAWN
from chatbranch.matching import grouping

# Two messages that arrive together must not open two cases. SQLite has one writer at a time; PostgreSQL queues here.
_OPENING = 0x6361_7365
_LOOKED_AT = 20


@dataclass(frozen=True)
class Shape:
    """What a message looks like for grouping. Bands take some milliseconds, and only the first of its kind needs them."""

    text: str
    fingerprint: str
    wordless: bool = False

    @cached_property
    def bands(self) -> tuple[int, ...]:
        return () if self.wordless else tuple(grouping.bands(self.text))


def shape_of(text: str) -> Shape:
    """The grouping shape of a message's text."""
    return Shape(text, grouping.fingerprint(text))


def shape_of_thing(kind: str, name: str, text: str) -> Shape:
    """The shape of a message without words to compare: an image (by its hash) or a page that could not be read (by its link)."""
    return Shape(text, hashlib.sha256(f"{kind}:{name}".encode()).hexdigest(), wordless=True)


def lock_opening() -> None:
    """Queue behind whoever is opening or joining a case now, until this transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_OPENING])


def find_variant(shape: Shape) -> Variant | None:
    """The identical variant of a case that still speaks for it, if there is one."""
    found = (
        Variant.objects.filter(fingerprint=shape.fingerprint)
        .select_related("case__claim")
        .order_by("-first_at")
    )
    return next((variant for variant in found[:10] if _speaks(variant.case)), None)


def find_case(shape: Shape) -> Case | None:
    """The case whose variants this message nearly repeats, with nothing decisive changed (verified, never by hash alone)."""
    if shape.wordless:
        return None
    shared = Counter(Band.objects.filter(band__in=shape.bands).values_list("variant_id", flat=True)[:2000])
    nearest: list[UUID] = [variant for variant, _ in shared.most_common(_LOOKED_AT)]
    variants = Variant.objects.filter(pk__in=nearest).select_related("case__claim").in_bulk()
    for key in nearest:
        variant = variants.get(key)
        if variant and _speaks(variant.case) and grouping.same_case(shape.text, variant.text):
            return variant.case
    return None


def _speaks(case: Case) -> bool:
    """A merged case does not speak for its variants any more (they moved on), nor one whose verdict was withdrawn."""
    if case.state == Case.State.MERGED:
        return False
    if case.claim_id is None or case.claim is None:
        return True
    newest = case.claim.verdicts.order_by("-version").values_list("rating", flat=True).first()
    return newest != WITHDRAWN

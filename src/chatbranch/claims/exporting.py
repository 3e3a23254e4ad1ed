"""Handing the library on: JSON Lines, which loses nothing, and ClaimReview, which everyone reads."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Collate

from chatbranch.branch.queries import branch_name
from chatbranch.claims.formats import claimreview, jsonlines, mediareview
from chatbranch.claims.formats.entry import Cited, Entry, Ruling, Worded
from chatbranch.claims.models import Claim, Source, Verdict, Wording

CHUNK = 500  # claims read at a time

Progress = Callable[[int, int], None]


def do_export_file(path: Path, *, form: str = "jsonl", progress: Progress | None = None) -> int:
    """Write the library to `path`, gzipped where its name ends in .gz; returns how many claims.

    form: "jsonl" or "claimreview". The file appears only once it is whole; one that was there before is replaced.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(draft, "wt", encoding="utf-8", newline="\n") as out:
            if form == "claimreview":
                site, branch = settings.CONFIG.url, branch_name()
                count = write_datafeed(out, site=site, branch=branch, progress=progress)
            else:
                count = write_jsonlines(out, progress)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def write_jsonlines(out: TextIO, progress: Progress | None = None) -> int:
    """Write every claim with its whole history, one a line, in the order of origin and key; returns how many.

    progress(claims written, claims in all) is called after each chunk.
    """
    written = 0
    for _, entry in entries(progress):
        out.write(jsonlines.line(entry) + "\n")
        written += 1
    return written


def write_datafeed(
    out: TextIO, *, site: str, branch: str, ours: bool = False, progress: Progress | None = None
) -> int:
    """Write every claim's current verdict as a DataFeed of ClaimReviews; returns how many.

    site: this branch's public address; branch: its name, as the author of its own checks. ours: only what this branch decided.
    Earlier verdicts are left out, for the format has no place for them.
    """
    head = {"@context": "https://schema.org", "@type": "DataFeed", "name": branch, "url": site}
    out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "dataFeedElement": [')
    written = 0
    for claim_id, entry in entries(progress, ours=ours):
        made = (our_review if ours else review)(claim_id, entry, site=site, branch=branch)
        item = claimreview.item_of(entry, made)
        out.write((",\n" if written else "\n") + json.dumps(item, ensure_ascii=False))
        written += 1
        if media := mediareview.review_of(entry, made):
            out.write(",\n" + json.dumps(claimreview.item_of(entry, media), ensure_ascii=False))
    out.write("\n]}\n")
    return written


def review(claim_id: UUID, entry: Entry, *, site: str, branch: str) -> claimreview.Json:
    """The entry's newest verdict as ClaimReview: signed by whoever decided it, read where they publish it."""
    author = entry.rulings[-1].decided_by(entry.origin)
    page = f"{site.rstrip('/')}/claims/{claim_id}/"
    url = entry.origin_url if author and entry.origin_url else page
    return claimreview.review_of(entry, url=url, author=author or branch or site)


def our_review(claim_id: UUID, entry: Entry, *, site: str, branch: str) -> claimreview.Json:
    """The same of a verdict of ours, as we publish it: with where its author is found."""
    made = review(claim_id, entry, site=site, branch=branch)
    made["author"]["url"] = site
    return made


def entry_of(claim_id: UUID) -> Entry | None:
    """One claim as it would be exported, or None."""
    return next(entries_of(list(Claim.objects.filter(id=claim_id, version__gt=0))), None)


def entries(progress: Progress | None = None, *, ours: bool = False) -> Iterator[tuple[UUID, Entry]]:
    """Every claim with its id, in the order of origin and key: the same in every library and database. ours: that we decided about."""
    binary = "C" if connection.vendor == "postgresql" else "BINARY"
    decided = Q(verdicts__version=F("version"), verdicts__origin="") if ours else Q(version__gt=0)
    ordered = Claim.objects.filter(decided).order_by(Collate("origin", binary), Collate("key", binary))
    found = list(ordered.values_list("id", flat=True))
    for start in range(0, len(found), CHUNK):
        part = Claim.objects.in_bulk(found[start : start + CHUNK])
        claims = [part[each] for each in found[start : start + CHUNK] if each in part]
        yield from zip((claim.id for claim in claims), entries_of(claims), strict=True)
        if progress:
            progress(min(start + CHUNK, len(found)), len(found))


def entries_of(claims: list[Claim], *, waiting: bool = False) -> Iterator[Entry]:
    """These claims, in their order, with three reads however many there are. waiting: also verdicts not in effect yet."""
    wordings: dict[UUID, list[Worded]] = {}
    for wording in Wording.objects.filter(claim__in=claims, learnt=None).order_by("seq"):
        wordings.setdefault(wording.claim_id, []).append(Worded(wording.lang, wording.text))
    for claim, rulings in _rulings(claims, waiting):
        yield Entry(
            key=claim.key,
            wordings=tuple(wordings.get(claim.id, ())),
            rulings=rulings,
            topic=claim.topic,
            origin=claim.origin,
            origin_url=claim.origin_url,
        )


def _rulings(claims: list[Claim], waiting: bool) -> Iterable[tuple[Claim, tuple[Ruling, ...]]]:
    to_tell = Verdict.objects.all() if waiting else Verdict.objects.taken_effect()
    verdicts = list(to_tell.filter(claim__in=claims).select_related("card_code").order_by("version"))
    sources: dict[UUID, list[Cited]] = {}
    for each in Source.objects.filter(verdict__in=verdicts).order_by("id"):
        cited = Cited(each.url, each.title, each.publisher, each.lang)
        sources.setdefault(each.verdict_id, []).append(cited)
    found: dict[UUID, list[Ruling]] = {}
    origins = {claim.id: claim.origin for claim in claims}
    for verdict in verdicts:
        ruling = _ruling(verdict, sources.get(verdict.id, []), origins[verdict.claim_id])
        found.setdefault(verdict.claim_id, []).append(ruling)
    return [(claim, tuple(found[claim.id])) for claim in claims]


def _ruling(verdict: Verdict, sources: list[Cited], origin: str) -> Ruling:
    return Ruling(
        rating=verdict.rating,
        as_of=verdict.as_of,
        expires=verdict.expires,
        scope=jsonlines.tidy(verdict.scope),
        explanation=jsonlines.tidy(verdict.explanation),
        reason=jsonlines.tidy(verdict.reason),
        basis=jsonlines.tidy(verdict.basis),
        sources=tuple(sources),
        origin=None if verdict.origin == origin else verdict.origin,
        published_at=verdict.published_at,
        code=verdict.card_code.code if not verdict.origin else "",
    )

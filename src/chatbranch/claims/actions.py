"""Writing to the library: publish a verdict, add a wording, withdraw. All of it appends.

A verdict of ours is published in two steps. Whoever decided appends it; it takes effect, and everyone hears of it, once its entry in
the public log can be proved (publiclog/effect.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chatbranch.claims import queries
from chatbranch.claims.codes import new_code
from chatbranch.claims.models import CardCode, Claim, Source, Verdict, Wording
from chatbranch.claims.rules import (
    WITHDRAWN,
    check_dates,
    check_rating,
    check_some_wording,
    check_sources,
    check_wording,
)
from chatbranch.journal.actions import do_record, take_turn
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean


@transaction.atomic
def do_publish(
    *,
    claim_id: UUID | None,
    wordings: Mapping[str, str],
    rating: str,
    as_of: date,
    expires: date | None = None,
    scope: Mapping[str, str] | None = None,
    explanation: Mapping[str, str] | None = None,
    reason: Mapping[str, str] | None = None,
    sources: Sequence[Mapping[str, str]] = (),
    basis: Mapping[str, Any] | None = None,
    topic: str = "",
) -> Verdict:
    """Append a verdict of this branch, to a new claim where `claim_id` is None. Until it takes effect the one before stands.

    wordings, scope, explanation, reason: texts by language. sources: {"url", "title", "publisher", "lang"}.
    Records "verdict.decided" {claim, version, rating}, which the public log follows. Raises Refused. Call it inside the
    transaction of the decision, after locking whatever else that needs.
    """
    take_turn()
    claim = _claim(claim_id, topic)
    check_publish(claim, wordings, rating, as_of, expires, sources)
    for lang, text in wordings.items():
        _append_wording(claim, lang, text)
    verdict = Verdict.objects.create(
        claim=claim,
        version=queries.newest_version(claim.pk) + 1,
        rating=rating,
        as_of=as_of,
        expires=expires,
        scope=dict(scope or {}),
        explanation=dict(explanation or {}),
        reason=dict(reason or {}),
        basis=dict(basis or {}),
    )
    Source.objects.bulk_create(_source(verdict, source) for source in sources)
    give_codes([(verdict, "")])
    tell_of_decision(verdict)
    return verdict


@transaction.atomic
def do_take_effect(claim_id: UUID, version: int, entry: int) -> bool:
    """Let a verdict of ours stand, now that its entry of this index is in the public log; whether that is new.

    For the public log alone to call. Records "verdict.published". A verdict that another one has followed since stays history; so does
    one that is not here (a backup may be older than the log).
    """
    take_turn()
    verdict = Verdict.objects.filter(claim=claim_id, version=version, origin="").first()
    if verdict is None or not Claim.objects.filter(pk=claim_id, version__lt=version).exists():
        return False
    previous = Verdict.objects.current().filter(claim=claim_id).values_list("rating", flat=True).first()
    Claim.objects.filter(pk=claim_id).update(version=version)
    tell_of(verdict, previous or "", entry=entry)
    return True


def tell_of_decision(verdict: Verdict) -> None:
    """Record that we decided this, for the public log to follow."""
    claim = verdict.claim_id
    do_record("verdict.decided", claim, claim=str(claim), version=verdict.version, rating=verdict.rating)


def give_codes(verdicts: Sequence[tuple[Verdict, str]]) -> None:
    """Give each verdict its card code: the one named with it, else a new one."""
    named = [code for _, code in verdicts if code]
    fresh = iter(_fresh(len(verdicts) - len(named), besides=named))
    CardCode.objects.bulk_create(
        CardCode(verdict=verdict, code=code or next(fresh)) for verdict, code in verdicts
    )


def _fresh(count: int, besides: Sequence[str]) -> list[str]:
    """So many codes that nobody has."""
    found: set[str] = set()
    while missing := count - len(found):
        found.update(new_code() for _ in range(missing))
        found -= {*besides, *CardCode.objects.filter(code__in=found).values_list("code", flat=True)}
    return list(found)


def tell_of(verdict: Verdict, previous: str, **more: int) -> None:
    """Record that this verdict is now the current one. `previous`: the rating it follows, or empty."""
    do_record(
        "verdict.published",
        verdict.claim_id,
        claim=str(verdict.claim_id),
        version=verdict.version,
        rating=verdict.rating,
        previous=previous,
        **more,
    )


@transaction.atomic
def do_withdraw(
    claim_id: UUID, *, reason: Mapping[str, str], basis: Mapping[str, Any] | None = None
) -> Verdict:
    """Take the current verdict back, saying why. What it was stays in the history."""
    return do_publish(
        claim_id=claim_id,
        wordings={},
        rating=WITHDRAWN,
        as_of=clock.now().date(),
        reason=reason,
        basis=basis,
    )


@transaction.atomic
def do_learn_wording(claim_id: UUID, lang: str, text: str) -> Wording | None:
    """Learn one more way the claim is said, as it was forwarded, for matching only; None where it is there already."""
    take_turn()
    claim = _claim(claim_id, "")
    check_wording(lang, text)
    return _append_wording(claim, lang, text, learnt=clock.now())


def check_publish(
    claim: Claim,
    wordings: Mapping[str, str],
    rating: str,
    as_of: date,
    expires: date | None,
    sources: Sequence[Mapping[str, str]],
) -> None:
    """Refuse a verdict that nobody could check: unknown rating, no claim, no source, impossible dates."""
    check_rating(rating)
    if claim._state.adding:
        check_some_wording(wordings.values())
    for lang, text in wordings.items():
        check_wording(lang, text)
    check_dates(as_of, expires, clock.now().date())
    check_sources(rating, [source.get("url", "") for source in sources])


def _claim(claim_id: UUID | None, topic: str) -> Claim:
    """The claim, locked until the transaction ends; or a new one of this branch, not saved yet."""
    if claim_id is None:
        new = ids.new_id()
        return Claim(id=new, key=str(new), topic=topic)
    claim = Claim.objects.select_for_update().filter(id=claim_id).first()
    if claim is None:
        raise Refused("no-such-claim", _NO_SUCH_CLAIM, status=404)
    return claim


def _append_wording(claim: Claim, lang: str, text: str, *, learnt: datetime | None = None) -> Wording | None:
    text = clean(text).strip()
    if claim._state.adding:
        claim.save()
    elif Wording.objects.filter(
        claim=claim, lang=lang, text=text, **({} if learnt else {"learnt": None})
    ).exists():
        return None
    return Wording.objects.create(claim=claim, lang=lang, text=text, learnt=learnt)


def _source(verdict: Verdict, source: Mapping[str, str]) -> Source:
    return Source(
        verdict=verdict,
        url=source["url"],
        title=clean(source.get("title", ""))[:500],
        publisher=clean(source.get("publisher", ""))[:200],
        lang=source.get("lang", "")[:10],
    )


_NO_SUCH_CLAIM = Phrase("没有这条查证。", "There is no such check.")

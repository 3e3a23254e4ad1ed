"""Reading the library. It is public: whoever looks sees the same, so no query here asks who that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet

from chatbranch.claims.cards import ClaimCard, SourceCard, VerdictCard
from chatbranch.claims.models import CardCode, Claim, Source, Verdict, Wording
from chatbranch.claims.rules import WITHDRAWN
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import pick


def count() -> int:
    """How many claims the library holds."""
    return Claim.objects.filter(version__gt=0).count()


def topics() -> list[tuple[str, int]]:
    """Each topic with its number of claims, the largest first."""
    shelved = Claim.objects.exclude(topic="").filter(version__gt=0)
    return list(shelved.values_list("topic").annotate(n=Count("id")).order_by("-n", "topic"))


def wordings_after(seq: int, most: int = 5000) -> list[Wording]:
    """Wordings numbered above `seq`, in order, for an index to catch up. They become visible in order, those of claims without a verdict
    in effect too; such claims are among the unanswerable."""
    return list(Wording.objects.filter(seq__gt=seq).order_by("seq")[:most])


def newest_wordings(seq: int, most: int) -> list[Wording]:
    """The newest wordings numbered above `seq`, newest first: what was published since an index was written."""
    return list(Wording.objects.filter(seq__gt=seq).order_by("-seq")[:most])


def newest_seq() -> int:
    """The highest wording number there is, 0 for an empty library."""
    return Wording.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def worded(claim_id: UUID) -> list[tuple[str, str]]:
    """(language, text) of each wording in the order it came; never as it was forwarded. Nothing is put before what is there."""
    rows = Wording.objects.filter(claim_id=claim_id, learnt=None).order_by("seq")
    return list(rows.values_list("lang", "text"))


def headlines(claims: Iterable[UUID], lang: str) -> dict[UUID, str]:
    """How each of these claims is said in `lang`, or in the language nearest to it; never as it was forwarded."""
    said: dict[UUID, dict[str, str]] = {}
    for wording in Wording.objects.filter(claim_id__in=list(claims), learnt=None).order_by("seq"):
        said.setdefault(wording.claim_id, {}).setdefault(wording.lang, wording.text)
    return {claim: pick(texts, lang) for claim, texts in said.items()}


def known_since(claims: Iterable[UUID]) -> dict[UUID, datetime]:
    """Since when the library has had these claims; those it does not have are left out."""
    shelved = Claim.objects.filter(pk__in=list(claims), version__gt=0)
    return dict(shelved.values_list("pk", "created_at"))


def is_learnt(claim_id: UUID, text: str) -> bool:
    """Whether the claim has this wording from a forwarded message alone."""
    learnt = list(Wording.objects.filter(claim_id=claim_id, text=text).values_list("learnt", flat=True))
    return bool(learnt) and None not in learnt


def saying(parts: Iterable[str], most: int) -> list[UUID]:
    """Claims with a wording that holds one of `parts` as it stands, newest first: a look through all rows."""
    holds = Q()
    for part in parts:
        holds |= Q(text__icontains=part)
    rows = Wording.objects.filter(holds, learnt=None, claim__version__gt=0).order_by("-seq")
    return list(dict.fromkeys(rows.values_list("claim_id", flat=True)[: most * 2]))[:most]


def wording_count() -> int:
    """How many wordings an index of the whole library has."""
    return Wording.objects.count()


def unanswerable_ids() -> set[UUID]:
    """Claims without a verdict in effect, or with one that may not be given as an answer (rules.answers); few, found by index."""
    current = Verdict.objects.current()
    past = current.filter(expires__isnull=False, expires__lt=clock.now().date())
    withdrawn = current.filter(rating=WITHDRAWN)
    foreign = current.filter(rating="unknown", basis__mapped=False)
    found: set[UUID] = set(Claim.objects.filter(version=0).values_list("id", flat=True))
    for verdicts in (past, withdrawn, foreign):
        found.update(verdicts.values_list("claim_id", flat=True))
    return found


def claim_card(claim_id: UUID, version: int | None = None) -> ClaimCard | None:
    """The claim with its current verdict, or with that `version`; None where there is no such thing, or not in effect yet."""
    wanted = Verdict.objects.filter(claim_id=claim_id)
    wanted = wanted.current() if version is None else wanted.taken_effect().filter(version=version)
    return next(iter(_cards(wanted)), None)


def decided_card(claim_id: UUID, version: int) -> ClaimCard | None:
    """As claim_card, also of a verdict that has not taken effect: for the public log, which has to have it first."""
    return next(iter(_cards(Verdict.objects.filter(claim_id=claim_id, version=version))), None)


def newest_version(claim_id: UUID) -> int:
    """The version of the claim's newest verdict, in effect or not; 0 where there is none."""
    return Verdict.objects.filter(claim_id=claim_id).aggregate(newest=Max("version"))["newest"] or 0


def card_of_code(code: str) -> ClaimCard | None:
    """The claim with the version of its verdict that this card code belongs to; None where it is none of ours."""
    found = CardCode.objects.filter(code=code).values_list("verdict__claim_id", "verdict__version").first()
    return claim_card(*found) if found else None


def claim_cards(claim_ids: Sequence[UUID]) -> list[ClaimCard]:
    """The cards of these claims, in the order given; those that are not there are left out."""
    cards = {card.id: card for card in _cards(Verdict.objects.current().filter(claim_id__in=claim_ids))}
    return [cards[claim_id] for claim_id in claim_ids if claim_id in cards]


def recent(
    topic: str = "",
    rating: str = "",
    before: UUID | None = None,
    most: int = 20,
    origin: str | None = None,
) -> list[ClaimCard]:
    """The newest verdicts, newest first. For the next page, `before` is the last card's `verdict_id`.

    origin: only those that came from there; empty: only our own.
    """
    wanted = Q() if origin is None else Q(origin=origin)
    if topic:
        wanted &= Q(claim__topic=topic)
    if rating:
        wanted &= Q(rating=rating)
    if before:
        wanted &= Q(id__lt=before)
    return list(_cards(Verdict.objects.current().filter(wanted).order_by("-id")[:most]))


def _cards(verdicts: QuerySet[Verdict]) -> Iterable[ClaimCard]:
    """Cards of these verdicts, in their order, with four reads however many there are."""
    shown = list(verdicts.select_related("claim", "card_code"))
    claims = [verdict.claim_id for verdict in shown]
    wordings: dict[UUID, dict[str, list[str]]] = {}
    for wording in Wording.objects.filter(claim_id__in=claims, learnt=None).order_by("seq"):
        wordings.setdefault(wording.claim_id, {}).setdefault(wording.lang, []).append(wording.text)
    history: dict[UUID, list[VerdictCard]] = {}
    reached = {verdict.claim_id: max(verdict.version, verdict.claim.version) for verdict in shown}
    for past in Verdict.objects.filter(claim_id__in=claims).order_by("-version"):
        if past.version > reached[past.claim_id]:
            continue
        history.setdefault(past.claim_id, []).append(_line(past))
    sources: dict[UUID, list[SourceCard]] = {}
    for source in Source.objects.filter(verdict__in=shown).order_by("id"):
        card = SourceCard(source.url, source.title, source.publisher, source.lang)
        sources.setdefault(source.verdict_id, []).append(card)
    for verdict in shown:
        claim = verdict.claim_id
        yield _card(verdict, wordings.get(claim, {}), sources.get(verdict.id, []), history[claim])


def _line(verdict: Verdict) -> VerdictCard:
    return VerdictCard(
        verdict.version, verdict.rating, verdict.as_of, verdict.published_at, verdict.reason, verdict.origin
    )


def _card(
    verdict: Verdict, wordings: dict[str, list[str]], sources: list[SourceCard], history: list[VerdictCard]
) -> ClaimCard:
    claim = verdict.claim
    return ClaimCard(
        id=claim.id,
        key=claim.key,
        topic=claim.topic,
        origin=verdict.origin,
        origin_url=claim.origin_url if verdict.origin else "",
        wordings=wordings,
        version=verdict.version,
        rating=verdict.rating,
        as_of=verdict.as_of,
        expires=verdict.expires,
        scope=verdict.scope,
        explanation=verdict.explanation,
        reason=verdict.reason,
        sources=sources,
        history=history,
        published_at=verdict.published_at,
        verdict_id=verdict.id,
        basis=verdict.basis,
        code=verdict.card_code.code if hasattr(verdict, "card_code") else "",
    )

"""Telling everyone. Who is to be told follows from `told_version < claim.version`, so that late joiners are never missed.

The deciding transaction writes the verdict; these steps, run by the worker until nothing is left, turn it into deliveries in
chunks. A chunk's deliveries and its `told_version` are one transaction: a crash repeats nothing and forgets nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from chatbranch.cases import letters
from chatbranch.cases.models import Asker, Case
from chatbranch.cases.queries import decisive_difference
from chatbranch.cases.rules import STILL_UNKNOWN_AFTER
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.contacts import queries as contacts
from chatbranch.deliveries import actions as deliveries
from chatbranch.kernel import clock
from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.phrases import Phrase

CHUNK = 500
# Whoever was moved by a merge is told once asking.do_rekey has seen whether they had asked in the other case too.
_ONE_EACH = Q(case__isnull=True) | Q(subject=F("case_id"))


def do_tell_verdicts(most: int = CHUNK) -> int:
    """Queue the present verdict for up to `most` askers of one claim who were told an older one or none; returns how many.

    Somebody who asked in several of the claim's cases is told once a version: their rows are found by the address
    they share, and that they share it is written nowhere.
    """
    with transaction.atomic():
        first = _untold().values_list("claim_id", flat=True).first()
        card = claims.claim_card(first) if first else None
        if first is None or card is None:
            return 0
        chunk = list(
            _untold()
            .filter(claim_id=first)
            .select_related("case", "variant")
            .select_for_update(of=("self",))[:most]
        )
        people = _people(chunk, card)
        deliveries.do_queue_many(_messages(people, card))
        seen = {row.pk for row in chunk} | {row.pk for person in people for row in person.rows}
        Asker.objects.filter(pk__in=seen).update(told_version=card.version)
    return len(chunk)


def _untold() -> QuerySet[Asker]:
    untold = Asker.objects.filter(_ONE_EACH, claim__isnull=False, told_version__lt=F("claim__version"))
    return untold.order_by("claim_id", "pk")


@dataclass(frozen=True)
class _Person:
    """The rows of one address about one claim. `by`: the pseudonym that they are told under."""

    reach: contacts.Reach
    by: Asker
    rows: list[Asker]

    @property
    def told(self) -> int:
        """The newest version they were told, whichever case that was for."""
        return max(row.told_version for row in self.rows)

    @property
    def unanswered(self) -> list[Asker]:
        """Their questions that nothing was said to so far."""
        return [row for row in self.rows if not row.told_version]


def _people(chunk: list[Asker], card: ClaimCard) -> list[_Person]:
    """The people behind these rows, with their other rows about the same claim; whoever has no address left is nobody."""
    reaches = contacts.open_contacts([row.pseudonym for row in chunk])
    subjects = [card.id, *Case.objects.filter(claim_id=card.id).values_list("id", flat=True)]
    names = contacts.names_in(subjects, reaches.values()) | reaches
    people: dict[tuple[str, str], _Person] = {}
    for row in [*chunk, *_others(chunk, list(names), card.id)]:
        reach = names.get(row.pseudonym)
        if reach is not None:
            person = people.setdefault((reach.channel, reach.address), _Person(reach, row, []))
            person.rows.append(row)
    return list(people.values())


def _others(chunk: list[Asker], names: list[str], claim_id: UUID) -> list[Asker]:
    mine = {row.pk for row in chunk}
    found: list[Asker] = []
    for some in in_chunks(names):
        rows = Asker.objects.filter(claim_id=claim_id, pseudonym__in=some).select_related("case", "variant")
        found += [row for row in rows.order_by("pk").select_for_update(of=("self",)) if row.pk not in mine]
    return found


def _messages(people: Iterable[_Person], card: ClaimCard) -> Iterator[deliveries.Message]:
    written = _letters(card)
    for person in people:
        if text := written(person):
            yield deliveries.Message(
                pseudonym=person.by.pseudonym,
                kind="verdict",
                text=text,
                once=f"verdict:{person.by.pk}:v{card.version}",
                about=card.id,
            )


def _letters(card: ClaimCard) -> Callable[[_Person], str]:
    """person -> what they are told, empty for nothing. The few distinct letters of a chunk are written once each."""
    told = {each.version: each.rating for each in card.history}
    url = f"{settings.CONFIG.url}/claims/{card.id}/"
    differs = cache(lambda text: decisive_difference(text, card))

    @cache
    def letter(lang: str, codes: tuple[str, ...], before: int, differs: tuple[str, str] | None) -> str:
        code = letters.listed(codes, lang)
        if before >= card.version:
            return letters.same_letter(card, lang, code=code, url=url, differs=differs) if codes else ""
        return letters.verdict_letter(
            card, lang, code=code, told=told.get(before, ""), url=url, differs=differs
        )

    def of(person: _Person) -> str:
        codes = tuple(row.case.code for row in person.unanswered if row.case)
        texts = [row.variant.text for row in person.unanswered or person.rows if row.variant]
        different = next((found for text in texts if (found := differs(text))), None)
        return letter(person.reach.lang, codes, person.told, different)

    return of


_CLOSING = {Case.State.OPINION: letters.OPINION, Case.State.PRIVATE: letters.PRIVATE}


def do_tell_closings(most: int = CHUNK) -> int:
    """Queue the courteous exit for askers of cases closed as opinion or private, and "still not known" after a week."""
    with transaction.atomic():
        chunk = list(_unclosed().select_related("case").select_for_update(of=("self",))[:most])
        for mark in {_mark(asker) for asker in chunk}:
            part = [asker for asker in chunk if _mark(asker) == mark]
            phrase = (
                _CLOSING.get(Case.State(mark), letters.STILL_UNKNOWN)
                if mark != "week"
                else letters.STILL_UNKNOWN
            )
            written = {asker.pk: _in_every_language(phrase, asker.case.code) for asker in part if asker.case}
            _queue(part, written, kind="closing", about=None, mark=mark)
            Asker.objects.filter(pk__in=[asker.pk for asker in part]).update(told_state=mark)
    return len(chunk)


def _unclosed() -> QuerySet[Asker]:
    closed = Q(case__state__in=list(_CLOSING)) & ~Q(told_state=F("case__state"))
    week = Q(case__state=Case.State.OPEN, asked_at__lt=clock.now() - STILL_UNKNOWN_AFTER) & ~Q(
        told_state="week"
    )
    return Asker.objects.filter(_ONE_EACH, closed | week).order_by("case_id", "pk")


def _mark(asker: Asker) -> str:
    assert asker.case is not None
    return "week" if asker.case.state == Case.State.OPEN else asker.case.state


def _in_every_language(phrase: Phrase, code: str) -> dict[str, str]:
    return {lang: phrase.say(lang, code=code) for lang in ("zh-Hans", "zh-Hant", "en")}


def _queue(
    chunk: list[Asker], written: dict[int, dict[str, str]], *, kind: str, about: UUID | None, mark: str
) -> None:
    reaches = contacts.open_contacts([asker.pseudonym for asker in chunk])
    deliveries.do_queue_many(
        deliveries.Message(
            pseudonym=asker.pseudonym,
            kind=kind,
            text=written[asker.pk][reaches[asker.pseudonym].lang],
            once=f"{kind}:{asker.pk}:{mark}",
            about=about or asker.case_id,
        )
        for asker in chunk
        if asker.pseudonym
        in reaches  # whoever asked to be forgotten, or whose window ended, has no contact any more
    )

"""Reads about cases. The first argument is who looks; askers appear as counts only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse

from chatbranch.branch.models import Member
from chatbranch.branch.rules import count_as_one
from chatbranch.cases import letters
from chatbranch.cases.files import path_of
from chatbranch.cases.hearing import decision_on
from chatbranch.cases.models import (
    AlsoSent,
    Asker,
    Case,
    Comment,
    Evidence,
    Note,
    Objection,
    Party,
    Variant,
)
from chatbranch.cases.parties import is_of
from chatbranch.cases.recusal import recusals
from chatbranch.cases.rules import Place, place
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.contacts import queries as contacts
from chatbranch.kernel import clock
from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.phrases import Phrase
from chatbranch.matching import guard

RATED = (Case.State.OPEN, Case.State.DECIDED)
"""States of a case in which its notes can be rated."""


@dataclass(frozen=True)
class Queued:
    """One line of the queue: the case, its place with the reason, and the wording most often forwarded."""

    case: Case
    place: Place
    headline: str
    notes: int


def opening_message(case_id: UUID) -> dict[str, str] | None:
    """The message that a case was opened with, as it stands in it now: `text`, and `link` and `image` where it had one."""
    first = Variant.objects.filter(case=case_id).order_by("first_at", "id").first()
    if first is None:
        return None
    return {"text": first.text} | {
        name: said for name in ("link", "image") if (said := str(getattr(first, name)))
    }


def no_longer_asked(case_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the cases of whose first message nobody is left who sent it: each of them asked to be forgotten."""
    asked = set[UUID]()
    wanted = set(case_ids)
    for some in in_chunks(wanted):
        first: dict[UUID, UUID] = {}
        for case, variant in (
            Variant.objects.filter(case__in=some).order_by("first_at", "id").values_list("case_id", "id")
        ):
            first.setdefault(case, variant)
        sent = set(Asker.objects.filter(variant__in=first.values()).values_list("variant_id", flat=True))
        sent |= set(AlsoSent.objects.filter(variant__in=first.values()).values_list("variant_id", flat=True))
        asked |= {case for case, variant in first.items() if variant in sent}
    return wanted - asked


def objection_said(objection_id: UUID) -> dict[str, str] | None:
    """What an objection says: `text`, and the address it names."""
    row = Objection.objects.filter(pk=objection_id).first()
    return {"text": row.grounds, "url": row.url} if row else None


def forgotten_objections(objection_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the objections whose writer left an address, and can be reached no more: forgotten, or past their time."""
    found = set[UUID]()
    for some in in_chunks(set(objection_ids)):
        rows = dict(
            Objection.objects.filter(pk__in=some).exclude(pseudonym="").values_list("pseudonym", "pk")
        )
        found |= {rows[each] for each in contacts.unreachable(list(rows))}
    return found


def queue(actor: Member, *, state: str = Case.State.OPEN, most: int = 200) -> list[Queued]:
    """Cases in `state`, in the order of cases/rules.place with the reason for it."""
    pending = Q(notes__accepted_at__isnull=True)
    cases = (
        Case.objects.filter(state=state)
        .select_related("duty", "claim")
        .prefetch_related("variants")
        .annotate(
            note_count=Count("notes", filter=pending, distinct=True),
            touched=Exists(Evidence.objects.filter(case=OuterRef("pk")))
            | Exists(Comment.objects.filter(case=OuterRef("pk"))),
        )
        .order_by("-opened_at")[: most * 5]
    )
    found = list(cases)
    yours = _waiting_for(actor, [case for case in found if case.note_count])
    rows = [_queued(case, case.pk in yours) for case in found]
    return sorted(rows, key=lambda row: row.place.rank)[:most]


def _waiting_for(actor: Member, cases: list[Case]) -> set[UUID]:
    """Those of `cases` with a note that waits for the actor's word."""
    return {note.case_id for note in waiting_notes(actor, cases)}


def waiting_notes(rater: Member, cases: Iterable[Case] | None = None) -> list[Note]:
    """Notes on which the rater's word is still missing, oldest first: of no outlet of their owner's, and in no case to which
    they are party. A peer's word is missing only where there is a vacancy. cases: all that are not closed, or these."""
    notes = Note.objects.filter(accepted_at=None, case__state__in=RATED).exclude(ratings__by=rater)
    if cases is not None:
        notes = notes.filter(case__in=list(cases))
    found = list(notes.select_related("case", "by__outlet__bloc").order_by("at"))
    recused = {case: bool(recusals(case, [rater.pk])) for case in {note.case for note in found}}
    return [note for note in found if not recused[note.case] and may_be_heard(rater, note)]


def may_be_heard(rater: Member, note: Note) -> bool:
    """Whether the rule would hear this rater on this note, if they are not recused."""
    if is_overtaken(note, note.case) or (note.by and count_as_one(note.by.outlet.owner, rater.outlet.owner)):
        return False
    return not rater.outlet.peer or decision_on(note).vacancies > 0


def _queued(case: Case, yours: bool) -> Queued:
    variants = sorted(case.variants.all(), key=lambda variant: -variant.count)
    notes = case.note_count  # type: ignore[attr-defined]
    touched = case.touched or case.duty_id is not None  # type: ignore[attr-defined]
    where = place(
        urgent=case.urgent,
        askers=case.askers_count,
        opened_at=case.opened_at,
        has_note=bool(notes),
        touched=touched,
        now=clock.now(),
        yours=yours,
    )
    return Queued(case, where, variants[0].text if variants else "", notes)


def queue_counts(actor: Member) -> dict[str, int]:
    """How many cases are in each state, and how many objections wait for an answer."""
    counts = {row["state"]: row["n"] for row in Case.objects.values("state").annotate(n=Count("pk"))}
    return {**counts, "objections": Objection.objects.filter(answered_at__isnull=True).count()}


def find(code: str) -> Case | None:
    """The case with this code; for a merged one, the case it was joined to."""
    if not (code.isascii() and code.isdigit()):
        return None
    case = Case.objects.select_related("merged_into", "claim").filter(code=code).first()
    while case is not None and case.merged_into is not None:
        case = case.merged_into
    return case


def of_claim(claim_id: UUID) -> list[UUID]:
    """The cases that ended with a verdict on this claim."""
    return list(Case.objects.filter(claim_id=claim_id).values_list("id", flat=True))


def kept_file(name: str) -> bytes:
    """A file that was kept (actions.do_keep_file). Raises FileNotFoundError where it is gone."""
    return path_of(name).read_bytes()


def held_of(fingerprints: Iterable[str]) -> set[str]:
    """Which of these messages a case has as a variant."""
    variants = Variant.objects.filter(fingerprint__in=list(fingerprints))
    return set(variants.values_list("fingerprint", flat=True))


def status_text(code: str, lang: str, *, url: str = "", sent: str = "") -> str:
    """What whoever sends a case's code is told, in `lang`; or whoever `sent` its message again."""
    case = find(code)
    if case is None:
        return letters.NO_SUCH_CODE.say(lang, code=code)
    if case.claim_id:
        card = claims.claim_card(case.claim_id)
        if card is not None:
            told = card.history[1].rating if card.rating == "withdrawn" and len(card.history) > 1 else ""
            return letters.verdict_letter(
                card,
                lang,
                code=code,
                told=told,
                url=f"{url}/claims/{card.id}/" if url else "",
                differs=decisive_difference(sent, card),
            )
    notes = case.notes.filter(accepted_at__isnull=True).count()
    return letters.status_letter(
        code, case.standing, lang, askers=case.askers_count, opened=case.opened_at.date(), notes=notes
    )


def decisive_difference(sent: str, card: ClaimCard) -> tuple[str, str] | None:
    """What is decisively different between what was sent and what was checked (yours, ours), if anything is."""
    wordings = [wording for each in card.wordings.values() for wording in each]
    found = guard.inspect(sent, None, wordings).differences if sent else ()
    return next(
        ((each.yours, each.ours) for each in found if each.decisive and each.yours and each.ours), None
    )


@dataclass(frozen=True)
class Subject:
    """What a delivery is about: a case by its code, or a claim by its headline; and its page."""

    name: str
    url: str


def subjects(abouts: Iterable[UUID | None], lang: str) -> dict[UUID, Subject]:
    """The cases and claims among these, by id."""
    wanted = {each for each in abouts if each}
    coded = Phrase("个案 {code}", "case {code}")
    found = {
        pk: Subject(coded.say(lang, code=code), reverse("case", args=[code]))
        for pk, code in Case.objects.filter(pk__in=wanted).values_list("pk", "code")
    }
    for claim, headline in claims.headlines(wanted - set(found), lang).items():
        found[claim] = Subject(headline, reverse("claim", args=[claim]))
    return found


def is_overtaken(note: Note, case: Case) -> bool:
    """Whether a verdict has taken effect since this note was proposed: it speaks of a state that is no more."""
    return note.accepted_at is None and case.closed_at is not None and note.at < case.closed_at


def declared_parties(actor: Member) -> list[Party]:
    """What others declared of the actor's outlet in open cases, and nobody of it has answered yet; oldest first."""
    waiting = Party.objects.filter(case__state=Case.State.OPEN, undone_at=None, replied_at=None)
    waiting = waiting.exclude(by__outlet=actor.outlet_id).select_related("case", "outlet", "by__outlet")
    return [party for party in waiting.order_by("pk") if is_of(actor, party)]


def open_objections(actor: Member) -> list[Objection]:
    """Objections nobody has answered, oldest first."""
    return list(Objection.objects.filter(answered_at__isnull=True).select_related("claim").order_by("at"))


def answered_objections(claim_id: UUID) -> list[Objection]:
    """Objections to this claim's verdicts that were answered, newest first; public."""
    return list(
        Objection.objects.filter(claim_id=claim_id, answered_at__isnull=False).order_by("-answered_at")[:20]
    )

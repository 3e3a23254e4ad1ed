"""What the case page shows, gathered once: variants with their differences, notes with what they still lack."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F
from django.shortcuts import get_object_or_404

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.cases.differences import Piece, differences, share_changed
from chatbranch.cases.hearing import Hearing, decision_on, hearing, last_words
from chatbranch.cases.models import Asker, Case, Comment, Evidence, Note, Objection, Party, Rating, Variant
from chatbranch.cases.parties import is_of, may_undo
from chatbranch.cases.queries import RATED, is_overtaken, may_be_heard
from chatbranch.cases.weighing import bridging_on, why
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.media import CATEGORIES, KINDS
from chatbranch.consensus.bridging import Bridging
from chatbranch.consensus.reasons import REASONS
from chatbranch.consensus.rules import Decision
from chatbranch.contacts import queries as contacts
from chatbranch.deliveries import queries as deliveries
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import Phrase

_SHOWN = 30  # variants on the page; more are counted
_ASKERS_READ = 5_000  # whose channels are counted; the number of askers itself is always whole
_TOO_DIFFERENT = 0.6


@dataclass(frozen=True)
class ShownVariant:
    """A wording as it was forwarded. `pieces` marks how it differs from the one most often sent; empty for that one."""

    variant: Variant
    pieces: list[Piece]
    channels: list[tuple[str, int]]


@dataclass(frozen=True)
class Word:
    """One rater's present word on a note, and why it is not counted if it is not."""

    rating: Rating
    recused: str
    new: bool

    @property
    def reasons(self) -> list[Phrase]:
        """Those that were chosen, in words."""
        return [REASONS[code] for code in self.rating.reasons if code in REASONS]


@dataclass(frozen=True)
class ShownNote:
    """A proposed verdict, what members say of it, and what the rule says of that."""

    note: Note
    decision: Decision
    bridging: Bridging | None
    why: Phrase
    words: list[Word]
    mine: bool
    may_speak: bool
    overtaken: bool

    @property
    def key(self) -> str:
        return str(self.note.pk)


@dataclass(frozen=True)
class ShownParty:
    """A declaration that an outlet is party, and what the member who looks may do about it."""

    party: Party
    may_undo: bool
    may_answer: bool


@dataclass(frozen=True)
class CasePage:
    """Everything on the page of one case."""

    case: Case
    variants: list[ShownVariant]
    more_variants: int
    pending: list[ShownNote]
    accepted: list[ShownNote]
    evidence: list[Evidence]
    comments: list[Comment]
    parties: list[ShownParty]
    card: ClaimCard | None
    resembles: ClaimCard | None
    recused: str
    objections: list[Objection]
    tallies: list[deliveries.Tally]


def case_page(actor: Member, code: str) -> CasePage:
    """The case with this code as `actor` sees it; 404 for an unknown code, a refusal for whoever is no member."""
    member = branch.insider(actor)
    case = get_object_or_404(Case.objects.select_related("claim", "duty", "merged_into"), code=code)
    heard = hearing(case)
    notes = [
        _note(member, note, heard) for note in case.notes.select_related("by__outlet__bloc").order_by("-at")
    ]
    variants = list(case.variants.order_by("-count", "first_at")[: _SHOWN + 1])
    card = claims.claim_card(case.claim_id) if case.claim_id else None
    return CasePage(
        case=case,
        variants=_shown(case, variants[:_SHOWN]),
        more_variants=max(0, case.variants.count() - _SHOWN) if len(variants) > _SHOWN else 0,
        pending=[each for each in notes if each.note.accepted_at is None],
        accepted=[each for each in notes if each.note.accepted_at is not None],
        evidence=list(case.evidence.select_related("by").order_by("at")),
        comments=list(case.comments.select_related("by__outlet").order_by("at")),
        parties=_parties(member, case),
        card=card,
        resembles=claims.claim_card(case.resembles_id) if case.resembles_id and not card else None,
        recused=heard.recused.get(member.pk, ""),
        objections=list(Objection.objects.filter(claim_id=case.claim_id).order_by("-at"))
        if case.claim_id
        else [],
        tallies=_tallies(member, case),
    )


def _shown(case: Case, variants: list[Variant]) -> list[ShownVariant]:
    channels = _channels(case)
    first = variants[0].text if variants else ""
    return [
        ShownVariant(variant, _marked(first, variant.text) if index else [], channels.get(variant.pk, []))
        for index, variant in enumerate(variants)
    ]


def _marked(first: str, text: str) -> list[Piece]:
    """The marks, or none where nearly everything differs and they would only hinder reading."""
    pieces = differences(first, text)
    return [] if share_changed(pieces) > _TOO_DIFFERENT else pieces


def _channels(case: Case) -> dict[UUID | None, list[tuple[str, int]]]:
    """variant -> how many asked over which platform: of those whose reply address is still kept."""
    asked = list(Asker.objects.filter(case=case).values_list("variant_id", "pseudonym")[:_ASKERS_READ])
    channel_of = contacts.channels_of([pseudonym for _, pseudonym in asked])
    counted: dict[UUID | None, Counter[str]] = defaultdict(Counter)
    for variant, pseudonym in asked:
        if pseudonym in channel_of:
            counted[variant][channel_of[pseudonym]] += 1
    return {variant: counter.most_common() for variant, counter in counted.items()}


def _parties(member: Member, case: Case) -> list[ShownParty]:
    """In the order they were declared; those taken back stay, after the others."""
    people = ("outlet", "by__outlet", "replied_by", "undone_by")
    declared = case.parties.select_related(*people).order_by(F("undone_at").asc(nulls_first=True), "pk")
    return [_party(member, each) for each in declared]


def _party(member: Member, party: Party) -> ShownParty:
    stands = party.undone_at is None
    others_word = party.by_id != member.pk and party.replied_at is None
    may_answer = stands and others_word and is_of(member, party)
    return ShownParty(party, stands and may_undo(member, party), may_answer)


def _note(member: Member, note: Note, heard: Hearing) -> ShownNote:
    words = [
        Word(rating, heard.recused.get(who, ""), who in heard.new) for who, rating in last_words(note).items()
    ]
    open_now = note.accepted_at is None and note.case.state in RATED
    decision = decision_on(note, heard)
    return ShownNote(
        note,
        decision,
        bridging_on(note) if open_now else None,
        why(note, decision),
        words,
        mine=note.by_id == member.pk,
        may_speak=open_now and may_be_heard(member, note),
        overtaken=is_overtaken(note, note.case),
    )


def _tallies(member: Member, case: Case) -> list[deliveries.Tally]:
    """What became of messages about this case: while it was open they are about the case, afterwards about its claim."""
    subjects = [subject for subject in (case.pk, case.claim_id) if subject]
    summed: dict[str, Counter[str]] = defaultdict(Counter)
    for subject in subjects:
        for tally in deliveries.counts(member, about=subject):
            summed[tally.channel].update({name: getattr(tally, name) for name in _NUMBERS})
    return [
        deliveries.Tally(channel, *(numbers[name] for name in _NUMBERS))
        for channel, numbers in sorted(summed.items())
    ]


_NUMBERS = ("accepted", "queued", "sent", "failed", "repeats")


def prefilled(page: CasePage) -> dict[str, Any]:
    """What stands in the note form at first: for a decided case, the verdict in force; else today's date."""
    today = clock.now().date().isoformat()
    card = page.card
    choices = {"media_kinds": KINDS.items(), "media_categories": CATEGORIES.items()}
    if card is None:
        return {**choices, "as_of": today, "sources": [{}, {}, {}]}
    headlines = {lang: texts[0] for lang, texts in card.wordings.items() if texts}
    sources = [{"url": each.url, "title": each.title, "publisher": each.publisher} for each in card.sources]
    return {
        **choices,
        "media": card.media,
        "as_of": today,
        "expires": card.expires.isoformat() if card.expires else "",
        "wording": _pair(headlines),
        "explanation": _pair(card.explanation),
        "scope": _pair(card.scope),
        "sources": [*sources, {}],
    }


def _pair(texts: dict[str, str]) -> dict[str, str]:
    """The two languages the form has fields for."""
    return {"zh": texts.get("zh-Hans") or texts.get("zh-Hant", ""), "en": texts.get("en", "")}

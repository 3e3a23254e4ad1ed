"""Opening and joining cases, and who asked. Every function writes in the caller's transaction or one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from chatbranch.cases.grouping import Shape, find_case, find_variant, lock_opening
from chatbranch.cases.models import AlsoSent, Asker, Band, Case, Variant
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.journal.actions import do_record
from chatbranch.kernel import ids


@dataclass(frozen=True)
class Arrival:
    """A message as cases see it: no sender, only what was said, and where its asker can be told (`channel`, `address`).

    comes_back: the asker fetches the answer (API, command line), so no address is kept.
    counts: asked with the case's id whether this asker adds to its number; whoever opens a case does. None: everyone does.
    """

    shape: Shape
    lang: str
    channel: str
    address: str
    link: str = ""
    image: str = ""
    comes_back: bool = False
    resembles: UUID | None = None
    why: dict[str, object] | None = None
    counts: Callable[[UUID], bool] | None = None


@dataclass(frozen=True)
class Joined:
    """The case a message landed in, and the pseudonym of its asker there."""

    case: Case
    pseudonym: str
    opened: bool


def do_open_or_join(arrival: Arrival) -> Joined:
    """Put a message into its one case: an open one that it repeats, else a new one. Safe however many arrive at once."""
    with transaction.atomic():
        lock_opening()
        variant = find_variant(arrival.shape)
        case = variant.case if variant else find_case(arrival.shape)
        opened = case is None
        if case is None:
            case = _open(arrival)
        variant = _count(variant, case, arrival)
        pseudonym = _ask(case, variant, arrival, opened)
        do_record("case.opened" if opened else "case.joined", case.id, code=case.code)
    return Joined(case, pseudonym, opened)


def _open(arrival: Arrival) -> Case:
    return Case.objects.create(
        code=free_code(), lang=arrival.lang, resembles_id=arrival.resembles, why=arrival.why or {}
    )


def free_code() -> str:
    """A code no case has; longer ones once the four-digit ones run short. Call with the opening lock held."""
    for digits in (4, 4, 4, 4, 5, 5, 6, 7, 8):
        code = ids.new_code(digits)
        if not Case.objects.filter(code=code).exists():
            return code
    raise RuntimeError("no free code in nine tries, the last with eight digits")


def _count(variant: Variant | None, case: Case, arrival: Arrival) -> Variant:
    if variant is not None:
        Variant.objects.filter(pk=variant.pk).update(count=F("count") + 1)
        return variant
    variant = Variant.objects.create(
        case=case,
        fingerprint=arrival.shape.fingerprint,
        text=arrival.shape.text,
        lang=arrival.lang,
        link=arrival.link,
        image=arrival.image,
    )
    Band.objects.bulk_create(Band(band=band, variant=variant) for band in arrival.shape.bands)
    return variant


def _ask(case: Case, variant: Variant, arrival: Arrival, opened: bool) -> str:
    """Write the asker once, however often they send it; the case's count is of people, not of messages."""
    pseudonym = _name(arrival.channel, arrival.address, case.id, arrival.lang, comes_back=arrival.comes_back)
    asker, new = Asker.objects.get_or_create(
        pseudonym=pseudonym,
        defaults={"subject": case.id, "case": case, "claim_id": case.claim_id, "variant": variant},
    )
    if new:
        # asked of whoever opens it too, so that they are among those of their network that count
        if arrival.counts is None or arrival.counts(case.id) or opened:
            Case.objects.filter(pk=case.pk).update(askers_count=F("askers_count") + 1)
            case.askers_count += 1
        else:  # answered and told like everyone; they do not add to the number
            Asker.objects.filter(pk=asker.pk).update(counted=False)
    else:
        _note_sent(asker, [variant.pk])
        if case.claim_id and asker.claim_id is None:
            Asker.objects.filter(pk=asker.pk).update(claim_id=case.claim_id)
    return pseudonym


def _note_sent(asker: Asker, variants: Iterable[UUID | None]) -> None:
    """Remember which other variants an asker sent, for the day on which a split parts them."""
    for variant in variants:
        if variant and variant != asker.variant_id:
            AlsoSent.objects.get_or_create(asker=asker, variant_id=variant)


def _sent(asker: Asker) -> list[UUID | None]:
    return [asker.variant_id, *asker.also_sent.values_list("variant_id", flat=True)]


def _name(channel: str, address: str, subject: UUID, lang: str, *, comes_back: bool) -> str:
    """The asker's pseudonym in a subject; their address is kept with it unless they come back by themselves."""
    if comes_back:
        return contacts.pseudonym_of(channel, address, subject)
    return contacts.do_keep(channel, address, subject, lang)


def do_note_told(
    claim_id: UUID, version: int, channel: str, address: str, lang: str, *, comes_back: bool = False
) -> str:
    """Remember, in the caller's transaction, that this asker was given `version` of the claim's verdict; returns the pseudonym.

    Somebody who had asked in one of the claim's cases stays one asker, so that a change reaches them once.
    """
    told = {"claim_id": claim_id, "told_version": version}
    for subject in Case.objects.filter(claim_id=claim_id).values_list("id", flat=True):
        pseudonym = contacts.pseudonym_of(channel, address, subject)
        if Asker.objects.filter(pseudonym=pseudonym).update(**told):
            return _name(channel, address, subject, lang, comes_back=comes_back)
    pseudonym = _name(channel, address, claim_id, lang, comes_back=comes_back)
    Asker.objects.update_or_create(pseudonym=pseudonym, defaults={"subject": claim_id, **told})
    return pseudonym


def do_note_heard(pseudonym: str, case: Case) -> None:
    """Remember, in the caller's transaction, that this asker hears now what there is to say of a case no longer open.

    `case` is as it was read before that is put into words: a verdict published in between is still told.
    """
    told = {"told_version": case.claim.version} if case.claim else {}
    Asker.objects.filter(pseudonym=pseudonym).update(told_state=case.state, **told)


def do_also_tell(case_id: UUID, channel: str, address: str, lang: str, *, beside: str) -> None:
    """Tell the asker with the pseudonym `beside` at a second address too, in the caller's transaction; they stay one asker."""
    pseudonym = contacts.do_keep(channel, address, case_id, lang)
    asker = Asker.objects.get(pseudonym=beside)
    same = ("subject", "case", "claim", "variant", "told_version", "told_state")
    second, _ = Asker.objects.get_or_create(
        pseudonym=pseudonym, defaults={"counted": False, **{name: getattr(asker, name) for name in same}}
    )
    _note_sent(second, _sent(asker))


def do_rekey(most: int = 200) -> int:
    """Give askers moved by a merge or a split the pseudonym of the case they are in now; who asked in both becomes one.

    Then let whoever sent variants of both parts of a split follow both. Returns how many it saw to: call until none.
    """
    with transaction.atomic():
        moved = Asker.objects.filter(case__isnull=False).exclude(subject=F("case_id"))
        chunk = list(moved.select_related("case").select_for_update(of=("self",))[:most])
        for asker in chunk:
            _rekey(asker)
    return len(chunk) or _follow_parted(most)


def _rekey(asker: Asker) -> None:
    case = asker.case
    assert case is not None
    reach = contact_queries.open_contact(asker.pseudonym, hold=True)
    if reach is None:  # their contact is gone: they can no longer be told, and count on where they are
        Asker.objects.filter(pk=asker.pk).update(subject=case.id)
        return
    pseudonym = contacts.do_keep(reach.channel, reach.address, case.id, reach.lang)
    try:
        with transaction.atomic():
            Asker.objects.filter(pk=asker.pk).update(pseudonym=pseudonym, subject=case.id)
    except IntegrityError:
        _note_sent(Asker.objects.get(pseudonym=pseudonym), _sent(asker))
        asker.delete()
        Case.objects.filter(pk=case.pk).update(askers_count=F("askers_count") - int(asker.counted))


def _follow_parted(most: int) -> int:
    """Whoever sent a variant that is in another case now becomes an asker of that case too."""
    with transaction.atomic():
        parted = AlsoSent.objects.filter(asker__subject=F("asker__case_id"))
        parted = parted.exclude(variant__case_id=F("asker__case_id")).select_related("asker", "variant__case")
        chunk = list(parted.select_for_update(of=("self",))[:most])
        for each in chunk:
            _follow(each.asker, each.variant)
            each.delete()
    return len(chunk)


def _follow(asker: Asker, variant: Variant) -> None:
    reach = contact_queries.open_contact(asker.pseudonym, hold=True)
    if reach is None:
        return
    case = variant.case
    pseudonym = contacts.do_keep(reach.channel, reach.address, case.id, reach.lang)
    same = {"asked_at": asker.asked_at, "told_state": asker.told_state, "counted": asker.counted}
    there = {"subject": case.id, "case": case, "claim_id": case.claim_id, "variant": variant}
    known, new = Asker.objects.get_or_create(pseudonym=pseudonym, defaults={**there, **same})
    if new:
        Case.objects.filter(pk=case.pk).update(askers_count=F("askers_count") + int(asker.counted))
    else:
        _note_sent(known, [variant.pk])


def do_forget(pseudonyms: list[str]) -> None:
    """Erase the askers behind these pseudonyms; the cases keep their wordings and their counts."""
    for start in range(0, len(pseudonyms), 500):
        Asker.objects.filter(pseudonym__in=pseudonyms[start : start + 500]).delete()


def all_pseudonyms() -> set[str]:
    """Every asker's pseudonym (for forgetting again after a restore)."""
    return set(Asker.objects.values_list("pseudonym", flat=True))

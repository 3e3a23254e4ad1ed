"""Reading corrections: what members said of a message, and what that amounts to (agreement.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chatbranch.branch import queries as branch
from chatbranch.claims import queries as claims
from chatbranch.kernel import clock
from chatbranch.matching.agreement import NOTHING, SAME, Agreed, Word, agreed
from chatbranch.matching.models import Correction


def last_words(fingerprints: Collection[str]) -> dict[str, list[Correction]]:
    """For each of these messages that was corrected, the last word of each member on it, oldest first."""
    said: dict[str, dict[UUID | None, Correction]] = defaultdict(dict)
    rows = Correction.objects.filter(fingerprint__in=list(fingerprints)).select_related("by__outlet", "claim")
    for each in rows.order_by("at", "id"):
        said[each.fingerprint].pop(each.by_id, None)
        said[each.fingerprint][each.by_id] = each
    return {message: list(words.values()) for message, words in said.items()}


def agreed_on(words: Iterable[Correction], also: Collection[UUID] = ()) -> Agreed:
    """What the last words on one message amount to; `also`: further claims to tell about."""
    rows = [each for each in words if each.by is not None]
    spoken = {claim for each in rows for claim in (each.claim_id, each.found_id) if claim} | set(also)
    since = claims.known_since(spoken)
    return agreed([_word(each, since) for each in rows])


def _word(row: Correction, since: Mapping[UUID, datetime]) -> Word:
    """A word given for an outlet stays its word when whoever gave it leaves."""
    assert row.by is not None
    standing = branch.standing(row.by)
    knew = [str(claim) for claim, at in since.items() if at <= row.at] if row.says == NOTHING else []
    return Word(
        standing.outlet,
        row.says,
        str(row.claim_id) if row.claim_id else None,
        str(row.found_id) if row.found_id else None,
        frozenset(knew),
        standing.counts_from <= clock.now(),
    )


@dataclass(frozen=True)
class Choice:
    """A claim that a member may say the message says. `outlets`: how many say so already."""

    claim_id: UUID
    headline: str
    found: bool
    outlets: int


@dataclass(frozen=True)
class Said:
    """One member's present word on a match, as pages show it. claim: what it speaks of, by its headline."""

    outlet: str
    member: str
    says: str
    claim: Choice | None
    note: str

    @property
    def is_another(self) -> bool:
        """Whether it names another claim than the one that was found."""
        return self.says == SAME and self.claim is not None and not self.claim.found


@dataclass(frozen=True)
class Panel:
    """What a page shows of one match for members to correct: the claim found, others to choose among, what was said so far.

    apart: the claim found is no answer to this message any more.
    """

    found: Choice | None
    others: list[Choice]
    words: list[Said]
    apart: bool


def panels(matches: Mapping[str, tuple[UUID | None, Sequence[UUID]]], lang: str) -> dict[str, Panel]:
    """A panel for each message, given as fingerprint -> (claim found, claims that came near); with few reads for all."""
    said = last_words(matches)
    shown: set[UUID] = set()
    for found, near in matches.values():
        shown.update(near, [found] if found else [])
    for words in said.values():
        shown.update(each.claim_id for each in words if each.claim_id)
    headlines = claims.headlines(shown, lang)
    return {
        message: _panel(found, near, said.get(message, []), headlines)
        for message, (found, near) in matches.items()
    }


def _panel(
    found: UUID | None, near: Sequence[UUID], words: Sequence[Correction], headlines: Mapping[UUID, str]
) -> Panel:
    amount = agreed_on(words, [found] if found else [])
    named = [each.claim_id for each in words if each.claim_id]
    choices = {
        each: Choice(each, headlines[each], each == found, amount.yes.get(str(each), 0))
        for each in dict.fromkeys([*([found] if found else []), *near, *named])
        if each in headlines
    }
    others = [choice for choice in choices.values() if not choice.found]
    said = [_said(each, choices) for each in words]
    apart = found is not None and amount.is_apart(str(found))
    return Panel(choices.get(found) if found else None, others, said, apart)


def _said(row: Correction, choices: Mapping[UUID, Choice]) -> Said:
    claim = choices.get(row.claim_id) if row.claim_id else None
    outlet, member = (row.by.outlet.name, row.by.name) if row.by else ("", "")
    return Said(outlet, member, row.says, claim, row.note)


def is_set_apart(claim_id: UUID, fingerprints: Collection[str]) -> bool:
    """Whether members of two outlets say of one of these messages that it does not say what the claim says."""
    said = last_words(fingerprints)
    return any(agreed_on(words, {claim_id}).is_apart(str(claim_id)) for words in said.values())


def texts_held() -> list[str]:
    """The messages whose text a correction holds, though no member said to keep it."""
    held = Correction.objects.filter(keep=False).exclude(text="")
    return list(held.order_by().values_list("fingerprint", flat=True).distinct())

"""What somebody wrote, in the form a commitment is made of. docs/reference/public-log.md describes it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard


def of_verdict(card: ClaimCard, wordings: int) -> Mapping[str, object]:
    """The words of a verdict, with the first so many wordings of its claim: always the same, for both are only added to."""
    return {
        "explanation": card.explanation,
        "reason": card.reason,
        "scope": card.scope,
        "sources": [vars(each) for each in card.sources],
        "wordings": [{"lang": lang, "text": text} for lang, text in claims.worded(card.id)[:wordings]],
    }


def count_of(claim_id: UUID) -> int:
    """How many wordings the claim has now."""
    return len(claims.worded(claim_id))

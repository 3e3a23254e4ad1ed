"""The one object that every way of asking is answered with: the API, the command line, the page and the chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("answer", "suggest", "new")


@dataclass(frozen=True)
class Answer:
    """What was found, and why.

    outcome: answer | suggest | new, or for messages that are no question: status | help | forgotten | opinion;
    meant | not-meant: a word on a suggestion; card: a card or page of ours, and `claim` what holds today, if it is ours.
    probability: calibrated, 0 to 1. claim: the claim's card as JSON values (claims.cards.ClaimCard.as_dict), or None.
    matched: {"text", "start", "end", "wording"}: the span of the message that was matched, in characters.
    differences: [{"kind", "yours", "ours", "decisive"}]. why: rule, score, threshold, features, nearest, fitted.
    case: {"code", "state", "askers"} or None; askers: None while fewer than three, so that nobody can tell who.
    message: what is said to the asker, in their language; note: the part of it that says what could not be read.
    """

    outcome: str
    message: str
    lang: str
    probability: float = 0.0
    claim: dict[str, Any] | None = None
    verdict: str | None = None
    verdict_date: str | None = None
    sources: list[dict[str, str]] = field(default_factory=list)
    matched: dict[str, Any] | None = None
    differences: list[dict[str, Any]] = field(default_factory=list)
    why: dict[str, Any] = field(default_factory=dict)
    case: dict[str, Any] | None = None
    url: str = ""
    share_text: str = ""
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON values, every key always there."""
        return dict(vars(self))

"""What stands on a card, as a picture and as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.urls import reverse

from chatbranch.branch.queries import branch_name
from chatbranch.claims import passing_on
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.rules import WITHDRAWN, rating_name
from chatbranch.kernel import clock
from chatbranch.kernel.phrases import Phrase


@dataclass(frozen=True)
class Words:
    """All that stands on a card. note: what stands in brackets after the rating; facts: one a line; warning: may be empty."""

    lang: str
    branch: str
    rating: str
    rating_name: str
    note: str
    headline: str
    facts: tuple[str, ...]
    warning: str
    code_name: str
    code: str
    hint: str
    url: str


def text_of(card: ClaimCard, lang: str, branch: str | None = None) -> str:
    """The card as plain text. branch: its name, where it has been looked up for many cards."""
    named = branch_name() if branch is None else branch
    return passing_on.plain_text(card, lang, _today(), branch=named, url=url_of(card))


def words_of(card: ClaimCard, lang: str) -> Words:
    """What stands on the picture."""
    word, _, note = rating_name(card.rating, lang).replace("（", "(").rstrip("）)").partition("(")
    return Words(
        lang=lang,
        branch=Phrase("{name}", "{name}").say(lang, name=branch_name()),
        rating=card.rating,
        rating_name=word.strip().capitalize(),
        note=note,
        headline=card.headline(lang).translate(_STRAIGHT) if lang == "en" else card.headline(lang),
        facts=(passing_on.as_of(card, _today(), lang), passing_on.decided_by(card, lang, branch_name())),
        warning=passing_on.TAKEN_BACK.say(lang) if card.rating == WITHDRAWN else "",
        code_name=_CODE.say(lang),
        code=card.code,
        hint=_HINT.say(lang),
        url=url_of(card),
    )


def kind_text_of(card: ClaimCard, lang: str) -> str:
    """The text for the family group; empty where the verdict may not be given as an answer any more, unless it was taken back."""
    if card.rating != WITHDRAWN and not card.answers(_today()):
        return ""
    return passing_on.kind_text(card, lang, url=url_of(card))


def picture_url(card: ClaimCard, lang: str) -> str:
    """Where the picture of the card is that holds today."""
    return f"{settings.CONFIG.url}{reverse('card-picture', args=[card.id])}?lang={lang}"


def url_of(card: ClaimCard) -> str:
    """Where the card's code leads."""
    return passing_on.code_url(settings.CONFIG.url, card.code)


def _today() -> date:
    return clock.now().date()


_STRAIGHT = str.maketrans("“”‘’", "\"\"''")
"""In the font, which is made for Chinese, curly marks are as wide as a character."""
_CODE = Phrase("防伪码", "Card code")
_HINT = Phrase(
    "扫码，或把这张卡片发给我们：可辨真伪，看今天的结论。",
    "Scan, or send us this card: see whether it is genuine, and what holds today.",
)

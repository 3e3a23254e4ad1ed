"""In a room: one notice, ever; and, where the branch allows it, a word about a published falsehood nobody asked about.

What is compared and not spoken about is written down nowhere: no submission, no count, no line in the log.
"""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import transaction

from chatbranch.cases import actions as cases
from chatbranch.claims import codes
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.contacts import actions as contacts
from chatbranch.contacts import queries as contact_queries
from chatbranch.deliveries import actions as deliveries
from chatbranch.intake import floods, letters
from chatbranch.intake.manners import is_certain, worth_comparing
from chatbranch.intake.models import Room
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS
from chatbranch.kernel.text import clean, written_language
from chatbranch.matching import queries as matching


def do_greet(inbound: Inbound) -> bool:
    """Tell a room what we do, the first time anything is said there, and never again; returns whether this was it."""
    destination = contact_queries.destination(inbound.channel, inbound.address)
    if Room.objects.filter(destination=destination).exists():
        return False
    lang, today = _lang(inbound), contacts.day_scope(clock.now().date())
    with transaction.atomic():
        if not Room.objects.get_or_create(destination=destination)[1]:
            return False
        pseudonym = contacts.do_keep(inbound.channel, inbound.address, today, lang, days=2)
        deliveries.do_queue(
            pseudonym=pseudonym,
            kind="greeting",
            text=letters.GREETING.say(lang),
            once=f"greeting:{destination}",
        )
    return True


def is_overheard(inbound: Inbound) -> bool:
    """Whether a message that is not for us is compared with the library at all: a card, which says itself what was found, is not.
    Takes no look at the database."""
    said = clean(inbound.text)
    return (
        bool(settings.CONFIG.speak_unasked)
        and worth_comparing(said, inbound.sent_at, clock.now())
        and not codes.find(said)
    )


def do_speak_unasked(inbound: Inbound) -> bool:
    """Say that a message of a room repeats a published falsehood, where that is certain and was not said there today.

    Matching runs in memory; only what is spoken about is written: the room counts as told, so that a change of that
    verdict reaches it too. Returns whether something was said.
    """
    card = _falsehood(clean(inbound.text))
    if card is None:
        return False
    lang, url = _lang(inbound), f"{settings.CONFIG.url}/claims/{card.id}/"
    with transaction.atomic():
        if not floods.do_count_told(inbound.channel, inbound.address, card.id):
            return False
        pseudonym = cases.do_note_told(card.id, card.version, inbound.channel, inbound.address, lang)
        queued = deliveries.do_queue(
            pseudonym=pseudonym,
            kind="unasked",
            text=letters.unasked_letter(card, lang, url=url),
            once=f"unasked:{pseudonym}:{clock.now().date().isoformat()}",
            about=card.id,
            reply_to=inbound.reply_to,
        )
    return queued is not None


def _falsehood(text: str) -> ClaimCard | None:
    """The published falsehood that this text repeats, beyond doubt."""
    found = matching.match_text(text)
    card = claims.claim_card(UUID(found.claim_id)) if found.outcome == "answer" and found.claim_id else None
    certain = card and is_certain(found.outcome, card.rating, in_force=card.answers(clock.now().date()))
    return card if certain else None


def _lang(inbound: Inbound) -> str:
    """A room is spoken to in the language it speaks, whatever one of its people has set for themselves."""
    return written_language(clean(inbound.text)) or (inbound.lang if inbound.lang in LANGS else "zh-Hans")

"""From a message to its answer: prepare (read, fetch, match; slow, writes nothing) and settle (writes; in the caller's transaction)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.conf import settings

from chatbranch.cases import actions as cases
from chatbranch.cases import queries as case_queries
from chatbranch.cases.actions import Shape, shape_of, shape_of_thing
from chatbranch.cases.letters import UNKNOWN, shown_askers
from chatbranch.claims import codes, passing_on
from chatbranch.claims import queries as claims
from chatbranch.claims.cards import ClaimCard
from chatbranch.intake import letters
from chatbranch.intake.answers import Answer
from chatbranch.intake.forwarded import card_in, letter
from chatbranch.intake.opinions import is_opinion
from chatbranch.intake.rules import LONGEST_LINK, is_blank, read
from chatbranch.kernel.errors import Refused
from chatbranch.matching import queries as matching
from chatbranch.matching.engine import Match
from chatbranch.matching.rules import SET_APART

COMES_BACK = frozenset(
    {"api", "cli"}
)  # channels on which nothing can be sent: whoever asks there looks again


@dataclass(frozen=True)
class Prepared:
    """A message read and matched. kind: as in rules.Reading; or `card`, where it shows a card of ours by its `code`, or leads to
    the page of a claim. not_ours: a card code in it that is none of ours."""

    kind: str
    lang: str
    text: str = ""
    code: str = ""
    link: str = ""
    images: tuple[str, ...] = ()
    match: Match | None = None
    shape: Shape | None = None
    trouble: str = ""
    claim_id: UUID | None = None
    not_ours: str = ""


@dataclass(frozen=True)
class Asker:
    """Who asks: where and in which language they are told.

    counts: asked with a case's id whether a new asker adds to its number; without it, they do.
    room: they ask before others, who did not.
    """

    channel: str
    address: str
    lang: str
    counts: Callable[[UUID], bool] | None = None
    room: bool = False

    @property
    def comes_back(self) -> bool:
        """Whether they fetch what there is to say."""
        return self.channel in COMES_BACK


@dataclass(frozen=True)
class Settled:
    """An answer written: the asker's pseudonym for the subject (case or claim) it is about, and what is said."""

    answer: Answer
    pseudonym: str = ""
    subject: UUID | None = None
    case_id: UUID | None = None
    claim_id: UUID | None = None
    version: int = 0


def for_members(text: str, lang: str, *, images: tuple[str, ...] = ()) -> Prepared:
    """The message as a case for members, without matching: for one that matching could not digest."""
    return Prepared("check", lang, text, images=images, shape=shape_of_thing("message", text, text))


def prepare(text: str, lang: str, *, images: tuple[str, ...] = ()) -> Prepared:
    """Read the message, fetch its page if it is only a link, and match it. Takes tens of milliseconds; writes nothing."""
    reading = read(text)
    if reading.kind != "check":
        return Prepared(reading.kind, lang, text=reading.text, code=reading.code)
    card = card_in(reading.text, reading.link, images)
    if card and (card.genuine or not (images or codes.without(reading.text))):
        return Prepared("card", lang, code=card.code, claim_id=card.claim_id)
    said, trouble = reading.text, ""
    if reading.link:
        try:
            said = _page_behind(reading.link)
        except Refused as refusal:
            trouble = refusal.say(lang)  # the case still opens, with the link for members to look at
    prepared = Prepared(
        "check",
        lang,
        said,
        link=reading.link,
        images=images,
        trouble=trouble,
        not_ours=card.code if card else "",
    )
    if is_blank(said):
        kind, name = ("image", images[0]) if images else ("link", said)
        return replace(prepared, shape=shape_of_thing(kind, name, said))
    shape = shape_of(said)
    return replace(prepared, shape=shape, match=matching.match_unless_new(said, shape.fingerprint))


def _page_behind(link: str) -> str:
    """The words of a page: title and main text."""
    from chatbranch.intake.fetch import (
        fetch,
    )  # its HTTP client takes a third of a second to load, which only a link is worth

    page = fetch(link)
    return f"{page.title}\n{page.text}".strip()


def settle(prepared: Prepared, asker: Asker) -> Settled:
    """Write what the prepared message entails, in the caller's transaction, and compose the answer."""
    settled = _settled(prepared, asker)
    if not prepared.not_ours:
        return settled
    warning, answer = passing_on.UNKNOWN_CODE.say(asker.lang, code=prepared.not_ours), settled.answer
    warned = replace(answer, message=f"{warning}\n{answer.message}", note=f"{warning} {answer.note}".strip())
    return replace(settled, answer=warned)


def _settled(prepared: Prepared, asker: Asker) -> Settled:
    lang = asker.lang
    match prepared.kind:
        case "help" | "yes" | "no":  # a word to nothing that we asked
            return Settled(Answer("help", letters.HELP.say(lang), lang))
        case "forget":
            return Settled(Answer("forgotten", letters.FORGOTTEN.say(lang), lang))
        case "code":
            return _status(prepared.code, lang)
        case "duty":
            return _on_duty(prepared.code, asker)
        case "card":
            return _forwarded(prepared, asker)
    found = prepared.match
    card = claims.claim_card(UUID(str(found.claim_id))) if found and found.claim_id else None
    if found is not None and card is not None and found.outcome == "answer":
        return _answered(prepared, found, card, asker)
    return _opened(prepared, found, card, asker)


def _on_duty(code: str, asker: Asker) -> Settled:
    """A rater's digest comes here from now on: never into a room, nor where nothing can be sent."""
    here = not asker.room and not asker.comes_back
    connected = here and cases.do_connect_digest(code, asker.channel, asker.address, asker.lang)
    said = letters.ON_DUTY if connected else letters.NO_SUCH_DUTY
    return Settled(Answer("help", said.say(asker.lang), asker.lang))


def _forwarded(prepared: Prepared, asker: Asker) -> Settled:
    """A card of ours: what holds today, and later changes of it too; or that the code is none of ours."""
    lang, code = asker.lang, prepared.code
    now = claims.claim_card(prepared.claim_id) if prepared.claim_id else None
    then = claims.card_of_code(code) if code else now
    if now is None or then is None:
        return Settled(Answer("card", passing_on.UNKNOWN_CODE.say(lang, code=code), lang))
    pseudonym = cases.do_note_told(
        now.id, now.version, asker.channel, asker.address, lang, comes_back=asker.comes_back
    )
    url = f"{settings.CONFIG.url}/claims/{now.id}/"
    said, sources = letter(code, then, now, lang, url=url), [dict(vars(each)) for each in now.sources]
    answer = Answer("card", said, lang, claim=now.as_dict(lang), sources=sources, url=url)
    return Settled(answer, pseudonym, now.id, claim_id=now.id, version=now.version)


def also_tell(settled: Settled, *, channel: str, address: str, lang: str) -> None:
    """Let the same asker be told at a second address too (an e-mail left on the web page)."""
    if settled.case_id is not None:
        cases.do_also_tell(settled.case_id, channel, address, lang, beside=settled.pseudonym)
    elif settled.claim_id is not None:
        cases.do_note_told(settled.claim_id, settled.version, channel, address, lang)


def _status(code: str, lang: str) -> Settled:
    case = case_queries.find(code)
    text = case_queries.status_text(code, lang, url=settings.CONFIG.url)
    about = _standing(case.code, case.standing, case.askers_count) if case else None
    return Settled(Answer("status", text, lang, case=about, url=f"{settings.CONFIG.url}/status/{code}/"))


def _answered(prepared: Prepared, found: Match, card: ClaimCard, asker: Asker) -> Settled:
    lang = asker.lang
    pseudonym = cases.do_note_told(
        card.id, card.version, asker.channel, asker.address, lang, comes_back=asker.comes_back
    )
    url = f"{settings.CONFIG.url}/claims/{card.id}/"
    matched = _matched(prepared.text, found, card, lang)
    quoted = prepared.text[matched["start"] : matched["end"]][:80] if matched else ""
    whole = letters.answer_letter(card, lang, quoted=quoted, url=url)
    answer = Answer(
        "answer",
        letters.room_letter(card, lang, url=url) if asker.room else whole,
        lang,
        verdict=card.rating,
        verdict_date=card.as_of.isoformat(),
        url=url,
        share_text=passing_on.kind_text(card, lang, url=passing_on.code_url(settings.CONFIG.url, card.code)),
        **_about(prepared, found, card, lang, _why(found, lang)),
    )
    return Settled(answer, pseudonym, card.id, claim_id=card.id, version=card.version)


def _opened(prepared: Prepared, found: Match | None, card: ClaimCard | None, asker: Asker) -> Settled:
    assert prepared.shape is not None
    lang, related = asker.lang, card if found is not None and found.outcome == "suggest" else None
    why = _why(found, lang) if found else {}
    arrival = cases.Arrival(
        prepared.shape,
        lang,
        asker.channel,
        asker.address,
        comes_back=asker.comes_back,
        link=prepared.link if len(prepared.link) <= LONGEST_LINK else "",  # a longer one stays in the text
        image=prepared.images[0] if prepared.images else "",
        resembles=related.id if related else None,
        why=why,
        counts=asker.counts,
    )
    joined = cases.do_open_or_join(arrival)
    case = joined.case
    if joined.opened and related is None and is_opinion(prepared.text):
        cases.do_close_unread(case)
    status = _standing(case.code, case.standing, case.askers_count)
    if case.standing != cases.OPEN:  # the same message was dealt with: say how, now and not again
        cases.do_note_heard(joined.pseudonym, case)
        answer = _dealt_with(prepared, lang, status)
    elif related is not None and found is not None:
        about = _about(prepared, found, related, lang, why)
        url = f"{settings.CONFIG.url}/claims/{related.id}/"
        said = letters.suggest_letter(
            related,
            lang,
            differences=about["differences"],
            code=case.code,
            url=url,
            apart=found.rule == SET_APART,
        )
        answer = Answer(
            "suggest", said, lang, case=status, url=f"{settings.CONFIG.url}/status/{case.code}/", **about
        )
    else:
        answer = _new(prepared, found, lang, status, why)
    return Settled(answer, joined.pseudonym, case.id, case_id=case.id)


def _standing(code: str, state: str, askers: int) -> dict[str, Any]:
    """A case as an answer shows it."""
    return {"code": code, "state": state, "askers": shown_askers(askers)}


def _dealt_with(prepared: Prepared, lang: str, status: dict[str, Any]) -> Answer:
    base, code = settings.CONFIG.url, status["code"]
    said = case_queries.status_text(code, lang, url=base, sent=prepared.text)
    return Answer("new", said, lang, case=status, url=f"{base}/status/{code}/")


def _new(
    prepared: Prepared, found: Match | None, lang: str, status: dict[str, Any], why: dict[str, Any]
) -> Answer:
    code = status["code"]
    url = f"{settings.CONFIG.url}/status/{code}/"
    note = letters.IMAGE.say(lang) if prepared.images and not prepared.text else prepared.trouble
    said = "\n".join(part for part in (note, UNKNOWN.say(lang, code=code)) if part)
    probability = found.probability if found else 0.0
    return Answer("new", said, lang, probability=probability, why=why, case=status, url=url, note=note)


def _about(
    prepared: Prepared, found: Match, card: ClaimCard, lang: str, why: dict[str, Any]
) -> dict[str, Any]:
    return {
        "probability": found.probability,
        "claim": card.as_dict(lang),
        "sources": [dict(vars(source)) for source in card.sources],
        "matched": _matched(prepared.text, found, card, lang),
        "differences": [difference.as_dict() for difference in found.differences],
        "why": why,
    }


def _matched(text: str, found: Match, card: ClaimCard, lang: str) -> dict[str, Any] | None:
    if found.span is None:
        return None
    start, end = found.span
    public = found.wording in {wording for each in card.wordings.values() for wording in each}
    wording = (
        found.wording if public else card.headline(lang)
    )  # what was learnt from a forward is shown to nobody
    return {"text": text[:2000], "start": start, "end": end, "wording": wording}


def _why(found: Match, lang: str) -> dict[str, Any]:
    kept = (
        "outcome",
        "probability",
        "score",
        "threshold",
        "features",
        "rule",
        "nearest",
        "fitted",
        "differences",
    )
    values = found.as_dict()
    said = claims.headlines([UUID(each.claim_id) for each in found.nearest], lang)
    nearest = [{**vars(each), "wording": said.get(UUID(each.claim_id), "")} for each in found.nearest]
    return {**{key: values[key] for key in kept if key in values}, "nearest": nearest}

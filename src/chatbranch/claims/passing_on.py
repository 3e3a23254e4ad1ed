"""A verdict as text to pass on: the plain card, and kind words for the family group; and what is said of a card somebody forwards.

Written as pairs, by hand. They speak of the matter, never of whoever passed it on. Pure.
"""

from __future__ import annotations

import re
from datetime import date

from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.rules import WITHDRAWN, rating_name
from chatbranch.claims.topics import origin_name
from chatbranch.kernel.phrases import Phrase, day, pick

GIST = 140  # characters of an explanation that a family group reads


def code_url(site: str, code: str) -> str:
    """Where a card code leads. site: the branch's public address."""
    return f"{site}/c/{code}"


def is_past(card: ClaimCard, today: date) -> bool:
    """Whether the verdict's last day is over."""
    return card.expires is not None and card.expires < today


def decided_by(card: ClaimCard, lang: str, branch: str = "") -> str:
    """Who decided the verdict: the branch, or whoever it is imported from."""
    if card.origin:
        return _IMPORTED.say(lang, origin=origin_name(card.origin, lang))
    return _OURS.say(lang, branch=branch) if branch else _BY_US.say(lang)


def as_of(card: ClaimCard, today: date, lang: str) -> str:
    """The day a verdict is as of, and whether its time is over."""
    said = _AS_OF.say(lang, day=day(card.as_of, lang))
    return (
        said + _PAST.say(lang, day=day(card.expires, lang)) if card.expires and is_past(card, today) else said
    )


def ruling(rating: str, headline: str, lang: str) -> str:
    """A verdict in one line: 【不实】… or [false] …"""
    return _RULING.say(lang, rating=rating_name(rating, lang), headline=headline)


def plain_text(card: ClaimCard, lang: str, today: date, *, branch: str, url: str) -> str:
    """The card as plain text for a chat, which stands on its own where links are blocked. url: of its card code."""
    lines = [
        ruling(card.rating, card.headline(lang), lang),
        TAKEN_BACK.say(lang) if card.rating == WITHDRAWN else "",
        f"{as_of(card, today, lang)} · {decided_by(card, lang, branch)}",
        _CODE.say(lang, code=card.code, url=url),
    ]
    return "\n".join(line for line in lines if line)


def kind_text(card: ClaimCard, lang: str, *, url: str) -> str:
    """A text for the family group. It corrects without shaming whoever sent it; what is true is told as readily."""
    return _KIND[card.rating].say(
        lang,
        headline=card.headline(lang).rstrip("。.！!"),
        rating=rating_name(card.rating, lang),
        explanation=gist(pick(card.explanation, lang), lang),
        more=_MORE.say(lang, code=card.code, url=url),
    )


def of_card(then: ClaimCard, now: ClaimCard, lang: str, *, url: str) -> str:
    """What whoever forwards a card of ours is told: whose it is, what it says, and what holds today. then: the version that its
    code belongs to."""
    at = day(then.published_at.date(), lang)
    said = rating_name(then.rating, lang)
    lines = [_GENUINE.say(lang, code=then.code, day=at, rating=said, headline=now.headline(lang))]
    if then.version == now.version:
        lines.append(_STANDS.say(lang))
    else:
        lines.append(_TODAY.say(lang, rating=rating_name(now.rating, lang), day=day(now.as_of, lang)))
        lines.append(pick(now.reason, lang))
    if now.rating == WITHDRAWN:
        lines.append(TAKEN_BACK.say(lang))
    lines += [_ALTERED.say(lang), DETAILS.say(lang, url=url)]
    return "\n".join(line for line in lines if line)


def of_page(now: ClaimCard, lang: str, *, url: str) -> str:
    """What whoever forwards the address of a claim's page is told: what holds today."""
    holds = _TODAY.say(lang, rating=rating_name(now.rating, lang), day=day(now.as_of, lang))
    return "\n".join([_OUR_PAGE.say(lang, headline=now.headline(lang)), holds, DETAILS.say(lang, url=url)])


def gist(text: str, lang: str, most: int = GIST) -> str:
    """The first sentences of a text, as many as fit, or its beginning; ready for another sentence to follow."""
    flat = " ".join(text.split())
    if len(flat) > most:
        ends = [each.end() for each in _SENTENCE_END.finditer(flat[:most])]
        flat = flat[: ends[-1]] if ends else flat[: most - 1] + "…"
    return f"{flat.strip()} " if flat and lang == "en" else flat.strip()


_SENTENCE_END = re.compile(r"[。！？!?]|\.(?=\s)")
_RULING = Phrase("【{rating}】{headline}", "[{rating}] {headline}")
_AS_OF = Phrase("截至{day}", "as of {day}")
_PAST = Phrase("（有效期到{day}，已过）", " (valid until {day}, which is over)")
_BY_US = Phrase("本会查证", "checked by this branch")
_OURS = Phrase("{branch}查证", "checked by {branch}")
_IMPORTED = Phrase("{origin}查证（转录）", "checked by {origin} (imported)")
TAKEN_BACK = Phrase(
    "这个结论已撤回，请先不要引用。", "This verdict has been withdrawn; please don't rely on it."
)
_CODE = Phrase(
    "防伪码 {code}：发给我们，或打开 {url}，可辨真伪、看最新结论",
    "Card code {code}: send it to us, or open {url}, to see whether it is genuine and what holds today",
)
_MORE = Phrase("最新结论：{url}（防伪码 {code}）", "What holds today: {url} (card code {code})")
_CORRECTS = Phrase(
    "大家好，关于群里这条：{headline}——有人认真查过了，结论是：{rating}。{explanation}转的人也是好意，给大家提个醒。{more}",
    "Hi all, about this one: {headline}. Someone has looked into it, and it is {rating}. {explanation}Whoever passed it on meant well; just so we all know. {more}",
)
_KIND = {
    "true": Phrase(
        "大家好，群里这条：{headline}——有人认真查过了，是真的。{explanation}可以放心转。{more}",
        "Hi all, about this one: {headline}. Someone has looked into it, and it is true. {explanation}Worth passing on. {more}",
    ),
    "mostly-true": Phrase(
        "大家好，群里这条：{headline}——有人认真查过了，大体不错，有些细节要看清。{explanation}{more}",
        "Hi all, about this one: {headline}. Someone has looked into it, and it is mostly true; some details matter. {explanation}{more}",
    ),
    "misleading": _CORRECTS,
    "false": _CORRECTS,
    "unknown": Phrase(
        "大家好，关于群里这条：{headline}——有人认真查过，现在还不能确定。{explanation}不妨等有结果再转。{more}",
        "Hi all, about this one: {headline}. Someone has looked into it, and it cannot be determined yet. {explanation}It may be worth waiting before passing it on. {more}",
    ),
    WITHDRAWN: Phrase(
        "大家好，关于这条：{headline}——之前的查证结论已经撤回，现在还不能确定，先别引用。是查证的人更正了自己，不怪转的人。{more}",
        "Hi all, about this one: {headline}. What was found about it has been withdrawn, so it cannot be determined yet. Whoever checked it has corrected themselves; nobody here did anything wrong. {more}",
    ),
}
_GENUINE = Phrase(
    "防伪码 {code} 是我们的：它属于{day}的一张卡片，结论是“{rating}”，说的是：{headline}",
    "{code} is a code of ours. It belongs to a card of {day} that says “{rating}” about: {headline}",
)
_STANDS = Phrase("今天的结论仍是这样。", "That is still the verdict today.")
_TODAY = Phrase("今天的结论是：{rating}（截至{day}）。", "Today's verdict is: {rating} (as of {day}).")
_ALTERED = Phrase("您那张若写的不一样，就是被人改过。", "If yours says something else, it was altered.")
DETAILS = Phrase("详情：{url}", "More: {url}")
_OUR_PAGE = Phrase("这是我们的网页，说的是：{headline}", "That is a page of ours, about: {headline}")
UNKNOWN_CODE = Phrase(
    "{code} 不是我们发出的防伪码：这张卡片不是我们的，或者码抄错了。请先不要当真。",
    "{code} is not one of our codes: the card is not ours, or the code was copied wrongly. Please don't rely on it.",
)

"""The few tags every page uses."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chatbranch.claims.media import media_name
from chatbranch.claims.rules import rating_name
from chatbranch.claims.topics import origin_name
from chatbranch.connectors import discover
from chatbranch.kernel import phrases
from chatbranch.kernel.phrases import Phrase, as_lang, pick

register = template.Library()


@register.simple_tag
def say(zh: str, en: str, **places: Any) -> str:
    """The phrase in the reader's language: {% say "问一问" "Ask" %}. Escaped like any other text."""
    return Phrase(zh, en).say(as_lang(get_language()), **places)


@register.filter
def in_lang(texts: dict[str, str]) -> str:
    """Of texts by language, the one nearest to the reader's: {{ verdict.explanation|in_lang }}."""
    return pick(texts or {}, as_lang(get_language()))


@register.filter
def rating(code: str) -> str:
    """A rating's name in the reader's language."""
    return rating_name(code, as_lang(get_language()))


@register.filter
def media(said: dict[str, str] | None) -> str:
    """What a verdict says of a picture, video or recording, in the reader's language."""
    return media_name(said or {}, as_lang(get_language()))


@register.filter
def origin(code: str) -> str:
    """Whom a check came from, in the reader's language."""
    return origin_name(code, as_lang(get_language()))


@register.filter
def channel(name: str) -> str:
    """A channel as people call it, by its connector's title; one whose connector is gone by its own name."""
    title = _titles().get(name)
    return title.say(as_lang(get_language())) if title else name


@cache
def _titles() -> dict[str, Phrase]:
    return {name: setup.title for name, setup in discover.setups().items()}


@register.filter
def rating_parts(code: str) -> tuple[str, str]:
    """A rating's name as (word, what stands in brackets after it): ("misleading", "missing context")."""
    word, _, note = rating_name(code, as_lang(get_language())).replace("（", "(").rstrip("）)").partition("(")
    return word.strip(), note


@register.filter
def headline(wordings: dict[str, list[str]]) -> str:
    """How a claim is said, in the reader's language or the nearest: {{ claim.wordings|headline }}."""
    return in_lang({lang: texts[0] for lang, texts in (wordings or {}).items() if texts})


@register.filter
def lang_of(texts: dict[str, Any]) -> str:
    """The language that `in_lang` or `headline` chooses, for the lang attribute of what they show."""
    chosen = pick({code: code for code, text in (texts or {}).items() if text}, as_lang(get_language()))
    return "zh-Hant" if chosen == "zh-Hans" and as_lang(get_language()) == "zh-Hant" else chosen


@register.filter
def day(when: date | str | None) -> str:
    """A date as people write it: 2026年11月23日, or 23 November 2026. Takes dates and ISO 8601 texts."""
    if isinstance(when, str):
        when = date.fromisoformat(when[:10]) if when else None
    return "" if when is None else phrases.day(when, as_lang(get_language()))


@register.simple_tag(takes_context=True)
def lang_url(context: dict[str, Any], lang: str) -> str:
    """The address of this same page in another language; a page that answered a form leads to its start."""
    request = context.get("request")
    if request is None or request.method != "GET":
        return f"/?lang={lang}"
    query = request.GET.copy()
    query["lang"] = lang
    return f"{request.path}?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def csp_nonce(context: dict[str, Any]) -> SafeString:
    """The page's script nonce."""
    return SafeString(str(getattr(context["request"], "csp_nonce", "")))

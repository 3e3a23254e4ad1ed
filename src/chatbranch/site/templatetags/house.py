"""The few tags every page uses."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from chatbranch.claims.rules import rating_name
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


@register.simple_tag(takes_context=True)
def csp_nonce(context: dict[str, Any]) -> SafeString:
    """The page's script nonce."""
    return SafeString(str(getattr(context["request"], "csp_nonce", "")))

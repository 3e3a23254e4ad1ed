"""What every page with a form does the same way: show a refusal beside the field it is about, and keep what was typed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Lang, Phrase, as_lang


def lang_of(request: HttpRequest) -> Lang:
    """The reader's language, as the language middleware chose it."""
    return as_lang(getattr(request, "LANGUAGE_CODE", None) or get_language())


def say(request: HttpRequest, zh: str, en: str, **places: object) -> str:
    return Phrase(zh, en).say(lang_of(request), **places)


def refused(request: HttpRequest, template: str, error: Refused, **context: Any) -> HttpResponse:
    """The page again, with what was typed and the reason beside its field."""
    problem = {"field": error.field, "said": error.say(lang_of(request)), "code": error.code}
    shown = {"values": request.POST, "problem": problem, **context}
    response = render(request, template, shown, status=error.status)
    for name, value in error.headers.items():
        response[name] = value
    return response

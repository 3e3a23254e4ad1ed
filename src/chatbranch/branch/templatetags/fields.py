"""Form fields as the house writes them: label, hint, what was typed before, and what is wrong with it."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import template
from django.utils.translation import get_language

from chatbranch.kernel.phrases import Phrase, as_lang

register = template.Library()


@register.inclusion_tag("branch/_field.html", takes_context=True)
def field(context: dict[str, Any], name: str, zh: str, en: str, **options: Any) -> dict[str, Any]:
    """One labelled input: {% field "outlet" "账号名" "Outlet" hint="… / …" type="text" rows=4 %}.

    `values` in the context holds what was typed, `problem` (field, said) what was refused. A hint's two languages are
    parted by " / ". `rows` makes it a textarea; other options become attributes of the input.
    """
    lang = as_lang(get_language())
    problem = context.get("problem") or {}
    zh_hint, _, en_hint = str(options.pop("hint", "")).partition(" / ")
    rows = options.pop("rows", 0)
    value = options.pop("value", "") or (context.get("values") or {}).get(name, "")
    key = options.pop("id", "") or f"field-{name}"
    secret = options.get("type") == "password"
    attributes = {option.replace("_", "-"): setting for option, setting in options.items() if setting is not False}
    return {
        "key": key,
        "name": name,
        "label": Phrase(zh, en).say(lang),
        "hint": Phrase(zh_hint, en_hint).say(lang) if zh_hint else "",
        "error": problem.get("said", "") if problem.get("field") == name else "",
        "value": "" if secret else value,
        "rows": rows,
        "attributes": attributes,
    }


@register.simple_tag(takes_context=True)
def passkeys_work(context: dict[str, Any]) -> bool:
    """Whether browsers offer passkeys at this address: it needs a name (no bare IP), and https unless it is localhost."""
    request = context["request"]
    host = request.get_host().rsplit(":", 1)[0].strip("[]")
    if _is_address(host):
        return False
    return bool(request.is_secure() or host == "localhost" or host.endswith(".localhost"))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@register.simple_tag(takes_context=True)
def at_localhost(context: dict[str, Any]) -> str:
    """This page's address by the name localhost, when it was opened by number on this machine; else empty."""
    request = context["request"]
    host, _, port = request.get_host().partition(":")
    return f"http://localhost:{port}{request.path}" if host == "127.0.0.1" and port else ""

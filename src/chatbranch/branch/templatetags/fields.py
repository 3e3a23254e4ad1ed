"""Form fields as the house writes them: label, hint, what was typed before, and what is wrong with it."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import template
from django.conf import settings
from django.utils.translation import get_language

from chatbranch.branch import queries
from chatbranch.branch.models import Notice
from chatbranch.kernel.phrases import Phrase, as_lang

register = template.Library()


@register.inclusion_tag("branch/_field.html", takes_context=True)
def field(context: dict[str, Any], name: str, zh: str, en: str, **options: Any) -> dict[str, Any]:
    """One labelled input: {% field "outlet" "账号名" "Outlet" hint="… / …" type="text" rows=4 %}.

    `values` in the context holds what was typed, `problem` (field, said) what was refused; on a page of several forms
    they belong to the one that `failed` names, given here as `form`. A hint's two languages are parted by " / ".
    `value` is what stands there at first. `rows` makes it a textarea; other options become attributes of the input.
    """
    lang = as_lang(get_language())
    refused = not (form := options.pop("form", "")) or context.get("failed") == form
    problem = (context.get("problem") if refused else None) or {}
    typed = (context.get("values") if refused else None) or {}
    zh_hint, _, en_hint = str(options.pop("hint", "")).partition(" / ")
    rows = options.pop("rows", 0)
    value = typed.get(name, options.pop("value", ""))
    options.pop("value", None)
    key = options.pop("id", "") or "-".join(part for part in (form, name) if part)
    secret = options.get("type") == "password"
    attributes = {
        option.replace("_", "-"): setting for option, setting in options.items() if setting is not False
    }
    return {
        "key": key,
        "name": name,
        "label": Phrase(zh, en).say(lang),
        "hint": Phrase(zh_hint, en_hint).say(lang) if zh_hint else "",
        "error": problem.get("said", "") if problem.get("field") == name else "",
        "value": "" if secret or value is None else value,
        "rows": rows,
        "attributes": attributes,
    }


@register.filter
def said(phrase: Phrase) -> str:
    """A phrase in the reader's language: {{ decision.why|said }}."""
    return phrase.say(as_lang(get_language()))


@register.filter
def get(values: dict[str, str] | None, name: str) -> str:
    """What was typed into the field of this name: {{ values|get:name }}."""
    return (values or {}).get(name, "")


@register.filter
def web(address: str) -> str:
    """The address if it may become a link: http or https; else empty. What readers sent in could be anything."""
    return address if address.startswith(("https://", "http://")) else ""


@register.simple_tag(takes_context=True)
def concerns(context: dict[str, Any]) -> list[Notice]:
    """What concerns the member or peer who looks and they have not read; nothing for anybody else."""
    looker = context["request"].user
    return queries.notices(looker) if queries.is_rater(looker) else []


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


@register.simple_tag
def provider() -> str:
    """What the provider is called that members may link and sign in with; empty where there is none."""
    return str(settings.CONFIG.oidc.get("name", ""))


@register.simple_tag(takes_context=True)
def at_localhost(context: dict[str, Any]) -> str:
    """This page's address by the name localhost, when it was opened by number on this machine; else empty."""
    request = context["request"]
    host, _, port = request.get_host().partition(":")
    return f"http://localhost:{port}{request.path}" if host == "127.0.0.1" and port else ""

"""Reading the desk's forms: text in, what the actions take out; what cannot be read is refused by its field."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import QueryDict

from chatbranch.cases.actions import SourceRow
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import language

_SOURCES = 20
BIGGEST_FILE = 10 * 1024 * 1024  # bytes


def note_of(form: QueryDict) -> dict[str, Any]:
    """The arguments of do_propose_note from the note form."""
    return {
        "rating": form.get("rating", ""),
        "wording": _pair(form, "wording"),
        "explanation": _pair(form, "explanation"),
        "scope": _pair(form, "scope"),
        "reason": _pair(form, "reason"),
        "sources": sources_of(form),
        "as_of": _date(form, "as_of") or _missing_date(),
        "expires": _date(form, "expires"),
        "media": {name: said for name in ("kind", "category") if (said := form.get(f"media_{name}", ""))},
    }


def sources_of(form: QueryDict) -> list[SourceRow]:
    """The filled rows of sources, each with an http(s) address."""
    rows = [row for row in source_rows(form) if any(row.values())]
    return [
        SourceRow(
            url=web_address(row["url"], "sources"),
            title=row["title"][:500],
            publisher=row["publisher"][:200],
            lang=_lang(row),
        )
        for row in rows[:_SOURCES]
    ]


def source_rows(form: QueryDict) -> list[dict[str, str]]:
    """The rows as they were typed, so that a refusal loses none."""
    columns = [
        [" ".join(cell.split()) for cell in form.getlist(f"source_{name}")]
        for name in ("url", "title", "publisher")
    ]
    return [dict(zip(("url", "title", "publisher"), row, strict=True)) for row in zip(*columns, strict=False)]


def web_address(text: str, field: str) -> str:
    """An http or https address with a host; anything else is refused."""
    text = text.strip()
    parts = urlsplit(text) if text.isprintable() else urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or len(text) > 2000:
        raise Refused(
            "not-an-address",
            Phrase("链接要以 http:// 或 https:// 开头。", "A link begins with http:// or https://."),
            field=field,
        )
    return text


def ids_of(form: QueryDict, name: str) -> list[UUID]:
    """The well-formed ids among the values posted under `name`."""
    return [found for value in form.getlist(name) if (found := ids.read_id(value))]


def _pair(form: QueryDict, name: str) -> dict[str, str]:
    texts = {"zh-Hans": form.get(f"{name}_zh", "").strip(), "en": form.get(f"{name}_en", "").strip()}
    return {lang: text for lang, text in texts.items() if text}


def _lang(row: dict[str, str]) -> str:
    return language(row["title"]) if row["title"] else ""


def _date(form: QueryDict, name: str) -> date | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused(
            "not-a-date",
            Phrase("日期写成 2026-11-23 这样。", "Please write dates like 2026-11-23."),
            field=name,
        ) from error


def _missing_date() -> date:
    raise Refused("as-of", Phrase("请写明截至哪一天。", "Please say as of which day."), field="as_of")

"""One claim a line, in JSON: the lossless format. docs/reference/import-formats.md describes it.

{"id": …, "origin": …, "origin_url": …, "topic": …, "wordings": [{"lang", "text"}], "verdict": {"rating",
"as_of", "expires", "scope", "explanation", "reason", "basis", "origin", "published_at", "code"}, "sources": [{"url",
"title", "publisher", "lang"}], "history": [{…verdict, "sources"}, oldest first]}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from chatbranch.claims import codes
from chatbranch.claims.formats.entry import (
    LONGEST_TEXT,
    Cited,
    Entry,
    Ruling,
    Worded,
    lang_code,
    line_of,
    short_key,
)
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean, language

Row = Mapping[str, Any]


def parse(value: object) -> Entry:
    """The entry in one row. Raises Refused naming the field that is missing or of the wrong shape."""
    row = _shaped(value, dict, "row")
    verdict = {"sources": row.get("sources", []), **_shaped(row.get("verdict"), dict, "verdict")}
    past = [_ruling(each, f"history[{i}]") for i, each in enumerate(_list(row, "history"))]
    return Entry(
        key=short_key(line_of(_text(row, "id"), 10_000)),
        wordings=_wordings(_list(row, "wordings")),
        rulings=(*past, _ruling(verdict, "verdict")),
        topic=line_of(_text(row, "topic"), 60),
        origin=line_of(_text(row, "origin"), 200),
        origin_url=_text(row, "origin_url").strip()[:2000],
    )


def line(entry: Entry) -> str:
    """The entry as one line of JSON, without the line break: the same for equal entries."""
    newest = entry.rulings[-1]
    row: dict[str, Any] = {"id": entry.key, "origin": entry.origin, "origin_url": entry.origin_url}
    row |= {"topic": entry.topic, "wordings": [vars(worded) for worded in entry.wordings]}
    row |= {"verdict": _verdict(newest), "sources": [vars(cited) for cited in newest.sources]}
    past = [
        {**_verdict(ruling), "sources": [vars(cited) for cited in ruling.sources]}
        for ruling in entry.rulings[:-1]
    ]
    return json.dumps({**row, "history": past} if past else row, ensure_ascii=False)


def texts(value: object, name: str) -> dict[str, str]:
    """Texts by language, from {"en": "…"} or from one text whose language is recognised."""
    if isinstance(value, str):
        value = {language(value): value} if value.strip() else {}
    found = _shaped(value or {}, dict, name)
    pairs = {lang_code(str(lang)): clean(_shaped(text, str, name)).strip() for lang, text in found.items()}
    if any(len(text) > LONGEST_TEXT for text in pairs.values()):
        raise Refused("text-too-long", _TOO_LONG, field=name, name=name, most=LONGEST_TEXT)
    return {lang: pairs[lang] for lang in sorted(pairs) if pairs[lang]}


_DATE = re.compile(r"\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})(?!\d)")


def day(value: object, name: str) -> date:
    """The calendar day a text begins with: 2026-03-01, 2026-03-01T10:00:00Z, 2026/3/1, 2026年3月1日."""
    match = _DATE.match(value) if isinstance(value, str) else None
    try:
        if match:
            return date(*map(int, match.groups()))
    except ValueError:
        pass
    raise Refused("no-date", _NO_DATE, field=name, name=name, value=str(value)[:40])


def moment(value: object, name: str) -> datetime | None:
    """A moment with its offset, in UTC; None for an empty value."""
    if not value:
        return None
    try:
        return datetime.fromisoformat(_shaped(value, str, name)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("no-date", _NO_DATE, field=name, name=name, value=str(value)[:40]) from None


def cleaned(value: Any, name: str) -> Any:
    """Any JSON value, its texts as they may be stored; Refused where it is larger than a text may be."""
    if not value:
        return value
    try:
        packed = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if len(packed) <= LONGEST_TEXT:
            return tidy(value)
    except (ValueError, RecursionError):  # NaN and its like; a nest without end
        pass
    raise Refused("text-too-long", _TOO_LONG, field=name, name=name, most=LONGEST_TEXT)


def tidy(value: Any) -> Any:
    """A JSON value with its names in order and its texts as they may be stored."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [tidy(each) for each in value]
    if isinstance(value, dict):
        return {clean(name): tidy(value[name]) for name in sorted(value)}
    return value


def _verdict(ruling: Ruling) -> dict[str, Any]:
    """The verdict's fields; those that are empty are left out."""
    fields: dict[str, Any] = {"rating": ruling.rating, "as_of": ruling.as_of.isoformat()}
    fields["expires"] = ruling.expires.isoformat() if ruling.expires else None
    fields |= {"scope": dict(ruling.scope), "explanation": dict(ruling.explanation)}
    fields |= {"reason": dict(ruling.reason), "basis": dict(ruling.basis)}
    fields["published_at"] = ruling.published_at.isoformat() if ruling.published_at else None
    fields["code"] = ruling.code or None
    full = {name: value for name, value in fields.items() if value not in (None, {})}
    return full if ruling.origin is None else {**full, "origin": ruling.origin}


def _ruling(value: object, name: str) -> Ruling:
    row = _shaped(value, dict, name)
    return Ruling(
        rating=_text(row, "rating"),
        as_of=day(row.get("as_of"), f"{name}.as_of"),
        expires=day(row["expires"], f"{name}.expires") if row.get("expires") else None,
        scope=texts(row.get("scope"), f"{name}.scope"),
        explanation=texts(row.get("explanation"), f"{name}.explanation"),
        reason=texts(row.get("reason"), f"{name}.reason"),
        basis=cleaned(_shaped(row.get("basis") or {}, dict, f"{name}.basis"), f"{name}.basis"),
        sources=tuple(_cited(each) for each in _list(row, "sources")),
        origin=line_of(_text(row, "origin"), 200) if "origin" in row else None,
        published_at=moment(row.get("published_at"), f"{name}.published_at"),
        code=_code(row, name),
    )


def _code(row: Row, name: str) -> str:
    code = _text(row, "code")
    if code and not codes.is_code(code):
        raise Refused("no-card-code", _NO_CODE, field=f"{name}.code", code=code[:20])
    return code


def _wordings(rows: list[object]) -> tuple[Worded, ...]:
    """Each wording once, in the file's order."""
    pairs = [_shaped(each, dict, "wordings") for each in rows]
    found = (Worded(lang_code(_text(pair, "lang")), clean(_text(pair, "text")).strip()) for pair in pairs)
    return tuple(dict.fromkeys(found))


def _cited(value: object) -> Cited:
    row = _shaped(value, dict, "sources")
    return Cited(
        url=_text(row, "url").strip(),
        title=line_of(_text(row, "title"), 500),
        publisher=line_of(_text(row, "publisher"), 200),
        lang=lang_code(_text(row, "lang")),
    )


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else clean(_shaped(value, str, name))


def _list(row: Row, name: str) -> list[object]:
    return list(_shaped(row.get(name) or [], list, name))


def _shaped(value: object, shape: type, name: str) -> Any:
    """The value, if it is of that JSON shape; else Refused, naming the field."""
    if isinstance(value, shape):
        return value
    raise Refused(
        "wrong-shape", _WRONG_SHAPE, field=name, name=name, zh=_SHAPES[shape].zh, en=_SHAPES[shape].en
    )


_SHAPES: dict[type, Phrase] = {
    dict: Phrase("对象 {…}", "an object {…}"),
    list: Phrase("列表 […]", "a list […]"),
    str: Phrase("文字", "a text"),
}
_WRONG_SHAPE = Phrase("“{name}”应是{zh}。", "“{name}” must be {en}.")
_NO_DATE = Phrase(
    "“{name}”应是日期，如 2026-03-01，而不是“{value}”。",
    "“{name}” must be a date such as 2026-03-01, not “{value}”.",
)
_TOO_LONG = Phrase("“{name}”最多{most}字。", "“{name}” takes at most {most} characters.")
_NO_CODE = Phrase("“{code}”不是防伪码。", "“{code}” is no card code.")

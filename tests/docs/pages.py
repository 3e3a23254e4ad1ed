"""Reading the documentation: pages, tables, links, code blocks."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")


@cache
def page(name: str) -> str:
    """The text of one page, by its path from the repository's root."""
    return (ROOT / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Every page people read."""
    top = [
        ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CONTEXT.md")
    ]
    return [*top, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "benchmarks").rglob("*.md"))]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above; empty if there is none."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    if not found:
        return ""
    level = len(found[1])
    rest = text[found.end() :]
    after = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest[: after.start()] if after else rest


def first_cells(text: str) -> list[str]:
    """The names in the first column of every table: `one`, `two` -> one, two."""
    rows = re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def rows(text: str) -> dict[str, str]:
    """name in the first column -> its whole row."""
    found = re.findall(r"^\|\s*`([^`]+)`.*$", text, re.MULTILINE)
    lines = re.findall(r"^\|\s*`[^`]+`.*$", text, re.MULTILINE)
    return dict(zip(found, lines, strict=True))


def blocks(text: str, language: str) -> list[str]:
    """The code blocks in one language."""
    return [body for kind, body in _FENCE.findall(text) if kind == language]


def links(text: str) -> list[str]:
    """Where a page's links lead, code blocks left out."""
    return _LINK.findall(_FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The anchors GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each).lower() for each in headings)
    return {re.sub(r"[^\w\- ]", "", each).strip().replace(" ", "-") for each in plain}

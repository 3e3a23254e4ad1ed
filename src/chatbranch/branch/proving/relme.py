"""Links both ways between two pages that say of each other: the same author (rel=me, microformats). Pure."""

from __future__ import annotations

from urllib.parse import urljoin

from chatbranch.branch.proving.html import Page
from chatbranch.branch.proving.places import same


def links(html: str, base: str) -> list[str]:
    """The addresses to which the page at `base` says rel=me."""
    return [joined for link in Page(html).me if (joined := _join(base, link))]


def points_at(found: list[str], address: str) -> bool:
    """Whether one of these links leads to `address`."""
    return any(same(link, address) for link in found)


def _join(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""

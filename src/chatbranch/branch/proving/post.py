"""A public post of the account with a code in it. Pure."""

from __future__ import annotations

import re

from chatbranch.branch.proving import places
from chatbranch.branch.proving.html import Page
from chatbranch.branch.proving.places import Place
from chatbranch.kernel.errors import Refused


def words(text: str, kind: str) -> str:
    """What the post says. kind: the media type it came as."""
    return " ".join(text.split()) if kind == "text/plain" else Page(text).words


def holds(said: str, token: str) -> bool:
    """Whether the code stands in a text, whole."""
    return bool(re.search(rf"(?<![\w-]){re.escape(token)}(?![\w-])", said, re.ASCII | re.IGNORECASE))


def belongs(post: str, account: Place) -> bool:
    """Whether a post's address shows that it is this account's: it continues the account's address. Where an address
    leaves open who wrote (accounts told apart by a query, posts under numbers of their own), it does not belong."""
    try:
        there = places.read(post)
    except Refused:
        return False
    if there.host.lower() != account.host.lower() or account.is_site or "?" in account.address:
        return False
    mine, theirs = _folded(account.path), _folded(there.path)
    if account.host in _BY_NUMBER and len(mine) == 2 and mine[0] == _BY_NUMBER[account.host]:
        return theirs[:1] == mine[1:] or theirs[:2] == mine
    return theirs[: len(mine)] == mine


_BY_NUMBER = {"weibo.com": "u"}
"""Hosts where the account is at /u/1234567 and its posts at /1234567/…"""


def _folded(path: tuple[str, ...]) -> list[str]:
    return [each.lstrip("@").casefold() for each in path]

"""A small file at a place of its own on the web site (RFC 8615). Pure."""

from __future__ import annotations

PATH = "/.well-known/chatbranch.txt"


def address(site: str) -> str:
    """Where the file stands. `site`: scheme, host and port."""
    return site + PATH


def holds(text: str, token: str) -> bool:
    """Whether a line of the file is the code."""
    return any(line.strip(" \t\ufeff") == token for line in text.splitlines())

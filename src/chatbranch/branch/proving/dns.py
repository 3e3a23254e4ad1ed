"""A text record beside the account's domain (TXT, RFC 1035; the underscored name as RFC 8552 has it). Pure."""

from __future__ import annotations

from collections.abc import Iterable


def name(host: str) -> str:
    """Where the record stands. `host` without "www."."""
    return f"_chatbranch.{host.encode('idna').decode('ascii')}"


def record(token: str) -> str:
    """What the record says."""
    return f"chatbranch={token}"


def holds(texts: Iterable[str], token: str) -> bool:
    """Whether one of the records is ours."""
    return any(text.strip() == record(token) for text in texts)

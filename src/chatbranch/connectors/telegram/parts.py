"""Reading JSON of which nothing is trusted: each of these gives an empty value for what is not as it should be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chatbranch.kernel import clock

Json = Mapping[str, Any]


def mapping(value: object, key: str) -> Json:
    """The object under `key`, or an empty one."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def mappings(value: object, key: str) -> list[Json]:
    """The objects in the list under `key`."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(value: object, key: str) -> str:
    """The text under `key`, or ""."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return whole(found) if isinstance(found, str) else ""


def whole(said: str) -> str:
    """The text with halves of characters, which no database takes, as U+FFFD."""
    return said if said.isascii() else said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(value: object, key: str) -> int:
    """The whole number under `key`, or 0."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if type(found) is int and abs(found) < 2**53 else 0


def moment(message: Json, key: str) -> datetime:
    """When it happened; now, if it says nothing a calendar holds."""
    seconds = number(message, key)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 253_402_300_800 else clock.now()

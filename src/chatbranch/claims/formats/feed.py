"""A large JSON document, read element by element (RFC 8259)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_FEEDS = ("dataFeedElement", "@graph", "itemListElement")


def elements(text: str) -> Iterator[tuple[int, Any]]:
    """The elements of a JSON list, or of the feed in a JSON object, each with its line; any other value whole.

    They are read one after the other, so that a feed of 100,000 never stands in memory parsed. Raises
    json.JSONDecodeError where the text breaks off, after all that came before.
    """
    reader = _Reader(text)
    if reader.peek() == "[":
        yield from reader.items()
    elif reader.peek() != "{":
        yield 1, reader.value()
    else:
        yield from _members(reader)


def _members(reader: _Reader) -> Iterator[tuple[int, Any]]:
    """An object that carries a feed gives the feed's elements; any other is itself the one element."""
    rest: dict[str, Any] = {}
    fed = False
    for name in reader.names():
        if name in _FEEDS and reader.peek() == "[":
            fed = True
            yield from reader.items()
        else:
            rest[name] = reader.value()
    if not fed:
        yield 1, rest


class _Reader:
    """A place in a JSON text, moved along by reading what stands there (RFC 8259)."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line, self.counted = text, 0, 1, 0
        self.decoder = json.JSONDecoder(strict=False, parse_constant=no_constant)

    def peek(self) -> str:
        while self.text[self.at : self.at + 1] in (" ", "\t", "\r", "\n", "\ufeff"):
            self.at += 1
        return self.text[self.at : self.at + 1]

    def take(self, *marks: str) -> str:
        mark = self.peek()
        if mark not in marks or not mark:
            raise json.JSONDecodeError(f"expected {' or '.join(marks)}", self.text, self.at)
        self.at += 1
        return mark

    def value(self) -> Any:
        self.peek()
        value, self.at = self.decoder.raw_decode(self.text, self.at)
        return value

    def items(self) -> Iterator[tuple[int, Any]]:
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            self.peek()
            line = self._line()
            yield line, self.value()
            if self.take(",", "]") == "]":
                return

    def names(self) -> Iterator[str]:
        """Names of an object's members; the value of each is to be read before the next."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            name = self.value()
            self.take(":")
            yield str(name)
            if self.take(",", "}") == "}":
                return

    def _line(self) -> int:
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line


def no_constant(name: str) -> Any:
    """Refuse NaN and Infinity, which Python would read but JSON does not have."""
    raise ValueError(f"{name} is no JSON number")

"""What the guard's reader produces: a text as a list of typed tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal[
    "word",  # an English stem or one Chinese character
    "stop",  # the end of a sentence or clause
    "number",
    "year",
    "month",
    "day",
    "weekday",
    "when",  # today, the Spring Festival, before meals
    "clock",
    "place",
    "name",
    "speaker",  # a generic one: experts, doctors
    "thing",  # a member of a closed class: a food, a disease, a person's age group
    "negator",
    "quantifier",
    "modality",
    "pole",  # one side of an opposition: rise or fall
]
Value = tuple[object, ...]
DATES: frozenset[str] = frozenset({"year", "month", "day", "weekday", "when", "clock"})


@dataclass(frozen=True, slots=True)
class Token:
    """One unit of a folded text.

    ``key`` is what alignment compares (two numbers are alike whatever they say), ``value`` is what the guard
    compares afterwards, ``weight`` in 0..1 is how much the token tells, ``strong`` whether its absence matters.
    """

    type: Type
    key: str
    text: str
    value: Value = ()
    weight: float = 1.0
    strong: bool = True
    source: bool = False  # somebody to whom words are attributed


Found = tuple[list[Token], int]  # what a reader found, and the index in the text after it

"""What a post tells beside its sentences: whom it addresses, and the day it was posted. Pure.

A name is often said as an address only (``@HillaryClinton``, ``@jacindaardern``), which the normal text leaves out;
and a claim that names a year speaks of no post of another year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from chatbranch.kernel.text import normalise, stem, tokens

Seen = Callable[[str], int]  # a term -> how many wordings of the library hold it

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_DAY = rf"(?P<month>{'|'.join(_MONTHS)}) \d{{1,2}}, (?P<year>\d{{4}})"
_SIGNED = re.compile(rf"\([@＠][A-Za-z0-9_]{{1,40}}\)(?:[ \t]{{0,3}}{_DAY})?", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![A-Za-z0-9_.])[@＠]([A-Za-z0-9_]{2,40})")
_JOINT = re.compile(
    "(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"
)
_RUN_TOGETHER = 7  # letters; a shorter unknown word is not parted
_SHORTEST_PART = 3
_MONTH_TERMS = {stem(month): month for month in _MONTHS if month != "may"}  # "may" is hardly ever the month
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Posted:
    """When a post was made; both parts lower-case, as they are written: ("october", "2019")."""

    month: str
    year: str


def posted(text: str) -> Posted | None:
    """The day in the signature of a copied post, "— Name (@name) October 8, 2019"; the last one counts."""
    days = [found for found in _SIGNED.finditer(text) if found["year"]]
    return Posted(days[-1]["month"].lower(), days[-1]["year"]) if days else None


def spoken(text: str, seen: Seen) -> str:
    """The text with each @address as the words it is made of; the one in a signature goes."""
    return _ADDRESS.sub(lambda at: f" {' '.join(_parts(at[1], seen))} ", _SIGNED.sub(" ", text))


def addressed(text: str, seen: Seen) -> list[str]:
    """The terms of all @addresses but the signature's, in order."""
    names = _ADDRESS.findall(_SIGNED.sub(" ", text))
    return tokens(normalise(" ".join(part for name in names for part in _parts(name, seen))).text)


def _parts(name: str, seen: Seen) -> list[str]:
    """The words of an address: parted at capitals, figures and underscores; and a long unknown word once more, where
    both halves are known."""
    return [half for part in _JOINT.split(name) if part for half in _halves(part, seen)]


def _halves(part: str, seen: Seen) -> tuple[str, ...]:
    word = part.lower()
    if len(word) < _RUN_TOGETHER or not word.isalpha() or seen(stem(word)):
        return (part,)
    cuts = range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
    known, cut = max(((min(seen(stem(word[:i])), seen(stem(word[i:]))), i) for i in cuts), default=(0, 0))
    return (part[:cut].capitalize(), part[cut:].capitalize()) if known else (part,)


def years(terms: Collection[str]) -> frozenset[str]:
    """The years among a text's terms."""
    return frozenset(term for term in terms if len(term) == 4 and _YEAR.fullmatch(term))


def months(terms: Collection[str]) -> frozenset[str]:
    """The months among a text's terms."""
    return frozenset(_MONTH_TERMS[term] for term in terms if term in _MONTH_TERMS)

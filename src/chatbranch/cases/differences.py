"""What differs between two versions of one message, marked for the eye: characters in Chinese, words elsewhere. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A number is one piece, so that 15 and 150 differ as a whole; so is a word. A Chinese character stands alone.
_PIECE = re.compile(r"\d+(?:[.,:]\d+)*%?|[A-Za-z\u00c0-\u024f]+(?:['’][a-z]+)?|\s+|.", re.DOTALL)
_COMPARED = (
    1_500  # pieces of each text between what both begin and end with; beyond that all counts as changed
)
_THOROUGH = 300  # pieces; longer texts are compared by their rarer pieces, else a text of one repeated letter takes minutes


@dataclass(frozen=True)
class Piece:
    """A run of text: in both versions, only in the first ("was"), or only in the second ("now")."""

    kind: Literal["same", "was", "now"]
    text: str


def differences(first: str, second: str) -> list[Piece]:
    """The second text as changes to the first. Without the "now" pieces it reads as the first, without "was" as the second."""
    one, other = _PIECE.findall(first), _PIECE.findall(second)
    start, end = _shared(one, other)
    middle, now = one[start : len(one) - end], other[start : len(other) - end]
    pieces = [
        Piece("same", "".join(one[:start])),
        *_changes(middle[:_COMPARED], now[:_COMPARED]),
        Piece("was", "".join(middle[_COMPARED:])),
        Piece("now", "".join(now[_COMPARED:])),
        Piece("same", "".join(one[len(one) - end :])),
    ]
    return [piece for piece in pieces if piece.text]


def _shared(one: list[str], other: list[str]) -> tuple[int, int]:
    """How many pieces both begin with, and of the rest, how many both end with."""
    most = min(len(one), len(other))
    start = next((at for at in range(most) if one[at] != other[at]), most)
    most -= start
    end = next((at for at in range(most) if one[-1 - at] != other[-1 - at]), most)
    return start, end


def _changes(one: list[str], other: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, one, other, autojunk=max(len(one), len(other)) > _THOROUGH)
    for kind, start, end, to, until in matcher.get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(one[start:end]))
        else:
            yield Piece("was", "".join(one[start:end]))
            yield Piece("now", "".join(other[to:until]))


def share_changed(pieces: list[Piece]) -> float:
    """How much of the two texts together is changed, 0 to 1: beyond about half, marks no longer help the eye."""
    whole = sum(len(piece.text) for piece in pieces)
    return sum(len(piece.text) for piece in pieces if piece.kind != "same") / whole if whole else 0.0

"""What differs between two versions of one message, marked for the eye: characters in Chinese, words elsewhere. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A number is one piece, so that 15 and 150 differ as a whole; so is a word. A Chinese character stands alone.
_PIECE = re.compile(r"\d+(?:[.,:]\d+)*%?|[A-Za-z\u00c0-\u024f]+(?:['’][a-z]+)?|\s+|.", re.DOTALL)
_COMPARED = 4_000  # pieces of each text; what follows is shown unmarked


@dataclass(frozen=True)
class Piece:
    """A run of text: in both versions, only in the first ("was"), or only in the second ("now")."""

    kind: Literal["same", "was", "now"]
    text: str


def differences(first: str, second: str) -> list[Piece]:
    """The second text as changes to the first. Without the "now" pieces it reads as the first, without "was" as the second."""
    one, other = _PIECE.findall(first), _PIECE.findall(second)
    head, rest = one[:_COMPARED], "".join(other[_COMPARED:])
    pieces: list[Piece] = []
    matcher = SequenceMatcher(None, head, other[:_COMPARED], autojunk=False)
    for kind, start, end, to, until in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(head[start:end])))
            continue
        if end > start:
            pieces.append(Piece("was", "".join(head[start:end])))
        if until > to:
            pieces.append(Piece("now", "".join(other[to:until])))
    tail = "".join(one[_COMPARED:])
    if tail == rest:
        return [*pieces, Piece("same", rest)] if rest else pieces
    return pieces + [Piece(kind, text) for kind, text in (("was", tail), ("now", rest)) if text]  # type: ignore[arg-type]


def share_changed(pieces: list[Piece]) -> float:
    """How much of the two texts together is changed, 0 to 1: beyond about half, marks no longer help the eye."""
    whole = sum(len(piece.text) for piece in pieces)
    return sum(len(piece.text) for piece in pieces if piece.kind != "same") / whole if whole else 0.0

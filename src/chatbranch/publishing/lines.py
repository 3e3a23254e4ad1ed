"""Breaking text into lines of a width, in Chinese and in English. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

Measure = Callable[[str], float]

_NOT_FIRST = set("，。！？；：、）》〉」』】”’…—～·%％,.!?;:)]}")
_NOT_LAST = set("（《〈「『【“‘([{")
_PIECE = re.compile(r"\s+|[^\s\u2e80-\uffef]+|.", re.DOTALL)


def wrap(text: str, width: float, measure: Measure, most: int) -> list[str]:
    """The text in at most `most` lines no wider than `width`, by `measure`; what does not fit ends in an ellipsis.

    Chinese breaks between characters, but never before a closing mark or after an opening one; other scripts break between
    words, and within a word only where it is wider than a whole line.
    """
    lines, line = [], ""
    for piece in _pieces(" ".join(text.split()), width, measure):
        if measure((line + piece).rstrip()) <= width:
            line += piece
            continue
        lines.append(line.rstrip())
        line = piece.lstrip()
    lines = [each for each in [*lines, line.rstrip()] if each]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], _shortened(lines[most - 1], width, measure)]


def _pieces(text: str, width: float, measure: Measure) -> list[str]:
    """What may not be parted: words, and characters with the marks that belong to them."""
    found: list[str] = []
    for each in _PIECE.findall(text):
        parts = [each] if measure(each) <= width else list(each)
        for part in parts:
            sticks = bool(found) and (
                found[-1][-1:] in _NOT_LAST or (part[0] in _NOT_FIRST and len(part) == 1)
            )
            if sticks and not found[-1].isspace():
                found[-1] += part
            else:
                found.append(part)
    return found


def _shortened(line: str, width: float, measure: Measure) -> str:
    while line and measure(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"

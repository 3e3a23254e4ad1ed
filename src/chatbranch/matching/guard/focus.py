"""The part of a message that is compared with a claim, and the frame around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import add

REGION = 600  # characters of a message compared at most
_FRAME = 60  # characters before and after that may deny or quote
_OPENING = 40  # and how a long message begins: 【辟谣】…
_LONGEST = 20_000
_UNIT = re.compile(r"[^。!?！？;；\n]{1,200}[。!?！？;；\n]*")
_CLAUSE_END = re.compile(r"[。!?！？;；\n,，、]")
_WORD = re.compile(r"[a-z0-9]{3,}|[\u3400-\u9fff]+")


def cut(message: str, span: tuple[int, int] | None) -> tuple[str, str]:
    """The matched part of a message, widened to whole clauses, and that part with the frame around it."""
    if span is None:
        return message[:_LONGEST], message[:_LONGEST]
    start, end = max(0, min(span[0], len(message))), max(0, min(span[1], len(message)))
    start, end = _clause_start(message, min(start, end)), _clause_end(message, max(start, end))
    opening = message[: min(_OPENING, start)]
    return message[start:end][:_LONGEST], opening + " " + message[
        max(len(opening), start - _FRAME) : end + _FRAME
    ][:_LONGEST]


def _clause_start(text: str, start: int) -> int:
    before = [m.end() for m in _CLAUSE_END.finditer(text, max(0, start - _FRAME), start)]
    return before[-1] if before else max(0, start - _FRAME)


def _clause_end(text: str, end: int) -> int:
    after = _CLAUSE_END.search(text, max(0, end - 1), min(len(text), end + _FRAME))
    return after.end() if after else min(len(text), end + _FRAME)


def window(folded: str, wording: str) -> str:
    """The stretch of at most ``REGION`` characters that shares most with the wording; the whole text where it fits."""
    if len(folded) <= REGION:
        return folded
    wanted = set(_features(wording))
    units = [
        (m.start(), m.end(), sum(map(wanted.__contains__, _features(m.group()))))
        for m in _UNIT.finditer(folded)
    ]
    best, best_score, score, first = (0, REGION), -1.0, 0.0, 0
    for _start, end, hits in units:
        score += hits
        while end - units[first][0] > REGION:
            score -= units[first][2]
            first += 1
        if score > best_score:
            best, best_score = (units[first][0], end), score
    return folded[best[0] : best[1]]


def _features(text: str) -> Iterator[str]:
    for run in _WORD.findall(text.lower()):
        if run.isascii():
            yield run
        else:
            yield from map(add, run, run[1:])

"""The guard: a message was matched to a claim; may the claim's verdict be given automatically?

A wrong "this was checked" is the worst failure. Both texts are read as typed tokens (``reading``), aligned so that
a number stands beside a number whatever it says (``align``), and then compared slot by slot (``compare``). What
stands outside the matched span counts only as denial or quotation (``focus``, ``denial``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from chatbranch.kernel.text import language
from chatbranch.matching.guard import focus
from chatbranch.matching.guard.align import LONGEST_MESSAGE, LONGEST_WORDING
from chatbranch.matching.guard.compare import Comparison, Difference, compare
from chatbranch.matching.guard.denial import denial
from chatbranch.matching.guard.fold import fold
from chatbranch.matching.guard.reading import read
from chatbranch.matching.guard.tokens import Token
from chatbranch.matching.guard.values import stands_in

__all__ = ["Difference", "Finding", "inspect"]

_COMPARABLE = (
    0.75  # of the best wording's coverage: another wording that is nearly as close may speak for the message
)


@dataclass(frozen=True)
class Finding:
    """What the guard saw. An automatic answer needs neither ``conflict`` nor ``missing``.

    ``conflict``: an aligned slot differs, or the message denies what the claim says. ``missing``: a slot without
    which the claim would be another one is absent from the message.
    """

    differences: tuple[Difference, ...]
    conflict: bool
    missing: bool


@dataclass(frozen=True)
class _Wording:
    text: str
    tokens: tuple[Token, ...]
    chinese: bool
    denies: str | None


def inspect(message: str, span: tuple[int, int] | None, wordings: Sequence[str]) -> Finding:
    """Compare a message, or its part ``message[span[0]:span[1]]``, with the wordings of one claim.

    Wordings in the message's language are preferred; the best aligned one without a conflict speaks. A message
    that conflicts with every comparable wording is in conflict. Never raises; without wordings, finds nothing.
    """
    part, around = focus.cut(message, span)
    folded = fold(part)
    framed = folded if around == part else fold(around)
    chinese = language(part[: focus.REGION]) != "en"
    known = [_wording(w[: 4 * focus.REGION]) for w in wordings if w.strip()]
    known = [w for w in known if w.chinese == chinese] or known
    if not known or not folded:
        return Finding((), False, bool(known))
    return _choose([(w, _judge(folded, framed, chinese, w)) for w in known])


@lru_cache(maxsize=4096)
def _wording(text: str) -> _Wording:
    folded = fold(text)
    return _Wording(folded, _read(folded)[:LONGEST_WORDING], language(text) != "en", denial(folded))


@lru_cache(maxsize=1024)
def _read(folded: str) -> tuple[Token, ...]:
    """Cached: the candidates of one message are compared with one and the same reading of it."""
    return tuple(read(folded))


def _judge(folded: str, framed: str, chinese: bool, wording: _Wording) -> Comparison:
    region = focus.window(folded, wording.text)
    result = compare(wording.tokens, _read(region)[:LONGEST_MESSAGE], folded, chinese == wording.chinese)
    denies = denial(framed if len(framed) <= 4 * focus.REGION else region)
    if (denies is None) == (wording.denies is None):
        return result
    difference = Difference("denial", denies or "", wording.denies or "", True)
    return Comparison(result.coverage, (difference, *result.conflicts), result.lacking, result.minor)


def _choose(results: list[tuple[_Wording, Comparison]]) -> Finding:
    best = max(r.coverage for _, r in results)
    comparable = [(w, r) for w, r in results if r.coverage >= _COMPARABLE * best]
    wording, chosen = min(
        comparable, key=lambda pair: (bool(pair[1].conflicts), bool(pair[1].lacking), -pair[1].coverage)
    )
    conflicts = chosen.conflicts or tuple(
        d for _, r in comparable for d in r.conflicts if not _answers(wording, d)
    )
    return Finding(conflicts + chosen.lacking + chosen.minor, bool(conflicts), bool(chosen.lacking))


def _answers(wording: _Wording, difference: Difference) -> bool:
    """Whether a wording without the conflict speaks to the point, or is only silent about it: a title without the
    figure does not excuse another figure."""
    if difference.kind not in ("number", "unit", "date", "place", "name") or not difference.yours:
        return True
    return any(stands_in(token, wording.tokens, wording.text.lower()) for token in read(difference.yours))

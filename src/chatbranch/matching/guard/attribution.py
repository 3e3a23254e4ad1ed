"""Who says it: the same words, told as the finding of somebody else."""

from __future__ import annotations

from collections.abc import Sequence

from chatbranch.matching.guard import words_en
from chatbranch.matching.guard.align import Alignment
from chatbranch.matching.guard.tokens import Token

_COPY = 0.6  # coverage from which a message tells the wording's story
_LONGEST = 5  # tokens of a subject that are looked at


def reattributions(
    ours: Sequence[Token], yours: Sequence[Token], alignment: Alignment
) -> list[tuple[str, str]]:
    """Pairs (ours, yours) of different speakers before a verb of saying that both texts have in one place.

    English; in Chinese, what stands before such a verb is compared as a name or a body.
    """
    if alignment.coverage < _COPY:
        return []
    said = [(i, j) for i, j in alignment.pairs if _says(ours[i]) and _says(yours[j])]
    pairs = [(_speaker(ours, i), _speaker(yours, j)) for i, j in said]
    return [
        (_text(left), _text(right)) for left, right in pairs if left and right and _strangers(left, right)
    ]


def _says(token: Token) -> bool:
    return token.type == "word" and token.text.lower() in words_en.SAYS


def _speaker(tokens: Sequence[Token], verb: int) -> list[Token]:
    """What tells who speaks: the words with a meaning of their own right before the verb, in its sentence."""
    found: list[Token] = []
    for token in reversed(tokens[max(0, verb - _LONGEST) : verb]):
        if token.type == "stop" or token.text.startswith("@"):
            break
        if token.weight >= 1 and token.type in ("word", "name", "place", "thing"):
            found.insert(0, token)
    return found


def _strangers(left: Sequence[Token], right: Sequence[Token]) -> bool:
    """Nothing in common, not even the beginning of a word; "the president" may be anyone, and so is no stranger."""
    heads = [{word[:4].lower() for t in side for word in t.text.split()} for side in (left, right)]
    return not heads[0] & heads[1] and not any(_TITLES & head for head in heads)


_TITLES = frozenset(
    title[:4]
    for title in "president minister senator mayor governor man woman official experts study".split()
)


def _text(tokens: Sequence[Token]) -> str:
    return " ".join(t.text for t in tokens)


_LAY = frozenset("网友 朋友 群众 邻居 群友 亲戚 同事 家长".split())


def same_sort_of_speaker(one: str, other: str) -> bool:
    """Experts and officials on one side, friends and neighbours on the other; who says "sources" may mean either."""
    return (one in _LAY) == (other in _LAY)

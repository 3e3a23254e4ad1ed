"""A wording and a message, both read and aligned: what differs, and does it matter?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

from chatbranch.matching.guard.align import Alignment, align
from chatbranch.matching.guard.attribution import reattributions, same_sort_of_speaker
from chatbranch.matching.guard.exchange import COPY_EN, exchanges
from chatbranch.matching.guard.quantities import Quantity, other_unit, same_measure
from chatbranch.matching.guard.tokens import DATES, Token
from chatbranch.matching.guard.values import agree, quantity, stands_in

Kind = Literal[
    "number", "date", "place", "name", "unit", "negation", "denial", "quantifier", "modality", "attribution"
]
COMPARED = frozenset({"number", "place", "name", "thing", "pole", "quantifier", "modality"}) | DATES
_NEAR = 3  # tokens; neighbours within this distance show that two slots stand in the same place
_TIGHT = 2
_NEAR_COPY = 0.8
_SAME_STORY = 0.5  # coverage from which a wording's slots may be looked for anywhere in the message


@dataclass(frozen=True)
class Difference:
    """One thing the message (``yours``) and the claim (``ours``) say differently; "" where a side lacks it."""

    kind: Kind
    yours: str
    ours: str
    decisive: bool

    def as_dict(self) -> dict[str, object]:
        """The fields by name, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """``conflicts`` contradict the wording, ``lacking`` is what it needs and the message leaves out, ``minor`` the rest."""

    coverage: float
    conflicts: tuple[Difference, ...]
    lacking: tuple[Difference, ...]
    minor: tuple[Difference, ...]


def kind_of(token: Token) -> Kind:
    """What a difference in this token is called."""
    if token.source:
        return "attribution"
    if token.type in DATES:
        return "date"
    if token.type in ("negator", "pole"):
        return "negation"
    if token.type == "speaker":
        return "attribution"
    if token.type in ("thing", "word", "stop"):
        return "name"
    return token.type  # type: ignore[return-value]


class Pairing:
    """One wording beside one message."""

    def __init__(self, ours: Sequence[Token], yours: Sequence[Token], text: str, one_language: bool) -> None:
        self.ours, self.yours, self.text, self.one_language = ours, yours, text.lower(), one_language
        slots = [(j, b) for j, b in enumerate(yours) if b.type not in ("word", "stop")]
        equal = {
            (i, j) for i, a in enumerate(ours) if a.type not in ("word", "stop") for j, b in slots if a.key == b.key and agree(a, b)
        }  # fmt: skip
        self.alignment: Alignment = align(ours, yours, equal)

    @cached_property
    def to_yours(self) -> dict[int, int]:
        return dict(self.alignment.pairs)

    @cached_property
    def to_ours(self) -> dict[int, int]:
        return {j: i for i, j in self.alignment.pairs}

    @cached_property
    def told(self) -> list[int]:
        """Aligned tokens of the wording that say something: ends of sentences align with anything."""
        return [i for i in self.to_yours if self.ours[i].type != "stop"]

    @cached_property
    def enough(self) -> float:
        return _ENOUGH if self.alignment.coverage >= _SAME_STORY else _ENOUGH_APART

    @cached_property
    def near_copy(self) -> bool:
        """So close that whatever was exchanged was exchanged on purpose, even if the old value stands elsewhere."""
        return self.alignment.coverage >= _NEAR_COPY

    @cached_property
    def announces(self) -> bool:
        return any(t.type == "modality" and t.value[0] == "planned" for t in self.ours)

    @cached_property
    def named_share(self) -> float:
        """How many of the wording's names, places and figures the message has, 0..1."""
        named = [t for t in self.ours if t.type in _NAMED and t.strong]
        return sum(stands_in(t, self.yours, self.text) for t in named) / len(named) if named else 1.0

    def shares(self, kind: str) -> bool:
        return any(
            self.ours[i].type == kind and agree(self.ours[i], self.yours[j]) for i, j in self.alignment.pairs
        )

    def support(self, i: int, j: int) -> float:
        """How much of what stands around the two tokens also agrees; a Chinese character counts half a word."""
        return sum(self._told(self.ours[a]) for a, b in self.around(i, j, _NEAR))

    def around(self, i: int, j: int, distance: int) -> Iterator[tuple[int, int]]:
        for a in range(max(0, i - distance), min(len(self.ours), i + distance + 1)):
            b = self.to_yours.get(a)
            if a != i and b is not None and abs(b - j) <= distance and agree(self.ours[a], self.yours[b]):
                yield a, b

    @staticmethod
    def _told(token: Token) -> float:
        if token.type == "word":
            return token.weight / 2 if not token.key.isascii() else token.weight
        return token.weight

    def loose(self, side: Literal["ours", "yours"], index: int) -> bool:
        return index not in (self.to_yours if side == "ours" else self.to_ours)


def compare(ours: Sequence[Token], yours: Sequence[Token], text: str, one_language: bool) -> Comparison:
    """Everything in which a message (``yours``, ``text``) departs from a wording (``ours``)."""
    pairing = Pairing(ours, yours, text, one_language)
    conflicts: list[Difference] = []
    lacking: list[Difference] = []
    minor: list[Difference] = []
    for i, token in enumerate(ours):
        if token.type in COMPARED and (
            one_language or token.type in ("number", "place") or token.type in DATES
        ):
            _slot(pairing, i, conflicts, lacking, minor)
    if one_language:
        conflicts += negations(pairing)
        conflicts += _shades(pairing) or _other_modes(pairing)
        conflicts += [
            Difference("name", right, left, True) for left, right in exchanges(ours, yours, pairing.alignment)
        ]
        speakers = [*reattributions(ours, yours, pairing.alignment), *_other_speakers(pairing)]
        conflicts += [Difference("attribution", right, left, True) for left, right in speakers]
    elif _negated(ours) != _negated(yours):
        conflicts.append(Difference("negation", _first(yours, "negator"), _first(ours, "negator"), True))
    return Comparison(pairing.alignment.coverage, tuple(conflicts), tuple(lacking), tuple(minor))


def _negated(tokens: Sequence[Token]) -> bool:
    return any(t.type == "negator" for t in tokens)


def _first(tokens: Sequence[Token], kind: str) -> str:
    return next((t.text for t in tokens if t.type == kind), "")


# --- slots with values ----------------------------------------------------------------------------

_ENOUGH = 1.0  # support that makes two differing slots each other's counterpart
_ENOUGH_APART = 2.0  # and where the texts share little else
_COUNTERPARTS = {
    "year": ("number",),
    "number": ("year", "clock", "day"),
    "place": ("place", "name", "word"),
    "name": ("name", "place", "word"),
    "thing": ("thing", "name", "word", "place"),
}


def _slot(
    p: Pairing, i: int, conflicts: list[Difference], lacking: list[Difference], minor: list[Difference]
) -> None:
    token, j = p.ours[i], p.to_yours.get(i)
    if (j is not None and agree(token, p.yours[j])) or token.text.startswith("@"):
        return
    if token.type in ("quantifier", "modality"):
        if j is not None and (
            p.near_copy or (_opposed(token, p.yours[j]) and p.support(i, j) >= _ENOUGH / 2)
        ):
            conflicts.append(_between(token, p.yours[j]))
        return
    elsewhere = stands_in(token, p.yours, p.text)
    if j is not None and p.yours[j].text[0] != "@" and p.support(i, j) >= p.enough:
        exchanged = not elsewhere or stands_in(p.yours[j], p.ours, "") or p.near_copy
        difference = _between(token, p.yours[j])
        weighty = token.strong or p.yours[j].strong or difference.kind == "unit"
        (conflicts if exchanged and weighty else minor).append(difference)
        return
    if elsewhere and not (p.near_copy and token.type in DATES | {"number"}):
        return
    if (rival := _counterpart(p, i) or _rival(p, i)) is not None:
        conflicts.append(_between(token, rival))
    elif is_decisive(token, p):
        lacking.append(Difference(kind_of(token), "", token.text, True))
    elif token.type not in ("pole", "thing"):
        minor.append(Difference(kind_of(token), "", token.text, False))


def _between(ours: Token, yours: Token) -> Difference:
    kind = kind_of(ours)
    if ours.type == yours.type == "number" and other_unit(quantity(ours), quantity(yours)):
        kind = "unit"
    return Difference(kind, yours.text, ours.text, True)


def _counterpart(p: Pairing, i: int) -> Token | None:
    """What the message has in the very place of a slot, when it is of another sort: an unknown town, another noun."""
    token, wanted = p.ours[i], _COUNTERPARTS.get(p.ours[i].type)
    if wanted is None or p.alignment.coverage < _SAME_STORY:
        return None
    before = max((a for a in p.told if a < i), default=-1)
    after = min((a for a in p.told if a > i), default=len(p.ours))
    if i - before > _NEAR or after - i > _NEAR:
        return None
    first, last = p.to_yours.get(before, -1) + 1, p.to_yours.get(after, len(p.yours))
    if last - first > 2 * _NEAR or (token.type == "thing" and not (before >= 0 or after < len(p.ours))):
        return None
    told = [b for b in p.yours[first:last] if b.weight >= 1 and not b.text.startswith("@")]
    if token.type != "thing" and not (
        p.near_copy or (token.strong and len(told) <= _TIGHT and _told(p.ours[before + 1 : after]) <= _TIGHT)
    ):
        told = [b for b in told if b.type != "word"]
    return next(
        (b for b in told if b.type in wanted and not token.text.startswith(b.text)), None
    )  # 老 may be cut from 老人


def _told(tokens: Sequence[Token]) -> int:
    return sum(t.weight >= 1 for t in tokens)


def _rival(p: Pairing, i: int) -> Token | None:
    """Another value for the same thing, somewhere in a message that otherwise tells the wording's story."""
    token = p.ours[i]
    if (
        p.alignment.coverage < _SAME_STORY
        or not token.strong
        or (token.type == "name" and token.text.isascii())
    ):
        return None
    for b in p.yours:
        if b.type != token.type or b.key != token.key or agree(token, b) or stands_in(b, p.ours, ""):
            continue
        if token.type != "number" or _comparable(quantity(token), quantity(b)):
            return b
    return None


def is_decisive(token: Token, p: Pairing) -> bool:
    """Whether a message that does not have this slot may be speaking of something else."""
    if not token.strong or token.type in ("pole", "thing", "when", "year"):
        return False
    if token.type in DATES and not token.text.isascii():
        return not (token.type == "day" and p.shares("month"))
    if token.type in DATES:  # the date of what happened is context, that of what is announced is the news
        return p.announces
    if token.type in ("place", "name") and token.text.isascii():
        return p.named_share < _ENOUGH_NAMED
    return True


def _comparable(a: Quantity, b: Quantity) -> bool:
    """Two amounts of one thing, or two telephone numbers; plain counts may count anything."""
    return same_measure(a, b) and bool(a.dimension or min(a.raw, b.raw) >= _LONG_NUMBER)


_LONG_NUMBER = 10_000
_ENOUGH_NAMED = 0.5  # of a claim's names, places and figures; English posts seldom repeat them all
_NAMED = ("number", "place", "name")
_OPPOSED = frozenset(
    frozenset(pair)
    for pair in (
        ("all", "some"), ("all", "most"), ("all", "only"), ("some", "only"), ("some", "most"), ("most", "only"), ("more", "less"), ("often", "rarely"),
        ("all", "rarely"), ("most", "rarely"), ("may", "must"), ("may", "ought"), ("may", "done"), ("may", "planned"), ("planned", "done"), ("ought", "allowed"), ("must", "allowed"),
    )
)  # fmt: skip


def _opposed(a: Token, b: Token) -> bool:
    return frozenset((a.value[0], b.value[0])) in _OPPOSED


# --- negation -------------------------------------------------------------------------------------


def negations(p: Pairing) -> list[Difference]:
    """A negator on one side only, before a word that both sides share, turns the statement round."""
    ours, yours = _scoped(p, "ours"), _scoped(p, "yours")
    found: list[Difference] = []
    for anchor in sorted(ours.keys() | yours.keys()):
        left, right = ours.get(anchor, []), yours.get(anchor, [])
        if len(left) % 2 != len(right) % 2:
            found.append(Difference("negation", _phrase(right, p.yours), _phrase(left, p.ours), True))
    return found


def _phrase(negators: list[int], tokens: Sequence[Token]) -> str:
    if not negators:
        return ""
    words = [t.text for t in tokens[negators[0] : negators[-1] + 3] if t.type != "stop"]
    return (" " if words[0].isascii() else "").join(words)


def _scoped(p: Pairing, side: Literal["ours", "yours"]) -> dict[int, list[int]]:
    """Loose negators by the pair (its index in ours) that they stand before."""
    tokens = p.ours if side == "ours" else p.yours
    scoped: dict[int, list[int]] = {}
    for index, token in enumerate(tokens):
        if (
            token.type == "negator"
            and p.loose(side, index)
            and (anchor := _anchor(p, side, index)) is not None
        ):
            scoped.setdefault(anchor, []).append(index)
    return scoped


def _anchor(p: Pairing, side: Literal["ours", "yours"], index: int) -> int | None:
    tokens = p.ours if side == "ours" else p.yours
    reach = _NEAR if tokens[index].text.isascii() else _NEAR + 1
    for k in range(index + 1, min(len(tokens), index + 1 + reach)):
        if tokens[k].type == "stop":
            break
        if not p.loose(side, k) and tokens[k].weight >= 0.4:
            return k if side == "ours" else p.to_ours[k]
    last = index + 1 == len(tokens) or tokens[index + 1].type == "stop"
    beside = (
        index - 1 if last else index + 1
    )  # at the end of its clause, a negator turns what stands before it
    if beside >= 0 and not p.loose(side, beside) and tokens[beside].type != "stop":
        return beside if side == "ours" else p.to_ours[beside]
    return None


# --- quantifiers and modality that one side lacks -----------------------------------------------

_DROPPED = frozenset({"some", "only", "rarely", "most", "may"})
_ADDED = _DROPPED | {"less", "must", "allowed"}


def _shades(p: Pairing) -> list[Difference]:
    """ "Some", "only" or "may" on one side alone, in the midst of words that both sides share."""
    found: list[Difference] = []
    for j, token in enumerate(p.yours):
        if (
            token.type in ("quantifier", "modality")
            and p.loose("yours", j)
            and token.value[0] in _ADDED
            and _wedged(p, "yours", j)
        ):
            found.append(Difference(kind_of(token), token.text, "", True))
    for i, token in enumerate(p.ours):
        if (
            token.type in ("quantifier", "modality")
            and p.loose("ours", i)
            and token.value[0] in _DROPPED
            and _wedged(p, "ours", i)
        ):
            found.append(Difference(kind_of(token), "", token.text, True))
    return found


def _other_modes(p: Pairing) -> list[Difference]:
    """In a copy, "must" on one side and "may" on the other, wherever in the sentence they stand."""
    if p.alignment.coverage < COPY_EN:
        return []
    ours, yours = (
        [token for k, token in enumerate(tokens) if token.type == "modality" and p.loose(side, k)]
        for side, tokens in _sides(p)
    )
    return [_between(a, b) for a in ours for b in yours if _opposed(a, b)]


def _other_speakers(p: Pairing) -> list[tuple[str, str]]:
    """In a copy, somebody of another sort in the place of whoever says it: a neighbour, not a scientist."""
    if not p.near_copy:
        return []
    pairs = [(p.ours[i], p.yours[j]) for i, j in p.alignment.pairs if p.ours[i].type == "speaker"]
    return [
        (a.text, b.text) for a, b in pairs if b.type == "speaker" and not same_sort_of_speaker(a.text, b.text)
    ]


def _sides(p: Pairing) -> Iterator[tuple[Literal["ours", "yours"], Sequence[Token]]]:
    yield "ours", p.ours
    yield "yours", p.yours


def _wedged(p: Pairing, side: Literal["ours", "yours"], index: int) -> bool:
    """Between, or right before, words that stand side by side on the other side."""
    tokens = p.ours if side == "ours" else p.yours
    mapped = p.to_yours if side == "ours" else p.to_ours
    after = [
        mapped[k]
        for k in range(index + 1, min(len(tokens), index + 1 + _TIGHT))
        if k in mapped and tokens[k].type != "stop"
    ]
    before = [
        mapped[k] for k in range(max(0, index - _TIGHT), index) if k in mapped and tokens[k].type != "stop"
    ]
    if not after:
        return False
    room = _TIGHT + p.near_copy  # "not only" in the place of "only"
    return min(after) - max(before) <= room if before else min(after) <= room

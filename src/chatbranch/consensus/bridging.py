"""What the ratings of a whole branch say of one note: do those who usually disagree find it helpful? Pure.

1. With fewer than 25 active raters there are too few to tell who usually disagrees: the quorum (rules.py) decides alone.
2. From 25 on, a note has to be helpful by the rule of scoring.py, too: its level high, its factor small, and in each half of
   the axis more who find it helpful than who do not.
3. Up to 100 raters, that has to hold without any one of them, whoever it is, and the level has to stay high without any one
   outlet: everything is fitted again without each.
4. Above 100, there has to be balance across the axis: in each half at least five have said yes or no, and at most a third of
   them no. Raters who agree with what both halves decide count more (rounds.py).
5. All raters of an outlet together count as much as those of any other, so that nobody wins by bringing colleagues.

The axis is what explains most of the disagreement in the branch. Its halves have no name, and nobody learns who is where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatbranch.consensus.factorisation import Fit, Side, Sums, fit, reach
from chatbranch.consensus.increments import with_rating
from chatbranch.consensus.ratings import Column, Floats, Places, Ratings, gather
from chatbranch.consensus.rounds import ONE_ROUND_UP_TO, fit_in_rounds
from chatbranch.consensus.rules import few
from chatbranch.consensus.scoring import (
    BOTH_HELPFUL,
    BOTH_NOT_HELPFUL,
    FEWEST,
    HELPFUL_FROM,
    LEVEL_BETWEEN,
    ONE_SIDED,
    ONE_SIDED_FROM,
    SIDE_MISSING,
    SIDES_DISAGREE,
    TOO_FEW,
    Heard,
    Status,
    judge,
)
from chatbranch.kernel.phrases import Phrase

RATERS_FROM, REMOVED_UP_TO = 25, ONE_ROUND_UP_TO
IN_EACH_HALF = 5
MOST_FURTHER = 12
ROUGHLY = 1e-4
"""How close to the end a fit without somebody is taken: levels are shown with two digits."""


@dataclass(frozen=True)
class Rated:
    """One rater's present word on a note, from 0 to 1. rater, outlet: keys, not kept; outlets of one owner share theirs."""

    note: str
    rater: str
    outlet: str
    value: float


@dataclass(frozen=True)
class Half:
    """How many raters of one half of the axis find a note helpful, and not; of one or two, None."""

    helpful: int | None
    not_helpful: int | None


@dataclass(frozen=True)
class Bridging:
    """What the factorisation says of a note, and why.

    applies: whether there are raters enough for it to have a say. level: how somebody in the middle of the axis is expected
    to rate the note, from 0 to 1. factor: how much more one half likes it than the other. lower, upper: the level after one
    more rating by the most extreme rater. without_any_rater, without_any_outlet: the lowest level had any one of
    them never rated anything (above 100 raters: not rated the note). to_flip: how many further ratings, at
    least, would turn what it says; None for more than MOST_FURTHER.
    """

    applies: bool
    accepted: bool
    level: float
    factor: float
    lower: float
    upper: float
    without_any_rater: float
    without_any_outlet: float
    halves: tuple[Half, Half]
    to_flip: int | None
    why: Phrase

    def as_dict(self) -> dict[str, object]:
        """For storage beside the verdict: the rule, and what holds for the note; nothing of any person."""
        stored = {**asdict(self), "why": {"zh-Hans": self.why.zh, "en": self.why.en}}
        numbers = {name: round(value, 3) for name, value in stored.items() if isinstance(value, float)}
        rule = f"from {RATERS_FROM} raters on: {BOTH_HELPFUL}, without any one rater (above {REMOVED_UP_TO}: in balance)"
        return {"rule": rule, **stored, **numbers}


def bridge(note: str, rated: Sequence[Rated]) -> Bridging:
    """What the branch's ratings say of one note. rated: everybody's present word on this note and on all others."""
    return Axis.of(rated).bridging(note) if rated else _NOTHING


@dataclass(frozen=True)
class Axis:
    """A branch's ratings with their fit. Raters are places in it, without a name; outlets: the place of each one's outlet."""

    ratings: Ratings = field(repr=False)
    outlets: Places = field(repr=False)
    found: Fit = field(repr=False)

    @classmethod
    def of(cls, rated: Sequence[Rated]) -> Axis:
        """From at least one rating, in any order."""
        raters = Column.of([each.rater for each in rated])
        ratings = gather(Column.of([each.note for each in rated]), raters, [each.value for each in rated])
        outlets = np.empty(ratings.raters, np.int32)
        outlets[raters.places] = Column.of([each.outlet for each in rated]).places
        return cls(ratings, outlets, fit_in_rounds(ratings, weights=_outlets_alike(outlets)))

    def with_rating(self, note: str, rater: int, value: float) -> Axis:
        """With one more rating, or another one, at once (increments.py); the next Axis.of reconciles.

        rater: the place of one of those who have rated before, in the order that Column.of gives their keys.
        """
        ratings, found = with_rating(self.ratings, self.found, note, rater, value)
        return Axis(ratings, self.outlets, found)

    def bridging(self, note: str) -> Bridging:
        """What it says of one note, whether rated or not."""
        seen, whose = self._seen(note, self.found)
        applies, removed = self.ratings.raters >= RATERS_FROM, self.ratings.raters <= REMOVED_UP_TO
        raters, outlets = (self._without_raters, self._without_outlets) if applies and removed else ([], [])
        without_rater = [self._seen(note, each)[0] for each in raters]
        without_outlet = [self._seen(note, each)[0] for each in outlets]
        lower, upper = reach(seen.sums, seen.best.intercept, self.found)
        why = _why(applies, removed, seen, without_rater, without_outlet)
        accepted = why in (_ACCEPTED, _IN_BALANCE)
        return Bridging(
            applies=applies,
            accepted=accepted,
            level=seen.level,
            factor=float(seen.best.factor),
            lower=seen.mu + float(lower),
            upper=seen.mu + float(upper),
            without_any_rater=_lowest(without_rater, seen.lowest_without_any()),
            without_any_outlet=_lowest(without_outlet, seen.lowest_without_any(whose)),
            halves=(seen.shown(seen.factor < 0), seen.shown(seen.factor > 0)),
            to_flip=seen.to_flip(self.found.raters, removed, accepted) if applies else None,
            why=why,
        )

    @cached_property
    def _without_raters(self) -> list[Fit]:
        """The fit without each rater."""
        return [
            self._without(np.arange(self.ratings.raters) == rater) for rater in range(self.ratings.raters)
        ]

    @cached_property
    def _without_outlets(self) -> list[Fit]:
        """The fit without all raters of each outlet."""
        return [self._without(self.outlets == outlet) for outlet in range(int(self.outlets.max()) + 1)]

    def _without(self, left_out: NDArray[np.bool_]) -> Fit:
        weights = np.ones(self.ratings.raters) if self.found.weights is None else self.found.weights.copy()
        weights[left_out] = 0.0
        return fit(self.ratings, self.found.costs, weights=weights, near=self.found, close=ROUGHLY)

    def _seen(self, note: str, found: Fit) -> tuple[_Seen, Places]:
        """A note's ratings as a fit sees them, and the outlets they came from."""
        place, own = self.ratings.place(note), self.ratings.by_note
        mine = own.of_one(place) if place < len(own.start) else slice(0, 0)
        who = own.other[mine]
        weight = np.ones(len(who)) if found.weights is None else found.weights[who]
        counted = weight > 0
        who, weight, value = who[counted], weight[counted], own.value[mine][counted].astype(np.float64)
        left = value - found.mu - found.raters.intercept[who]
        costs = found.costs.note_intercept, found.costs.note_factor
        return _Seen(value, found.raters.factor[who], left, weight, found.mu, costs), self.outlets[who]


@dataclass(frozen=True)
class _Seen:
    """A note's ratings as a fit sees them: of each its value, its rater's factor, what mu and the rater leave of it, and how
    much it counts; (ratings,) each. costs: of the note's intercept and factor.
    """

    value: Floats
    factor: Floats
    left: Floats
    weight: Floats
    mu: float
    costs: tuple[float, float]

    @cached_property
    def sums(self) -> Sums:
        return Sums.of(self.weight, self.factor, self.left)

    @cached_property
    def best(self) -> Side:
        return self.sums.best(*self.costs)

    @property
    def level(self) -> float:
        return self.mu + float(self.best.intercept)

    @cached_property
    def halves(self) -> list[Heard]:
        return [
            Heard(*(float(self.weight[half & said].sum()) for said in (self.value > 0.5, self.value < 0.5)))
            for half in (self.factor < 0, self.factor > 0)
        ]

    def shown(self, half: NDArray[np.bool_]) -> Half:
        return Half(*(few(int((half & said).sum())) for said in (self.value > 0.5, self.value < 0.5)))

    @cached_property
    def judged(self) -> tuple[Status, str]:
        return judge(self.level, float(self.best.factor), len(self.value), self.halves)

    @property
    def balanced(self) -> bool:
        """At least five in each half of the axis have said yes or no, and at most a third of them no."""
        heard = [(half.helpful + half.not_helpful, half.not_helpful) for half in self.halves]
        return all(voted >= IN_EACH_HALF and 3 * against <= voted for voted, against in heard)

    def lowest_without_any(self, groups: NDArray[Any] | None = None) -> float:
        """The lowest level without the ratings of any one group (by default: any one rating), with raters as they are."""
        if not len(self.value):
            return self.level
        groups = np.arange(len(self.value)) if groups is None else np.unique(groups, return_inverse=True)[1]
        without = self.sums.without(self.weight, self.factor, self.left, groups)
        return self.mu + float(without.best(*self.costs).intercept.min())

    def stands(self, removed: bool) -> bool:
        """Whether it is helpful and, raters as they are, also without any one of its ratings; or, of many raters, in balance."""
        return self.judged[0] == "helpful" and (self._without_each() if removed else self.balanced)

    def _without_each(self) -> bool:
        without = self.sums.without(self.weight, self.factor, self.left, np.arange(len(self.value)))
        best = without.best(*self.costs)
        each = zip(
            best.intercept.tolist(), best.factor.tolist(), self.factor, self.value, self.weight, strict=True
        )
        return all(
            judge(
                self.mu + level, one_sided, len(self.value) - 1, self._heard_without(factor, value, weight)
            )[0]
            == "helpful"
            for level, one_sided, factor, value, weight in each
        )

    def _heard_without(self, factor: float, value: float, weight: float) -> list[Heard]:
        return [
            Heard(
                half.helpful - weight * (theirs and value > 0.5),
                half.not_helpful - weight * (theirs and value < 0.5),
            )
            for half, theirs in zip(self.halves, (factor < 0, factor > 0), strict=True)
        ]

    def to_flip(self, raters: Side, removed: bool, accepted: bool) -> int | None:
        """How many further ratings would turn it, if they came from the most extreme raters there are."""
        value = 0.0 if accepted else 1.0
        who = raters.intercept.max() if accepted else raters.intercept.min()
        left, ends = value - self.mu - float(who), (float(raters.factor.min()), float(raters.factor.max()))
        splits = [(first, more - first) for more in range(1, MOST_FURTHER + 1) for first in range(more + 1)]
        first, second = np.array(splits, np.float64).T
        best = self.sums.with_more(first, ends[0], left).with_more(second, ends[1], left).best(*self.costs)
        high = (self.mu + best.intercept >= HELPFUL_FROM) & (np.abs(best.factor) < ONE_SIDED_FROM)
        for possible, split in zip(high.tolist(), splits, strict=True):
            stands = possible and self._with_more(value, left, np.repeat(ends, split)).stands(removed)
            if stands != accepted:
                return sum(split)
        return None

    def _with_more(self, value: float, left: float, factors: Floats) -> _Seen:
        same = np.ones(len(factors))
        return _Seen(
            np.append(self.value, value * same),
            np.append(self.factor, factors),
            np.append(self.left, left * same),
            np.append(self.weight, same),
            self.mu,
            self.costs,
        )


def _lowest(seen: Sequence[_Seen], otherwise: float) -> float:
    return min((each.level for each in seen), default=otherwise)


def _outlets_alike(outlets: Places) -> Floats:
    """What each rater counts, so that every outlet's raters together count the same: like the raters of a middling outlet,
    so that nobody else counts more, or less, when one outlet brings many.
    """
    raters = np.bincount(outlets)
    return np.median(raters[raters > 0]) / raters[outlets].astype(np.float64)


def _why(
    applies: bool, removed: bool, seen: _Seen, without_rater: Sequence[_Seen], without_outlet: Sequence[_Seen]
) -> Phrase:
    """What is shown with it; _ACCEPTED or _IN_BALANCE if, and only if, it is accepted."""
    status, rule = seen.judged
    if not applies:
        return _NOT_APPLIED
    if status != "helpful":
        return _WHY[rule]
    if removed:
        if any(each.judged[0] != "helpful" for each in without_rater):
            return _ON_ONE_RATER
        return _ON_ONE_OUTLET if any(each.level < HELPFUL_FROM for each in without_outlet) else _ACCEPTED
    return _IN_BALANCE if seen.balanced else _UNBALANCED


_NOT_APPLIED = Phrase(
    f"评价人还不到 {RATERS_FROM} 位，看不出谁和谁平时意见不同：只按账号表态决定。",
    f"With fewer than {RATERS_FROM} raters nobody can tell who usually disagrees: the outlets decide alone.",
)
_ACCEPTED = Phrase(
    "平时意见不同的两边都认为有帮助，少了任何一位评价人也一样：通过。",
    "Both sides of those who usually disagree find it helpful, and would without any one rater: accepted.",
)
_IN_BALANCE = Phrase(
    "平时意见不同的两边都认为有帮助，每边没有超过三分之一的人反对：通过。",
    "Both sides of those who usually disagree find it helpful, and no more than a third of either does not: accepted.",
)
_ON_ONE_RATER = Phrase(
    "现在的结果取决于某一位评价人，再多几位评价才稳妥，暂不下结论。",
    "As it stands, it hangs on one single rater; a few more ratings will make it safe. There is no verdict yet.",
)
_ON_ONE_OUTLET = Phrase(
    "现在的结果取决于某一个账号，其他账号再多几位评价才稳妥，暂不下结论。",
    "As it stands, it hangs on one single outlet; a few more ratings of others will make it safe. There is no verdict yet.",
)
_UNBALANCED = Phrase(
    f"两边各要有 {IN_EACH_HALF} 位表态，且反对的不超过三分之一，现在还不够，暂不下结论。",
    f"It takes {IN_EACH_HALF} raters of each side, at most a third of them against; it isn't there yet, so there is no verdict.",
)
_WHY = {
    TOO_FEW: Phrase(
        f"评价还不到 {FEWEST} 个，暂不下结论。",
        f"It has fewer than {FEWEST} ratings, so there is no verdict yet.",
    ),
    SIDE_MISSING: Phrase(
        "还缺一方成员的意见，暂不下结论。",
        "One side hasn't weighed in, so there is no verdict yet.",
    ),
    LEVEL_BETWEEN: Phrase(
        "认为有帮助的还不够多，暂不下结论。",
        "Not enough of those who usually disagree find it helpful, so there is no verdict yet.",
    ),
    ONE_SIDED: Phrase(
        "一边明显比另一边更认可，暂不下结论。",
        "One side finds it much more helpful than the other, so there is no verdict yet.",
    ),
    SIDES_DISAGREE: Phrase(
        "两边的看法还不一致，暂不下结论。",
        "The two sides do not agree about it, so there is no verdict yet.",
    ),
    BOTH_NOT_HELPFUL: Phrase(
        "两边都认为没有帮助，请改写后再提。",
        "Neither side finds it helpful; please rework it and propose it again.",
    ),
}
_NOTHING = Bridging(
    applies=False,
    accepted=False,
    level=0.5,
    factor=0.0,
    lower=0.0,
    upper=1.0,
    without_any_rater=0.5,
    without_any_outlet=0.5,
    halves=(Half(None, None), Half(None, None)),
    to_flip=None,
    why=_NOT_APPLIED,
)

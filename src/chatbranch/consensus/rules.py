"""When a note becomes a verdict. Pure, and short enough to be read aloud to the branch's members.

1. One outlet has one vote, whoever of it rates and however many; outlets of one owner are one outlet.
2. The author's outlet does not vote on the note; nor does who is party to the case or has declared an interest in it, nor
   a member who joined less than 30 days ago (founders excepted).
3. A note is accepted when three outlets find it helpful, among them one of every bloc (two in a branch of nine outlets or
   more), and in no bloc more than a third of those who voted find it not helpful.
4. The author stands for their own bloc where nobody else of it can vote. Where nobody of another bloc can, or the branch
   has one bloc only, or fewer than three outlets can vote at all, outlets of a peer branch fill the vacancy, and it is said.
5. When a bloc that can vote has not, one side is missing, and nothing is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chatbranch.kernel.phrases import Phrase

HELPFUL, SOMEWHAT, NOT_HELPFUL = 1.0, 0.5, 0.0
OUTLETS_NEEDED = 3
SMALL_BRANCH = 8  # outlets; up to here one of each bloc is enough
PEERS = ""  # the bloc of the outlets of peer branches


@dataclass(frozen=True)
class Seat:
    """An outlet that has a vote: the key of its owner, its bloc, and whether anybody of it may rate this note."""

    outlet: str
    bloc: str
    may_rate: bool = True


@dataclass(frozen=True)
class Voice:
    """A rater's present word on a note: how helpful they find it, from 0 to 1, and whether it counts."""

    outlet: str
    value: float
    counts: bool = True


@dataclass(frozen=True)
class Side:
    """The votes of one bloc's outlets, as totals. needed: how many of them have to find the note helpful."""

    bloc: str
    needed: int
    helpful: int = 0
    somewhat: int = 0
    not_helpful: int = 0
    waiting: int = 0

    @property
    def voted(self) -> int:
        return self.helpful + self.somewhat + self.not_helpful

    @property
    def missing(self) -> bool:
        """Whether this side has to be heard and has not been."""
        return self.needed > 0 and self.voted == 0

    @property
    def lacking(self) -> int:
        """How many votes, at least, would have to become helpful to content this side."""
        too_many_against = max(0, -(-(3 * self.not_helpful - self.voted) // 3))
        return max(self.needed - self.helpful, too_many_against)

    @property
    def stand(self) -> Literal["missing", "against", "content", "free", "lacking"]:
        """Where it stands, in a word; "free" of a side that need not be heard, and has not been."""
        if self.missing:
            return "missing"
        if 3 * self.not_helpful > self.voted:
            return "against"
        if self.lacking > 0:
            return "lacking"
        return "content" if self.voted else "free"

    @property
    def shown(self) -> int | None:
        """How many of its outlets voted, where that may be shown."""
        return few(self.voted) or None

    @property
    def to_spare(self) -> int:
        """How many helpful votes, at most, could turn into refusals with this side still content."""
        return min(self.helpful - self.needed, (self.voted - 3 * self.not_helpful) // 3)


@dataclass(frozen=True)
class Decision:
    """What the rule says of a note now, and why: shown with the note, and stored with the verdict.

    sides: the branch's own blocs, then that of peers where there is a vacancy. vacancies: how many votes of peers count.
    lacking: (bloc, votes) that would have to become helpful, at least; empty once accepted. to_undo: how many helpful
    votes would have to turn against it, at least; 0 while not accepted. stands_without_any: whether it would be accepted
    without the vote of any one outlet. left_out: voices that do not count.
    """

    accepted: bool
    sides: tuple[Side, ...]
    vacancies: int
    lacking: tuple[tuple[str, int], ...]
    to_undo: int
    stands_without_any: bool
    left_out: int
    why: Phrase

    @property
    def helpful(self) -> int:
        """Outlets that find it helpful, of peers as many as count."""
        return _helpful(self.sides, self.vacancies)

    @property
    def heard(self) -> bool:
        """Whether anybody has voted."""
        return any(side.voted for side in self.sides)

    @property
    def filled_by_peers(self) -> int:
        """How many votes of peer branches count towards it."""
        return sum(min(self.vacancies, side.helpful) for side in self.sides if side.bloc == PEERS)

    @property
    def to_accept(self) -> int:
        """How many votes would have to become helpful, at least; 0 once accepted."""
        return (
            0
            if self.accepted
            else max(OUTLETS_NEEDED - self.helpful, sum(votes for _, votes in self.lacking))
        )

    def as_dict(self) -> dict[str, object]:
        """For storage beside the verdict, and so for everyone: the rule, and totals; a count of one or two is None."""
        return {
            "rule": f"helpful from {OUTLETS_NEEDED} outlets, of every bloc, and at most a third of no bloc against",
            "helpful_outlets": few(self.helpful),
            "not_helpful_outlets": few(sum(side.not_helpful for side in self.sides)),
            "blocs": sum(bool(side.bloc and side.helpful) for side in self.sides),
            "filled_by_peers": self.filled_by_peers,
            "to_undo": self.to_undo,
            "stands_without_any_outlet": self.stands_without_any,
            "left_out": self.left_out,
            "why": {"zh-Hans": self.why.zh, "en": self.why.en},
        }


def few(count: int) -> int | None:
    """A count as it may be shown: of one or two, somebody would know who they are."""
    return count if count == 0 or count >= 3 else None


def decide(
    author: Seat | None, seats: Iterable[Seat], voices: Sequence[Voice], peers: Sequence[Voice] = ()
) -> Decision:
    """Whether the note by somebody of the `author` outlet is accepted.

    seats: the branch's outlets, the author's among them or not. voices: only those of seats that may rate, and are not
    the author's, count. peers: voices of outlets of peer branches.
    """
    known = {seat.outlet: seat for seat in [*seats, *([author] if author else [])]}
    own, own_bloc = (author.outlet, author.bloc) if author else ("", None)
    voters = {seat.outlet: seat for seat in known.values() if seat.may_rate and seat.outlet != own}
    blocs, heard = {seat.bloc for seat in known.values()}, {seat.bloc for seat in voters.values()}
    absent = len(blocs - heard - {own_bloc}) + (len(blocs) == 1)
    vacancies = max(absent, OUTLETS_NEEDED - len(voters), 0)
    counted = [voice for voice in voices if voice.counts and voice.outlet in voters]
    votes = _votes(counted)
    sides = [_side(bloc, voters, votes, len(known)) for bloc in sorted(heard)]
    if vacancies:
        sides.append(_peers(absent, vacancies, _votes(voice for voice in peers if voice.counts)))
    return _decision(tuple(sides), vacancies, len(voices) - len(counted))


def _votes(voices: Iterable[Voice]) -> dict[str, float]:
    """outlet -> its vote: what its raters say on average, so that a fifth rater of an outlet has no second vote."""
    said: dict[str, list[float]] = {}
    for voice in voices:
        said.setdefault(voice.outlet, []).append(voice.value)
    return {outlet: sum(values) / len(values) for outlet, values in said.items()}


def _side(bloc: str, voters: Mapping[str, Seat], votes: Mapping[str, float], outlets: int) -> Side:
    of_it = [seat.outlet for seat in voters.values() if seat.bloc == bloc]
    needed = min(1 if outlets <= SMALL_BRANCH else 2, len(of_it))
    said = [votes[outlet] for outlet in of_it if outlet in votes]
    return Side(bloc, needed, *_totals(said), waiting=len(of_it) - len(said))


def _peers(needed: int, vacancies: int, votes: Mapping[str, float]) -> Side:
    return Side(PEERS, needed, *_totals(votes.values()), waiting=max(0, vacancies - len(votes)))


def _totals(votes: Iterable[float]) -> tuple[int, int, int]:
    said = list(votes)
    helpful, against = sum(vote > SOMEWHAT for vote in said), sum(vote < SOMEWHAT for vote in said)
    return helpful, len(said) - helpful - against, against


def _decision(sides: tuple[Side, ...], vacancies: int, left_out: int) -> Decision:
    accepted = _accepted(sides, vacancies)
    to_spare = min([_helpful(sides, vacancies) - OUTLETS_NEEDED, *(side.to_spare for side in sides)])
    return Decision(
        accepted,
        sides,
        vacancies,
        lacking=tuple((side.bloc, side.lacking) for side in sides if side.lacking > 0),
        to_undo=to_spare + 1 if accepted else 0,
        stands_without_any=accepted and all(_accepted(fewer, vacancies) for fewer in _without_one(sides)),
        left_out=left_out,
        why=_why(accepted, sides, vacancies),
    )


def _accepted(sides: Sequence[Side], vacancies: int) -> bool:
    return _helpful(sides, vacancies) >= OUTLETS_NEEDED and all(side.lacking <= 0 for side in sides)


def _helpful(sides: Iterable[Side], vacancies: int) -> int:
    """How many outlets find it helpful; of peers, as many as there are vacancies."""
    return sum(min(vacancies, side.helpful) if side.bloc == PEERS else side.helpful for side in sides)


def _without_one(sides: Sequence[Side]) -> Iterator[list[Side]]:
    """The sides without the vote of one outlet, whichever it is."""
    for place, side in enumerate(sides):
        for vote in ("helpful", "somewhat", "not_helpful"):
            if count := getattr(side, vote):
                yield [*sides[:place], replace(side, **{vote: count - 1}), *sides[place + 1 :]]


def _why(accepted: bool, sides: Sequence[Side], vacancies: int) -> Phrase:
    """The sentence shown under the note."""
    helpful, against = _helpful(sides, vacancies), sum(side.not_helpful for side in sides)
    if accepted:
        filled = "（含友会）" if any(side.bloc == PEERS and side.helpful for side in sides) else ""
        by_peers = ", a peer branch among them" if filled else ""
        return Phrase(
            f"各圈共 {helpful} 个账号认为有帮助{filled}，{against} 个认为没有帮助：通过。",
            f"{helpful} outlets, of every bloc, find it helpful{by_peers}; {against} do not: accepted.",
        )
    missing = [side.bloc for side in sides if side.missing]
    if helpful + against and missing:
        return Phrase(
            f"还缺一方成员的意见（{_names(missing, 0)}），暂不下结论。",
            f"One side hasn't weighed in ({_names(missing, 1)}), so there is no verdict yet.",
        )
    divided = [side.bloc for side in sides if 3 * side.not_helpful > side.voted]
    if divided:
        return Phrase(
            f"{_names(divided, 0)}中超过三分之一认为没有帮助，暂不下结论。",
            f"More than a third of {_names(divided, 1)} find it not helpful, so there is no verdict yet.",
        )
    more = max(OUTLETS_NEEDED - helpful, sum(max(0, side.lacking) for side in sides))
    if vacancies and not any(side.waiting for side in sides if side.bloc != PEERS):
        return Phrase(
            f"能表态的账号都说过了，还缺 {more} 个：请友会来补。",
            f"Every outlet that may has weighed in, and {more} more {_is(more)} needed: ask a peer branch.",
        )
    return Phrase(
        f"还需要 {more} 个账号认为有帮助，每个圈都要有。",
        f"{more} more outlet{'s need' if more > 1 else ' needs'} to find it helpful, of every bloc.",
    )


def _names(blocs: Iterable[str], language: int) -> str:
    """The blocs by name, in Chinese (0) or English (1)."""
    return ("、", ", ")[language].join(bloc or ("友会", "a peer branch")[language] for bloc in blocs)


def _is(count: int) -> str:
    return "is" if count == 1 else "are"

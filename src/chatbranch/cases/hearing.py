"""Who is heard on the notes of a case, and what the rule makes of what they said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from chatbranch.branch import queries as branch
from chatbranch.branch.rules import owner_key
from chatbranch.cases.models import Case, Note, Rating
from chatbranch.cases.recusal import recusals
from chatbranch.consensus.rules import Decision, Seat, Voice, decide
from chatbranch.kernel import clock


@dataclass(frozen=True)
class Hearing:
    """Who may rate the notes of one case. recused: member -> why they stand aside. new: whose word does not count yet."""

    seats: tuple[branch.Seat, ...]
    standings: dict[UUID, branch.Standing]
    recused: dict[UUID, str]
    new: frozenset[UUID]

    def counts(self, rater: UUID) -> bool:
        """Whether the rater is still here, concerned by nothing, and long enough with us."""
        return rater in self.standings and rater not in self.recused and rater not in self.new


def hearing(case: Case) -> Hearing:
    """As things stand now: members leave, join, and declare interests while a case is open."""
    seats = tuple(branch.seats())
    people = {member for seat in seats for member in seat.members}
    people |= set(Rating.objects.filter(note__case=case, by__isnull=False).values_list("by", flat=True))
    standings, now = branch.standings(people), clock.now()
    new = frozenset(who for who, standing in standings.items() if standing.counts_from > now)
    return Hearing(seats, standings, recusals(case, people), new)


def last_words(note: Note) -> dict[UUID, Rating]:
    """rater -> the last thing they said of the note, in the order in which they first spoke."""
    said = note.ratings.select_related("by__outlet").order_by("at", "id")
    return {each.by_id: each for each in said if each.by_id}


def decision_on(note: Note, heard: Hearing | None = None) -> Decision:
    """What the consensus rule says of this note now. heard: of its case, where it is known already."""
    heard = heard or hearing(note.case)
    own: list[Voice] = []
    peers: list[Voice] = []
    for who, rating in last_words(note).items():
        standing = heard.standings.get(who)
        if standing is not None:
            voice = Voice(standing.outlet, rating.value, heard.counts(who))
            (peers if standing.peer else own).append(voice)
    return decide(_author(note), _seats(heard), own, peers)


def _author(note: Note) -> Seat | None:
    if note.by is None:
        return None
    outlet = note.by.outlet
    return Seat(owner_key(outlet.owner), str(outlet.bloc))


def _seats(heard: Hearing) -> Iterable[Seat]:
    for seat in heard.seats:
        yield Seat(seat.outlet, seat.bloc, any(heard.counts(member) for member in seat.members))

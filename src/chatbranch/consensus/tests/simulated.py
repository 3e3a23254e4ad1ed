"""Simulated associations of 6 to 50 raters, with notes of known kind. Nothing is made easy on purpose.

- Raters belong to outlets, unevenly (every outlet has one, the others fall where they fall); outlets to two or three blocs,
  unequal ones. How many outlets there are differs from association to association.
- There is one axis of opinion, and blocs follow it only mostly: two blocs lean to opposite ends, a third to either, one outlet
  in seven leans against its bloc, and within an outlet people are anything from lukewarm (0.4) to firm (1).
- Half of the notes are truly bridging, a third one-sided, a sixth poor. (Of the statements of ten public Polis conversations
  that come out clearly, 67 % please both sides, 27 % one, 6 % none: ours are worse.)
- A rater feels 0.8 of a note they tend to find helpful and 0.2 of one they do not; of a one-sided note 0.8 or 0.2 if they are
  firm, something between if they are lukewarm. To that come how lenient they are (standard deviation 0.1), how good the note
  is of its kind (0.05), and chance (0.25). From 0.6 they say helpful, from 0.4 somewhat, below not helpful. So bridging notes
  are found helpful by 77 %, somewhat by 16 %, not helpful by 7 %: about what those Polis conversations have (77, 13, 10).
- Who rates how much: asked once, a rater gets round to it with a probability between 0.4 and 1, their own. While a note is
  undecided, the digest asks those who have not said anything every morning (cases/digests.py); here, for a working week and no longer.
  Nobody rates what their own outlet proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from chatbranch.consensus.bridging import Axis, Rated
from chatbranch.consensus.rules import Decision, Seat, Voice, decide

BRIDGING, ONE_SIDED, POOR = "bridging", "one-sided", "poor"
KINDS = (BRIDGING, ONE_SIDED, BRIDGING, POOR, BRIDGING, ONE_SIDED)
NOTES = 90
SHAPES = {6: (6,), 8: (6, 7, 8), 15: (6, 7, 8), 25: (9, 10, 11, 12), 50: (12, 14, 16)}
"""Raters -> how many outlets they may have."""

MORNINGS = 5
Said = dict[int, float]


@dataclass(frozen=True)
class Note:
    """A note of known kind: its author's outlet, and what raters say on each morning that they are asked."""

    id: str
    kind: str
    author: int
    asked: tuple[Said, ...]


@dataclass(frozen=True)
class Association:
    """The seat of each outlet, the outlet of each rater, and the notes of a year."""

    seats: tuple[Seat, ...]
    outlet: tuple[int, ...]
    notes: tuple[Note, ...]

    def decides(self, note: Note, said: Said) -> Decision:
        """What the quorum says."""
        ratings = [Voice(self.seats[self.outlet[who]].outlet, value) for who, value in said.items()]
        return decide(self.seats[note.author], self.seats, ratings)

    def rated(self, said: Iterable[tuple[Note, Said]]) -> list[Rated]:
        """Ratings as the factorisation takes them."""
        return [
            Rated(note.id, f"rater {who}", f"outlet {self.outlet[who]}", value)
            for note, each in said
            for who, value in each.items()
        ]

    def accepted(self) -> Iterator[tuple[Note, bool]]:
        """Every note, and whether it is accepted after any of the mornings."""
        yet: dict[str, Said] = {note.id: {} for note in self.notes}
        done: set[str] = set()
        for morning in range(MORNINGS):
            yet |= {note.id: yet[note.id] | note.asked[morning] for note in self.notes if note.id not in done}
            done |= self._stand(yet)
        for note in self.notes:
            yield note, note.id in done

    def _stand(self, yet: dict[str, Said]) -> set[str]:
        """Which notes the quorum and, where it applies, the factorisation accept."""
        axis = Axis.of(self.rated((note, yet[note.id]) for note in self.notes))
        found = set()
        for note in self.notes:
            if self.decides(note, yet[note.id]).accepted:
                across = axis.bridging(note.id)
                if across.accepted or not across.applies:
                    found.add(note.id)
        return found


def associate(raters: int, seed: int) -> Association:
    """One association, the same for the same numbers."""
    chance = np.random.default_rng([raters, seed])
    outlets, blocs = int(chance.choice(SHAPES[raters])), 2 + seed % 2
    least = 2 if outlets <= 8 else 3
    rest = chance.choice(blocs, outlets - least * blocs, p=[0.65, 0.35] if blocs == 2 else [0.5, 0.3, 0.2])
    bloc = np.append(np.arange(blocs).repeat(least), rest)
    leans = np.array([-1.0, 1.0, chance.choice([-1.0, 1.0])])[bloc]
    leans = np.where(chance.random(outlets) < 1 / 7, -leans, leans)
    outlet = np.append(np.arange(outlets), chance.integers(0, outlets, raters - outlets))
    people = _People(
        outlet,
        stands=leans[outlet] * chance.uniform(0.4, 1.0, raters),
        lenient=chance.normal(0, 0.1, raters),
        rates=chance.uniform(0.4, 1.0, raters),
    )
    seats = tuple(Seat(f"outlet {place}", f"bloc {each}") for place, each in enumerate(bloc))
    notes = (people.rate(str(place), KINDS[place % 6], outlets, chance) for place in range(NOTES))
    return Association(seats, tuple(outlet.tolist()), tuple(notes))


@dataclass(frozen=True)
class _People:
    """Of each rater the outlet, where they stand from -1 to 1, how lenient they are, and how often they get round to it."""

    outlet: np.ndarray
    stands: np.ndarray
    lenient: np.ndarray
    rates: np.ndarray

    def rate(self, id: str, kind: str, outlets: int, chance: np.random.Generator) -> Note:
        many, likes = len(self.stands), chance.choice([-1, 1]) * self.stands
        felt = {BRIDGING: 0.8, POOR: 0.2, ONE_SIDED: 0.5 + 0.3 * likes}[kind]
        felt = felt + self.lenient + chance.normal(0, 0.05) + chance.normal(0, 0.25, many)
        said = np.where(felt >= 0.6, 1.0, np.where(felt >= 0.4, 0.5, 0.0))
        author = int(chance.integers(0, outlets))
        silent, asked = self.outlet != author, []
        for _ in range(MORNINGS):
            now = silent & (chance.random(many) < self.rates)
            silent &= ~now
            asked.append({int(who): float(said[who]) for who in np.flatnonzero(now)})
        return Note(id, kind, author, tuple(asked))

"""Simulated associations (simulated.py): what is accepted really bridges, and what bridges is mostly accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatbranch.consensus.bridging import RATERS_FROM
from chatbranch.consensus.tests.simulated import BRIDGING, SHAPES, Association, Said, associate

MANY = {6: 60, 8: 30, 15: 12, 25: 4, 50: 1}
"""Raters -> associations of ninety notes each."""
ACCEPTED = {6: 0.60, 8: 0.65, 15: 0.80, 25: 0.80, 50: 0.90}
"""Raters -> the share of truly bridging notes that has to be accepted."""


@pytest.mark.parametrize("raters", SHAPES)
def test_nine_of_ten_accepted_notes_bridge_and_most_that_bridge_are_accepted(raters: int) -> None:
    right = wrong = bridging = 0
    for seed in range(MANY[raters]):
        for note, accepted in associate(raters, seed).accepted():
            bridging += note.kind == BRIDGING
            right += accepted and note.kind == BRIDGING
            wrong += accepted and note.kind != BRIDGING
    assert right / (right + wrong) >= 0.90
    assert right / bridging >= ACCEPTED[raters]


def only(association: Association, raters: set[int]) -> Association:
    """The same, had nobody else said anything, and had these found everything helpful."""

    def heard(said: Said) -> Said:
        return dict.fromkeys(raters & said.keys(), 1.0)

    notes = (replace(note, asked=tuple(map(heard, note.asked))) for note in association.notes)
    return replace(association, notes=tuple(notes))


@pytest.mark.parametrize("raters", SHAPES)
def test_nothing_is_accepted_when_one_bloc_or_one_outlet_alone_has_rated(raters: int) -> None:
    for seed in range(2 if raters < RATERS_FROM else 1):
        association = associate(raters, seed)
        blocs = {seat.bloc for seat in association.seats}
        for bloc in blocs:
            of_it = {
                who for who, outlet in enumerate(association.outlet) if association.seats[outlet].bloc == bloc
            }
            assert not any(accepted for _, accepted in only(association, of_it).accepted())
        for outlet in range(len(association.seats)):
            of_it = {who for who, own in enumerate(association.outlet) if own == outlet}
            assert not any(accepted for _, accepted in only(association, of_it).accepted())


def says(association: Association, outlet: int, puppets: int) -> Association:
    """The same, with an outlet that pushes everything that does not bridge: by its own raters, or by so many puppets, who say
    of the rest what an honest colleague says.
    """
    own = [who for who, each in enumerate(association.outlet) if each == outlet]
    new = range(len(association.outlet), len(association.outlet) + puppets)
    notes = []
    for note in association.notes:
        first, *later = map(dict, note.asked)
        pushed = note.kind != BRIDGING and note.author != outlet
        honest = [first[who] for who in own if who in first]
        if pushed and not puppets:
            first |= dict.fromkeys(own, 1.0)
            later = [{who: value for who, value in each.items() if who not in own} for each in later]
        elif pushed or (honest and note.author != outlet):
            first |= dict.fromkeys(new, 1.0 if pushed else honest[0])
        notes.append(replace(note, asked=(first, *later)))
    return replace(association, outlet=(*association.outlet, *(outlet for _ in new)), notes=tuple(notes))


def wrongly(association: Association) -> set[str]:
    return {note.id for note, accepted in association.accepted() if accepted and note.kind != BRIDGING}


@pytest.mark.parametrize("raters", SHAPES)
def test_four_sock_puppets_of_an_outlet_bring_about_nothing_that_it_could_not_say_itself(raters: int) -> None:
    for seed in range(2 if raters <= RATERS_FROM else 1):
        association = associate(raters, seed)
        assert wrongly(says(association, seed, 4)) <= wrongly(says(association, seed, 0))

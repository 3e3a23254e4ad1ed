"""What the ratings of a branch say of one note: both sides, safely, and nothing of anybody."""

from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatbranch.consensus import bridging, scoring
from chatbranch.consensus.bridging import MOST_FURTHER, RATERS_FROM, Axis, Bridging, Rated, bridge
from chatbranch.consensus.factorisation import fit
from chatbranch.consensus.ratings import Column, gather

NOTES = 24
BOTH, ONE, NONE = "n02", "n00", "n03"  # of each kind the first


def branch(raters: int, seed: int = 5, share: float = 0.7) -> list[Rated]:
    """A branch of two sides in outlets of five; of four notes one pleases one side, one the other, one both, one nobody."""
    chance = np.random.default_rng(seed)
    likes = {0: (0.9, 0.1), 1: (0.1, 0.9), 2: (0.9, 0.9), 3: (0.1, 0.1)}
    return [
        Rated(
            f"n{note:02}",
            f"rater {who}",
            f"outlet {who % 7}",
            float(chance.random() < likes[note % 4][who % 2]),
        )
        for note in range(NOTES)
        for who in range(raters)
        if chance.random() < share
    ]


def say(note: str, who: str, value: float, outlet: str = "") -> Rated:
    """A rating by a rater of the branch above, who stays with their outlet."""
    return Rated(note, who, outlet or f"outlet {int(who.split()[1]) % 7}", value)


@pytest.mark.parametrize("raters", [25, 60, 130])
def test_a_note_that_both_sides_find_helpful_is_accepted_and_no_other_is(raters: int) -> None:
    axis = Axis.of(branch(raters))
    found = {f"n{note:02}": axis.bridging(f"n{note:02}").accepted for note in range(NOTES)}
    assert sum(yes for note, yes in found.items() if int(note[1:]) % 4 == 2) >= 5
    assert not any(yes for note, yes in found.items() if int(note[1:]) % 4 != 2)


@pytest.mark.parametrize("raters", [0, 1, 2, 6, 24])
def test_with_too_few_raters_it_has_no_say(raters: int) -> None:
    said = bridge(BOTH, branch(raters))
    assert (said.applies, said.accepted, said.to_flip) == (False, False, None)
    assert str(RATERS_FROM) in said.why.en


def test_a_note_that_nobody_has_rated_yet_needs_ratings() -> None:
    said = bridge("new", branch(30))
    assert (said.applies, said.accepted) == (True, False)
    assert said.why.en == "It has fewer than 5 ratings, so there is no verdict yet."
    assert said.to_flip is None or said.to_flip >= 5


def test_when_only_one_side_has_rated_it_says_that_a_side_is_missing() -> None:
    others = [each for each in branch(40) if each.note != "n06"]
    said = bridge("n06", others + [say("n06", f"rater {who}", 1.0) for who in range(0, 40, 2)])
    assert not said.accepted
    assert said.why.en == "One side hasn't weighed in, so there is no verdict yet."
    assert said.why.zh == "还缺一方成员的意见，暂不下结论。"


def test_what_pleases_one_side_is_said_to_be_one_sided_or_undecided() -> None:
    said = bridge(ONE, branch(60))
    assert not said.accepted
    assert abs(said.factor) > 0.5
    assert "no verdict yet" in said.why.en


@pytest.mark.parametrize("rule", sorted(bridging._WHY))
def test_every_rule_that_turns_a_note_down_has_its_sentence_in_both_languages(rule: str) -> None:
    rules = {value for name, value in vars(scoring).items() if name.isupper() and isinstance(value, str)} - {
        scoring.BOTH_HELPFUL
    }
    assert set(bridging._WHY) == rules
    assert bridging._WHY[rule].zh.endswith("。")


def counted(axis: Axis) -> NDArray[np.float64]:
    """What each rater counts."""
    assert axis.found.weights is not None
    return axis.found.weights


def closest(axis: Axis, notes: range) -> list[tuple[str, Bridging]]:
    return [(f"n{note:02}", axis.bridging(f"n{note:02}")) for note in notes]


def test_the_lowest_level_without_any_rater_is_that_of_fits_from_nothing_without_each() -> None:
    rated = branch(26, share=0.5)
    axis = Axis.of(rated)
    counts = dict(
        zip(Column.of([each.rater for each in rated]).distinct.tolist(), counted(axis), strict=True)
    )
    for note in ("n00", "n02", "n03", "n22"):
        levels = []
        for left_out in {each.rater for each in rated}:
            rest = [each for each in rated if each.rater != left_out]
            raters = Column.of([each.rater for each in rest])
            ratings = gather(Column.of([each.note for each in rest]), raters, [each.value for each in rest])
            found = fit(ratings, weights=np.array([counts[each] for each in raters.distinct.tolist()]))
            levels.append(found.mu + found.notes.intercept[ratings.place(note)])
        assert axis.bridging(note).without_any_rater == pytest.approx(min(levels), abs=2e-3)


def test_with_raters_as_they_are_the_lowest_level_is_nearly_that_of_the_fits() -> None:
    """Above a hundred raters the closed form is shown; below, where both are known, they are as near as this."""
    axis = Axis.of(branch(60))
    for note, said in closest(axis, range(NOTES)):
        seen, _ = axis._seen(note, axis.found)
        assert seen.lowest_without_any() == pytest.approx(said.without_any_rater, abs=0.02)


def test_a_note_that_hangs_on_one_rater_is_not_accepted() -> None:
    others = [each for each in branch(40) if each.note != "n06"]
    one_side = [say("n06", f"rater {who}", 1.0) for who in range(0, 20, 2)]
    two_to_one = [say("n06", "rater 1", 1.0), say("n06", "rater 3", 1.0), say("n06", "rater 5", 0.0)]
    said = bridge("n06", others + one_side + two_to_one)
    assert not said.accepted
    assert "hangs on one single rater" in said.why.en
    assert said.to_flip == 1
    assert bridge("n06", others + one_side + two_to_one + [say("n06", "rater 7", 1.0)]).accepted


def test_among_many_there_has_to_be_balance() -> None:
    others = [each for each in branch(130) if each.note != "n06"]
    one_side = [say("n06", f"rater {who}", 1.0) for who in range(0, 120, 2)]
    few_of_the_other = [say("n06", f"rater {who}", 1.0) for who in (1, 3, 5)]
    said = bridge("n06", others + one_side + few_of_the_other)
    assert not said.accepted
    enough = [say("n06", f"rater {who}", 1.0) for who in range(1, 41, 2)]
    assert bridge("n06", others + one_side + enough).accepted


def test_counts_of_one_or_two_are_hidden() -> None:
    shown = [
        count
        for _, said in closest(Axis.of(branch(30, share=0.3)), range(NOTES))
        for half in said.halves
        for count in (half.helpful, half.not_helpful)
    ]
    assert None in shown
    assert not {1, 2} & set(shown)
    assert any(count and count >= 3 for count in shown)


def test_all_raters_of_an_outlet_together_count_like_those_of_any_other() -> None:
    axis = Axis.of([*branch(40), *(say("n02", f"colleague {n}", 1.0, "outlet 3") for n in range(9))])
    of_each = np.bincount(axis.outlets, counted(axis))
    assert np.allclose(of_each, of_each[0])
    assert of_each[0] == np.median(np.bincount(axis.outlets)), "no more when one outlet brings many"


def test_among_many_the_level_without_any_outlet_is_that_of_the_note_without_its_ratings() -> None:
    axis = Axis.of(branch(120))
    own = axis.ratings.by_note
    rows = own.of_one(axis.ratings.place(BOTH))
    levels = []
    for outlet in range(7):
        kept = axis.outlets[own.other[rows]] != outlet
        who = own.other[rows][kept]
        f = axis.found.raters.factor[who]
        left = own.value[rows][kept] - axis.found.mu - axis.found.raters.intercept[who]
        w = counted(axis)[who]
        normal = np.array([[w.sum() + 4.5, (w * f).sum()], [(w * f).sum(), (w * f * f).sum() + 0.9]])
        levels.append(axis.found.mu + np.linalg.solve(normal, [(w * left).sum(), (w * f * left).sum()])[0])
    assert axis.bridging(BOTH).without_any_outlet == pytest.approx(min(levels))


@pytest.mark.parametrize("note", ["n02", "n06", "n10"])
def test_fewer_further_refusals_than_it_says_do_not_turn_an_accepted_note(note: str) -> None:
    """By whoever has not rated it yet: nobody of them is further out than the raters it reckons with."""
    rated = branch(60, share=0.5)
    said = bridge(note, rated)
    assert said.accepted
    assert said.to_flip is not None
    assert said.to_flip >= 2
    silent = sorted({each.rater for each in rated} - {each.rater for each in rated if each.note == note})
    for turned in (silent, silent[::-1], silent[::2]):
        assert bridge(note, rated + [say(note, who, 0.0) for who in turned[: said.to_flip - 1]]).accepted


def test_as_many_as_it_says_do_turn_it_when_they_are_as_far_out() -> None:
    axis = Axis.of(branch(60, share=0.5))
    seen, _ = axis._seen(BOTH, axis.found)
    said, raters = axis.bridging(BOTH), axis.found.raters
    assert said.to_flip is not None
    outcomes = set()
    for factor in (raters.factor.min(), raters.factor.max()):
        left = -axis.found.mu - float(raters.intercept.max())
        outcomes.add(seen._with_more(0.0, left, np.full(said.to_flip, factor)).stands(removed=True))
    assert False in outcomes


def test_what_is_accepted_has_bounds_around_its_level() -> None:
    for _, said in closest(Axis.of(branch(50)), range(NOTES)):
        assert said.lower <= said.level <= said.upper
        assert said.without_any_rater <= said.level + 0.01
        assert said.to_flip is None or 1 <= said.to_flip <= MOST_FURTHER


rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 30), st.sampled_from([0.0, 0.5, 1.0])),
    max_size=60,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_any_ratings_give_an_answer_the_same_in_any_order(
    rows: list[tuple[int, int, float]], random: Random
) -> None:
    rated = [Rated(f"n{note}", f"r{who}", f"o{who % 4}", value) for note, who, value in rows]
    shuffled = rated.copy()
    random.shuffle(shuffled)
    said = bridge("n0", rated)
    assert said == bridge("n0", shuffled)
    assert np.isfinite(
        [said.level, said.lower, said.upper, said.without_any_rater, said.without_any_outlet]
    ).all()
    json.dumps(said.as_dict())


def test_no_word_of_one_person_is_in_what_comes_out() -> None:
    rated = branch(47)
    axis = Axis.of(rated)
    said = axis.bridging(BOTH)
    text = f"{said!r} {json.dumps(said.as_dict())} {axis!r}"
    assert not [key for each in rated for key in (each.rater, each.outlet) if key in text]
    parameters = {*axis.found.raters.intercept.tolist(), *axis.found.raters.factor.tolist()}
    assert not parameters & {value for value in vars(said).values() if isinstance(value, float)}

"""When a note becomes a verdict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatbranch.consensus.rules import Voice, decide


def yes(member: str, outlet: str, **more: object) -> Voice:
    return Voice(member, outlet, True, **more)  # type: ignore[arg-type]


def no(member: str, outlet: str) -> Voice:
    return Voice(member, outlet, False)


def test_two_members_of_two_outlets_who_are_not_the_author_decide() -> None:
    assert decide("author", [yes("b", "B"), yes("c", "C")]).accepted


def test_one_outlet_is_not_enough_however_many_of_its_members_agree() -> None:
    decision = decide("author", [yes("b1", "B"), yes("b2", "B"), yes("b3", "B")])
    assert not decision.accepted
    assert "1 more outlet " in decision.why.en


def test_outlets_of_one_owner_are_one_outlet() -> None:
    assert not decide("author", [yes("b", "the same owner"), yes("c", "the same owner")]).accepted


def test_the_author_does_not_approve_their_own_note() -> None:
    assert not decide("b", [yes("b", "B"), yes("c", "C")]).accepted


def test_whoever_is_recused_is_left_out_and_counted_as_left_out() -> None:
    decision = decide("author", [yes("b", "B", recused="works there"), yes("c", "C")])
    assert not decision.accepted
    assert decision.left_out == 1


def test_a_new_member_is_not_counted_yet() -> None:
    assert not decide("author", [yes("b", "B", counts=False), yes("c", "C")]).accepted


def test_as_many_against_as_for_is_no_verdict() -> None:
    voices = [yes("b", "B"), yes("c", "C"), no("d", "D"), no("e", "E")]
    assert not decide("author", voices).accepted
    assert decide("author", [*voices, yes("f", "F")]).accepted


def test_an_outlet_whose_members_disagree_counts_on_neither_side() -> None:
    decision = decide("author", [yes("b1", "B"), no("b2", "B"), yes("c", "C")])
    assert not decision.accepted
    assert decision.helpful == ("C",)


def test_what_is_stored_names_no_member() -> None:
    stored = decide("author", [yes("member-b", "B"), yes("member-c", "C")]).as_dict()
    assert "member" not in str({key: value for key, value in stored.items() if key != "why"}).replace(
        "members", ""
    )


voices = st.lists(
    st.builds(
        Voice,
        member=st.sampled_from("abcdefgh"),
        outlet=st.sampled_from("ABCDEF"),
        helpful=st.booleans(),
        recused=st.sampled_from(["", "interest"]),
        counts=st.booleans(),
    ),
    max_size=20,
    unique_by=lambda voice: voice.member,
)


@given(voices)
def test_a_verdict_always_rests_on_two_unrecused_outlets_other_than_the_author(said: list[Voice]) -> None:
    decision = decide("a", said)
    sound = {v.outlet for v in said if v.helpful and v.counts and not v.recused and v.member != "a"}
    assert not decision.accepted or len(sound) >= 2


@given(voices)
def test_the_order_of_voices_does_not_matter(said: list[Voice]) -> None:
    assert decide("a", said) == decide("a", said[::-1])


@given(voices, st.sampled_from("ABCDEF"))
def test_one_more_outlet_in_favour_never_undoes_a_verdict(said: list[Voice], outlet: str) -> None:
    if decide("a", said).accepted and outlet not in {voice.outlet for voice in said}:
        assert decide("a", [*said, yes("z", outlet)]).accepted

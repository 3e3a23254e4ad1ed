"""When a note becomes a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.consensus.rules import (
    HELPFUL,
    NOT_HELPFUL,
    OUTLETS_NEEDED,
    PEERS,
    SOMEWHAT,
    Decision,
    Seat,
    Voice,
    decide,
)

AUTHOR = Seat("author", "old town")
SIX = [
    AUTHOR,
    Seat("neighbours", "old town"),
    Seat("campus", "young"),
    Seat("english", "young"),
    Seat("downstream", "villages"),
    Seat("kitchen", "villages"),
]


def six(*, yes: str = "", somewhat: str = "", no: str = "", peers: str = "") -> Decision:
    """What the branch of six says when these outlets rate, named by words."""
    said = [(yes, HELPFUL), (somewhat, SOMEWHAT), (no, NOT_HELPFUL)]
    voices = [Voice(outlet, value) for outlets, value in said for outlet in outlets.split()]
    return decide(AUTHOR, SIX, voices, [Voice(peer, HELPFUL) for peer in peers.split()])


def test_three_outlets_one_of_every_bloc_decide() -> None:
    decision = six(yes="neighbours campus kitchen")
    assert decision.accepted
    assert decision.why.en == "3 outlets, of every bloc, find it helpful; 0 do not: accepted."


def test_three_outlets_of_two_blocs_do_not_and_the_missing_side_is_named() -> None:
    decision = six(yes="neighbours campus english")
    assert not decision.accepted
    assert decision.why.en == "One side hasn't weighed in (villages), so there is no verdict yet."
    assert decision.why.zh == "还缺一方成员的意见（villages），暂不下结论。"


def test_the_authors_outlet_does_not_vote_on_its_note() -> None:
    assert not six(yes="author campus kitchen").accepted
    assert six(yes="author campus kitchen").left_out == 1


def test_somewhat_is_heard_and_is_no_vote_for_it() -> None:
    decision = six(yes="neighbours campus", somewhat="kitchen")
    assert not decision.accepted
    assert decision.why.en == "1 more outlet needs to find it helpful, of every bloc."


def test_a_bloc_of_which_more_than_a_third_is_against_stops_it() -> None:
    decision = six(yes="neighbours campus english kitchen", no="downstream")
    assert not decision.accepted
    assert decision.lacking == (("villages", 1),)
    assert "More than a third of villages" in decision.why.en


def test_a_third_against_does_not_stop_it() -> None:
    seats = [Seat("author", "a"), *(Seat(f"b{n}", "b") for n in range(3))]
    voices = [Voice("b0", HELPFUL), Voice("b1", HELPFUL), Voice("b2", NOT_HELPFUL)]
    peer = [Voice("peer", HELPFUL)]
    assert not decide(seats[0], seats, voices).accepted, "two outlets are not three"
    seats.append(Seat("c", "c"))
    assert decide(seats[0], seats, [*voices, Voice("c", HELPFUL)], peer).accepted


def test_one_outlet_has_one_vote_however_many_rate_for_it() -> None:
    crowd = [Voice("campus", HELPFUL)] * 5
    assert not decide(AUTHOR, SIX, crowd).accepted
    assert decide(AUTHOR, SIX, crowd).helpful == 1


def test_outlets_of_one_owner_are_one_outlet() -> None:
    one_owner = [
        AUTHOR,
        *(Seat("the same owner", bloc) for bloc in ("young", "villages")),
        Seat("n", "old town"),
    ]
    assert not decide(AUTHOR, one_owner, [Voice("the same owner", HELPFUL), Voice("n", HELPFUL)]).accepted


def test_an_outlet_that_disagrees_within_itself_says_somewhat() -> None:
    voices = [Voice(outlet, HELPFUL) for outlet in ("neighbours", "campus", "kitchen")]
    assert not decide(AUTHOR, SIX, [*voices, Voice("kitchen", NOT_HELPFUL)]).accepted


def test_from_nine_outlets_on_every_bloc_needs_two() -> None:
    seats = [Seat(f"{bloc}{n}", bloc) for bloc in "abc" for n in range(3)]
    one_each = [Voice(outlet, HELPFUL) for outlet in ("a1", "b0", "c0")]
    assert not decide(seats[0], seats, one_each).accepted
    two_each = [*one_each, *(Voice(outlet, HELPFUL) for outlet in ("a2", "b1", "c1"))]
    assert decide(seats[0], seats, two_each).accepted
    assert decide(seats[0], seats[:8], one_each).accepted, "eight outlets are a small branch"


def test_a_bloc_whose_outlets_must_all_stand_aside_is_a_vacancy_for_a_peer_branch() -> None:
    seats = [*SIX[:4], *(Seat(seat.outlet, seat.bloc, may_rate=False) for seat in SIX[4:])]
    voices = [Voice(outlet, HELPFUL) for outlet in ("neighbours", "campus", "english")]
    alone = decide(AUTHOR, seats, voices)
    assert not alone.accepted
    assert alone.vacancies == 1
    assert alone.why.en == "One side hasn't weighed in (a peer branch), so there is no verdict yet."
    filled = decide(AUTHOR, seats, voices, [Voice("peer", HELPFUL)])
    assert filled.accepted
    assert filled.filled_by_peers == 1
    assert "a peer branch among them" in filled.why.en
    assert "友会" in filled.why.zh


def test_where_there_is_no_vacancy_peers_have_no_vote() -> None:
    assert not six(yes="neighbours campus", peers="x y z").accepted
    assert six(yes="neighbours campus", peers="x y z") == six(yes="neighbours campus")


def test_a_branch_of_one_bloc_has_nobody_who_usually_disagrees() -> None:
    seats = [Seat(f"o{n}", "only") for n in range(6)]
    everybody = [Voice(f"o{n}", HELPFUL) for n in range(6)]
    assert not decide(seats[0], seats, everybody).accepted
    assert decide(seats[0], seats, everybody, [Voice("peer", HELPFUL)]).accepted


def test_what_does_not_count_is_left_out_and_counted_as_left_out() -> None:
    voices = [
        Voice(outlet, HELPFUL, counts=outlet != "campus") for outlet in ("neighbours", "campus", "kitchen")
    ]
    decision = decide(AUTHOR, SIX, voices)
    assert not decision.accepted
    assert decision.left_out == 1


def test_a_note_whose_author_has_left_no_trace_is_decided_like_any_other() -> None:
    voices = [Voice(outlet, HELPFUL) for outlet in ("neighbours", "campus", "kitchen")]
    assert decide(None, SIX, voices).accepted


def test_nobody_at_all_is_no_verdict_and_no_error() -> None:
    for seats in ([], [AUTHOR], [Seat("author", "a", may_rate=False)]):
        decision = decide(AUTHOR, seats, [])
        assert not decision.accepted
        assert decision.vacancies == OUTLETS_NEEDED


def test_what_would_flip_it_is_said() -> None:
    none = decide(AUTHOR, SIX, [])
    assert (none.to_accept, none.to_undo) == (3, 0)
    bare, safe = six(yes="neighbours campus kitchen"), six(yes="neighbours campus english kitchen downstream")
    assert (bare.to_accept, bare.to_undo, bare.stands_without_any) == (0, 1, False)
    assert (safe.to_undo, safe.stands_without_any) == (1, False), "neighbours alone speak for the old town"


def test_what_is_stored_has_totals_and_no_outlet() -> None:
    stored = str(six(yes="neighbours campus kitchen", no="english").as_dict())
    assert not any(seat.outlet in stored for seat in SIX)


# Every branch of three to eight outlets, as sizes of blocs: who sits where is a matter of names.


def parts(total: int, most: int) -> Iterator[tuple[int, ...]]:
    """The ways to write `total` as a sum of parts of at most `most`, larger ones first."""
    if total == 0:
        yield ()
    for first in range(min(total, most), 0, -1):
        for rest in parts(total - first, first):
            yield (first, *rest)


Branch = tuple[Seat, list[Seat]]


def small_branches(outlets: int) -> Iterator[Branch]:
    """Every split of so many outlets into blocs, with the author in each of them, and every number of recusals in each."""
    for sizes in parts(outlets, outlets):
        for own in sorted({sizes.index(size) for size in sizes}):
            free = [size - (place == own) for place, size in enumerate(sizes)]
            for recused in product(*(range(size + 1) for size in free)):
                author = Seat("author", f"bloc {own}")
                others = [
                    Seat(f"{place}.{n}", f"bloc {place}", may_rate=n >= recused[place])
                    for place, size in enumerate(free)
                    for n in range(size)
                ]
                yield author, [author, *others]


@pytest.mark.parametrize(("outlets", "cases"), [(3, 14), (4, 42), (5, 120), (6, 316), (7, 813), (8, 1994)])
def test_every_split_with_every_recusal_has_a_way_to_a_decision(outlets: int, cases: int) -> None:
    tried = 0
    for author, seats in small_branches(outlets):
        own = [Voice(seat.outlet, HELPFUL) for seat in seats if seat.may_rate and seat != author]
        vacancies = decide(author, seats, []).vacancies
        peers = [Voice(f"peer {n}", HELPFUL) for n in range(vacancies)]
        assert vacancies <= max(OUTLETS_NEEDED, len({seat.bloc for seat in seats}))
        assert decide(author, seats, own, peers).accepted, (author, seats)
        assert not vacancies or not decide(author, seats, own).accepted, (
            "a vacancy is one only where nobody else can fill it"
        )
        assert not decide(author, seats, [], peers).accepted or not own, (
            "peers fill vacancies, and decide nothing alone"
        )
        tried += 1
    assert tried == cases


@pytest.mark.parametrize("outlets", range(3, 9))
def test_no_split_is_decided_by_one_bloc_or_by_one_outlet(outlets: int) -> None:
    """One bloc alone decides only what somebody of another bloc proposed, for whom no other of theirs can vote."""
    for author, seats in small_branches(outlets):
        voters = [seat for seat in seats if seat.may_rate and seat != author]
        for bloc in {seat.bloc for seat in voters}:
            of_it = [Voice(seat.outlet, HELPFUL) for seat in voters if seat.bloc == bloc]
            if decide(author, seats, of_it).accepted:
                assert bloc != author.bloc
                assert {seat.bloc for seat in seats} == {bloc, author.bloc}
                assert not [seat for seat in voters if seat.bloc == author.bloc]
        for seat in voters:
            assert not decide(author, seats, [Voice(seat.outlet, HELPFUL)] * 9).accepted


values = st.sampled_from([HELPFUL, SOMEWHAT, NOT_HELPFUL])
blocs = st.sampled_from(["a", "b", "c"])
branches = st.lists(
    st.builds(Seat, st.sampled_from([f"o{n}" for n in range(12)]), blocs, st.booleans()),
    max_size=12,
    unique_by=lambda seat: seat.outlet,
)
said = st.lists(st.builds(Voice, st.sampled_from([f"o{n}" for n in range(13)]), values), max_size=20)
peer_said = st.lists(st.builds(Voice, st.sampled_from(["p", "q", "r", "s"]), values), max_size=5)
author = Seat("o0", "a")


@given(branches, said, peer_said, st.randoms())
def test_the_order_of_outlets_and_voices_does_not_matter(
    seats: list[Seat], voices: list[Voice], peers: list[Voice], chance: object
) -> None:
    assert decide(author, seats, voices, peers) == decide(author, seats[::-1], voices[::-1], peers[::-1])


@given(branches, said, peer_said)
def test_a_verdict_rests_on_three_outlets_and_on_every_bloc_that_could_vote(
    seats: list[Seat], voices: list[Voice], peers: list[Voice]
) -> None:
    decision = decide(author, seats, voices, peers)
    voters = {seat.outlet: seat.bloc for seat in seats if seat.may_rate and seat.outlet != author.outlet}
    in_favour = {voice.outlet for voice in voices if voice.value > 0 and voice.outlet in voters}
    if decision.accepted:
        assert len(in_favour) + decision.filled_by_peers >= OUTLETS_NEEDED
        assert {voters[outlet] for outlet in in_favour} == set(voters.values())


@given(
    branches,
    said,
    peer_said,
    st.sampled_from([f"o{n}" for n in range(12)]),
    st.lists(values, min_size=4, max_size=4),
)
def test_four_more_raters_of_one_outlet_do_no_more_than_one(
    seats: list[Seat], voices: list[Voice], peers: list[Voice], outlet: str, puppets: list[float]
) -> None:
    """Sock puppets of one outlet: whatever four of them bring about, its one honest rater could have said alone."""
    crowd = decide(author, seats, [*voices, *(Voice(outlet, value) for value in puppets)], peers)
    others = [voice for voice in voices if voice.outlet != outlet]
    alone = {
        decide(author, seats, [*others, Voice(outlet, value)], peers).accepted for value in (0.0, 0.5, 1.0)
    }
    assert crowd.accepted in alone


@given(branches, said, peer_said)
def test_the_smallest_change_that_would_flip_it_does_and_no_smaller_one(
    seats: list[Seat], voices: list[Voice], peers: list[Voice]
) -> None:
    decision = decide(author, seats, voices, peers)
    for outlet in {seat.outlet for seat in seats} | ({"p", "q", "r", "s"} if decision.vacancies else set()):
        for value in (HELPFUL, NOT_HELPFUL):
            own = [voice for voice in voices if voice.outlet != outlet]
            theirs = [voice for voice in peers if voice.outlet != outlet]
            turned = Voice(outlet, value)
            if outlet.startswith("o"):
                changed = decide(author, seats, [*own, turned], peers)
            else:
                changed = decide(author, seats, voices, [*theirs, turned])
            if changed.accepted != decision.accepted:
                assert (decision.to_undo if decision.accepted else decision.to_accept) == 1


@given(branches, said, peer_said)
def test_a_vote_that_becomes_helpful_never_undoes_a_verdict(
    seats: list[Seat], voices: list[Voice], peers: list[Voice]
) -> None:
    if decide(author, seats, voices, peers).accepted:
        for outlet in {voice.outlet for voice in voices}:
            others = [voice for voice in voices if voice.outlet != outlet]
            assert decide(author, seats, [*others, Voice(outlet, HELPFUL)], peers).accepted


def test_peers_are_a_bloc_of_their_own() -> None:
    seats = [Seat("author", "a"), Seat("b", "b")]
    decision = decide(seats[0], seats, [Voice("b", HELPFUL)], [Voice("p", HELPFUL), Voice("q", NOT_HELPFUL)])
    assert not decision.accepted
    assert decision.sides[-1].bloc == PEERS
    assert decision.lacking == ((PEERS, 1),)

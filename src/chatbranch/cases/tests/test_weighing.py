"""A branch of many raters: beside the quorum, those who usually disagree have to find a note helpful."""

from __future__ import annotations

import pytest
from tests.support.people import PASSWORD, ask, case_of, found_branch, propose

from chatbranch.branch import actions as branch
from chatbranch.branch.details import Person
from chatbranch.branch.models import Member
from chatbranch.cases import actions as cases
from chatbranch.cases.hearing import decision_on
from chatbranch.cases.models import Note, Rating
from chatbranch.cases.weighing import bridging_on, has_many_raters, why
from chatbranch.claims import queries as claims

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

ABOUT = "岚江大坝昨晚出现管涌，下游三个镇连夜撤离，赶紧通知亲戚"
BEFORE = "东湖小学明天起停课一周，已经有二十多个孩子发烧住院，家长们互相转告"


@pytest.fixture
def members(own_index: None) -> dict[str, Member]:
    return found_branch()


@pytest.fixture
def raters(members: dict[str, Member]) -> list[Member]:
    """Thirty people, five of each of the six outlets; the first two of each are of one side, the others of the other."""
    found = []
    for name, first in members.items():
        found.append(first)
        for number in range(4):
            person = Person(f"{name} {number}", f"{name}{number}", PASSWORD)
            found.append(branch.do_add_member(person=person, outlet=first.outlet))
    return found


def one_side(raters: list[Member]) -> list[Member]:
    return [rater for place, rater in enumerate(raters) if place % 5 < 2]


def other_side(raters: list[Member]) -> list[Member]:
    return [rater for place, rater in enumerate(raters) if place % 5 >= 2]


def new_note(members: dict[str, Member]) -> Note:
    return propose(members["chen"], case_of(ask(ABOUT)))


@pytest.fixture
def divided(members: dict[str, Member], raters: list[Member]) -> None:
    """Twenty notes of the past, on each of which the sides were of two minds."""
    case = case_of(ask(BEFORE))
    for number in range(20):
        note = propose(members["chen"], case)
        likes = one_side(raters) if number % 2 else other_side(raters)
        Rating.objects.bulk_create(
            Rating(note=note, by=rater, value=float(rater in likes)) for rater in raters
        )
    cases.do_close(members["lin"], case, "private")


def rate(raters: list[Member], note: Note, value: float) -> None:
    assert note.by is not None
    for rater in raters:
        if rater.outlet_id != note.by.outlet_id:
            cases.do_rate(rater, note, value=value, reasons=["clear", "unclear"])


def test_a_small_branch_is_asked_for_its_quorum_only(members: dict[str, Member]) -> None:
    note = new_note(members)
    for name in ("zhou", "lin", "he"):
        decision = cases.do_rate(members[name], note, value=1.0)
    assert decision.accepted
    assert not has_many_raters()
    assert bridging_on(note) is None
    note.refresh_from_db()
    assert note.accepted_at is not None


@pytest.mark.usefixtures("divided")
def test_what_one_side_likes_is_no_verdict_even_where_every_bloc_has_some_of_it(
    members: dict[str, Member], raters: list[Member]
) -> None:
    note = new_note(members)
    rate(one_side(raters), note, 1.0)
    assert cases.do_weigh() == 0
    bridging = bridging_on(note)
    assert bridging is not None
    assert bridging.why.en == "One side hasn't weighed in, so there is no verdict yet."
    decision = decision_on(note)
    assert decision.accepted, "the quorum alone would have it"
    assert why(note, decision) == bridging.why, "and nobody is told that it is accepted"
    note.refresh_from_db()
    assert note.accepted_at is None


@pytest.mark.usefixtures("divided")
def test_what_both_sides_find_helpful_becomes_the_verdict_by_the_worker(
    members: dict[str, Member], raters: list[Member]
) -> None:
    note = new_note(members)
    rate(raters, note, 1.0)
    note.refresh_from_db()
    assert note.accepted_at is None, "fitting takes longer than a transaction may"
    assert cases.do_weigh() == 1
    assert cases.do_weigh() == 0
    note.refresh_from_db()
    assert note.accepted_at is not None
    assert note.case.claim_id is not None
    card = claims.claim_card(note.case.claim_id)
    assert card is not None
    basis = card.basis["bridging"]
    assert isinstance(basis, dict)
    assert basis["accepted"]
    assert not any(str(rater.pk) in str(card.basis) or rater.name in str(card.basis) for rater in raters)


@pytest.mark.usefixtures("divided")
def test_a_rating_that_comes_while_the_others_are_weighed_is_weighed_too(
    members: dict[str, Member], raters: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatbranch.cases import deciding

    note = new_note(members)
    rate(raters, note, 1.0)
    weigh = deciding.bridging_on

    def and_somebody_rates(each: Note) -> object:
        found = weigh(each)
        cases.do_rate(raters[10], note, value=0.0, reasons=["unclear"])
        return found

    monkeypatch.setattr(deciding, "bridging_on", and_somebody_rates)
    assert cases.do_weigh() == 0
    monkeypatch.setattr(deciding, "bridging_on", weigh)
    assert cases.do_weigh() in (0, 1)

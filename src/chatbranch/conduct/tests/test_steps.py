"""However things fall out, no measure takes effect without notice, a closed reply window and two people who stand by the reasons."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chatbranch.conduct.measures import Measure
from chatbranch.conduct.states import ENDED, IN_EFFECT, Event, Kind, Progress, State
from chatbranch.conduct.steps import STEPS, NotNow, advance, due, fold

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIRST, APPEAL = ("ann", "bo", "cy"), ("di", "ed", "fay")


class Walk:
    """A matter to which anything is tried; `happened` is what was let through."""

    def __init__(self) -> None:
        self.now = START
        self.happened = [Event(Kind.RECEIVED, START)]
        self.progress = fold(self.happened)
        self.states = {self.progress.state}

    def tries(self, kind: Kind, by: str = "", **says: object) -> bool:
        event = Event(kind, self.now, by, says)
        try:
            self.progress = advance(self.progress, event)
        except NotNow:
            return False
        self.happened.append(event)
        self.states.add(self.progress.state)
        return True

    def does(self, kind: Kind, by: str = "", **says: object) -> None:
        assert self.tries(kind, by, **says), f"{kind} in {self.progress.state}"

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


def anything(chance: random.Random, now: datetime) -> tuple[Kind, str, dict[str, object]]:
    """Any event, with anything in it that somebody could put there."""
    people = [*FIRST, *APPEAL, "", "gil"]
    kind = chance.choice(list(Kind))
    says: dict[str, object] = {
        "until": now + timedelta(days=chance.randint(-3, 20)),
        "how": chance.choice(["opinion", "out-of-scope", "duplicate", "effective"]),
        "jurors": chance.choice([FIRST, APPEAL, ("ann", "ann", "bo"), ("ann",), ("ann", "bo", "gil")]),
        "gone": chance.choice(people),
        "broken": chance.random() < 0.6,
        "measure": chance.choice([*(each.word for each in Measure), "flogging"]),
        "days": chance.choice([0, 7, 30]),
        "intent": chance.random() < 0.3,
        "all": chance.random() < 0.5,
    }
    if chance.random() < 0.7:
        says["entry"] = chance.randint(0, 99)
    return kind, chance.choice(people), says


def likely(walk: Walk, chance: random.Random) -> tuple[Kind, str, dict[str, object]]:
    """What people would do next, so that walks get far; now and then not."""
    kind, by, says = anything(chance, walk.now)
    progress, panel = walk.progress, walk.progress.panel
    if chance.random() < 0.2:
        return kind, by, says
    says |= {
        "until": walk.now + timedelta(days=9),
        "entry": 7,
        "all": True,
        "measure": "advisory",
        "days": 30,
    }
    match progress.state:
        case State.RECEIVED:
            return chance.choice([Kind.NOTICED, Kind.OPENED] * 3 + [Kind.SCREENED]), "gil", says
        case State.EVIDENCE:
            return chance.choice([Kind.NOTICED, Kind.EVIDENCE, Kind.ASKED]), "gil", says
        case State.REPLY:
            return chance.choice([Kind.REPLIED, Kind.CLOSED]), "gil", says
        case State.PANEL | State.APPEALED if not panel.jurors:
            says["jurors"] = FIRST if progress.round == 1 else APPEAL
            return Kind.DRAWN, "", says
        case State.PANEL | State.APPEALED:
            wanted = [Kind.VOTED] if panel.waits_for else [Kind.STATED, Kind.APPROVED]
            ends = [Kind.DISMISSED, Kind.SETTLED]
            return chance.choice([*wanted, chance.choice(ends)]), chance.choice(panel.jurors), says
        case State.DECIDED:
            return Kind.EFFECTIVE, "", says
        case State.EFFECTIVE:
            return chance.choice([Kind.APPEALED, Kind.EXPIRED]), "gil", says
        case _:
            return kind, by, says


def walks(number: int, seed: int) -> Iterator[Walk]:
    chance = random.Random(seed)
    for _ in range(number):
        walk = Walk()
        for _ in range(50):
            walk.later(hours=chance.choice([0, 1, 30, 30 * 24]) * chance.random())
            kind, by, says = likely(walk, chance)
            if walk.tries(kind, by, **says):
                check(walk)
            if walk.progress.state in ENDED:
                break
        yield walk


def check(walk: Walk) -> None:
    """What must hold of the events alone, whatever the fold made of them."""
    kinds = [event.kind for event in walk.happened]
    if Kind.EFFECTIVE in kinds:
        before = walk.happened[: kinds.index(Kind.EFFECTIVE)]
        first = [event.kind for event in before]
        assert Kind.NOTICED in first, "nobody told the outlet"
        closed = next(event for event in before if event.kind is Kind.CLOSED)
        until = [event.says["until"] for event in before if event.kind in (Kind.ASKED, Kind.EXTENDED)][-1]
        said_all = any(event.kind is Kind.REPLIED and event.says["all"] for event in before)
        assert closed.at >= until or said_all, "the reply window was still open"  # type: ignore[operator]
        stands = {event.by for event in before if event.kind in (Kind.STATED, Kind.APPROVED)}
        assert len(stands) >= 2, "one person decided"
        voted = {event.by: event.says["broken"] for event in before if event.kind is Kind.VOTED}
        assert len(voted) == 3
        assert sum(map(bool, voted.values())) >= 2, "a finding without a majority"
    if walk.progress.state in IN_EFFECT or walk.progress.ends is not None:
        assert Kind.EFFECTIVE in kinds
    if Kind.APPEALED in kinds and walk.progress.state is State.APPEALED:
        assert not walk.progress.is_in_effect(walk.now), "every measure rests while an appeal runs"
    if walk.progress.state is State.UPHELD:
        drawn = [set(event.says["jurors"]) for event in walk.happened if event.kind is Kind.DRAWN]  # type: ignore[call-overload]
        assert not drawn[0] & drawn[-1], "the same people judged twice"


def test_no_random_walk_reaches_effect_by_another_way() -> None:
    ends = Counter(walk.progress.state for walk in walks(2_000, seed=1))
    assert {State.EFFECTIVE, State.UPHELD, State.REVERSED, State.EXPIRED, State.DISMISSED} <= set(ends), (
        "the walks go far enough to mean something"
    )


@pytest.mark.soak
def test_no_hundred_thousand_random_walks_do() -> None:
    ends = Counter(walk.progress.state for walk in walks(100_000, seed=2))
    assert sum(ends.values()) == 100_000
    assert set(ends) > ENDED | IN_EFFECT


def decided() -> Walk:
    """A matter that a panel has decided, with an advisory for 30 days; the reasons are not in the log yet."""
    walk = Walk()
    walk.does(Kind.NOTICED)
    walk.does(Kind.OPENED, "gil")
    walk.does(Kind.EVIDENCE, "gil")
    walk.does(Kind.ASKED, "gil", until=walk.now + timedelta(days=9))
    walk.later(days=9)
    walk.does(Kind.CLOSED)
    judge(walk, FIRST, (True, True, False))
    return walk


def judge(walk: Walk, jurors: tuple[str, ...], votes: tuple[bool, ...]) -> None:
    walk.does(Kind.DRAWN, jurors=jurors)
    for juror, broken in zip(jurors, votes, strict=True):
        walk.does(Kind.VOTED, juror, broken=broken, measure="advisory", days=30, reasons="so")
    majority = [juror for juror, broken in zip(jurors, votes, strict=True) if broken == (sum(votes) >= 2)]
    walk.does(Kind.STATED, majority[0])
    assert not walk.tries(Kind.APPROVED, majority[0]), "nobody approves what they wrote"
    walk.does(Kind.APPROVED, majority[1])


def test_without_its_proof_a_decision_has_no_effect() -> None:
    walk = decided()
    assert walk.progress.state is State.DECIDED
    assert not walk.tries(Kind.EFFECTIVE)
    walk.does(Kind.EFFECTIVE, entry=4)
    assert walk.progress.is_in_effect(walk.now)


def test_a_majority_that_finds_nothing_is_the_end() -> None:
    walk = Walk()
    walk.does(Kind.NOTICED)
    walk.does(Kind.OPENED)
    walk.does(Kind.EVIDENCE)
    walk.does(Kind.ASKED, until=walk.now)
    walk.does(Kind.CLOSED)
    walk.does(Kind.DRAWN, jurors=FIRST)
    for juror, broken in zip(FIRST, (False, True, False), strict=True):
        walk.does(Kind.VOTED, juror, broken=broken, measure="exclusion", days=30)
    assert not walk.tries(Kind.STATED, "bo")
    walk.does(Kind.DISMISSED)


def test_a_correction_within_the_time_to_reply_closes_the_matter_as_guidance() -> None:
    walk = Walk()
    walk.does(Kind.NOTICED)
    walk.does(Kind.OPENED)
    walk.does(Kind.CORRECTED)
    assert walk.progress.state is State.GUIDED
    assert walk.progress.measure is None
    assert walk.progress.state in ENDED


def test_a_measure_rests_while_an_appeal_runs_and_then_has_the_time_that_was_left() -> None:
    walk = decided()
    walk.does(Kind.EFFECTIVE, entry=4)
    walk.later(days=10)
    walk.does(Kind.APPEALED, "owner")
    walk.later(days=25)
    assert not walk.progress.is_in_effect(walk.now)
    judge(walk, APPEAL, (True, False, True))
    walk.does(Kind.SETTLED, entry=9)
    assert walk.progress.state is State.UPHELD
    assert walk.progress.ends == walk.now + timedelta(days=20)
    walk.later(days=20)
    assert not walk.progress.is_in_effect(walk.now)
    walk.does(Kind.EXPIRED)


def test_a_reversed_finding_leaves_no_measure() -> None:
    walk = decided()
    walk.does(Kind.EFFECTIVE, entry=4)
    walk.does(Kind.APPEALED, "owner")
    judge(walk, APPEAL, (False, False, True))
    walk.does(Kind.SETTLED, entry=9)
    assert (walk.progress.state, walk.progress.measure, walk.progress.intent) == (State.REVERSED, None, False)


def test_an_appeal_that_nobody_decides_in_ninety_days_ends_in_the_outlets_favour() -> None:
    walk = decided()
    walk.does(Kind.EFFECTIVE, entry=4)
    walk.does(Kind.APPEALED, "owner")
    walk.later(days=89)
    assert not walk.tries(Kind.LAPSED)
    walk.later(days=1)
    walk.does(Kind.LAPSED)
    assert walk.progress.state is State.REVERSED


def test_an_appeal_is_open_for_six_months_also_after_a_short_measure_has_ended() -> None:
    walk = decided()
    walk.does(Kind.EFFECTIVE, entry=4)
    walk.later(days=30)
    walk.does(Kind.EXPIRED)
    assert not walk.progress.is_final(walk.now)
    walk.later(days=100)
    walk.does(Kind.APPEALED, "owner")
    judge(walk, APPEAL, (True, True, True))
    walk.does(Kind.SETTLED, entry=9)
    assert walk.progress.state is State.EXPIRED, "what had ended does not begin anew"
    late = decided()
    late.does(Kind.EFFECTIVE, entry=4)
    late.later(days=184)
    assert not late.tries(Kind.APPEALED, "owner")
    assert late.progress.is_final(late.now)


def test_the_outlet_may_take_longer_twice() -> None:
    walk = Walk()
    for kind in (Kind.NOTICED, Kind.OPENED, Kind.EVIDENCE):
        walk.does(kind)
    walk.does(Kind.ASKED, until=walk.now + timedelta(days=9))
    for more in (18, 27):
        walk.does(Kind.EXTENDED, "owner", until=START + timedelta(days=more))
    assert not walk.tries(Kind.EXTENDED, "owner", until=START + timedelta(days=36))
    walk.later(days=26)
    assert not walk.tries(Kind.CLOSED)
    walk.does(Kind.REPLIED, "owner", all=True)
    walk.does(Kind.CLOSED)


def test_whatever_waits_has_a_moment_at_which_the_clock_looks_again() -> None:
    """No matter is silently left: while it has not ended, a person or the clock is next, and the clock knows when."""
    for walk in walks(300, seed=3):
        progress = walk.progress
        waits_for_a_person = progress.state in (State.RECEIVED, State.EVIDENCE) or (
            progress.state in (State.PANEL, State.APPEALED) and not progress.panel.waits_for
        )
        if progress.state not in ENDED and not waits_for_a_person:
            assert due(progress) is not None, progress


def test_the_table_names_every_kind_once_and_every_state_can_be_reached() -> None:
    kinds = [step.kind for step in STEPS]
    assert sorted([*kinds, Kind.RECEIVED]) == sorted(Kind)
    assert set().union(*(walk.states for walk in walks(400, seed=4))) == set(State)


def test_events_that_cannot_have_happened_are_no_matter() -> None:
    for events in ([], [Event(Kind.OPENED, START)], [Event(Kind.RECEIVED, START)] * 2):
        with pytest.raises(NotNow):
            fold(events)


def test_no_event_and_no_progress_tells_how_many_complained() -> None:
    assert not {"complaints", "complainants", "count"} & set(Progress.__dataclass_fields__)
    assert not {"complained", "joined"} & {kind.value for kind in Kind}

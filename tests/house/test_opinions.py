"""No path leads from an opinion to a verdict, whatever members do next, short of taking the case up again."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable

import pytest

from chatbranch.branch.models import Member
from chatbranch.cases import actions, telling
from chatbranch.cases.models import Asker, Case, Note
from chatbranch.claims import actions as claims
from chatbranch.claims.models import Claim, Verdict
from chatbranch.deliveries.models import Delivery
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from tests.support.people import ask, case_of, found_branch, propose

OPINION = "新开的九路公交车绕得人头晕，老人坐上去半天到不了医院，司机也一脸不高兴"
OTHER = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
STEPS = 120
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]

# Every action that takes a case or its note, as members could do it to this one. do_reopen is the one way back.
Step = Callable[[Member, Case, Case, Note, Claim], object]
WAYS: dict[str, Step] = {
    "do_comment": lambda who, case, *_: actions.do_comment(who, case, "看过了"),
    "do_add_evidence": lambda who, case, *_: actions.do_add_evidence(
        who, case, url="https://source.example/"
    ),
    "do_declare_party": lambda who, case, *_: actions.do_declare_party(who, case, who.outlet, "发布者"),
    "do_answer_party": lambda who, case, *_: [
        actions.do_answer_party(who, each, "并非如此") for each in case.parties.all()
    ],
    "do_undo_party": lambda who, case, *_: [
        actions.do_undo_party(who, each, "看错了") for each in case.parties.all()
    ],
    "do_mark_urgent": lambda who, case, *_: actions.do_mark_urgent(who, case, True),
    "do_take_duty": lambda who, case, *_: actions.do_take_duty(who, case, True),
    "do_propose_note": lambda who, case, *_: propose(who, case),
    "do_rate": lambda who, case, other, note, claim: actions.do_rate(who, note, value=1.0),
    "do_rate_by_link": lambda who, case, other, note, claim: actions.do_rate_by_link(
        actions.do_make_rating_link(who, note), value=1.0
    ),
    "do_link_to_claim": lambda who, case, other, note, claim: actions.do_link_to_claim(who, case, claim.id),
    "do_correct_match": lambda who, case, other, note, claim: actions.do_correct_match(
        who, case, "same", claim.id
    ),
    "do_close": lambda who, case, *_: actions.do_close(who, case, "opinion"),
    "do_merge": lambda who, case, other, note, claim: actions.do_merge(who, case, other),
    "do_split": lambda who, case, *_: actions.do_split(
        who, case, list(case.variants.values_list("id", flat=True))[:1]
    ),
}
ELSEWHERE = {
    "do_open_or_join",
    "do_note_told",
    "do_note_heard",
    "do_also_tell",
    "do_forget",
    "do_keep_file",
    "do_sweep_files",
    "do_rekey",
    "do_make_rating_link",
    "do_tidy_links",
    "do_close_unread",
    "do_weigh",
    "do_prepare_digest",
    "do_connect_digest",
    "do_end_digest",
    "do_send_digests",
    "do_send_notices",
}
ABOUT_CLAIMS = {"do_object", "do_answer_objection"}


def walk(
    members: list[Member], case: Case, other: Case, note: Note, claim: Claim, chance: random.Random
) -> int:
    """Try ways at random; returns how many were refused."""
    refused = 0
    for _ in range(STEPS):
        case.refresh_from_db()
        try:
            WAYS[chance.choice(sorted(WAYS))](chance.choice(members), case, other, note, claim)
        except Refused:
            refused += 1
    return refused


def set_out() -> tuple[list[Member], Case, Case, Note, Claim]:
    members = found_branch()
    case, other = case_of(ask(OPINION, asker="first")), case_of(ask(OTHER, asker="second"))
    note = propose(members["chen"], case)
    verdict = claims.do_publish(
        claim_id=None,
        wordings={"zh-Hans": "雨天不能打电话"},
        rating="false",
        as_of=clock.now().date(),
        sources=[{"url": "https://source.example/"}],
    )
    return list(members.values()), case, other, note, verdict.claim


def has_verdict(case: Case) -> bool:
    case.refresh_from_db()
    return case.claim_id is not None or Note.objects.filter(case=case, accepted_at__isnull=False).exists()


def test_every_action_on_a_case_is_among_the_ways_that_are_tried() -> None:
    functions = inspect.getmembers(actions, inspect.isfunction)
    there = {
        name for name, each in functions if name.startswith("do_") and "chatbranch.cases" in each.__module__
    }
    assert there - set(WAYS) - ELSEWHERE - ABOUT_CLAIMS == {"do_reopen"}


@pytest.mark.parametrize("state", ["opinion", "private"])
@pytest.mark.parametrize("seed", range(3))
def test_a_case_closed_as_opinion_never_gets_a_verdict(seed: int, state: str) -> None:
    members, case, other, note, claim = set_out()
    verdicts = Verdict.objects.count()
    actions.do_close(members[0], case, state)

    refused = walk(members, case, other, note, claim, random.Random(seed))

    assert refused > 0
    assert not has_verdict(case)
    assert case.state == state
    assert Verdict.objects.count() == verdicts
    while telling.do_tell_verdicts() or telling.do_tell_closings():
        pass
    assert not Asker.objects.filter(case=case, told_version__gt=0).exists()
    assert not Delivery.objects.filter(kind="verdict").exists()


def test_the_same_walk_on_an_open_case_does_reach_a_verdict() -> None:
    members, case, other, note, claim = set_out()
    chance = random.Random(1)
    del other
    for _ in range(STEPS):
        case.refresh_from_db()
        try:
            WAYS[chance.choice(["do_rate", "do_comment", "do_propose_note"])](
                chance.choice(members), case, case, note, claim
            )
        except Refused:
            continue
    assert has_verdict(case)

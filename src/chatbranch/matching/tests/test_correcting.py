"""A member's word on a match: alone it changes nothing; two outlets set a message apart, or teach a claim its wording."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from tests.support.databases import Database
from tests.support.people import found_branch

from chatbranch.branch import actions as branch
from chatbranch.branch import code
from chatbranch.branch import queries as people
from chatbranch.branch.details import Person
from chatbranch.branch.models import Member
from chatbranch.claims import actions as claims
from chatbranch.claims.models import Claim, Wording
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.matching import queries as matching
from chatbranch.matching.agreement import NOT_SAME, NOTHING, SAME
from chatbranch.matching.correcting import AGREED, APART, TAUGHT, Corrected, Seen, do_correct
from chatbranch.matching.grouping import fingerprint
from chatbranch.matching.models import Correction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
CLAIM = "云岚市自来水厂今晚八点起停水三天"
SENT = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
OTHERWISE = "老城那边说水龙头这几晚一滴都不会出，赶紧拿盆接着"


@pytest.fixture
def members() -> dict[str, Member]:
    return found_branch()


def publish(text: str, lang: str = "zh-Hans") -> UUID:
    return claims.do_publish(
        claim_id=None,
        wordings={lang: text},
        rating="false",
        as_of=clock.now().date(),
        sources=[{"url": "https://source.example/"}],
    ).claim_id


def seen(text: str, found: UUID | None, outcome: str = "answer") -> Seen:
    return Seen(fingerprint(text), text, outcome, found, "numbers of that day")


def test_one_outlet_alone_changes_no_answer(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    for who in ("lin", "lin"):
        assert do_correct(members[who], seen(SENT, claim), NOT_SAME).came == ""
    assert matching.match_text(SENT).outcome == "answer"
    assert do_correct(members["lin"], seen(OTHERWISE, claim, "suggest"), SAME).came == ""
    assert not Wording.objects.exclude(learnt=None).exists()


def test_what_two_outlets_call_another_claim_is_answered_no_more(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    assert matching.match_text(SENT).outcome == "answer"
    do_correct(members["lin"], seen(SENT, claim), NOT_SAME, note="说的是另一座水厂")
    assert do_correct(members["chen"], seen(SENT, claim), NOTHING).came == APART
    found = matching.match_text(SENT)
    assert (found.outcome, found.rule, found.claim_id) == ("suggest", "members-say-another", str(claim))
    assert matching.match_text(f"【转】{SENT}🙏").outcome == "suggest", (
        "the same message, forwarded once more"
    )
    assert matching.match_text(CLAIM + "，请储水").outcome == "answer", "others are answered as before"


def test_a_changed_mind_lets_the_answer_be_given_again(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    for who in ("lin", "chen"):
        do_correct(members[who], seen(SENT, claim), NOT_SAME)
    do_correct(members["chen"], seen(SENT, claim), SAME)
    assert matching.match_text(SENT).outcome == "answer"
    assert Correction.objects.count() == 3, "nothing that was said is overwritten"


def test_a_claim_published_later_may_answer_what_nothing_fitted_before(members: dict[str, Member]) -> None:
    claim = publish("云岚市自来水厂今晚八点起停水三天的通知是去年的")
    for who in ("lin", "chen"):
        do_correct(members[who], seen(SENT, claim, "suggest"), NOTHING)
    with clock.held(clock.now() + timedelta(minutes=1)):
        newer = publish(CLAIM)
        found = matching.match_text(SENT)
    assert (found.outcome, found.claim_id) == ("answer", str(newer))


def test_two_outlets_teach_a_claim_how_else_it_is_said(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    assert matching.match_text(OTHERWISE).outcome != "answer"
    do_correct(members["lin"], seen(OTHERWISE, None, "new"), SAME, claim)
    assert do_correct(members["chen"], seen(OTHERWISE, None, "new"), SAME, claim).came == TAUGHT
    found = matching.match_text(f"转发：{OTHERWISE}！！")
    assert (found.outcome, found.claim_id) == ("answer", str(claim))
    learnt = Wording.objects.get(learnt__isnull=False)
    assert (learnt.lang, learnt.text) == ("zh-Hans", OTHERWISE)


def test_a_wording_learnt_wrongly_is_undone_by_two_outlets(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    claims.do_learn_wording(claim, "zh-Hans", OTHERWISE)
    repeated = OTHERWISE + "，别等了"
    assert matching.match_text(repeated).outcome == "answer"
    for who in ("lin", "chen"):
        do_correct(members[who], seen(OTHERWISE, claim), NOT_SAME)
    assert matching.match_text(OTHERWISE).outcome == "suggest"
    assert matching.match_text(repeated).rule == "members-say-another", "it was found by that wording"


def test_the_claims_own_wording_cannot_be_silenced_for_everything_near_it(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    for who in ("lin", "chen"):
        do_correct(members[who], seen(CLAIM, claim), NOT_SAME)
    assert matching.match_text(SENT).outcome == "answer"


def test_outlets_of_one_owner_are_one_and_a_newcomer_waits(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    members["chen"].outlet.owner = members["lin"].outlet.owner.upper() + " "
    members["chen"].outlet.save()
    with clock.held(clock.now() + timedelta(days=40)):
        token = branch.do_invite(members["zhou"], members["zhou"].outlet, whom="新来")
        branch.do_vouch(members["lin"], people.admissions(members["lin"])[0].invitation)
        newcomer = branch.do_join(
            token,
            Person("新来", "newcomer", "绿豆 sails past seven lamps"),
            signed=code.FIRST.sha256("zh-Hans"),
        )
        for who in (members["lin"], members["chen"], newcomer):
            assert do_correct(who, seen(SENT, claim), NOT_SAME).came == ""
        assert do_correct(members["he"], seen(SENT, claim), NOT_SAME).came == APART


def test_a_word_stays_when_whoever_gave_it_leaves(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    for who in ("zhou", "chen"):
        do_correct(members[who], seen(SENT, claim), NOT_SAME)
    branch.do_leave(members["chen"])
    assert matching.match_text(SENT).outcome == "suggest"


def test_whoever_declared_an_interest_does_not_correct_what_speaks_of_it(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    branch.do_declare_interest(members["lin"], "自来水厂")
    with pytest.raises(Refused, match="party"):
        do_correct(members["lin"], seen(SENT, claim), NOT_SAME)
    assert not Correction.objects.exists()


def test_only_a_claim_of_the_library_can_be_named(members: dict[str, Member]) -> None:
    bare = Claim.objects.create(key="never published").pk
    for claim in (uuid4(), bare):
        with pytest.raises(Refused, match="no-such-claim"):
            do_correct(members["lin"], seen(SENT, None, "new"), SAME, claim)
    with pytest.raises(Refused, match="no-such-claim"):
        do_correct(members["lin"], seen(SENT, None, "new"), NOT_SAME)


@pytest.mark.parametrize("text", [OTHERWISE * 200, "🙏🙏", ""])
def test_an_article_or_nothing_is_no_wording(members: dict[str, Member], text: str) -> None:
    claim = publish(CLAIM)
    came = [do_correct(members[who], seen(text, claim, "suggest"), SAME).came for who in ("lin", "chen")]
    assert came == ["", AGREED]
    assert not Wording.objects.exclude(learnt=None).exists()


def test_of_a_message_that_is_not_whole_no_text_is_kept(members: dict[str, Member]) -> None:
    cut = Seen(fingerprint(SENT * 3), SENT, "answer", publish(CLAIM))
    row = do_correct(members["lin"], cut, NOT_SAME, keep=True).correction
    assert (row.text, row.keep) == ("", False)


def test_an_event_says_what_was_said_and_nothing_of_the_message(members: dict[str, Member]) -> None:
    claim = publish(CLAIM)
    do_correct(members["lin"], seen(SENT, claim), NOT_SAME, note="另一座水厂")
    event = Event.objects.get(kind="match.corrected")
    assert event.data == {
        "says": NOT_SAME,
        "claim": str(claim),
        "found": str(claim),
        "by": str(members["lin"].pk),
        "came": "",
    }


@pytest.mark.django_db(transaction=True)
def test_two_words_at_the_same_moment_are_two_words(either_database: Database) -> None:
    members, claim = found_branch(), publish(CLAIM)

    def say(who: str) -> Corrected:
        try:
            return do_correct(members[who], seen(OTHERWISE, claim, "suggest"), SAME)
        finally:
            connection.close()

    both: list[Callable[[], Corrected]] = [lambda: say("lin"), lambda: say("chen")]
    with ThreadPoolExecutor(2) as pool:
        came = sorted(each.result(60).came for each in [pool.submit(one) for one in both])
    assert came == ["", TAUGHT]
    assert Wording.objects.exclude(learnt=None).count() == 1

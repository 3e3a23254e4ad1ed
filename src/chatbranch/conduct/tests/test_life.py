"""A complaint's life through the actions: told in time, answered, judged by lot, in effect only with its proof, appealed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from tests.support.people import ask, case_of, propose

from chatbranch.branch import actions as branch
from chatbranch.branch import code as signed
from chatbranch.branch import queries as branch_queries
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Invitation, Member, Notice, Voucher
from chatbranch.claims.models import AppendOnly
from chatbranch.conduct import actions, letters, lots, statements
from chatbranch.conduct.actions import Complainant
from chatbranch.conduct.models import Complaint, Decision, Evidence, Lot, Matter, MatterEvent, Reply
from chatbranch.conduct.states import Kind, State
from chatbranch.conduct.telling import told
from chatbranch.conduct.tests.people import (
    PASSAGE,
    START,
    complain,
    in_effect,
    judge,
    jurors,
    later,
    members,
    now,
    open_and_ask,
    reader,
    turn,
)
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.publiclog import entries as log
from chatbranch.publiclog.models import Entry, Salt

pytestmark = pytest.mark.usefixtures("sqlite_database")  # a checkpoint is signed over what is committed


@pytest.fixture(autouse=True)
def on_a_monday() -> Iterator[None]:
    with clock.held(START):
        yield


def logged(*kinds: str) -> list[log.Entry]:
    rows = Entry.objects.filter(kind__in=kinds) if kinds else Entry.objects.all()
    return [log.Entry.read(bytes(row.leaf)) for row in rows.order_by("index")]


def test_the_outlet_is_told_at_once_with_the_passage_and_the_clause_when_the_matter_is_opened() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    actions.do_open(people["he"], matter, passage=PASSAGE, clause="2")
    (notice,) = Notice.objects.filter(about=matter.id)
    assert notice.member == people["chen"]
    assert PASSAGE in notice.texts["en"]
    assert "不编造" in notice.texts["zh-Hans"]
    assert "7 working days" in notice.texts["en"]
    assert notice.link == f"/desk/conduct/{matter.id}/"


def test_the_outlet_knows_within_a_day_although_nobody_looked() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    with later(hours=19):
        assert now(matter).noticed_at is None
    with later(hours=24):
        assert now(matter).noticed_at is not None
        assert now(matter).state is State.RECEIVED
        assert Notice.objects.filter(about=matter.id).count() == 1


def test_ten_complaints_about_one_post_are_one_matter_with_one_state() -> None:
    people = members()
    ways = ["https://weibo.example/status/1", "http://www.weibo.example/status/1/?utm_source=x#top"] * 5
    made = [complain(people["chen"], url=url, who=reader(str(place))) for place, url in enumerate(ways)]
    matter = Matter.objects.get()
    assert {each.complaint.matter_id for each in made} == {matter.id}
    assert len({each.key for each in made}) == 10
    assert now(matter).state is State.RECEIVED
    assert len(logged(log.LOT_COMMITTED)) == 1


def test_a_complaint_about_anybody_else_has_nowhere_to_go() -> None:
    people = members()
    peer = branch.do_add_member(
        person=Person("Pim", "pim", "绿豆 sails past seven lamps"),
        outlet=NewOutlet("友会之声", "WeChat", "友会主人", "", peer="友会"),
        role=Member.Role.PEER,
    )
    for outlet in (str(peer.outlet_id), "stranger", str(UUID(int=7))):
        with pytest.raises(Refused, match="outlet"):
            actions.do_complain(
                actions.Post("https://x.example/1", outlet, PASSAGE, "2", "grounds"), Complainant("en")
            )
    del people
    assert not Matter.objects.exists()


def test_a_passage_that_reads_as_an_opinion_ends_with_an_explanation_unless_a_reason_is_given() -> None:
    people = members()
    opinion = "我觉得这座桥修得太丑了"
    with pytest.raises(Refused) as refused:
        complain(people["chen"], passage=opinion)
    assert "看法" in refused.value.say("zh-Hans")
    assert not Matter.objects.exists()
    made = complain(people["chen"], passage=opinion, insists="里面的“修”是假的，桥还没有修")
    assert made.complaint.insists
    assert now(made.complaint.matter).state is State.RECEIVED


def test_a_matter_closed_at_the_first_look_is_told_with_its_reason_and_can_be_taken_up_again() -> None:
    people = members()
    matter = complain(people["chen"], who=reader()).complaint.matter
    actions.do_screen(people["he"], matter, "opinion", "这是对桥的评价，没有事实。")
    assert now(matter).state is State.OPINION
    (closed,) = logged(log.MATTER_CLOSED)
    assert closed.says["how"] == "opinion"
    (told_reader,) = Delivery.objects.filter(about=matter.id)
    assert letters.NOW[State.OPINION].zh in told_reader.body["text"]
    actions.do_take_up_again(people["su"], matter, "其中“昨晚垮塌”是事实。")
    actions.do_open(people["su"], matter, passage=PASSAGE, clause="2")
    assert now(matter).state is State.EVIDENCE


def test_whoever_is_bound_sees_to_nothing() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    branch.do_declare_interest(people["zhou"], "街坊")
    for bound in ("chen", "zhou"):
        with pytest.raises(Refused):
            actions.do_open(people[bound], matter, passage=PASSAGE, clause="2")
    with pytest.raises(Refused):
        actions.do_reply(people["he"], matter, "not ours")


def test_a_correction_in_time_closes_the_matter_and_everyone_who_was_told_hears_of_it() -> None:
    people = members()
    matter = complain(people["chen"], who=reader()).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_correct(people["chen"], matter, "已在原处更正并致歉：大桥没有垮塌。")
    assert now(matter).state is State.GUIDED
    assert not Decision.objects.exists(), "guidance is no finding"
    (told_reader,) = Delivery.objects.filter(about=matter.id)
    assert "更正" in told_reader.body["text"]
    again = complain(people["chen"], grounds="更正了标题，正文还在。").complaint
    assert again.matter_id != matter.id, "a correction that was not enough can be complained about"


def test_what_was_judged_once_is_not_judged_again() -> None:
    people, matter = in_effect()
    again = complain(people["chen"], who=reader("another")).complaint
    assert again.matter_id == matter.id
    assert now(matter).state is State.EFFECTIVE


def test_evidence_or_nothing() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    actions.do_open(people["he"], matter, passage=PASSAGE, clause="2")
    with pytest.raises(Refused):
        actions.do_ask(people["he"], matter)
    with later(days=15):
        assert now(matter).state is State.DISMISSED


def test_nothing_is_drawn_before_the_reply_window_is_over() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_extend(people["chen"], matter)
    with later(days=15):
        assert now(matter).state is State.REPLY
    with later(days=23):
        assert now(matter).state is State.PANEL
        assert len(now(matter).panel.jurors) == 3


def test_anyone_can_draw_the_panel_again_from_the_public_log_alone() -> None:
    people, matter = in_effect()
    (fixed,), (drawn,) = logged(log.LOT_COMMITTED), logged(log.LOT_DRAWN)
    seed = bytes.fromhex(str(drawn.says["seed"]))
    assert lots.seed_hash(seed) == fixed.says["seed_hash"]
    pool = lots.read_pool(str(drawn.says["pool"]))
    again = lots.draw(seed, pool, blocs=int(drawn.says["blocs"]))
    assert not isinstance(again, lots.Missing)
    assert ".".join(slip.mark for slip in again) == drawn.says["panel"]
    seated = {lots.mark(f"{matter.id}:1", each) for each in now(matter).first.jurors}
    assert seated == {slip.mark for slip in again}
    assert lots.mark(f"{matter.id}:1", str(people["chen"].pk)) not in {slip.mark for slip in pool}
    assert len(pool) == 6
    everything = b"".join(bytes(row.leaf) for row in Entry.objects.all()).decode()
    assert not [each for each in people.values() if str(each.pk) in everything]


def test_a_seed_is_in_no_log_before_it_is_drawn() -> None:
    matter = complain(members()["chen"]).complaint.matter
    seed = bytes(Lot.objects.get(matter=matter).seed).hex()
    assert seed not in b"".join(bytes(row.leaf) for row in Entry.objects.all()).decode()


def test_no_proof_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有要补充的。", all_said=True)
    turn()
    judge(matter, True, True, True)
    with monkeypatch.context() as patch:
        patch.setattr("chatbranch.publiclog.queries.proof_of", lambda *_: None)
        turn()
        assert now(matter).state is State.DECIDED
        assert not now(matter).is_in_effect(clock.now())
        assert logged(log.IN_EFFECT) == []
    turn()
    assert now(matter).state is State.EFFECTIVE


def test_a_decision_is_a_statement_of_reasons_that_was_logged_word_for_word() -> None:
    in_effect()
    decision = Decision.objects.get()
    said = statements.checked(decision.statement)
    assert (said["clause"], said["measure"], said["outcome"]) == ("2", "advisory", "finding")
    assert said["automation"] == {
        "found_by_machine": False,
        "decided_by_machine": False,
        "opinion_guard": "checkable",
    }
    assert said["evidence"] == [{"sha256": Evidence.objects.get().sha256, "sealed": False}]
    row = Entry.objects.get(kind=log.DECIDED)
    salt = bytes(Salt.objects.get(entry=row).salt)
    entry = log.Entry.read(bytes(row.leaf))
    assert log.commitment(salt, said) == entry.says["words"]
    assert entry.says["ends"] == said["end"]


@pytest.mark.parametrize(
    "change",
    [
        {"measure": "flogging"},
        {"measure": None},
        {"end": None},
        {"evidence": []},
        {"reasons": []},
        {"outcome": "guilty"},
        {"trust": 3},
        {"automation": {"found_by_machine": False, "decided_by_machine": True, "opinion_guard": "checkable"}},
        {"votes": {"for": 1, "against": 2}},
    ],
)
def test_a_statement_that_lacks_something_is_refused(change: dict[str, object]) -> None:
    in_effect()
    whole = Decision.objects.get().statement
    with pytest.raises(statements.Incomplete):
        statements.checked({**whole, **change})


def test_without_a_majority_the_matter_is_dismissed_in_writing_and_everyone_hears_it() -> None:
    people = members()
    matter = complain(people["chen"], who=reader()).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "视频是真的。", all_said=True)
    turn()
    judge(matter, False, True, False)
    assert now(matter).state is State.DISMISSED
    assert Decision.objects.get().statement["outcome"] == "no-finding"
    assert Delivery.objects.filter(about=matter.id).count() == 1


def test_a_measure_rests_during_an_appeal_and_a_reversal_reaches_everyone_whom_the_notice_reached() -> None:
    people, matter = in_effect()
    first = set(now(matter).first.jurors)
    actions.do_appeal(people["chen"], matter, "评议没有看我们补充的视频。")
    assert not now(matter).is_in_effect(clock.now())
    turn()
    second = set(now(matter).panel.jurors)
    assert len(second) == 3
    assert not first & second
    outside = [each for each in jurors(matter) if each.outlet.bloc_id != people["chen"].outlet.bloc_id]
    assert len(outside) >= 2
    reached = told(matter)
    assert len(reached) >= 4, "the outlet, and the first panel"
    judge(matter, False, False, True)
    before = set(Notice.objects.values_list("pk", flat=True))
    turn()
    assert now(matter).state is State.REVERSED
    assert [each.kind for each in logged(log.RESTED, log.APPEAL_DECIDED, log.REVERSED)] == [
        log.RESTED,
        log.APPEAL_DECIDED,
        log.REVERSED,
    ]
    assert set(Notice.objects.exclude(pk__in=before).values_list("member_id", flat=True)) >= reached
    last = MatterEvent.objects.filter(matter=matter).order_by("-place").first()
    assert last is not None
    assert Delivery.objects.filter(once__contains=f":{last.place}:").count() == 1, "the reader, too"
    assert Decision.objects.get(round=2).measure == ""


def test_six_owners_are_one_too_few_for_two_panels_until_a_peer_branch_helps() -> None:
    people, matter = in_effect()
    branch.do_leave(Member.objects.get(username="jiang"))
    gone = [each for each in now(matter).first.jurors if each == str(people["jiang"].pk)]
    actions.do_appeal(people["chen"], matter, "请再看。")
    turn()
    if not gone:  # 江声 was still to be drawn
        assert now(matter).short_at
        assert now(matter).panel.jurors == ()
        peer = branch.do_add_member(
            person=Person("Pim", "pim", "绿豆 sails past seven lamps"),
            outlet=NewOutlet("友会之声", "WeChat", "友会主人", "", peer="友会"),
            role=Member.Role.PEER,
        )
        Member.objects.filter(pk=peer.pk).update(founder=True)
        with later(days=1):
            assert str(peer.pk) in now(matter).panel.jurors


def test_a_juror_who_says_nothing_is_replaced_by_the_next_in_the_order_of_the_lot() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    turn()
    silent, *others = jurors(matter)
    for each in others:
        actions.do_vote(each, matter, broken=True, measure="notice", days=30, reasons="属实")
    with later(days=8):
        panel = now(matter).panel
        assert str(silent.pk) not in panel.jurors
        assert len(panel.jurors) == 3
        assert len(panel.votes) == 2
        assert len(logged(log.LOT_DRAWN)) == 2
        with pytest.raises(Refused):
            actions.do_vote(silent, matter, broken=False, reasons="迟了")


def test_a_juror_steps_aside_with_a_reason() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    turn()
    bound = jurors(matter)[0]
    actions.do_step_aside(bound, matter, "我认识作者")
    assert str(bound.pk) not in now(matter).panel.jurors


def test_a_measure_ends_by_itself() -> None:
    _, matter = in_effect()
    with later(days=61):
        assert now(matter).state is State.EXPIRED
        assert logged(log.ENDED)[0].says["measure"] == "advisory"


def test_while_a_suspension_is_in_effect_the_outlets_word_decides_nothing_and_not_a_moment_longer() -> None:
    people, matter = in_effect("suspension")
    chen = people["chen"]
    chen.refresh_from_db()
    case = case_of(ask("听说老城的供水管道今晚全部停水检修，请大家提前储水。"))
    for decides in (lambda: propose(chen, case), lambda: branch.do_invite(chen, chen.outlet, whom="小孙")):
        with pytest.raises(Refused, match="membership rests"):
            decides()
    assert branch_queries.standing(chen).counts_from > clock.now()
    actions.do_appeal(chen, matter, "评议没有看我们补充的视频。")
    chen.outlet.refresh_from_db()
    assert chen.outlet.rests_until is None, "every measure rests during an appeal"
    assert propose(chen, case)


def test_a_suspension_ends_by_itself() -> None:
    people, _ = in_effect("suspension")
    with later(days=61):
        people["chen"].outlet.refresh_from_db()
        assert people["chen"].outlet.rests_until is None
        assert branch_queries.standing(people["chen"]).counts_from <= clock.now()


def test_a_milder_measure_takes_no_vote() -> None:
    people, _ = in_effect("notice")
    people["chen"].outlet.refresh_from_db()
    assert people["chen"].outlet.rests_until is None


def test_an_appeal_nobody_decides_ends_as_reversed_after_ninety_days() -> None:
    people, matter = in_effect()
    actions.do_appeal(people["chen"], matter, "请再看。")
    for days in (10, 20, 30, 60, 80, 91):
        with later(days=days):
            last = now(matter).state
    assert last is State.REVERSED
    assert Decision.objects.get(round=2).statement["outcome"] == "lapsed"


def test_evidence_stays_until_the_appeal_is_over() -> None:
    people, _ = in_effect()
    brought = Evidence.objects.get()
    for remove in (brought.delete, Evidence.objects.all().delete):
        with pytest.raises(AppendOnly):
            remove()
    with pytest.raises(Refused, match="still-needed"):
        actions.do_let_go(people["he"], brought)
    with later(days=200):
        actions.do_let_go(people["he"], brought)
        brought.refresh_from_db()
        assert brought.url == ""
        assert len(brought.sha256) == 64


def test_a_sealed_source_is_a_salted_hash_in_the_log() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    actions.do_open(people["he"], matter, passage=PASSAGE, clause="2")
    secret = "告诉我们的人在养护单位工作"
    made = actions.do_add_evidence(people["chen"], matter, text=secret, sealed=True)
    (sealed,) = logged(log.SEALED)
    salt = bytes(Salt.objects.get(entry__kind=log.SEALED).salt)
    assert sealed.says["words"] == log.commitment(salt, {"text": secret, "note": ""})
    assert made.sealed
    assert secret not in json.dumps(
        list(MatterEvent.objects.values_list("says", flat=True)), ensure_ascii=False
    )


def test_whoever_vouched_for_somebody_of_the_outlet_does_not_judge_it() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    link = Invitation.objects.create(
        token_hash="x", outlet=people["chen"].outlet, invited_by=people["lin"], expires_at=clock.ahead(days=1)
    )
    Voucher.objects.create(invitation=link, by=people["lin"])
    open_and_ask(people["he"], matter)
    actions.do_reply(people["chen"], matter, "没有。", all_said=True)
    turn()
    (drawn,) = logged(log.LOT_DRAWN)
    marks = {slip.mark for slip in lots.read_pool(str(drawn.says["pool"]))}
    assert lots.mark(f"{matter.id}:1", str(people["lin"].pk)) not in marks
    assert len(marks) == 5


def test_readers_are_warned_in_the_log_before_they_are_limited() -> None:
    people = members()
    outcomes = []
    for number in range(14):
        try:
            made = complain(people["chen"], url=f"https://weibo.example/{number}", who=reader())
            outcomes.append("warned" if made.warned else "taken")
        except Refused as refused:
            outcomes.append(refused.code)
    assert outcomes == ["taken"] * 4 + ["warned"] + ["taken"] * 5 + ["too-many"] * 4
    (warning,) = logged(log.WARNED)
    assert dict(warning.says) == {}
    complain(people["chen"], url="https://weibo.example/x", who=reader("another"))
    with clock.held(START + timedelta(days=1)):
        complain(people["chen"], url="https://weibo.example/y", who=reader())
        assert actions.do_tidy() > 0


def test_three_final_findings_with_intent_become_a_matter_and_no_measure() -> None:
    people = members()
    made = []
    for number in range(3):
        matter = complain(people["chen"], url=f"https://weibo.example/{number}").complaint.matter
        open_and_ask(people["he"], matter)
        actions.do_reply(people["chen"], matter, "没有。", all_said=True)
        turn()
        judge(matter, True, True, True, intent=True)
        turn()
        made.append(matter)
    assert actions.do_open_patterns() == 0, "none of them is final yet"
    with later(days=185):
        assert actions.do_open_patterns() == 1
        assert actions.do_open_patterns() == 0
        found = Matter.objects.get(url="")
        assert now(found).state is State.REPLY
        assert now(found).measure is None
        assert found.evidence.count() == 3
        with pytest.raises(Refused):
            actions.do_correct(people["chen"], found, "都更正了")


def test_two_people_see_to_one_matter_and_one_of_them_is_told_it_moved_on() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    actions.do_open(people["he"], matter, passage=PASSAGE, clause="2")
    with pytest.raises(Refused, match="not-now"):
        actions.do_screen(people["su"], matter, "opinion", "看法")
    assert [each.kind for each in MatterEvent.objects.all()] == [Kind.RECEIVED, Kind.OPENED, Kind.NOTICED]


def test_a_reply_is_never_edited_and_masks_are_visible() -> None:
    people = members()
    matter = complain(people["chen"]).complaint.matter
    actions.do_open(people["he"], matter, passage=PASSAGE, clause="2")
    reply = actions.do_reply(people["chen"], matter, "视频是王小明（电话 13800000000）发来的。")
    actions.do_mask(people["he"], reply, "13800000000", "第三人的电话")
    assert Reply.objects.get().text == "视频是王小明（电话 13800000000）发来的。"
    with pytest.raises(Refused):
        actions.do_mask(people["chen"], reply, "视频", "own outlet")


def test_whoever_is_forgotten_is_no_more_beside_their_complaint() -> None:
    people = members()
    complain(people["chen"], who=reader())
    Contact.objects.all().delete()
    assert actions.do_forget() == 1
    assert Complaint.objects.get().pseudonym == ""


def test_a_new_edition_holds_for_posts_complained_about_from_then_on() -> None:
    people = members()
    before = complain(people["chen"]).complaint.matter
    steward = people["lin"]
    clauses = {str(number): {"zh-Hans": f"新 {number}", "en": f"new {number}"} for number in range(1, 11)}
    with pytest.raises(Refused):
        actions.do_publish_edition(people["chen"], clauses)
    for lacking in ({**clauses, "3": {"zh-Hans": "甲", "en": ""}}, {**clauses, "12": clauses["1"]}):
        with pytest.raises(Refused):
            actions.do_publish_edition(steward, lacking)
    with clock.held(START + timedelta(hours=1)):
        actions.do_publish_edition(steward, clauses)
        after = complain(people["chen"], url="https://weibo.example/2").complaint.matter
        for matter, version in ((before, 1), (after, 2)):
            actions.do_open(people["he"], matter, passage=PASSAGE, clause="2")
            opened = MatterEvent.objects.get(matter=matter, kind=Kind.OPENED)
            assert opened.says["edition"] == version
        old = complain(people["chen"], url="https://weibo.example/3").complaint.matter
        for wrong in ("yesterday", "2026-04-01"):
            with pytest.raises(Refused, match="posted"):
                actions.do_open(people["he"], old, passage=PASSAGE, clause="2", posted=wrong)
        actions.do_open(people["he"], old, passage=PASSAGE, clause="2", posted="2026-02-20")
        assert MatterEvent.objects.get(matter=old, kind=Kind.OPENED).says["edition"] == 1
    assert logged(log.EDITION)[0].says["version"] == 2
    assert signed.current().version == "2", "members sign the newest"

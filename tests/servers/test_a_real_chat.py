"""The main job, whole, in a real chat: our processes as they run in life, a real Synapse, and people on plain HTTP."""

from __future__ import annotations

import itertools
from datetime import date, datetime

import pytest
from django.db import transaction

from chatbranch.cases.models import Case
from chatbranch.claims import actions as claims
from chatbranch.deliveries.models import Channel, Delivery
from chatbranch.intake import actions as intake
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock
from tests.servers.synapse import Person, Synapse
from tests.support.databases import Database
from tests.support.house import house, wait_for
from tests.support.people import decide, found_branch, inbound

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("own_index")]
_numbers = itertools.count(1)

GARLIC = "每天吃大蒜可以预防新冠病毒感染"
WATER = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
BRIDGE = "云岚老桥出现三米长的裂缝，随时可能坍塌，千万不要开车经过"


@pytest.fixture
def bot(synapse: Synapse) -> Person:
    return synapse.user(f"branchbot{next(_numbers)}", "查一查")


@pytest.fixture
def ann(synapse: Synapse) -> Person:
    return synapse.user(f"anna{next(_numbers)}")


@pytest.fixture
def ben(synapse: Synapse) -> Person:
    return synapse.user(f"benno{next(_numbers)}")


def matrix(bot: Person) -> dict[str, str]:
    return {
        "CHATBRANCH_MATRIX_HOMESERVER": bot.server.url,
        "CHATBRANCH_MATRIX_USER": bot.id,
        "CHATBRANCH_MATRIX_PASSWORD": bot.password,
    }


def publish(text: str) -> None:
    with transaction.atomic():
        claims.do_publish(
            claim_id=None,
            wordings={
                "zh-Hans": text,
                "en": "Eating garlic every day prevents infection with the new coronavirus",
            },
            rating="false",
            as_of=date(2026, 11, 1),
            expires=None,
            scope={},
            explanation={"zh-Hans": "没有研究表明如此。", "en": "No study shows this."},
            reason={},
            sources=[
                {
                    "url": "https://health.example/garlic",
                    "title": "大蒜",
                    "publisher": "卫生部门",
                    "lang": "zh-Hans",
                }
            ],
            basis={},
        )


def room_with(bot: Person, person: Person) -> str:
    room = person.room(bot.id, is_direct=True)
    wait_for(lambda: person.notices(room, bot.id), what="the bot's coming")
    return room


def test_a_rumour_is_answered_a_new_one_is_decided_and_told_through_every_crash(
    synapse: Synapse, bot: Person, ann: Person, ben: Person, sqlite_database: Database
) -> None:
    members = found_branch()
    publish(GARLIC)
    with house(sqlite_database, **matrix(bot)) as branch:
        branch.start("worker", "connectors")
        at_ann, at_ben = room_with(bot, ann), room_with(bot, ben)

        ann.say(at_ann, f"转发：{GARLIC}")
        wait_for(lambda: ann.texts(at_ann, bot.id), what="the answer")
        (answer,) = ann.texts(at_ann, bot.id)
        assert "不实" in answer
        assert "https://health.example/garlic" in answer

        ben.say(at_ben, WATER)
        wait_for(lambda: ben.texts(at_ben, bot.id), what="the acknowledgement")
        case = Case.objects.get()
        assert case.code in ben.texts(at_ben, bot.id)[0]

        branch.kill()  # everything falls at once
        synapse.kill()
        decide(members, case)
        branch.start("worker", "connectors")  # up again before the server is
        synapse.start()
        wait_for(lambda: len(ben.texts(at_ben, bot.id)) == 2, 200, "the verdict in ben's room")
        assert "不实" in ben.texts(at_ben, bot.id)[1]

        branch.kill("connectors")
        ann.say(at_ann, BRIDGE)  # while nobody listens
        ann.say(at_ann, case.code)
        branch.start("connectors")
        wait_for(lambda: len(ann.texts(at_ann, bot.id)) == 3, what="answers to what was asked meanwhile")
        assert branch.stop("connectors") == 0

    assert ben.texts(at_ben, bot.id)[2:] == []  # told once
    assert Submission.objects.filter(state="answered").count() == 4
    assert not Delivery.objects.exclude(state="sent").exists()


def test_in_a_shared_room_only_those_who_call_us_are_answered_and_nothing_else_is_kept(
    bot: Person, ann: Person, ben: Person, sqlite_database: Database
) -> None:
    found_branch()
    publish(GARLIC)
    with house(sqlite_database, **matrix(bot)) as branch:
        branch.start("worker", "connectors")
        room = ann.room(bot.id, ben.id)
        ben.call("POST", f"join/{room}")
        wait_for(lambda: bot.id in ann.members(room), what="the bot's coming")
        rumour = ann.say(room, GARLIC)
        asked = ben.say(room, "查一查：真的吗？", **{"m.relates_to": {"m.in_reply_to": {"event_id": rumour}}})
        wait_for(lambda: answers_to(asked, room, ann, bot), what="the answer")
        (answer,) = answers_to(asked, room, ann, bot)
    assert "不实" in answer
    assert Submission.objects.count() == 1


def answers_to(event: str, room: str, person: Person, bot: Person) -> list[str]:
    said = [each["content"] for each in person.heard(room) if each["sender"] == bot.id]
    reply = {"m.in_reply_to": {"event_id": event}}
    return [content["body"] for content in said if content.get("m.relates_to") == reply]


def test_what_cannot_be_checked_is_said_in_the_chat(
    bot: Person, ann: Person, sqlite_database: Database
) -> None:
    found_branch()
    with house(sqlite_database, **matrix(bot)) as branch:
        branch.start("worker", "connectors")
        room = room_with(bot, ann)
        ann.say(room, "🙏🙏🙏")
        wait_for(lambda: ann.texts(room, bot.id))
    assert (
        "没有看到要查的内容" in ann.texts(room, bot.id)[0] or "nothing to check" in ann.texts(room, bot.id)[0]
    )


def test_a_connector_that_cannot_sign_in_stops_no_other_and_says_what_to_put_right(
    bot: Person, sqlite_database: Database
) -> None:
    wrong = {**matrix(bot), "CHATBRANCH_MATRIX_PASSWORD": "not-this-one"}
    with house(sqlite_database, **wrong) as branch:
        branch.start("connectors")
        wait_for(lambda: "starts again in" in branch.log)
        assert branch.alive("connectors")
        assert "matrix.password" in branch.log
        assert "not-this-one" not in branch.log


@pytest.mark.parametrize(
    ("askers", "kills"),
    [pytest.param(16, 1, id="16"), pytest.param(300, 3, marks=pytest.mark.soak, id="300")],
)
def test_kill_9_while_a_verdict_is_told_loses_nobody_and_tells_nobody_twice(
    synapse: Synapse, bot: Person, ann: Person, sqlite_database: Database, askers: int, kills: int
) -> None:
    """Synapse holds its breath at each kill: what was on its way arrives after all, and nobody of us hears of it."""
    members = found_branch()
    rooms = [ann.room(bot.id) for _ in range(askers)]
    for room in rooms:
        bot.call("POST", f"join/{room}")
        intake.do_check(inbound(WATER, asker=room, channel="matrix"))
    with house(sqlite_database, **matrix(bot)) as branch:
        branch.start("worker", "connectors")
        wait_for(
            lambda: Channel.objects.filter(name="matrix", health="connected").exists(), what="signing in"
        )
        for kill in range(kills):
            started = clock.now()
            if kill:
                wait_for(lambda kill=kill: sent() >= askers * kill // kills, 400, "being in the midst")
            with synapse.holding_breath():
                if not kill:
                    decide(members, Case.objects.get())
                wait_for(lambda started=started: on_their_way(started), what="messages on their way")
                branch.kill("connectors")
            assert sent() < askers
            branch.start("connectors")
        wait_for(lambda: sent() == askers, 400, "everyone's being told")
    told = [ann.texts(room, bot.id) for room in rooms]
    assert [len(each) for each in told] == [1] * askers
    assert all("不实" in each[0] for each in told)
    again = Delivery.objects.filter(attempts__gt=1).count()
    assert again > 0  # the kills did catch messages on their way
    print(f"{askers} askers told on Synapse through {kills} kill -9; sent again under the same key: {again}")


def sent() -> int:
    return Delivery.objects.filter(state="sent").count()


def on_their_way(since: datetime) -> bool:
    return Delivery.objects.filter(state="queued", attempted_at__gt=since).exists()

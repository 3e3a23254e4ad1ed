"""The main job in Telegram, whole: our processes as they run in life, and readers on a Bot API server of ours."""

from __future__ import annotations

import pytest

from chatbranch.cases.models import Case
from chatbranch.deliveries.models import Delivery
from chatbranch.intake.models import Submission
from tests.servers.telegram import PNG, Platform, telegram
from tests.servers.test_a_real_chat import BRIDGE, GARLIC, WATER, publish
from tests.support.databases import Database
from tests.support.house import house, wait_for
from tests.support.people import decide, found_branch

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("own_index")]


def environment(platform: Platform) -> dict[str, str]:
    return {f"CHATBRANCH_TELEGRAM_{key.upper()}": value for key, value in platform.settings.items()}


def all_is_sent() -> bool:
    return not Delivery.objects.exclude(state="sent").exists()


def test_a_forwarded_rumour_is_answered_a_new_one_gets_a_code_and_its_verdict_is_told(
    sqlite_database: Database,
) -> None:
    members = found_branch()
    publish(GARLIC)
    with telegram() as platform, house(sqlite_database, **environment(platform)) as branch:
        ann, ben = platform.private("Ann"), platform.private("Ben", "en")
        branch.start("worker", "connectors")
        wait_for(lambda: platform.polls > 1, what="the bot's listening")

        ann.says(f"转发：{GARLIC}", forward_origin={"type": "hidden_user", "sender_user_name": "Wang"})
        wait_for(lambda: ann.seen, what="the answer")
        assert "不实" in ann.seen[0]
        assert "https://health.example/garlic" in ann.seen[0]

        ben.says(WATER)
        wait_for(lambda: ben.seen, what="the acknowledgement")
        case = Case.objects.get()
        assert case.code in ben.seen[0]
        assert "checked" in ben.seen[0]  # in the language of ben's app

        wait_for(
            all_is_sent, what="its being written down"
        )  # Telegram knows no repeats: what is in doubt is sent again
        branch.kill("connectors")
        decide(members, case)
        ann.says(BRIDGE)  # while nobody listens
        ann.says(f"/status {case.code}")
        ann.sends_photo(data=PNG)
        branch.start("connectors")
        wait_for(lambda: len(ann.seen) >= 4, what="answers to what was said meanwhile")
        wait_for(lambda: len(ben.seen) > 1, 200, "the verdict")
        assert "false" in ben.seen[1].lower()
        wait_for(all_is_sent, what="everything's being sent")
        assert branch.stop("connectors") == 0
        assert platform.token.partition(":")[2] not in branch.log
    assert len(ben.seen) == 2  # told once
    assert Submission.objects.filter(state="answered").count() == 5


def test_in_a_topic_of_a_group_whoever_calls_the_bot_is_answered_there(sqlite_database: Database) -> None:
    found_branch()
    publish(GARLIC)
    with telegram() as platform, house(sqlite_database, **environment(platform)) as branch:
        group = platform.group("读者群")
        topic = group.opens_topic()
        branch.start("worker", "connectors")
        wait_for(lambda: platform.polls > 1, what="the bot's listening")
        rumour = group.says(GARLIC, by="Ann", topic=topic)
        group.says("大家好", by="Ben")
        asked = group.says(
            "@check_test_bot 真的吗？",
            by="Ben",
            message_thread_id=topic,
            is_topic_message=True,
            reply_to=rumour,
        )
        wait_for(lambda: asked in [each["reply_to"] for each in group.from_bot], what="the answer")
        (answer,) = [each for each in group.from_bot if each["reply_to"] == asked]
    assert "不实" in answer["text"]
    assert answer["topic"] == topic
    assert Submission.objects.count() == 1

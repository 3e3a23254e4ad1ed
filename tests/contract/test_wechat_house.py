"""A reader in WeChat and the whole house: our processes as they run in life, a platform that behaves as WeChat does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chatbranch.cases.models import Case
from chatbranch.connectors.wechat import words
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.intake.models import Submission
from tests.servers.test_a_real_chat import GARLIC, WATER, publish
from tests.servers.wechat import FAULT, Reader, wechat
from tests.servers.wechat import WeChat as Platform
from tests.support.databases import Database
from tests.support.house import House, house, wait_for
from tests.support.people import decide, found_branch

UNTIL_SHOWN = 120


@contextmanager
def branch(database: Database, platform: Platform) -> Iterator[House]:
    with house(database, **platform.environment) as processes:
        processes.start("web", "worker", "connectors")
        platform.callback = f"{processes.url}/connect/wechat/"
        yield processes


@pytest.mark.server
@pytest.mark.usefixtures("own_index")
def test_a_reader_is_answered_gets_a_code_and_is_told_in_the_window_and_after_it_by_the_code(
    sqlite_database: Database,
) -> None:
    members = found_branch()
    publish(GARLIC)
    with wechat() as platform, branch(sqlite_database, platform) as processes:
        grandmother, ben = platform.reader(), platform.reader()
        assert platform.verify_address().text == "4375120948345356249"
        assert "忘记我" in (grandmother.follow() or "")

        grandmother.says(f"转发：{GARLIC}")
        wait_for(lambda: len(grandmother.seen) == 2, UNTIL_SHOWN, "the answer")
        assert "不实" in grandmother.seen[1]

        grandmother.says(WATER)
        ben.says(WATER)
        wait_for(lambda: len(grandmother.seen) == 3 and ben.seen, UNTIL_SHOWN, "the code")
        case = Case.objects.get()
        assert case.code in grandmother.seen[2]
        assert case.askers_count == 2

        ben.allowances = [(0.0, 5)]  # ben has not written for 48 hours
        decide(members, case)
        wait_for(lambda: len(grandmother.seen) == 4, UNTIL_SHOWN, "the verdict")
        assert "不实" in grandmother.seen[3]
        wait_for(
            lambda: Delivery.objects.filter(state="failed").exists(), UNTIL_SHOWN, "the window's refusal"
        )
        assert len(ben.seen) == 1
        ben.says(case.code)
        wait_for(lambda: len(ben.seen) == 2, UNTIL_SHOWN, "where it stands")
        assert "不实" in ben.seen[1]

        assert Contact.objects.exists()
        ben.unfollow()
        grandmother.unfollow()
        wait_for(lambda: not Contact.objects.exists(), UNTIL_SHOWN, "being forgotten")
        assert not [secret for secret in (*platform.tokens, platform.secret) if secret in processes.log]
    assert FAULT not in grandmother.seen + ben.seen


@pytest.mark.server
@pytest.mark.usefixtures("own_index")
def test_an_account_that_is_not_verified_tells_the_same_in_its_responses(sqlite_database: Database) -> None:
    members = found_branch()
    publish(GARLIC)
    with wechat(verified=False) as platform, branch(sqlite_database, platform) as processes:
        ann = platform.reader()
        asked(ann, GARLIC)  # the first loads the index and the models
        started = time.monotonic()
        assert "不实" in asked(ann, f"大家看：{GARLIC}")
        assert time.monotonic() - started < 15
        acknowledged = asked(ann, WATER)
        case = Case.objects.get(variants__text__contains="自来水")
        assert case.code in acknowledged

        decide(members, case)
        wait_for(lambda: Delivery.objects.filter(state="queued", kind="verdict").exists(), UNTIL_SHOWN)
        processes.kill("web")  # what waits is in the outbox
        processes.start("web")
        assert platform.reader().says("1") == words.NOTHING_WAITS.zh  # what waits for ann is ann's
        told = asked(ann, "你好")
        assert "不实" in told
        assert "大蒜" not in told  # what was handed over before does not come again
        assert "查询码" in told  # and the answer to what was said just now
        assert "不实" in asked(ann, case.code)
        wait_for(lambda: not Delivery.objects.filter(state="queued").exists(), UNTIL_SHOWN)
        assert ann.says("1") == words.NOTHING_WAITS.zh
        assert all("1" not in each for each in Case.objects.values_list("variants__text", flat=True))
    assert FAULT not in ann.seen
    assert Submission.objects.filter(state="answered").count() >= 4


def asked(reader: Reader, text: str) -> str:
    """Everything shown in response, however often a slow machine has to be asked for it."""
    shown = [reader.says(text) or ""]
    deadline = time.monotonic() + UNTIL_SHOWN
    while words.STILL_LOOKING.zh in shown[-1] or words.NOTHING_WAITS.zh in shown[-1]:
        assert time.monotonic() < deadline, shown
        shown.append(reader.says("1") or "")
    return "\n".join(shown)

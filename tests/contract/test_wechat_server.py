"""The WeChat connector against a platform that behaves as WeChat does: what comes in, and what is answered at once."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from chatbranch.connectors.contract import Undeliverable
from chatbranch.connectors.wechat import turns, words
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Outbound
from chatbranch.kernel.phrases import Phrase
from tests.servers.wechat import FAULT, PNG, Reader
from tests.servers.wechat import WeChat as Platform
from tests.servers.wechat_office import Letterbox, account, connect
from tests.support.house import wait_for

MODES = ("safe", "compatible", "plain")


@pytest.fixture(scope="module")
def verified() -> Iterator[tuple[Platform, Letterbox]]:
    with account() as both:
        yield both


@pytest.fixture
def platform(verified: tuple[Platform, Letterbox]) -> Platform:
    return verified[0]


@pytest.fixture
def letterbox(verified: tuple[Platform, Letterbox]) -> Letterbox:
    verified[1].__init__()  # type: ignore[misc]
    return verified[1]


@pytest.fixture
def ann(platform: Platform) -> Reader:
    return platform.reader()


def test_wechat_verifies_the_address_and_nobody_else_does(platform: Platform) -> None:
    assert platform.verify_address().text == "4375120948345356249"
    for wrong in ({"signature": "0" * 40}, {"timestamp": "1"}, {"nonce": "other"}):
        assert platform.verify_address(**wrong).status_code == 403
    assert httpx.get(platform.callback).status_code == 403
    assert httpx.put(platform.callback).status_code == 405
    assert httpx.get(f"{platform.callback}elsewhere").status_code == 404


@pytest.mark.parametrize("mode", MODES)
def test_a_message_comes_in_once_and_is_acknowledged_in_every_mode(mode: str) -> None:
    with account(mode=mode) as (platform, letterbox):
        ann = platform.reader()
        said = "转发：吃大蒜能防病毒 😀\n是真的吗？ ]]> <x>"
        assert ann.says(said) == ""
        (taken,) = letterbox.taken
        assert (taken.text, taken.address, taken.direct) == (said, ann.openid, True)
        assert abs((taken.sent_at - clock.now()).total_seconds()) < 60
        assert ann.follow()  # a welcome, sealed as this mode has it
    assert "忘记我" in ann.seen[-1]


def test_a_picture_comes_in_by_its_address_or_else_from_the_account_s_media(
    letterbox: Letterbox, ann: Reader
) -> None:
    assert ann.sends_picture() == ""
    assert ann.sends_picture(b"\xff\xd8\xff" + b"1" * 3_000_000, by_address=False) == ""
    first, second = (each.attachments[0].data for each in letterbox.taken)
    assert first == PNG
    assert len(second) == 3_000_003


def test_a_link_a_recognised_voice_and_a_menu_s_key_come_in_as_words(
    letterbox: Letterbox, ann: Reader
) -> None:
    ann.shares("大蒜防病毒", "专家说", "https://mp.weixin.qq.com/s/x")
    ann.sends_voice("吃大蒜能防病毒")
    ann.clicks("帮助")
    assert [each.text for each in letterbox.taken] == [
        "大蒜防病毒\n专家说\nhttps://mp.weixin.qq.com/s/x",
        "吃大蒜能防病毒",
        "帮助",
    ]


def test_what_cannot_be_read_is_answered_at_once_and_kept_nowhere(letterbox: Letterbox, ann: Reader) -> None:
    assert ann.sends_voice() == words.both(words.NO_VOICE)
    assert ann.sends("video") == words.both(words.NO_VIDEO)
    assert ann.sends("location") == words.both(words.NOT_THIS)
    assert letterbox.taken == []


def test_a_new_follower_is_welcomed_and_whoever_leaves_is_forgotten(
    letterbox: Letterbox, ann: Reader
) -> None:
    assert ann.follow() == words.both(words.WELCOME)
    assert letterbox.taken == []
    assert ann.unfollow() == ""
    (taken,) = letterbox.taken
    assert taken.text == "忘记我"


def test_why_a_message_is_refused_is_said_in_the_response_and_of_a_flood_once(
    letterbox: Letterbox, ann: Reader
) -> None:
    letterbox.refusing = Refused("too-many", Phrase("太快了。", "Too fast."), again=False)
    assert ann.says("真的吗？") == "太快了。"
    assert ann.says("Is this true?") == "Too fast."
    letterbox.refusing = Refused("too-many", Phrase("太快了。", "Too fast."), again=True)
    assert ann.says("真的吗？") == ""


def test_tries_of_one_message_are_one_message(platform: Platform, letterbox: Letterbox, ann: Reader) -> None:
    fields = ann.fields("text", Content="同一条", MsgId="4711")
    for _ in range(3):
        assert platform.push(fields) == ""
    assert len(letterbox.taken) == 1
    event = ann.fields("event", Event="CLICK", EventKey="帮助")
    platform.push(event)
    platform.push(event)
    assert len(letterbox.taken) == 2


def test_a_busy_database_is_waited_for_and_the_reader_hears_within_five_seconds(
    letterbox: Letterbox, ann: Reader
) -> None:
    letterbox.receiving = 5.5
    started = time.monotonic()
    assert ann.says("转发：大家快看") == words.SLOW.zh
    assert time.monotonic() - started < 5
    wait_for(lambda: letterbox.taken, 30, "its being taken after all")


def test_a_message_is_taken_though_the_database_fails_at_first(letterbox: Letterbox, ann: Reader) -> None:
    letterbox.failing = 3
    assert ann.says("转发：大家快看") == ""
    assert len(letterbox.taken) == 1


def test_unsigned_forged_old_replayed_and_oversized_requests_are_refused(
    platform: Platform, letterbox: Letterbox, ann: Reader
) -> None:
    fields = ann.fields("text", Content="x", MsgId="1")

    def post(query: dict[str, str], body: bytes) -> int:
        return httpx.post(platform.callback, params=query, content=body).status_code

    good = platform.signed()
    body = platform.body(fields, good)
    assert post({}, body) == 403
    assert post({**good, "signature": "0" * 40}, body) == 403
    assert post({**good, "msg_signature": "0" * 40}, body) == 403
    assert post({**good, "nonce": "1"}, body) == 403
    changed = re.sub(
        rb"(<Encrypt><!\[CDATA\[....)(.)", lambda m: m[1] + (b"A" if m[2] != b"A" else b"B"), body
    )
    assert post(good, changed) == 403
    old = platform.signed(time.time() - 400)
    assert post(old, platform.body(fields, old)) == 403
    assert letterbox.taken == []
    assert [post(good, body) for _ in range(4)] == [200, 200, 200, 403]  # WeChat tries three times
    other = platform.body({**fields, "MsgId": "2"}, good)
    assert post(good, other) == 403  # the same nonce for another message
    assert post(platform.signed(), b"x" * 1_000_001) == 413
    assert post(platform.signed(), b"x" * 900_000) == 400
    in_clear = platform.signed()
    assert post(in_clear, body.split(b"<Encrypt>")[0] + b"<MsgType>text</MsgType></xml>") == 403
    assert len(letterbox.taken) == 1


# --- an account that may only respond -------------------------------------------------------------


@pytest.fixture(scope="module")
def unverified() -> Iterator[tuple[Platform, Letterbox]]:
    with account(verified=False) as both:
        yield both


@pytest.fixture
def passive(unverified: tuple[Platform, Letterbox]) -> Letterbox:
    unverified[1].__init__()  # type: ignore[misc]
    return unverified[1]


@pytest.fixture
def ben(unverified: tuple[Platform, Letterbox]) -> Reader:
    return unverified[0].reader()


@pytest.fixture
def hasty(unverified: tuple[Platform, Letterbox], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everybody's patience is a third: what takes fifteen seconds in life takes five here."""
    platform, _ = unverified
    platform.patience = 1.7
    for name, seconds in {"PATIENCE": 1.2, "BETWEEN": 2.2, "ALREADY_THERE": 0.3, "HANDING": 0.3}.items():
        monkeypatch.setattr(turns, name, seconds)
    yield
    platform.patience = 5.0


def test_it_says_that_nothing_can_be_pushed(unverified: tuple[Platform, Letterbox]) -> None:
    connector = connect(unverified[0])
    assert (connector.capabilities.pulled, connector.capabilities.files) == (True, False)
    with pytest.raises(Undeliverable):
        asyncio.run(connector.send(Outbound("k", "o", "x")))


def test_an_answer_comes_in_the_response(passive: Letterbox, ben: Reader) -> None:
    passive.answer = lambda inbound: f"关于“{inbound.text}”：不实。"
    started = time.monotonic()
    assert ben.says("大蒜防病毒") == "关于“大蒜防病毒”：不实。"
    assert time.monotonic() - started < 5
    wait_for(lambda: len(passive.handed) == 1, 10)
    assert ben.says("喝醋防病毒") == "关于“喝醋防病毒”：不实。"


@pytest.mark.usefixtures("hasty")
def test_an_answer_that_takes_longer_than_a_try_comes_with_a_later_one_of_the_same_message(
    passive: Letterbox, ben: Reader
) -> None:
    passive.answer, passive.slow = lambda _: "不实。", 2.5
    assert ben.says("大蒜防病毒") == "不实。"
    assert len(passive.taken) == 1
    assert FAULT not in ben.seen


@pytest.mark.usefixtures("hasty")
def test_an_answer_that_takes_longer_is_fetched_with_a_one_and_never_lost(
    passive: Letterbox, ben: Reader
) -> None:
    assert ben.says("大蒜防病毒") == words.STILL_LOOKING.zh
    passive.queue("不实。")
    assert ben.says("1") == "不实。"
    wait_for(lambda: passive.handed, 10)
    assert ben.says("１") == words.NOTHING_WAITS.zh
    assert [each.text for each in passive.taken] == ["大蒜防病毒"]  # a 1 is no question


def test_what_waited_comes_before_the_answer_to_the_next_message_whatever_that_is(
    passive: Letterbox, ben: Reader
) -> None:
    passive.queue("您问的（1280）有结论了：不实。")
    passive.answer = lambda _: "可以这样用我……"
    assert ben.says("帮助") == "您问的（1280）有结论了：不实。\n\n可以这样用我……"
    wait_for(lambda: len(passive.handed) == 2, 10)


@pytest.mark.usefixtures("hasty")
def test_a_long_answer_is_read_on_with_ones_and_nothing_of_it_is_lost(
    passive: Letterbox, ben: Reader
) -> None:
    long = "".join(f"第{number}句，说得很清楚。" for number in range(180))
    passive.answer = lambda _: long
    shown = [ben.says("大蒜防病毒") or ""]
    while shown[-1].endswith(words.MORE.zh):
        shown.append(ben.says("1") or "")
    assert "".join(each.removesuffix(f"\n{words.MORE.zh}") for each in shown) == long
    assert len(shown) > 2
    wait_for(lambda: len(passive.handed) == 1, 10)
    assert ben.says("1") == words.NOTHING_WAITS.zh


def test_two_messages_at_once_get_both_their_answers_once(passive: Letterbox, ben: Reader) -> None:
    passive.answer, passive.slow = lambda inbound: f"答{inbound.text}", 1.0
    threads = [threading.Thread(target=ben.says, args=(text,)) for text in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("\n\n".join(ben.seen).split("\n\n")) == ["答乙", "答甲"]


@pytest.mark.usefixtures("hasty")
def test_an_answer_nobody_was_there_to_get_is_given_again(
    unverified: tuple[Platform, Letterbox], passive: Letterbox, ben: Reader
) -> None:
    platform, _ = unverified
    passive.answer, passive.slow = lambda _: "不实。", 1.5
    query = platform.signed()
    body = platform.body(ben.fields("text", Content="大蒜防病毒", MsgId="77"), query)
    with pytest.raises(httpx.TimeoutException):  # hangs up at once, and never tries again
        httpx.post(platform.callback, params=query, content=body, timeout=0.5)
    wait_for(lambda: passive.queued, 30)
    time.sleep(turns.BETWEEN + 0.5)
    assert passive.queued[0].cursor not in passive.handed
    assert ben.says("1") == "不实。"

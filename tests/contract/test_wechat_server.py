"""The WeChat connector against a platform that behaves as WeChat does: over real HTTP, alone and in the whole house."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from chatbranch.cases.models import Case
from chatbranch.connectors.contract import Later, Misconfigured, Said, Undeliverable
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.wechat import turns, words
from chatbranch.connectors.wechat.transport import WeChat
from chatbranch.contacts.models import Contact
from chatbranch.deliveries.models import Delivery
from chatbranch.intake.models import Submission
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Attachment, Inbound, Outbound
from chatbranch.kernel.phrases import Phrase
from tests.servers.recorder import Recorder, running, until
from tests.servers.test_a_real_chat import GARLIC, WATER, publish
from tests.servers.wechat import FAULT, HOUR, PNG, Reader, wechat
from tests.servers.wechat import WeChat as Platform
from tests.support.databases import Database
from tests.support.house import House, house, wait_for
from tests.support.people import decide, found_branch
from tests.support.ports import free_port

MODES = ("safe", "compatible", "plain")


# --- the connector alone --------------------------------------------------------------------------


class Letterbox:
    """A Mailbox in memory. `answer`: what the house would say to a message, after `slow` seconds (never: None)."""

    def __init__(self) -> None:
        self.taken: list[Inbound] = []
        self.queued: list[Said] = []
        self.handed: list[str] = []
        self.answer: Callable[[Inbound], str | None] = lambda _: None
        self.slow = 0.0
        self.receiving = 0.0  # seconds receive takes, as with a busy database
        self.failing = 0
        self.refusing: Refused | None = None

    async def receive(self, inbound: Inbound) -> None:
        await asyncio.sleep(self.receiving)
        if self.failing:
            self.failing -= 1
            raise ConnectionError("the database is away")
        if self.refusing:
            raise self.refusing
        if inbound.message_id not in {each.message_id for each in self.taken}:
            self.taken.append(inbound)
            self._working = asyncio.create_task(self._answer(inbound))

    async def _answer(self, inbound: Inbound) -> None:
        await asyncio.sleep(self.slow)
        if text := self.answer(inbound):
            self.queue(text)

    def queue(self, text: str) -> None:
        self.queued.append(Said(str(ids.new_id()), text, clock.now()))

    async def waiting(self, address: str, after: str = "") -> AsyncGenerator[Said, None]:
        kind, _, place = after.partition(":")
        assert kind == "fresh"
        given: set[str] = set()
        while True:
            for said in list(self.queued):
                if said.cursor not in {*self.handed, *given} and said.cursor > place:
                    yield said
                    given.add(said.cursor)
                    self.handed.append(said.cursor)
            await asyncio.sleep(0.02)


class Office:
    """A connector served over HTTP by uvicorn, in a thread with a loop of its own."""

    def __init__(self, platform: Platform, **settings: str) -> None:
        self.letterbox = Letterbox()
        self.connector = connect(platform, **settings)
        port = free_port()
        platform.callback = f"http://127.0.0.1:{port}/"
        config = uvicorn.Config(
            self._application, port=port, interface="asgi3", lifespan="off", log_config=None, access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_for(lambda: self._server.started, 30, "serving")

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        await self.connector.asgi(self.letterbox, scope, receive, send)

    def close(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(20)


def connect(platform: Platform, **settings: str) -> WeChat:
    connector = build(setups()["wechat"], {**platform.settings, **settings})
    assert isinstance(connector, WeChat)
    return connector


@contextmanager
def account(**options: Any) -> Iterator[tuple[Platform, Letterbox]]:
    with wechat(**options) as platform:
        office = Office(platform)
        try:
            yield platform, office.letterbox
        finally:
            office.close()


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
    passive.answer, passive.slow = lambda _: "不实。", 6.0
    assert ben.says("大蒜防病毒") == words.STILL_LOOKING.zh
    wait_for(lambda: passive.queued, 30)
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


# --- sending --------------------------------------------------------------------------------------


def test_a_message_is_sent_and_counts_on_the_reader_s_allowance() -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 5)]
        asyncio.run(
            connector.send(Outbound("k", ann.openid, "结论：不实。😀\n依据：https://health.example/"))
        )
    assert ann.seen == ["结论：不实。😀\n依据：https://health.example/"]


def test_a_long_text_is_sent_in_parts_and_goes_on_where_it_was_interrupted() -> None:
    long = "".join(f"第{number}句，说得很清楚。" for number in range(180))
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 2)]

        async def tell() -> None:
            with pytest.raises(Later):
                await connector.send(Outbound("k", ann.openid, long))
            ann.allowances = [(platform.now() + HOUR, 5)]  # the reader wrote again
            await connector.send(Outbound("k", ann.openid, long))

        asyncio.run(tell())
    assert "".join(ann.seen) == long
    assert all(len(part) <= 600 for part in ann.seen)


def test_pictures_are_sent_and_other_files_are_named() -> None:
    files = (Attachment("card.png", "image/png", PNG), Attachment("a.pdf", "application/pdf", b"%PDF"))
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 5)]
        asyncio.run(connector.send(Outbound("k", ann.openid, "看图", attachments=files)))
        text, picture = ann.seen
        assert platform.media[picture.strip("[]")] == PNG
    assert text.startswith("看图\n")
    assert "a.pdf" in text


@pytest.mark.parametrize(
    ("code", "kind", "words_of_it"),
    [
        (45015, Undeliverable, "48小时"),
        (45047, Later, "until the reader writes again"),
        (45009, Later, "used up"),
        (45011, Later, "too many"),
        (-1, Later, "busy"),
        (48001, Later, "wechat.verified"),
        (40164, Later, "whitelist"),
        (43004, Undeliverable, "取消关注"),
        (43005, Undeliverable, "取消关注"),
        (40003, Undeliverable, "no such reader"),
        (50002, Undeliverable, "restricted"),
        (45157, Exception, "45157"),
    ],
)
def test_what_wechat_refuses_is_said_plainly(code: int, kind: type[Exception], words_of_it: str) -> None:
    with wechat() as platform:
        connector = connect(platform)

        async def tell() -> None:
            await connector._api.sign_in()
            platform.answers = [{"errcode": code, "errmsg": "quotes what we sent"}]
            with pytest.raises(kind, match=words_of_it) as said:
                await connector.send(Outbound("k", "o1", "结论"))
            assert isinstance(said.value, Later | Undeliverable) == (kind is not Exception)
            assert "quotes" not in str(said.value)

        asyncio.run(tell())


def test_the_window_and_the_quota_of_five_are_the_platform_s() -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + 48 * HOUR, 5)]

        async def tell() -> None:
            for number in range(5):
                await connector.send(Outbound(f"k{number}", ann.openid, f"第{number}条"))
            with pytest.raises(Later):
                await connector.send(Outbound("k5", ann.openid, "第六条"))
            platform.ahead = 49 * HOUR
            with pytest.raises(Undeliverable, match="48"):
                await connector.send(Outbound("k5", ann.openid, "第六条"))

        asyncio.run(tell())
    assert len(ann.seen) == 5


@pytest.mark.parametrize("how", ["ended", "replaced"])
def test_a_token_that_ended_is_renewed_once_and_one_is_used_for_many_messages(how: str) -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 50)]

        async def tell() -> None:
            for number in range(3):
                await connector.send(Outbound(f"k{number}", ann.openid, "x"))
            assert platform.asked.count("/cgi-bin/stable_token") == 1
            if how == "ended":
                platform.tokens = dict.fromkeys(platform.tokens, 0.0)
            else:
                platform.tokens.clear()
            await asyncio.gather(*(connector.send(Outbound(f"m{n}", ann.openid, "y")) for n in range(8)))
            assert platform.asked.count("/cgi-bin/stable_token") == 2

        asyncio.run(tell())
    assert ann.seen == ["x"] * 3 + ["y"] * 8


def test_a_token_wechat_no_longer_takes_though_it_gives_it_is_forced_anew() -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 50)]

        async def tell() -> None:
            await connector.send(Outbound("k", ann.openid, "x"))
            platform.answers = [{"errcode": 40001, "errmsg": ""}]
            await connector.send(Outbound("k2", ann.openid, "y"))

        asyncio.run(tell())
        assert len(platform.tokens) == 1
    assert ann.seen == ["x", "y"]


async def test_a_wrong_secret_is_named_at_the_start_and_so_is_a_missing_whitelist(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with wechat() as platform:
        host = Recorder()
        with pytest.raises(Misconfigured, match=r"wechat\.secret"):
            await connect(platform, secret="f" * 32).run(host)
        platform.whitelisted = False
        with pytest.raises(Misconfigured, match="whitelist"):
            await connect(platform).run(host)
        platform.whitelisted = True
        async with running(connect(platform), host):
            await until(lambda: host.health[-1][0] == "connected")
    assert [health for health, _ in host.health] == ["broken", "broken", "connected"]
    assert "f" * 32 not in caplog.text


async def test_wechat_being_away_means_try_again_and_is_reported() -> None:
    with wechat() as gone:
        pass
    host = Recorder()
    connector = connect(gone)
    async with running(connector, host):
        await until(lambda: host.health)
        with pytest.raises(Exception, match="reached") as problem:
            await connector.send(Outbound("k", "o1", "x"))
    assert not isinstance(problem.value, Later | Undeliverable)
    assert host.health[0][0] == "reconnecting"


def test_no_token_or_secret_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 1)]

        async def tell() -> None:
            await connector.send(Outbound("k", ann.openid, "x"))
            with pytest.raises(Later) as said:
                await connector.send(Outbound("k2", ann.openid, "x"))
            caplog.handler.format(caplog.records[0])
            assert "token-" not in repr(said.value.__context__)

        asyncio.run(tell())
        secrets = [*platform.tokens, platform.secret, platform.token, platform.aes_key]
    assert caplog.text
    assert not [secret for secret in secrets if secret in caplog.text or secret in repr(connector)]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"appid": "abc"}, r"wechat\.appid"),
        ({"token": "a b"}, r"wechat\.token"),
        ({"aes_key": "short"}, r"wechat\.aes_key"),
        ({"verified": "perhaps"}, r"wechat\.verified"),
        ({"api": "http://api.weixin.qq.com"}, r"wechat\.api"),
        ({"secret": ""}, r"wechat\.secret"),
    ],
    ids=["appid", "token", "aes_key", "verified", "api", "secret"],
)
def test_a_setting_that_cannot_work_is_named(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        connect(Platform(port=1), **wrong)


# --- the whole house ------------------------------------------------------------------------------

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

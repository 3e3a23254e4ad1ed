"""The Telegram connector against two Bot API servers: one of ours, from the reference, and somebody else's for plain text."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator

import pytest

from chatbranch.connectors.contract import Later, Misconfigured, Undeliverable
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.telegram import listener, transport
from chatbranch.connectors.telegram.transport import Telegram
from chatbranch.kernel.messages import Attachment, Outbound, Receipt
from tests.servers.recorder import Recorder, running, until
from tests.servers.telegram import BOT, PNG, TOKEN, Chat, Platform, Wrong, telegram
from tests.servers.telegram_test_api import TestApi

pytestmark = pytest.mark.server
_numbers = itertools.count(1)
TEXT = "转发：吃大蒜能防病毒 😀\n第二行\n\nthird <b>& line"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An album is complete sooner where nothing has far to go."""
    monkeypatch.setattr(listener, "ALBUM", 0.2)


@pytest.fixture
def platform() -> Iterator[Platform]:
    with telegram() as made:
        yield made


@pytest.fixture
def host() -> Recorder:
    return Recorder()


@pytest.fixture
def ann(platform: Platform) -> Chat:
    return platform.private("Ann")


@pytest.fixture
def group(platform: Platform) -> Chat:
    return platform.group("成员群")


def connect(server: Platform | TestApi, **settings: str) -> Telegram:
    made = build(setups()["telegram"], {**server.settings, "group_per_minute": "0", **settings})
    assert isinstance(made, Telegram)
    return made


async def connected(host: Recorder, times: int = 1) -> None:
    await until(lambda: [each for each, _ in host.health].count("connected") >= times, what="being connected")


def out(chat: Chat | str, text: str, **more: object) -> Outbound:
    address = chat if isinstance(chat, str) else str(chat.id)
    return Outbound(f"k{next(_numbers)}", address, text, **more)  # type: ignore[arg-type]


async def patiently(connector: Telegram, outbound: Outbound) -> Receipt:
    """As the outbox sends: asked to wait, it waits as long, and no longer."""
    while True:
        try:
            return await connector.send(outbound)
        except Later as later:
            await asyncio.sleep(later.seconds)


# --- texts, both ways -----------------------------------------------------------------------------


async def test_a_private_message_comes_in_and_its_answer_goes_back(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        number = ann.says(TEXT)
        await until(lambda: host.taken)
        (taken,) = host.taken
        receipt = await connector.send(out(taken.address, TEXT))
        await connector.send(out(taken.address, "没有研究表明如此。", reply_to=taken.message_id))
    assert (taken.text, taken.direct, taken.mentioned, taken.reply_to) == (TEXT, True, False, "")
    assert (taken.message_id, taken.sender, taken.lang) == (f"{ann.id}:{number}", str(ann.id), "zh-Hans")
    assert ann.seen == [TEXT, "没有研究表明如此。"]
    assert receipt.message_id == f"{ann.id}:{ann.from_bot[0]['message_id']}"
    assert [each["reply_to"] for each in ann.from_bot] == [0, number]


async def test_in_a_group_everything_comes_in_and_calls_are_marked(
    platform: Platform, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        ours = (await connector.send(out(group, "大家好"))).message_id
        rumour = group.says("听说明天停水三天", by="Ann")
        group.says("@check_test_bot 真的吗？", by="Ben", reply_to=rumour)
        group.says("为什么？", by="Ben", reply_to=int(ours.partition(":")[2]))
        group.says("/status@check_test_bot 1280", by="Ben")
        group.says("/help", by="Ben")
        await until(lambda: len(host.taken) == 5)
    assert [(each.text, each.mentioned) for each in host.taken] == [
        ("听说明天停水三天", False),
        ("听说明天停水三天", True),
        ("为什么？", True),
        ("1280", True),
        ("/help", False),
    ]
    assert host.taken[1].in_reply_to == f"{group.id}:{rumour}"
    assert host.taken[2].in_reply_to == ours
    assert {(each.direct, each.address) for each in host.taken} == {(False, str(group.id))}
    assert [each.sender_name for each in host.taken] == ["Ann", "Ben", "Ben", "Ben", "Ben"]


async def test_what_was_said_before_the_first_start_is_not_addressed_to_us(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    ann.says("before")
    async with running(connect(platform), host):
        await connected(host)
        ann.says("after")
        await until(lambda: host.taken)
    assert host.texts == ["after"]


async def test_ten_of_ten_messages_said_while_we_are_away_come_in_when_we_are_back(
    platform: Platform, ann: Chat, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        ann.says("first")
        await until(lambda: host.taken)
    for number in range(5):
        ann.says(f"away {number}")
        group.says(f"away {number}", by="Ben")
    async with running(connect(platform), host):
        await until(lambda: len(host.taken) == 11)
    assert [each.text for each in host.taken if each.direct] == ["first", *(f"away {n}" for n in range(5))]
    assert [each.text for each in host.taken if not each.direct] == [f"away {n}" for n in range(5)]


async def test_after_a_week_of_silence_telegram_may_number_anew_and_nothing_is_passed_over(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    host.memory[f"offset:{BOT}"] = f"{10**9} {time.time() - 7 * 24 * 3600:.0f}"
    ann.says("numbered anew")
    async with running(connect(platform), host):
        await until(lambda: host.texts == ["numbered anew"])
        ann.says("and on")
        await until(lambda: host.texts == ["numbered anew", "and on"])


async def test_a_batch_is_confirmed_only_when_all_of_it_is_safe(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        host.failing = 10**6
        for number in range(3):
            ann.says(f"{number}")
        await until(lambda: ("reconnecting", "ConnectionError") in host.health)
        assert len(platform.updates) == 3  # Telegram still has them all
        host.failing = 1
        await until(lambda: len(host.taken) == 3)
        await until(lambda: platform.updates == [])
    assert host.texts == ["0", "1", "2"]


async def test_two_hundred_messages_keep_their_order_both_ways(
    platform: Platform, group: Chat, ann: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        for number in range(200):
            group.says(f"in {number}", by="Ben")
            await connector.send(out(ann, f"out {number}"))
        await until(lambda: len(host.taken) == 200)
    assert host.texts == [f"in {number}" for number in range(200)]
    assert ann.seen == [f"out {number}" for number in range(200)]


async def test_the_longest_text_the_house_sends_arrives_whole(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    longest = "大蒜😀" * 683
    text = longest[: setups()["telegram"].capabilities.characters]
    async with running(connect(platform), host) as connector:
        await connected(host)
        await connector.send(out(ann, text))
        await connector.send(out(ann, "😀" * 2048))
    assert ann.seen == [text, "😀" * 2048]


# --- files ----------------------------------------------------------------------------------------


async def test_pictures_files_and_voice_come_in(
    platform: Platform, ann: Chat, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        ann.sends_photo(caption="看图")
        group.sends_file("document", b"%PDF-1", by="Ben", file_name="公告.pdf", mime_type="application/pdf")
        group.sends_file("voice", b"OggS", by="Ben")
        await until(lambda: len(host.taken) == 3)
    found = [(each.text, *((a.name, a.media_type, a.data) for a in each.attachments)) for each in host.taken]
    assert found == [
        ("看图", ("photo.jpg", "image/jpeg", PNG)),
        ("", ("公告.pdf", "application/pdf", b"%PDF-1")),
        ("", ("voice.ogg", "audio/ogg", b"OggS")),
    ]


async def test_an_album_that_comes_in_pieces_is_one_message(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        ann.sends_photo(media_group_id="1", data=b"\xff\xd8\xffone")
        await asyncio.sleep(0.05)  # the poll has brought the first part by now, alone
        ann.sends_photo(media_group_id="1", data=b"\xff\xd8\xfftwo", caption="两张")
        ann.says("after")
        await until(lambda: len(host.taken) == 2)
    album, after = host.taken
    assert (album.text, after.text) == ("两张", "after")
    assert [each.data for each in album.attachments] == [b"\xff\xd8\xffone", b"\xff\xd8\xfftwo"]


async def test_a_file_too_large_to_be_had_is_named_and_one_too_large_for_the_house_is_cut(
    platform: Platform, group: Chat, ann: Chat, host: Recorder
) -> None:
    large, larger = bytes(10 * 1024 * 1024 + 500), bytes(20 * 1024 * 1024 + 1)
    async with running(connect(platform), host):
        await connected(host)
        group.sends_file("video", larger, by="Ben", file_name="flood.mp4", caption="看")
        group.sends_file("document", large, by="Ben", mime_type="image/png")
        ann.sends_file("video", larger, caption="停水三天")
        await until(lambda: len(host.taken) == 3)
    assert [each.text for each in host.taken] == ["看\n[flood.mp4]", "", "停水三天"]
    assert [[len(a.data) for a in each.attachments] for each in host.taken] == [
        [],
        [10 * 1024 * 1024 + 1],
        [],
    ]


async def test_a_file_that_cannot_be_fetched_holds_its_message_up_for_a_moment_only(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        platform.answers += [("getFile", 502)]
        ann.sends_photo(caption="first")
        platform.files["gone"] = b""
        ann.sends(photo=[{"file_id": "nowhere", "width": 1, "height": 1}], caption="second")
        await until(lambda: len(host.taken) == 2)
    assert [(each.text, len(each.attachments)) for each in host.taken] == [("first", 1), ("second", 0)]


async def test_pictures_and_files_go_out_with_their_words(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    picture, pdf = (
        Attachment("图.png", "image/png", PNG),
        Attachment("公告.pdf", "application/pdf", b"%PDF-1"),
    )
    async with running(connect(platform), host) as connector:
        await connected(host)
        number = ann.says("图呢？")
        await connector.send(out(ann, "看图 😀", attachments=(picture,), reply_to=f"{ann.id}:{number}"))
        await connector.send(out(ann, "两个", attachments=(picture, pdf)))
        platform.answers.append(("sendPhoto", Wrong(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")))
        await connector.send(out(ann, "", attachments=(picture,)))
    first, words, second, third, fourth = ann.from_bot
    assert (first["caption"], first["reply_to"]) == ("看图 😀", number)
    assert first["photo"] == {"name": "图.png", "type": "image/png", "data": PNG}
    assert words["text"] == "两个"
    assert second["photo"]["data"] == PNG
    assert third["document"]["name"] == "公告.pdf"
    assert fourth["document"]["data"] == PNG


# --- edits, deletions, reactions ------------------------------------------------------------------


async def test_edits_and_reactions_of_a_group_come_in(
    platform: Platform, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        number = group.says("今天我值班", by="Ben")
        group.edits(number, "改：明天我值班")
        group.reacts(number, "Ann", [], ["👍"])
        group.reacts(number, "Ann", ["👍"], ["❤"])
        await until(lambda: len(host.changes) == 4)
    assert [(each.deed, each.text) for each in host.changes] == [
        ("edit", "改：明天我值班"),
        ("react", "👍"),
        ("unreact", "👍"),
        ("react", "❤"),
    ]
    assert {(each.target, each.address) for each in host.changes} == {(f"{group.id}:{number}", str(group.id))}
    ben, ann = (str(platform.person(name)["id"]) for name in ("Ben", "Ann"))
    assert [each.sender for each in host.changes] == [ben, ann, ann, ann]
    assert host.taken[0].sender == ben


async def test_our_words_are_edited_reacted_to_and_taken_back(
    platform: Platform, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        said = (await connector.send(out(group, "不实"))).message_id
        shown = (
            await connector.send(out(group, "图", attachments=(Attachment("a.png", "image/png", PNG),)))
        ).message_id
        for _ in range(2):  # a repeat is as good as the first
            await connector.edit(out(group, "部分属实"), said)
            await connector.edit(out(group, "新的图"), shown)
        assert group.seen == ["部分属实", "新的图"]
        theirs = group.says("谢谢", by="Ben")
        await connector.react(out(group, "👍🏽"), f"{group.id}:{theirs}")
        assert group.messages[theirs]["reactions"] == ["👍"]
        await connector.react(out(group, "❤️"), f"{group.id}:{theirs}")
        await connector.unreact(out(group, "👍"), f"{group.id}:{theirs}")
        assert group.messages[theirs]["reactions"] == ["❤"]
        await connector.unreact(out(group, "❤"), f"{group.id}:{theirs}")
        assert group.messages[theirs]["reactions"] == []
        for _ in range(2):
            await connector.delete(out(group, ""), said)
        assert group.seen == ["新的图"]
        with pytest.raises(Undeliverable, match="no such reaction"):
            await connector.react(out(group, "🧄"), f"{group.id}:{theirs}")
        with pytest.raises(Undeliverable, match="not there"):
            await connector.edit(out(group, "x"), "-1009:1")
        await connector.typing(str(group.id), on=True)
    assert platform.calls.count(("sendChatAction", {"chat_id": group.id, "action": "typing"})) == 1


async def test_a_thread_is_known_by_its_first_message_and_joined_by_a_reply_to_it(
    platform: Platform, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        root = group.says("谁值班？", by="Ben")
        group.says("我", by="Ann", reply_to=root, message_thread_id=root)
        await until(lambda: len(host.taken) == 2)
        assert host.taken[1].thread == f"{group.id}:{root}"
        await connector.send(out(group, "好", thread=host.taken[1].thread))
    assert group.from_bot[0]["reply_to"] == root


async def test_a_topic_is_a_room_of_its_own(platform: Platform, group: Chat, host: Recorder) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        topic = group.opens_topic()
        number = group.says("@check_test_bot 真的吗？", by="Ben", topic=topic)
        group.says("在大厅", by="Ben")
        group.reacts(number, "Ann", [], ["👍"])
        await until(lambda: host.changes)
        asked, hall = host.taken
        await connector.send(out(asked.address, "不实", reply_to=asked.message_id))
        await connector.send(out(asked.address, "改判"))
    assert (asked.address, asked.in_reply_to) == (f"{group.id}/{topic}", "")
    assert (asked.text, asked.thread, hall.address) == ("真的吗？", f"{group.id}:{topic}", str(group.id))
    assert host.changes[0].address == asked.address
    assert [each["topic"] for each in group.from_bot] == [topic, topic]


# --- groups move ---------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
async def test_a_group_that_becomes_a_supergroup_keeps_its_address(
    platform: Platform, host: Recorder, told: bool
) -> None:
    old = platform.group("读者群", "group")
    address = str(old.id)
    async with running(connect(platform), host) as connector:
        await connected(host)
        before = old.says("听说停水", by="Ben")
        await until(lambda: host.taken)
        new = old.becomes_supergroup(told=told)
        if told:
            old.says("marker", by="Ben")
            await until(lambda: "marker" in host.texts)
        await connector.send(out(address, "不实", reply_to=f"{old.id}:{before}"))
    assert new.seen == ["不实"]
    async with running(connect(platform), host) as connector:  # and after a restart
        await connected(host, 2)
        new.says("谢谢", by="Ben")
        await until(lambda: "谢谢" in host.texts)
        await connector.send(out(address, "不客气"))
    assert host.taken[-1].address == address
    assert host.taken[-1].message_id.startswith(f"{new.id}:")
    assert new.seen == ["不实", "不客气"]


async def test_where_nobody_can_be_reached_the_ledger_is_told_why(
    platform: Platform, ann: Chat, group: Chat, host: Recorder
) -> None:
    ann.closed, group.closed = (
        "Forbidden: bot was blocked by the user",
        "Forbidden: bot was kicked from the supergroup chat",
    )
    async with running(connect(platform), host) as connector:
        await connected(host)
        for where, why in (
            (ann, "blocked the bot"),
            (group, "no longer in the group"),
            ("4711", "no such chat"),
        ):
            with pytest.raises(Undeliverable, match=why):
                await connector.send(out(where, "x"))
        for where, text in (("@somebody", "x"), (str(ann.id), " \n")):
            with pytest.raises(Undeliverable):
                await connector.send(out(where, text))
        topic = f"{platform.group('another').id}/9"
        with pytest.raises(Undeliverable, match="topic"):
            await connector.send(out(topic, "x"))


# --- limits and trouble ---------------------------------------------------------------------------


async def test_asked_to_wait_at_every_fifth_message_none_is_lost_and_none_is_early(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    platform.every_fifth = 1
    picture = Attachment("a.png", "image/png", PNG)
    async with running(connect(platform), host) as connector:
        await connected(host)
        for number in range(16):
            await patiently(connector, out(ann, f"{number}"))
        await patiently(connector, out(ann, "several", attachments=(picture, picture)))
    assert ann.seen == [*(f"{number}" for number in range(16)), "several", "[file]", "[file]"]
    assert platform.early == 0


async def test_a_group_is_not_sent_more_than_its_share_and_private_chats_are(
    platform: Platform, ann: Chat, group: Chat, host: Recorder
) -> None:
    async with running(connect(platform, group_per_minute="3"), host) as connector:
        await connected(host)
        for number in range(3):
            await connector.send(out(group, f"{number}"))
        with pytest.raises(Later) as later:
            await connector.send(out(group, "too many"))
        for number in range(4):
            await connector.send(out(ann, f"{number}"))
    assert 30 < later.value.seconds <= 60
    assert len(group.seen) == 3


@pytest.mark.parametrize(
    ("said", "where"), [(401, "telegram.token"), (404, "telegram.api")], ids=["401", "404"]
)
async def test_a_wrong_token_says_what_to_do_and_is_shown_nowhere(
    platform: Platform, host: Recorder, caplog: pytest.LogCaptureFixture, said: int, where: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "httpx")
    token = "110201543:AAthis-one-was-revoked-long-ago-x"
    platform.answers += [("getMe", said)] if said == 404 else []
    with pytest.raises(Misconfigured, match=where) as wrong:
        await connect(platform, token=token if said == 401 else TOKEN).run(host)
    assert [each for each, _ in host.health] == ["broken"]
    shown = f"{wrong.value!r} {wrong.value.__context__!r} {host.health} {caplog.text}"
    assert "revoked" not in shown
    assert TOKEN.partition(":")[2] not in shown


async def test_the_token_is_in_no_log_and_no_error_however_a_call_fails(
    platform: Platform, ann: Chat, host: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "httpx")
    secret = TOKEN.partition(":")[2]
    connector = connect(platform)
    errors: list[BaseException] = []
    async with running(connector, host):
        await connected(host)
        ann.sends_photo(caption="x")
        await until(lambda: host.taken)
        for said in (Wrong(400, "Bad Request: x"), Wrong(403, "Forbidden"), 502, 302):
            platform.answers.append(("sendMessage", said))
            with pytest.raises(Exception, match=r"\w") as failed:
                await connector.send(out(ann, "x"))
            errors.append(failed.value)
    dead = connect(platform, api="http://127.0.0.1:1")
    async with running(dead, host):
        await until(lambda: any("Telegram cannot be reached: ConnectError" in why for _, why in host.health))
        with pytest.raises(Exception, match=r"\w") as failed:
            await dead.send(out(ann, "x"))
        errors.append(failed.value)
    for error in errors:
        while error is not None:
            assert secret not in f"{error!r} {error} {vars(error)}"
            error = error.__cause__ or error.__context__  # type: ignore[assignment]
    assert "sendMessage" in caplog.text  # the client library did log what it called
    assert secret not in caplog.text
    assert secret not in f"{connector!r} {host.health}"


async def test_a_second_reader_of_the_same_bot_is_named_and_once_it_is_gone_all_goes_on(
    platform: Platform, ann: Chat, host: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CALM", 6.0)
    monkeypatch.setattr(transport, "CONFLICTS", 2)
    monkeypatch.setattr(listener, "POLL", 2)
    other = Recorder()
    async with running(connect(platform), host):
        await connected(host)
        async with running(connect(platform), other):
            await until(lambda: any(health == "broken" for health, _ in host.health + other.health))
        (why, *_) = [why for health, why in host.health + other.health if health == "broken"]
        assert "another program" in why
        ann.says("still there?")
        await until(lambda: "still there?" in host.texts + other.texts)
        ann.says("and now?")
        await until(lambda: "and now?" in host.texts)
        await until(lambda: host.health[-1][0] == "connected")


async def test_a_webhook_from_before_is_taken_off(platform: Platform, ann: Chat, host: Recorder) -> None:
    platform.webhook = True
    async with running(connect(platform), host):
        await connected(host)
        ann.says("hi")
        await until(lambda: host.taken)


async def test_when_telegram_is_away_we_come_back_within_two_seconds_and_nothing_is_lost(
    platform: Platform, ann: Chat, host: Recorder
) -> None:
    async with running(connect(platform), host) as connector:
        await connected(host)
        platform.answers += [("getUpdates", 502), ("sendMessage", 502)]
        ann.says("one")
        await until(lambda: "reconnecting" in [each for each, _ in host.health])
        failed = time.monotonic()
        with pytest.raises(Exception, match="502"):
            await connector.send(out(ann, "again"))
        await connected(host, 2)
        assert time.monotonic() - failed < 20
        ann.says("two")
        await until(lambda: host.texts == ["one", "two"])
    assert [each for each, _ in host.health] == ["connected", "reconnecting", "connected"]


async def test_behind_a_proxy_all_goes_through_it(platform: Platform, ann: Chat, host: Recorder) -> None:
    async with running(
        connect(platform, api="http://api.telegram.invalid", proxy=platform.url), host
    ) as connector:
        await connected(host)
        ann.sends_photo(caption="in")
        await until(lambda: host.taken)
        await connector.send(out(ann, "out"))
    assert host.taken[0].attachments[0].data == PNG
    assert ann.seen == ["out"]


async def test_malformed_updates_stop_no_others(platform: Platform, ann: Chat, host: Recorder) -> None:
    async with running(connect(platform), host):
        await connected(host)
        for broken in ({}, {"chat": 7}, {"message_id": "x", "chat": [], "from": None}, {"text": 5}):
            platform.bring("message", broken)
        platform.bring("message_reaction", {"chat": {"id": BOT}, "new_reaction": {}})
        ann.says("whole")
        await until(lambda: host.taken)
    assert host.texts == ["whole"]
    assert {health for health, _ in host.health} == {"connected"}


async def test_the_menu_is_set_and_given_in_traditional_script_to_those_who_read_it(
    platform: Platform, host: Recorder
) -> None:
    async with running(connect(platform), host):
        await connected(host)
        platform.private("Lin", "zh-hant").says("/start")
        await until(lambda: host.taken)
    menus = [params for method, params in platform.calls if method == "setMyCommands"]
    assert [each.get("language_code", each.get("scope", {}).get("type", "")) for each in menus] == [
        "",
        "zh",
        "chat",
    ]
    assert "忘記我" in str(menus[2])
    assert (host.taken[0].text, host.taken[0].lang) == ("/start", "zh-Hant")


@pytest.mark.parametrize(
    "wrong",
    [{"token": "BotFather"}, {"api": "api.telegram.org"}, {"group_per_minute": "many"}, {"proxy": "socks"}],
    ids=["token", "api", "group_per_minute", "proxy"],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, str]) -> None:
    (name,) = wrong
    with pytest.raises(Misconfigured, match=f"telegram.{name}"):
        build(setups()["telegram"], {"token": TOKEN, **wrong})


# --- somebody else's server -----------------------------------------------------------------------


async def test_another_server_s_private_chat_is_heard_and_answered_and_ten_of_ten_wait_for_us(
    test_api: TestApi, host: Recorder
) -> None:
    async with running(connect(test_api), host) as connector:
        await connected(host)
        test_api.says(TEXT)
        await until(lambda: host.taken)
        (taken,) = host.taken
        assert (taken.text, taken.address, taken.lang, taken.direct) == (TEXT, "77", "en", True)
        receipt = await connector.send(out("77", TEXT, reply_to=taken.message_id))
        assert test_api.heard()[-1]["message"]["text"] == TEXT
        assert test_api.heard()[-1]["message"]["reply_parameters"]["message_id"] == 1
        await connector.edit(out("77", "不实"), receipt.message_id)
        assert [each["message"]["text"] for each in test_api.heard()] == ["不实"]
        await connector.delete(out("77", ""), receipt.message_id)
        assert test_api.heard() == []
    for number in range(10):
        test_api.says(f"away {number}")
    async with running(connect(test_api), host):
        await until(lambda: len(host.taken) == 11)
    assert host.texts[1:] == [f"away {number}" for number in range(10)]


async def test_another_server_that_dies_and_comes_back_is_found_again(
    test_api: TestApi, host: Recorder
) -> None:
    async with running(connect(test_api), host):
        await connected(host)
        test_api.kill()
        await until(lambda: "reconnecting" in [each for each, _ in host.health])
        test_api.start()
        await connected(host, 2)
        test_api.says("back")
        await until(lambda: host.texts == ["back"])

"""Reading updates: recorded ones, those of the reference, and any JSON at all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbranch.connectors.telegram import compose, wire
from chatbranch.connectors.telegram.words import Me, spoken
from chatbranch.kernel.messages import Inbound

PAYLOADS = Path(__file__).parent / "payloads"
ME = Me(110201543, "check_test_bot", "查一查")
ANN = {"id": 5, "is_bot": False, "first_name": "Ann", "language_code": "en-GB"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Branch"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}


def payload(name: str) -> list[Any]:
    found: list[Any] = json.loads((PAYLOADS / name).read_text(encoding="utf-8"))["result"]
    return found


def message(text: str = "", chat: dict[str, Any] = GROUP, **more: Any) -> wire.Message:
    body = {"message_id": 7, "from": ANN, "chat": chat, "date": 1_795_500_000, "text": text, **more}
    found = wire.read_update({"update_id": 3, "message": body}, ME)
    assert isinstance(found, wire.Message)
    return found


def inbound(found: wire.News | None) -> Inbound:
    assert isinstance(found, wire.Message)
    return wire.as_inbound(found, str(found.chat))


def test_what_was_recorded_is_read_as_what_a_person_said() -> None:
    said = [inbound(wire.read_update(each, ME)) for each in payload("test-api.json")]
    assert [(each.text, each.address, each.sender, each.direct) for each in said] == [
        ("转发：吃大蒜能防病毒，是真的吗？😀", "77", "77", True),
        ("1280", "77", "77", True),
    ]
    assert [each.message_id for each in said] == ["77:1", "77:2"]
    assert {(each.sender_name, each.lang, each.reply_to) for each in said} == {("Ann", "en", "")}


def test_every_kind_of_update_in_the_reference_is_read() -> None:
    forwarded, topic, reaction, edit, moved, membership = (
        wire.read_update(each, ME) for each in payload("reference.json")
    )
    asked = inbound(forwarded)
    assert asked.text == "紧急通知：自来水厂今晚八点起停水三天 详情 (https://water.example/stop)"
    assert (asked.lang, asked.sender_name) == ("zh-Hant", "小 林")
    assert asked.sent_at == datetime.fromtimestamp(1_795_500_000, UTC)
    assert isinstance(topic, wire.Message)
    assert (topic.topic, topic.sender, topic.sender_name) == (45, "-1001234567890", "成员群")
    assert (topic.text, topic.mentioned, topic.reply_to) == ("😀 今天谁值班", True, 0)
    assert [each.id for each in topic.files] == ["large"]
    assert isinstance(reaction, wire.Reaction)
    assert [(each.deed, each.text, each.target) for each in wire.as_changes(reaction, "x")] == [
        ("unreact", "👍", "-1001234567890:70"),
        ("react", "❤", "-1001234567890:70"),
    ]
    assert isinstance(edit, wire.Message)
    (change,) = wire.as_changes(edit, "x")
    assert (change.deed, change.text, change.target) == ("edit", "改：今天我值班", "-1001234567890:71")
    assert change.sent_at == datetime.fromtimestamp(1_795_500_009, UTC)
    assert moved == wire.Moved(-4000123, -1009876543210)
    assert membership is None


def test_who_first_wrote_what_is_forwarded_is_nowhere_in_what_is_brought() -> None:
    assert "Secret" not in repr(wire.read_update(payload("reference.json")[0], ME))


@pytest.mark.parametrize(
    ("text", "said", "called"),
    [
        ("@check_test_bot 真的吗？", "真的吗？", True),
        ("@Check_Test_Bot：真的吗？", "真的吗？", True),
        ("查一查：真的吗？", "真的吗？", True),
        ("真的吗？ @check_test_bot", "真的吗？", True),
        ("check_test_bot, is it?", "is it?", True),
        ("hey @check_test_bot is it?", "hey @check_test_bot is it?", True),
        ("请大家查一查", "请大家查一查", False),
        ("查一查这条", "查一查这条", False),
        ("@check_test_botany 2", "@check_test_botany 2", False),
        ("mail me@check_test_bot", "mail me@check_test_bot", False),
    ],
)
def test_being_called_by_name_is_noticed_and_the_name_taken_off(text: str, said: str, called: bool) -> None:
    found = message(text)
    assert (found.text, found.mentioned) == (said, called)


def test_a_mention_without_a_name_is_one_too() -> None:
    entity = {"type": "text_mention", "offset": 0, "length": 4, "user": {"id": ME.id}}
    found = message("😀😀, is it?", entities=[entity])
    assert (found.text, found.mentioned) == ("is it?", True)
    other = {**entity, "user": {"id": 6}}
    assert not message("😀😀, is it?", entities=[other]).mentioned


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("/start from_a_link", "/start"),
        ("/help", "/help"),
        ("/forget", "/forget"),
        ("/status 1280", "1280"),
        ("/status", "/help"),
        ("/status@check_test_bot 1280", "1280"),
        ("/weather Berlin", "/weather Berlin"),
    ],
)
def test_commands_come_as_the_house_reads_them(text: str, asked: str) -> None:
    entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
    assert message(text, PRIVATE, entities=[entity]).text == asked


def test_in_a_group_a_command_is_ours_only_with_our_name() -> None:
    def said(text: str) -> tuple[str, bool]:
        entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
        found = message(text, entities=[entity])
        return found.text, found.mentioned

    assert said("/help@check_test_bot") == ("/help", True)
    assert said("/help") == ("/help", False)
    assert said("/help@other_bot") == ("/help@other_bot", False)


def test_a_reply_to_us_calls_us_and_is_this_true_asks_about_what_it_replies_to() -> None:
    ours = {"message_id": 3, "from": {"id": ME.id, "is_bot": True}, "chat": GROUP, "text": "Hello"}
    answer = message("why?", reply_to_message=ours)
    assert (answer.mentioned, answer.reply_to, wire.asks_about(answer).text) == (True, 3, "why?")
    rumour = {"message_id": 4, "from": ANN, "chat": GROUP, "text": "大蒜防病毒", "photo": [{"file_id": "p"}]}
    asked = wire.asks_about(message("@check_test_bot 真的吗？", reply_to_message=rumour))
    assert (asked.text, [each.id for each in asked.files], asked.number) == ("大蒜防病毒", ["p"], 7)
    picked = wire.asks_about(
        message("真的吗 @check_test_bot", reply_to_message=rumour, quote={"text": "大蒜", "position": 0})
    )
    assert picked.text == "大蒜"
    assert wire.asks_about(message("真的吗？", reply_to_message=rumour)).text == "真的吗？"


@pytest.mark.parametrize("words", ["1280", "#1280", "忘记我", "forget me", "/help"])
def test_a_code_or_a_command_is_never_taken_for_a_question_about_something_else(words: str) -> None:
    quoting = {"external_reply": {"origin": {}}, "quote": {"text": "a rumour", "position": 0}}
    assert wire.asks_about(message(words, PRIVATE, **quoting)).text == words
    assert wire.asks_about(message("真的吗？", PRIVATE, **quoting)).text == "a rumour"


def test_in_a_private_chat_a_reply_to_what_was_said_there_stays_itself() -> None:
    before = {"message_id": 3, "from": ANN, "chat": PRIVATE, "text": "a rumour"}
    assert wire.asks_about(message("thanks", PRIVATE, reply_to_message=before)).text == "thanks"


def test_an_album_is_one_message_with_the_words_of_whichever_part_has_them() -> None:
    def part(number: int, caption: str = "") -> wire.Message:
        return replace(
            message(caption=caption, photo=[{"file_id": f"p{number}"}], media_group_id="9"), number=number
        )

    other = message("in between")
    (album, between) = wire.gathered([part(1), other, part(2, "看图"), part(3)])
    assert isinstance(album, wire.Message)
    assert between is other
    assert (album.text, album.number) == ("看图", 2)
    assert [each.id for each in album.files] == ["p1", "p2", "p3"]


def test_beside_words_only_pictures_are_fetched_in_a_private_chat() -> None:
    video = {"video": {"file_id": "v", "file_name": "../a.mp4"}, "caption": "停水三天"}
    assert wire.wanted(message(chat=PRIVATE, **video)) == ()
    (file,) = wire.wanted(message(**video))
    assert (file.name, file.media_type) == (".._a.mp4", "video/mp4")
    assert wire.wanted(message(chat=PRIVATE, voice={"file_id": "w"}))


@pytest.mark.parametrize(
    "body",
    [
        {"from": {**ANN, "is_bot": True}},
        {"from": {**ANN, "id": ME.id}},
        {"chat": {"id": -1, "type": "channel"}},
        {"text": "", "new_chat_members": [ANN]},
        {"text": "", "pinned_message": {"text": "x"}},
        {"message_id": True},
    ],
    ids=["bot", "ourselves", "channel", "joined", "pinned", "no number"],
)
def test_what_no_person_said_to_a_chat_is_nothing(body: dict[str, Any]) -> None:
    whole = {"message_id": 7, "from": ANN, "chat": GROUP, "date": 1, "text": "x", **body}
    assert wire.read_update({"update_id": 3, "message": whole}, ME) is None


def test_the_words_of_polls_and_of_rich_messages_are_read() -> None:
    poll = {"question": "停水吗？", "options": [{"text": "是"}, {"text": "不是"}]}
    assert message(poll=poll).text == "停水吗？\n· 是\n· 不是"
    rich = {
        "blocks": [
            {"type": "heading", "text": "标题"},
            {"type": "paragraph", "text": ["每天", {"type": "bold", "text": "吃大蒜"}, "防病毒"]},
            {"type": "list", "items": [{"blocks": [{"type": "paragraph", "text": "其一"}]}]},
        ]
    }
    assert message(rich_message=rich).text == "标题\n每天吃大蒜防病毒\n其一"


def test_half_a_character_never_reaches_the_house() -> None:
    assert message("a\ud800b").text == "a�b"
    assert message("😀").text == "😀"


def test_two_edits_and_two_reactions_are_four_changes() -> None:
    edits = [replace(message(text), update=number, edited=True) for number, text in ((4, "one"), (5, "two"))]
    reaction = wire.Reaction(6, -1001, 7, "5", "Ann", edits[0].sent_at, ("👍",), ("❤",))
    changes = [each for news in (*edits, reaction) for each in wire.as_changes(news, "-1001")]
    assert len({each.message_id for each in changes}) == 4
    assert {each.target for each in changes} == {"-1001:7"}


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KEYS = (
    "message_id chat from date text entities caption caption_entities reply_to_message quote external_reply photo document "
    "voice poll rich_message sticker sender_chat is_topic_message message_thread_id media_group_id migrate_to_chat_id "
    "message edited_message message_reaction my_chat_member id type url user offset length blocks old_reaction "
    "new_reaction old_chat_member new_chat_member status is_bot title first_name language_code file_id"
).split()
KINDS = ("message", "edited_message", "message_reaction", "channel_post")
values = st.sampled_from(
    ["private", "supergroup", "emoji", "bot_command", "text_link", "member", "/help", "\ud800"]
)
likely = st.recursive(
    st.none() | st.booleans() | st.text(max_size=9) | values | st.integers(-5, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=8,
)


@patient
@given(
    st.fixed_dictionaries({"update_id": st.integers(1, 9)}, optional=dict.fromkeys(KINDS, likely))
    | json_values
)
def test_any_json_gives_a_value_or_nothing(update: object) -> None:
    found = wire.read_update(update, ME)
    if isinstance(found, wire.Message):
        asked = wire.asks_about(found)
        wire.as_inbound(asked, "x").text.encode()
        wire.wanted(asked)
    if isinstance(found, wire.Message | wire.Reaction):
        wire.as_changes(found, "x")
    wire.is_album(update)
    wire.read_me(update)


@patient
@given(
    st.fixed_dictionaries(
        {"message_id": st.just(7), "from": st.just(ANN), "chat": st.just(GROUP)},
        optional=dict.fromkeys(KEYS[3:], likely),
    )
)
def test_any_message_gives_a_value_or_nothing(body: dict[str, object]) -> None:
    found = wire.read_update({"update_id": 1, "message": body}, ME)
    if isinstance(found, wire.Message):
        wire.as_inbound(wire.asks_about(found), "x").text.encode()


@patient
@given(st.text(), st.lists(st.dictionaries(st.sampled_from(KEYS), likely, max_size=5), max_size=4))
def test_any_formatting_is_borne(text: str, entities: list[dict[str, Any]]) -> None:
    spoken(text, entities, ME, direct=True)


@patient
@given(st.text())
def test_any_address_and_any_id_is_a_place_or_nothing(text: str) -> None:
    place = compose.read_place(text)
    assert place is None or compose.read_place(str(place)) == place
    compose.read_id(text)

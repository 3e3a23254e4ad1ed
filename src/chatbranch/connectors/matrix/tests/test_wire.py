"""Reading and writing Matrix events: recorded ones, and anything else a server may hand us."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.matrix import compose, wire
from chatbranch.kernel.messages import Attachment, Outbound

ME, NAME = "@checkbot:localhost", "查一查"
PAYLOADS = Path(__file__).parent / "payloads"


def recorded() -> list[dict[str, Any]]:
    """The timeline of a room as Synapse 1.163 sent it."""
    (room,) = json.loads((PAYLOADS / "joined.json").read_text())["rooms"]["join"].values()
    events: list[dict[str, Any]] = room["timeline"]["events"]
    return events


def event(body: object = "hello", **content: object) -> dict[str, Any]:
    return {
        "type": "m.room.message",
        "event_id": "$e",
        "sender": "@ann:localhost",
        "origin_server_ts": 1_795_478_203_042,
        "content": {"msgtype": "m.text", "body": body, **content},
    }


def read(body: str, **content: object) -> wire.Message:
    message = wire.read_event(event(body, **content), ME, NAME)
    assert message is not None
    return message


def test_a_recorded_conversation_is_read_as_what_was_said_to_us() -> None:
    messages = [message for each in recorded() if (message := wire.read_event(each, ME, NAME))]
    assert [(each.text, each.mentions_me) for each in messages] == [
        ("转发：吃大蒜能防病毒，是真的吗？", False),
        ("谢谢", True),  # the reply's fallback quotes us
        ("look at this", True),
        ("", False),  # a picture without words
        ("is this photo real?", False),
    ]
    assert messages[0].sent_at == datetime(2026, 11, 23, 23, 56, 43, 42_000, UTC)
    assert messages[3].file == wire.File("localhost/abc", "photo.jpg", "image/jpeg")


def test_edits_notices_our_own_words_and_encrypted_events_are_no_messages() -> None:
    said = {message.text for each in recorded() if (message := wire.read_event(each, ME, NAME))}
    assert not said & {"* corrected", "corrected", "I am a bot", "ours"}
    assert sum(wire.is_encrypted(each) for each in recorded()) == 1


def test_the_invitation_divides_what_was_said_to_us_from_what_was_not() -> None:
    events = recorded()
    invited = next(index for index, each in enumerate(events) if wire.asked_in(each, ME))
    assert events[invited]["content"]["membership"] == "invite"
    assert wire.since_asked_in(events, ME) == events[invited + 1 :]
    assert wire.since_asked_in(events, "@other:localhost") == events


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("checkbot: 1280", "1280"),
        ("@checkbot 1280", "1280"),
        ("CheckBot，大蒜防病毒", "大蒜防病毒"),
        ("查一查 大蒜防病毒", "大蒜防病毒"),
        ("@查一查：大蒜防病毒", "大蒜防病毒"),
        ("@checkbot:localhost is it so", "is it so"),
        ("查一查", ""),
    ],
)
def test_our_name_in_front_calls_us_and_is_no_part_of_the_question(body: str, asked: str) -> None:
    message = read(body)
    assert (message.text, message.mentions_me) == (asked, True)


@pytest.mark.parametrize(
    "body", ["checkbots are everywhere", "the checkbot said so", "我查一查再说", "me@checkbotany.org"]
)
def test_a_word_that_only_looks_like_our_name_calls_nobody(body: str) -> None:
    message = read(body)
    assert (message.text, message.mentions_me) == (body, False)


def test_a_client_may_say_whom_it_mentions() -> None:
    assert read("look", **{"m.mentions": {"user_ids": [ME]}}).mentions_me
    assert not read("look", **{"m.mentions": {"user_ids": ["@ann:localhost"]}}).mentions_me


def test_a_short_question_in_reply_asks_about_what_it_replies_to() -> None:
    rumour = read("听说明天停水三天")
    assert wire.asks_about(read("真的吗？"), rumour).text == "听说明天停水三天"
    own = "不对，应该是：高速公路从今晚零点起全部封闭一个星期，请转告大家"
    assert wire.asks_about(read(own), rumour).text == own
    assert wire.asks_about(read("真的吗？"), None).text == "真的吗？"


@pytest.mark.parametrize(
    "url", ["mxc://localhost/../../admin", "mxc://../x", "http://localhost/x", "mxc://a/b?c", 7]
)
def test_a_picture_s_address_cannot_lead_anywhere_else(url: object) -> None:
    assert read("photo.jpg", msgtype="m.image", url=url).file is None


def test_an_answer_names_nobody_and_refers_to_the_question() -> None:
    content = compose.content_of(Outbound("k", "!r", "不实 @room", html="<b>不实</b>", reply_to="$q"))
    assert content == {
        "msgtype": "m.text",
        "body": "不实 @room",
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>不实</b>",
        "m.mentions": {},
        "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
    }


def test_a_transaction_id_is_the_key_or_stands_for_it() -> None:
    assert compose.transaction_id("0192d5a8-7f1c") == "0192d5a8-7f1c"
    strange = [compose.transaction_id(key) for key in ("a/b", "a b", "中", "x" * 500, "")]
    assert all(len(each) == 40 and each.isalnum() for each in strange)
    assert len(set(strange)) == len(strange)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "msgtype",
    "body",
    "filename",
    "url",
    "info",
    "m.mentions",
    "m.relates_to",
    "m.new_content",
    "membership",
    "redacts",
    "file",
    "org.chatbranch.trail",
)
TYPES = (
    st.sampled_from(["m.room.message", "m.room.member", "m.room.encrypted", "m.reaction", "m.room.redaction"])
    | JSON
)
RELATIONS = st.fixed_dictionaries(
    {},
    optional={
        "rel_type": st.sampled_from(["m.replace", "m.annotation", "m.thread"]) | JSON,
        "event_id": st.just("$t") | JSON,
        "key": st.just("👍") | JSON,
        "m.in_reply_to": JSON | st.just({"event_id": "$q"}),
        "is_falling_back": JSON,
    },
)
VALUES = JSON | RELATIONS | st.sampled_from(["m.text", "m.image", "$t", {"msgtype": "m.text", "body": "b"}])
CONTENTS = JSON | st.dictionaries(st.sampled_from(FIELDS), VALUES)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES,
        "content": CONTENTS,
        "sender": JSON,
        "event_id": JSON,
        "state_key": JSON,
        "unsigned": JSON,
        "origin_server_ts": JSON,
    },
)


@given(JSON | EVENTS)
def test_any_json_is_a_message_a_deed_or_clearly_none(anything: Any) -> None:
    message = wire.read_event(anything, ME, NAME)
    done = wire.read_deed(anything, ME, NAME)
    wire.since_asked_in([anything], ME)
    assert isinstance(wire.is_encrypted(anything), bool)
    assert isinstance(wire.turns_encryption_on(anything), bool)
    assert message is None or done is None
    if message is not None:
        inbound = wire.as_inbound(message, "!r", direct=False, mentioned=True)
        assert inbound.message_id
        assert inbound.sent_at.tzinfo is UTC
    if done is not None:
        assert done.target
        assert done.event_id


SYNCS = st.fixed_dictionaries(
    {"next_batch": st.just("s1") | JSON},
    optional={
        "rooms": st.fixed_dictionaries(
            {},
            optional={
                "join": JSON
                | st.dictionaries(st.text(max_size=3), JSON | st.just({"timeline": {"events": [1]}})),
                "invite": JSON,
            },
        )
        | JSON,
        "to_device": JSON | st.just({"events": [None, {}]}),
        "device_lists": JSON | st.just({"changed": ["@a:b", 3]}),
        "device_one_time_keys_count": JSON,
        "device_unused_fallback_key_types": JSON,
    },
)


@given(JSON | SYNCS)
def test_any_answer_to_a_sync_is_news_or_clearly_none(anything: Any) -> None:
    news = wire.read_news(anything)
    wire.read_members(anything)
    if news is not None:
        assert news.reached
        assert all(isinstance(event, dict) for room in news.rooms.values() for event in room.events)


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_any_outbound_becomes_an_event_a_server_can_take(text: str, html: str, reply_to: str) -> None:
    content = compose.content_of(Outbound("k", "!r", text * 200, html=html * 500, reply_to=reply_to[:255]))
    assert len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")) <= 65_536
    assert content["body"].startswith(text[:20]) or len(content["body"]) < 20


def test_a_long_text_loses_its_formatting_before_its_end() -> None:
    text = "不实。" * 5000
    content = compose.content_of(Outbound("k", "!r", text, html=f"<p>{text}</p>"))
    assert content["body"] == text
    assert "formatted_body" not in content
    longer = compose.content_of(Outbound("k", "!r", text * 5))
    assert longer["body"].endswith("…")
    assert 55_000 < len(longer["body"].encode()) <= compose.MOST_BYTES


def test_an_answer_in_a_thread_stays_there_and_carries_its_trail() -> None:
    answer = Outbound("k", "!r", "不实", thread="$root", trail=("a1", "b2"))
    content = compose.content_of(answer)
    assert content["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": "$root",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$root"},
    }
    message = read("不实", **{key: content[key] for key in ("m.relates_to", wire.TRAIL)})
    assert (message.thread, message.reply_to, message.trail) == ("$root", "", ("a1", "b2"))
    reply = compose.content_of(Outbound("k", "!r", "不实", thread="$root", reply_to="$q"))
    assert read("不实", **{"m.relates_to": reply["m.relates_to"]}).reply_to == "$q"


def test_a_trail_of_strangers_is_bounded() -> None:
    assert len(read("x", **{wire.TRAIL: ["a"] * 10_000}).trail) == wire.LONGEST_TRAIL
    assert read("x", **{wire.TRAIL: ["a\nb", 7, "", "x" * 65, "ok"]}).trail == ("ok",)


def test_what_is_done_to_a_message_is_read_as_that() -> None:
    edit = event("* 改了", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$t"}})
    edit["content"]["m.new_content"] = {"msgtype": "m.text", "body": "改了"}
    reaction = event() | {"type": "m.reaction", "content": compose.reaction("$t", "👍")}
    old = event() | {"type": "m.room.redaction", "content": {}, "redacts": "$t"}
    new = event() | {"type": "m.room.redaction", "content": {"redacts": "$t"}}
    seen = [wire.read_deed(each, ME, NAME) for each in (edit, reaction, old, new)]
    assert [(each.kind, each.target, each.text) for each in seen if each] == [
        ("edit", "$t", "改了"),
        ("react", "$t", "👍"),
        ("redact", "$t", ""),
        ("redact", "$t", ""),
    ]
    assert all(wire.read_deed(each | {"sender": ME}, ME, NAME) is None for each in (edit, reaction, old, new))


def test_a_captioned_picture_keeps_its_picture_when_its_words_change() -> None:
    file = compose.file_content(Attachment("a.png", "image/png", b"123"), {"url": "mxc://localhost/abc"})
    shown = compose.captioned(Outbound("k", "!r", "看这里"), file)
    message = read(shown["body"], **{key: part for key, part in shown.items() if key != "body"})
    assert (message.text, message.file) == ("看这里", wire.File("localhost/abc", "a.png", "image/png"))
    edit = compose.edit_of(Outbound("k", "!r", "看图"), "$t", shown)
    assert edit["m.new_content"] == shown | {"body": "看图"}
    assert edit["url"] == shown["url"]


@given(st.text(st.characters()), st.text(st.characters()), JSON)
def test_any_edit_becomes_an_event_a_server_can_take(text: str, html: str, original: Any) -> None:
    content = compose.edit_of(Outbound("k", "!r", text * 300, html=html * 500), "$t", {})
    assert len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")) <= 65_536
    compose.edit_of(Outbound("k", "!r", text), "$t", original)

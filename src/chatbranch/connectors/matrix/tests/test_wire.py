"""Reading and writing Matrix events: recorded ones, and anything else a server may hand us."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.matrix import wire
from chatbranch.kernel.messages import Outbound

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
    assert messages[3].picture == wire.Picture("localhost/abc", "photo.jpg", "image/jpeg")


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
    assert read("photo.jpg", msgtype="m.image", url=url).picture is None


def test_an_answer_names_nobody_and_refers_to_the_question() -> None:
    content = wire.content_of(Outbound("k", "!r", "不实 @room", html="<b>不实</b>", reply_to="$q"))
    assert content == {
        "msgtype": "m.text",
        "body": "不实 @room",
        "format": "org.matrix.custom.html",
        "formatted_body": "<b>不实</b>",
        "m.mentions": {},
        "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
    }


def test_a_transaction_id_is_the_key_or_stands_for_it() -> None:
    assert wire.transaction_id("0192d5a8-7f1c") == "0192d5a8-7f1c"
    strange = [wire.transaction_id(key) for key in ("a/b", "a b", "中", "x" * 500, "")]
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
)
TYPES = st.sampled_from(["m.room.message", "m.room.member", "m.room.encrypted"]) | JSON
CONTENTS = JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.just("m.text") | st.just("m.image"))
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
def test_any_json_is_a_message_or_clearly_none(anything: Any) -> None:
    message = wire.read_event(anything, ME, NAME)
    wire.since_asked_in([anything], ME)
    assert isinstance(wire.is_encrypted(anything), bool)
    if message is not None:
        inbound = wire.as_inbound(message, "!r", direct=False, mentioned=True)
        assert inbound.message_id
        assert inbound.sent_at.tzinfo is UTC


@given(st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
def test_any_outbound_becomes_an_event_a_server_can_take(text: str, html: str, reply_to: str) -> None:
    content = wire.content_of(Outbound("k", "!r", text * 200, html=html * 500, reply_to=reply_to[:255]))
    assert len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")) <= 65_536
    assert content["body"].startswith(text[:20]) or len(content["body"]) < 20


def test_a_long_text_loses_its_formatting_before_its_end() -> None:
    text = "不实。" * 5000
    content = wire.content_of(Outbound("k", "!r", text, html=f"<p>{text}</p>"))
    assert content["body"] == text
    assert "formatted_body" not in content
    longer = wire.content_of(Outbound("k", "!r", text * 5))
    assert longer["body"].endswith("…")
    assert 55_000 < len(longer["body"].encode()) <= wire.MOST_BYTES

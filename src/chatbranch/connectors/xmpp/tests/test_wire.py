"""Reading and writing stanzas: recorded ones, and anything else anyone may send us."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.xmpp import compose, wire

PAYLOADS = Path(__file__).parent / "payloads"
ROOM = "rumours@rooms.localhost"


def recorded(name: str) -> list[Element]:
    """Stanzas as Prosody 0.12 sent them."""
    return list(ElementTree.fromstring((PAYLOADS / name).read_text(encoding="utf-8")))


def stanza(inner: str, **attributes: str) -> Element:
    given = {"from": f"{ROOM}/ann", "type": "groupchat", "id": "m", **attributes}
    written = " ".join(f'{name}="{value}"' for name, value in given.items())
    return ElementTree.fromstring(f'<message xmlns="jabber:client" {written}>{inner}</message>')


def read(inner: str, **attributes: str) -> wire.Message:
    message = wire.read(stanza(inner, **attributes), by=ROOM)
    assert message is not None
    return message


def test_a_recorded_conversation_is_read_as_what_was_said_and_done() -> None:
    said, reply, edit, reaction, file, carried, moderation = (
        wire.read(each, by=ROOM) for each in recorded("room.xml")
    )
    assert said is not None
    assert reply is not None
    assert edit is not None
    assert reaction is not None
    assert file is not None
    assert carried is not None
    assert moderation is not None
    assert (said.author, said.text, said.ids) == (
        f"{ROOM}/安安",
        "转发：吃大蒜能防病毒，是真的吗？",
        ("ann-1",),
    )
    assert (said.archive_id, bool(said.occupant)) == ("HkvfvR-A8_kfIBRRzUrQvzet", True)
    assert (reply.text, reply.reply, reply.thread) == ("真的吗？", said.archive_id, "t-1")
    assert (edit.text, edit.replaces) == ("转发：吃大蒜能治感冒，是真的吗？", "ann-1")
    assert (reaction.reacts_to, reaction.emoji, reaction.text) == (said.archive_id, ("👍", "🤔"), "")
    assert (file.text, file.files) == ("", ("https://upload.example.org/a/%E6%88%AA%E5%9B%BE.png",))
    assert carried.trail == ("irc:#rumours",)
    assert (moderation.retracts, moderation.moderated, moderation.author) == (said.archive_id, True, ROOM)


def test_history_gives_the_same_messages_under_the_same_ids() -> None:
    live = [wire.read(each, by=ROOM) for each in recorded("room.xml")]
    results = [found for each in recorded("history.xml") if (found := wire.read_result(each))]
    old = {each.archive_id: each.message for each in results if each.message}
    for message in live[1:]:  # the first was moderated since, and only its tombstone is left
        assert message is not None
        again = old[message.archive_id]
        assert (again.author, again.occupant, again.text) == (message.author, message.occupant, message.text)
        assert again.sent_at is not None
        assert again.sent_at.tzinfo is UTC
    assert live[0] is not None
    assert live[0].archive_id not in old
    assert {(each.query, each.archive) for each in results} == {("q1", ROOM)}


def test_a_private_message_and_one_that_came_back_are_told_apart() -> None:
    said, came_back = recorded("private.xml")
    message = wire.read(said, by="ben@localhost")
    assert message is not None
    assert (message.text, message.kind, message.archive_id) == (
        "悄悄话 🤫",
        "chat",
        "f2m59Tdq1OjhkJhosTCu2618",
    )
    refusal = wire.read_refusal(came_back)
    assert refusal == wire.Refusal("nobody@localhost", "ann-10", "service-unavailable", wait=False)
    assert wire.read(came_back) is None
    assert wire.read_refusal(said) is None


@pytest.mark.parametrize(
    "written",
    [
        '<stanza-id xmlns="urn:xmpp:sid:0" by="elsewhere@rooms.localhost" id="x"/>',
        f'<stanza-id xmlns="urn:xmpp:sid:0" by="{ROOM}" id="x"/><stanza-id xmlns="urn:xmpp:sid:0" by="{ROOM}" id="y"/>',
        '<stanza-id xmlns="urn:xmpp:sid:0" id="x"/>',
    ],
    ids=["another's", "two of them", "nobody's"],
)
def test_an_archive_id_counts_only_by_the_archives_own_word(written: str) -> None:
    assert read(f"<body>hello</body>{written}").archive_id == ""


def test_two_real_addresses_in_one_message_are_none() -> None:
    item = '<x xmlns="http://jabber.org/protocol/muc#user"><item jid="{}"/></x>'
    assert read("<body>a</body>" + item.format("ann@localhost/r")).real == "ann@localhost"
    assert read("<body>a</body>" + item.format("victim@localhost") + item.format("ann@localhost")).real == ""


def test_only_the_room_itself_moderates() -> None:
    inner = '<retract xmlns="urn:xmpp:message-retract:1" id="s"><moderated xmlns="urn:xmpp:message-moderate:1"/></retract>'
    assert read(inner).moderated is False
    assert read(inner, **{"from": ROOM}).moderated is True
    assert read(inner).retracts == read(inner, **{"from": ROOM}).retracts == "s"


def test_headlines_errors_and_empty_stanzas_say_nothing() -> None:
    assert wire.read(stanza("<body>news</body>", type="headline")) is None
    assert wire.read(stanza("<body>no</body>", type="error")) is None
    assert wire.read(stanza("<subject>topic</subject>")) is None
    assert wire.read(stanza('<composing xmlns="http://jabber.org/protocol/chatstates"/>')) is None
    assert wire.read(Element("{jabber:client}iq")) is None


def test_a_body_that_only_stands_in_is_no_words() -> None:
    stand_in = '<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reactions:0"/>'
    reacted = '<reactions xmlns="urn:xmpp:reactions:0" id="s"><reaction>👍</reaction><reaction>word</reaction></reactions>'
    assert read(f"<body>👍</body>{stand_in}{reacted}").emoji == ("👍",)
    whole = (
        '<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="{}" end="{}"/></fallback>'
    )
    assert read("<body>&gt; old\n新的</body>" + whole.format(0, 6)).text == "新的"
    for start, end in (("-1", "3"), ("5", "2"), ("0", "99999"), ("x", "y"), ("９", "3")):
        assert read("<body>&gt; old\n新的</body>" + whole.format(start, end)).text == "> old\n新的"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("查一查：真的吗？", "真的吗？"),
        ("@查一查 真的吗", "真的吗"),
        ("查一查", ""),
        ("查一查呢", None),
        ("请查一查：", None),
    ],
)
def test_our_name_in_front_calls_us(text: str, asked: str | None) -> None:
    called = wire.called(text, "查一查")
    assert (text[called:] if called else None) == asked
    assert wire.mentions("真的吗？@查一查！", "查一查")
    assert not wire.mentions("查一查", "查一查")


def test_the_age_of_a_delivery_is_read_from_its_key() -> None:
    assert wire.began("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == datetime(
        2022, 2, 22, 19, 22, 22, 0, UTC
    )  # RFC 9562
    assert wire.began("5f0c9a1e-7b1d-4c57-9f1c-1d2e3f4a5b6c") is None
    assert wire.began("greeting") is None
    assert wire.stanza_id("a") == wire.stanza_id("a") != wire.stanza_id("b") != wire.stanza_id("b", 1)


NAMES = st.sampled_from(
    [
        "{jabber:client}body", "{jabber:client}thread", "{jabber:client}message", "{jabber:client}error",
        f"{wire.STANZA_ID}stanza-id", f"{wire.STANZA_ID}origin-id", f"{wire.OCCUPANT}occupant-id", f"{wire.DELAY}delay",
        f"{wire.CORRECT}replace", f"{wire.REACT}reactions", f"{wire.REACT}reaction", f"{wire.REPLY}reply",
        f"{wire.FALLBACK}fallback", f"{wire.FALLBACK}body", f"{wire.OOB}x", f"{wire.OOB}url", f"{wire.FASTEN}apply-to",
        f"{wire.MUC_USER}x", f"{wire.MUC_USER}item", f"{wire.TRAIL}trail", f"{wire.TRAIL}room", f"{wire.ARCHIVE}result",
        "{urn:xmpp:forward:0}forwarded", *wire.RETRACT, *wire.MODERATED, "nothing",
    ]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["", ROOM, f"{ROOM}/ann", "groupchat", "chat", "error", "urn:xmpp:reply:0", "0", "-5", "99", "wait"]
    ),
    st.sampled_from(
        ["2026-11-24T02:00:00Z", "0001-01-01T00:00:00+14:00", "http://[", "https://a.example/b", "²"]
    ),
    st.text(max_size=20),
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["id", "from", "to", "type", "by", "stamp", "start", "end", "for", "jid", "queryid", "code"]
    ),
    VALUES,
)


def element(name: str, attributes: dict[str, str], text: str | None, children: list[Element]) -> Element:
    made = Element(name, attributes)
    made.text = text
    made.extend(children)
    return made


ELEMENTS = st.recursive(
    st.builds(element, NAMES, ATTRIBUTES, st.none() | VALUES, st.just([])),
    lambda inner: st.builds(element, NAMES, ATTRIBUTES, st.none() | VALUES, st.lists(inner, max_size=5)),
    max_leaves=12,
)


@given(ATTRIBUTES, st.lists(ELEMENTS, max_size=6))
def test_whatever_comes_is_a_message_or_nothing(attributes: dict[str, str], inner: list[Element]) -> None:
    for tag in ("{jabber:client}message", "{jabber:client}presence"):
        whole = element(tag, {"from": f"{ROOM}/ann", **attributes}, None, inner)
        message = wire.read(whole, by=ROOM)
        assert message is None or all(wire.is_id(each) for each in message.ids)
        wire.read_result(whole)
        wire.read_refusal(whole)


@given(st.text(), st.text(), st.text())
def test_whatever_we_are_given_to_say_is_xml_and_reads_back(text: str, thread: str, room: str) -> None:
    target = compose.Target(ROOM, "groupchat", wire.stanza_id(text))
    made = compose.said(target, text, thread=thread, reply_to=thread, trail=(room,), replaces=thread)
    again = ElementTree.fromstring(ElementTree.tostring(made, encoding="unicode"))
    again.set("from", f"{ROOM}/bot")
    message = wire.read(again)
    said = compose.sayable(text).replace("\r\n", "\n").replace("\r", "\n")  # XML 1.0, section 2.11
    assert message is None or (message.text, message.ids) == (said, (target.id,))
    assert (message is None) == (not said.strip())

"""What WeChat pushes, as published and made up; what it is answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbranch.connectors.wechat import envelope, wire, words
from chatbranch.connectors.wechat.envelope import Forged, Keys
from chatbranch.connectors.wechat.wire import Malformed, Push, Query

PAYLOADS = Path(__file__).parent / "payloads"
PUBLISHED: dict[str, Any] = json.loads((PAYLOADS / "published.json").read_text())
PLAIN = Keys("wxba5fad812f8e6fb9", "AAAAA")
SEALED = Keys("wxba5fad812f8e6fb9", "AAAAA", envelope.aes_key("A" * 43))
NOW = datetime.fromtimestamp(1_714_112_445, UTC)
OPENID = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"


def published(name: str) -> Push:
    return wire.read_push(wire.read_xml((PAYLOADS / f"{name}.xml").read_bytes()))


def push(kind: str = "text", **fields: str) -> Push:
    given = {"FromUserName": OPENID, "ToUserName": "gh_1", "CreateTime": "1348831860", "MsgType": kind}
    return wire.read_push({**given, **fields})


def signed(keys: Keys, stamp: int, sealed: str = "", **more: str) -> Query:
    when = str(stamp)
    query = Query(envelope.signature(keys.token, when, "7"), when, "7", **more)
    if not sealed:
        return query
    return Query(
        query.signature,
        when,
        "7",
        encrypt_type="aes",
        msg_signature=envelope.signature(keys.token, when, "7", sealed),
    )


# --- messages and events --------------------------------------------------------------------------


def test_a_text_is_read_as_published() -> None:
    text = published("text")
    assert (text.kind, text.text, text.id) == ("says", "this is a test", "1234567890123456")
    inbound = wire.as_inbound(text)
    assert (inbound.channel, inbound.address, inbound.sender) == ("wechat", OPENID, OPENID)
    assert (inbound.message_id, inbound.direct) == ("1234567890123456", True)
    assert inbound.sent_at == datetime(2012, 9, 28, 11, 31, tzinfo=UTC)


def test_a_picture_a_link_and_a_recognised_voice_are_read() -> None:
    picture = published("image")
    assert (picture.has_picture, picture.media_id, picture.text) == (True, "media_id", "")
    assert wire.as_inbound(picture, b"\xff\xd8\xff").attachments[0].data == b"\xff\xd8\xff"
    assert published("link").text == "标题\n摘要\nhttps://mp.weixin.qq.com/s/abc"
    assert published("voice").text == "吃大蒜能防病毒"


def test_a_message_without_a_word_is_answered_in_chinese_and_others_in_their_language() -> None:
    assert [
        wire.as_inbound(push(Content=text)).lang for text in ("1280", "！！", "is it true", "真的吗")
    ] == [
        "zh-Hans",
        "zh-Hans",
        "",
        "",
    ]
    assert wire.as_inbound(published("image"), b"x").lang == "zh-Hans"


def test_following_clicking_and_leaving_are_read_and_other_events_are_nothing() -> None:
    assert published("subscribe").kind == "follows"
    assert (published("click").kind, published("click").text) == ("says", "帮助")
    assert published("scancode").kind == "nothing"
    leaves = push("event", Event="unsubscribe")
    assert (leaves.kind, wire.as_inbound(leaves).text) == ("leaves", "忘记我")


def test_an_event_is_known_by_its_sender_and_second_and_kind() -> None:
    first, again = published("subscribe"), published("subscribe")
    assert first.id == again.id == f"{OPENID}:123456789:subscribe"
    assert push("event", Event="unsubscribe", CreateTime="123456789").id != first.id


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("voice", {"MediaId": "m"}, words.NO_VOICE),
        ("voice", {"MediaId": "m", "Recognition": " "}, words.NO_VOICE),
        ("video", {"MediaId": "m"}, words.NO_VIDEO),
        ("shortvideo", {"MediaId": "m"}, words.NO_VIDEO),
        ("location", {}, words.NOT_THIS),
        ("something new", {}, words.NOT_THIS),
        ("text", {"Content": "【收到不支持的消息类型，暂无法显示】"}, words.NOT_THIS),
    ],
    ids=["voice", "voice unheard", "video", "short video", "place", "new", "sticker"],
)
def test_what_cannot_be_read_is_answered_courteously(kind: str, fields: dict[str, str], why: object) -> None:
    said = push(kind, **fields)
    assert (said.kind, said.why) == ("unreadable", why)


@pytest.mark.parametrize("text", ["1", " 1 ", "１"])
def test_a_one_asks_for_what_waits(text: str) -> None:
    assert push(Content=text).kind == "fetches"
    assert push(Content="1280").kind == "says"


@pytest.mark.parametrize(
    "fields",
    [{"FromUserName": ""}, {"ToUserName": ""}, {"FromUserName": "a b"}, {"FromUserName": "字"}],
    ids=["nobody", "no account", "space", "no openid"],
)
def test_a_push_from_nobody_is_malformed(fields: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        push(**fields)


# --- signatures, time, modes ----------------------------------------------------------------------


def test_a_request_is_believed_for_five_minutes() -> None:
    now = int(NOW.timestamp())
    for stamp in (now, now - 299, now + 299):
        wire.check_query(signed(PLAIN, stamp), PLAIN, NOW)
    for stamp in (now - 301, now + 301):
        with pytest.raises(Forged, match="five minutes"):
            wire.check_query(signed(PLAIN, stamp), PLAIN, NOW)


def test_an_unsigned_request_is_refused() -> None:
    for query in (Query(), Query(timestamp=str(int(NOW.timestamp())), nonce="7")):
        with pytest.raises(Forged):
            wire.check_query(query, PLAIN, NOW)


def test_in_the_clear_a_body_is_read_as_it_is() -> None:
    fields = wire.open_body((PAYLOADS / "text.xml").read_bytes(), signed(PLAIN, 1), PLAIN)
    assert fields["Content"] == "this is a test"


def test_a_sealed_body_is_opened_and_what_stands_beside_it_in_the_clear_does_not_count() -> None:
    sealed = envelope.seal((PAYLOADS / "text.xml").read_bytes(), SEALED, b"0" * 16)
    body = f"<xml><Content>forged</Content><MsgType>text</MsgType><Encrypt>{sealed}</Encrypt></xml>".encode()
    fields = wire.open_body(body, signed(SEALED, 1, sealed), SEALED)
    assert fields["Content"] == "this is a test"


def test_with_a_key_a_body_in_the_clear_is_refused_and_without_one_a_sealed_body() -> None:
    plain = (PAYLOADS / "text.xml").read_bytes()
    with pytest.raises(Forged):
        wire.open_body(plain, signed(SEALED, 1), SEALED)
    sealed = envelope.seal(plain, SEALED, b"0" * 16)
    with pytest.raises(Forged, match="aes_key"):
        wire.open_body(f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode(), signed(PLAIN, 1, sealed), PLAIN)


def test_a_sealed_body_under_another_signature_is_refused() -> None:
    sealed = envelope.seal(b"<xml/>", SEALED, b"0" * 16)
    with pytest.raises(Forged):
        wire.open_body(f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode(), signed(SEALED, 1, "other"), SEALED)


@given(
    st.binary(max_size=400)
    | st.dictionaries(st.text(max_size=9), st.text()).map(lambda d: urlencode(d).encode())
)
def test_any_query_string_is_read_and_none_is_believed(query: bytes) -> None:
    with pytest.raises(Forged):
        wire.check_query(wire.read_query(query), PLAIN, NOW)


# --- XML ------------------------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><xml><Content>&c;</Content></xml>"""
OUTSIDE = b"""<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>"""


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        OUTSIDE,
        b'<!DOCTYPE xml SYSTEM "http://evil.example/x.dtd"><xml/>',
        b"<xml><Content>&undefined;</Content></xml>",
        b"<xml>" + b"<a>" * 50 + b"</a>" * 50 + b"</xml>",
        b"<xml>" + b"".join(b"<a%d/>" % n for n in range(500)) + b"</xml>",
        b"<xml><a></xml>",
        b"\xff\xfe",
        b"",
        b"{}",
        BOMB.decode().replace("?>", " encoding='utf-16'?>").encode("utf-16"),
    ],
    ids=["bomb", "file", "dtd", "entity", "deep", "many", "broken", "bytes", "empty", "json", "utf-16"],
)
def test_bombs_and_broken_xml_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        wire.read_xml(data)


def test_only_what_lies_directly_under_the_root_is_read_and_the_first_of_two() -> None:
    assert wire.read_xml(b"<xml><a>1<b>2</b></a><a>3</a><c><![CDATA[<d>]]>4</c></xml>") == {
        "a": "",
        "c": "<d>4",
    }


@given(st.binary())
@example(b"<xml>" + b"\x00" + b"</xml>")
@example(b"<xml><FromUserName>a</FromUserName><ToUserName>b</ToUserName></xml>")
def test_any_bytes_are_a_push_or_a_clear_refusal(data: bytes) -> None:
    try:
        fields = wire.read_xml(data)
    except Malformed:
        return
    attempt(fields)


NAMES = "FromUserName ToUserName CreateTime MsgType MsgId Content PicUrl MediaId Recognition Title Url Event EventKey"


@given(st.fixed_dictionaries({}, optional={name: st.text(st.characters()) for name in NAMES.split()}))
@example(
    {"FromUserName": "a", "ToUserName": "b", "MsgType": "text", "CreateTime": "9" * 11, "Content": "\ud800"}
)
def test_any_fields_are_a_push_that_can_be_answered_or_a_clear_refusal(fields: dict[str, str]) -> None:
    attempt(fields)
    attempt({**fields, "FromUserName": "a", "ToUserName": "b", "MsgType": "text"})
    attempt({**fields, "FromUserName": "a", "ToUserName": "b", "MsgType": "event"})


def attempt(fields: dict[str, str]) -> None:
    try:
        read = wire.read_push(fields)
    except Malformed:
        return
    inbound = wire.as_inbound(read)
    assert inbound.address == inbound.sender != ""
    assert 0 < len(inbound.message_id) <= 140
    assert wire.read_xml(wire.passive_reply("好", read, NOW))["Content"] == "好"
    wire.picture_address(read.picture_url, "https://api.weixin.qq.com")


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "fetched"),
    [
        ("http://mmbiz.qpic.cn/mmbiz_jpg/abc/0", "https://mmbiz.qpic.cn/mmbiz_jpg/abc/0"),
        ("https://mmbiz.qpic.cn/x?a=b", "https://mmbiz.qpic.cn/x?a=b"),
        ("https://api.weixin.qq.com/x", "https://api.weixin.qq.com/x"),
        ("http://169.254.169.254/latest/meta-data", ""),
        ("http://localhost/x", ""),
        ("https://mmbiz.qpic.cn.evil.example/x", ""),
        ("https://evilqpic.cn/x", ""),
        ("https://mmbiz.qpic.cn@evil.example/x", ""),
        ("https://evil@mmbiz.qpic.cn/x", ""),
        ("https://mmbiz.qpic.cn:8080/x", ""),
        ("file:///etc/passwd", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_pictures_are_fetched_from_wechat_alone(url: str, fetched: str) -> None:
    assert wire.picture_address(url, "https://api.weixin.qq.com") == fetched


# --- replies --------------------------------------------------------------------------------------


@given(st.text(st.characters()))
@example("]]>")
@example("]]]]>>]]>")
@example("<a href='weixin://bizmsgmenu?msgmenucontent=x'>点</a>")
@example("\x00\x1f\ud800\ufffe")
def test_no_text_can_leave_its_place_in_a_reply(text: str) -> None:
    reply = wire.passive_reply(text, published("text"), NOW)
    read = {each.tag: each.text or "" for each in ElementTree.fromstring(reply)}
    assert read["ToUserName"] == OPENID
    assert read["FromUserName"] == "gh_97417a04a28d"
    assert read["MsgType"] == "text"
    assert read["Content"] == wire.shown(text).replace("\r\n", "\n").replace("\r", "\n")
    assert "<a" not in read["Content"].lower()


def test_a_sealed_reply_is_signed_and_opens_for_whoever_has_the_key() -> None:
    reply = wire.passive_reply("结论：不实。", published("text"), NOW)
    sealed = wire.read_xml(wire.sealed_reply(reply, SEALED, "415670741", NOW, b"7" * 16))
    envelope.check(
        sealed["MsgSignature"], SEALED.token, sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"]
    )
    assert envelope.unseal(sealed["Encrypt"], SEALED) == reply


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3000) | st.text("字😀a。\n ", max_size=9000)
)
def test_a_long_text_is_parted_within_both_limits_and_nothing_is_lost(text: str) -> None:
    pieces = wire.parts(text)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= 600 and len(piece.encode()) <= 2048 for piece in pieces)


def test_a_long_text_is_parted_where_a_sentence_or_a_line_ends() -> None:
    line = "这是一句完整的话。"
    assert all(piece.endswith("。") for piece in wire.parts(line * 300))
    assert all(piece.endswith("\n") for piece in wire.parts((line * 20 + "\n") * 20))
    assert len(wire.parts("字" * 6000)) == 10

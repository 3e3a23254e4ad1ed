"""What is held against every wire.py: any bytes whatever give a value, or a clear refusal, and nothing else.

A target takes the bytes a platform might send. It raises only where something is broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes
from xml.etree.ElementTree import Element, ParseError, XMLParser, tostring

from chatbranch.connectors.irc import wire as irc_wire
from chatbranch.connectors.mail import wire as mail_wire
from chatbranch.connectors.matrix import wire as matrix_wire
from chatbranch.connectors.telegram import wire as telegram_wire
from chatbranch.connectors.telegram.words import Me
from chatbranch.connectors.web import wire as web_wire
from chatbranch.connectors.wechat import envelope
from chatbranch.connectors.wechat import wire as wechat_wire
from chatbranch.connectors.xmpp import wire as xmpp_wire
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound

CONNECTORS = Path(__file__).resolve().parents[2] / "src/chatbranch/connectors"
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
ROOM = "rumours@rooms.localhost"
KEYS = envelope.Keys("wxba5fad812f8e6fb9", "AAAAA", envelope.aes_key("A" * 43))
_ME = Me(110201543, "check_test_bot", "查一查")


def irc(data: bytes) -> None:
    support = irc_wire.Support()
    for raw in irc_wire.Splitter().feed(data):
        line = irc_wire.read_line(raw)
        if line is None:
            continue
        support = support.with_tokens(line.params)
        if message := irc_wire.read_message(line):
            assert message.text.strip()
            support.is_channel(message.target)


def mail(data: bytes) -> None:
    letter = mail_wire.read(data, AT, mail_wire.Me(frozenset({"check@branch.example"})))
    if letter is not None:
        _sound(mail_wire.as_inbound(letter))


def matrix(data: bytes) -> None:
    answer = _json(data)
    news = matrix_wire.read_news(answer)
    matrix_wire.read_members(answer)
    events = [event for room in news.rooms.values() for event in room.events] if news else [answer]
    for event in events:
        message = matrix_wire.read_event(event, "@bot:localhost", "查一查")
        deed = matrix_wire.read_deed(event, "@bot:localhost", "查一查")
        assert message is None or deed is None
        if message is not None:
            _sound(matrix_wire.as_inbound(message, "!r", direct=False, mentioned=True))


def telegram(data: bytes) -> None:
    answer = _json(data)
    updates = answer if isinstance(answer, list) else [answer]
    for update in updates:
        found = telegram_wire.read_update(update, _ME)
        telegram_wire.read_me(update)
        if isinstance(found, telegram_wire.Message):
            _sound(telegram_wire.as_inbound(telegram_wire.asks_about(found), "-1"))
        if isinstance(found, telegram_wire.Message | telegram_wire.Reaction):
            telegram_wire.as_changes(found, "-1")


def web(data: bytes) -> None:
    for kind in (web_wire.JSON, web_wire.FORM):
        with suppress(Refused):
            post = web_wire.read_post({"content-type": kind}, data)
            _sound(web_wire.as_inbound(post, "r" * 32, "en", AT))
    text = data.decode("latin-1")
    headers = {"cookie": text, "origin": text, "host": text, "accept-language": text}
    web_wire.reader_in(headers)
    web_wire.lang_of(headers)
    web_wire.is_from_our_page(headers)


def wechat(data: bytes) -> None:
    """As a push in the clear, as a sealed one signed by WeChat itself, and as a query."""
    with suppress(envelope.Forged):
        wechat_wire.check_query(wechat_wire.read_query(data), KEYS, AT)
    with suppress(envelope.Forged, wechat_wire.Malformed):
        query = wechat_wire.read_query(b"msg_signature=" + quote_from_bytes(data[:64]).encode())
        wechat_wire.open_body(data, query, KEYS)
    with suppress(wechat_wire.Malformed):
        push = wechat_wire.read_push(wechat_wire.read_xml(data))
        _sound(wechat_wire.as_inbound(push))
        assert wechat_wire.read_xml(wechat_wire.passive_reply("好", push, AT))["Content"] == "好"


def xmpp(data: bytes) -> None:
    for element in _elements(data):
        message = xmpp_wire.read(element, by=ROOM)
        assert message is None or all(xmpp_wire.is_id(each) for each in message.ids)
        xmpp_wire.read_result(element)
        xmpp_wire.read_refusal(element)


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (irc, mail, matrix, telegram, web, wechat, xmpp)
}


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """What the platform really sent, whole and piece by piece."""
    return tuple(_recorded(name))


def _recorded(name: str) -> Iterator[bytes]:
    for file in sorted((CONNECTORS / name / "tests/payloads").iterdir()):
        data = file.read_bytes()
        yield data
        if name == "irc":
            yield from data.splitlines(keepends=True)
        elif name == "xmpp":
            yield from (tostring(each) for each in _elements(data))
        elif file.suffix == ".json":
            yield from _pieces(json.loads(data))


def _pieces(value: Any) -> Iterator[bytes]:
    """Every object within a recorded one that could have come by itself."""
    if isinstance(value, dict):
        yield json.dumps(value, ensure_ascii=False).encode()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pieces(inner)


def _sound(inbound: Inbound) -> None:
    assert inbound.message_id
    assert inbound.sent_at.tzinfo is not None
    inbound.text.encode()  # no half characters


def _json(data: bytes) -> Any:
    """As a client library reads an answer, before any of ours."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _elements(data: bytes) -> list[Element]:
    """The stanzas of a stream, as the parser hands them on; what is no XML never gets past it."""
    parser = XMLParser()
    try:
        parser.feed(data)
        root = parser.close()
    except (ParseError, ValueError, LookupError):
        return []
    return [root, *root]

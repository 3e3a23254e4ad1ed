"""The address WeChat pushes to: whatever is brought there, signed or not, gets one clear response."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatbranch.connectors.contract import Said
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.wechat import envelope, wire
from chatbranch.connectors.wechat.transport import WeChat
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Inbound

TOKEN, KEY, APPID = "BranchToken2026", "A" * 43, "wx0123456789abcdef"
SENDER = "<FromUserName>o1</FromUserName><ToUserName>gh_1</ToUserName><CreateTime>1</CreateTime>"


class Mailbox:
    def __init__(self) -> None:
        self.taken: list[Inbound] = []

    async def receive(self, inbound: Inbound) -> None:
        self.taken.append(inbound)

    async def waiting(self, address: str, after: str = "") -> AsyncGenerator[Said, None]:
        await asyncio.Event().wait()
        yield Said("", "", clock.now())


def account(**more: str) -> WeChat:
    given = {"appid": APPID, "token": TOKEN, "secret": "s" * 32, **more}
    connector = build(setups()["wechat"], given)
    assert isinstance(connector, WeChat)
    return connector


def signed(sealed: str = "", **changes: str) -> dict[str, str]:
    stamp, nonce = str(int(clock.now().timestamp())), "7"
    query = {"timestamp": stamp, "nonce": nonce, "signature": envelope.signature(TOKEN, stamp, nonce)}
    if sealed:
        query["msg_signature"] = envelope.signature(TOKEN, stamp, nonce, sealed)
    return {**query, **changes}


def response(connector: WeChat, mailbox: Mailbox, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """The status and body of one POST."""
    parts: Iterator[dict[str, Any]] = iter([{"type": "http.request", "body": body, "more_body": False}])
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if (part := next(parts, None)) is not None:
            return part
        await asyncio.Event().wait()
        raise AssertionError

    async def send(part: Any) -> None:
        said.append(part)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "headers": [(b"content-length", str(len(body)).encode())],
        "query_string": urlencode(query).encode(),
    }
    asyncio.run(connector.asgi(mailbox, scope, receive, send))
    return said[0]["status"], said[1]["body"]


@given(
    st.binary(max_size=500) | st.text(max_size=200).map(lambda text: f"<xml>{SENDER}{text}</xml>".encode())
)
@example(f"<xml>{SENDER}<MsgType>text</MsgType><Content>真的吗</Content></xml>".encode())
@example(f"<xml>{SENDER}<MsgType>event</MsgType><Event>subscribe</Event></xml>".encode())
def test_any_signed_body_is_taken_answered_or_refused(body: bytes) -> None:
    mailbox = Mailbox()
    status, said = response(account(), mailbox, signed(), body)
    assert status in (200, 400, 403)
    assert status == 200 or (said, mailbox.taken) == (b"", [])


@settings(deadline=None)  # each example has an event loop of its own
@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_any_sealed_body_is_taken_answered_or_refused(message: bytes, chance: bytes) -> None:
    keys = envelope.Keys(APPID, TOKEN, envelope.aes_key(KEY))
    sealed = envelope.seal(message, keys, chance)
    body = f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode()
    assert response(account(aes_key=KEY), Mailbox(), signed(sealed), body)[0] in (200, 400, 403)


@settings(deadline=None)  # each example has an event loop of its own
@given(st.dictionaries(st.sampled_from([*wire.Query.__dataclass_fields__, "other"]), st.text()), st.binary())
def test_nothing_unsigned_gets_in(query: dict[str, str], body: bytes) -> None:
    mailbox = Mailbox()
    assert response(account(), mailbox, query, body) == (403, b"")
    assert mailbox.taken == []


def test_a_stranger_s_refused_requests_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    connector = account()
    for _ in range(50):
        response(connector, Mailbox(), {}, b"")
    assert len(caplog.records) == 1


def test_somebody_who_chose_json_at_wechat_s_is_told_to_choose_xml(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert response(account(), Mailbox(), signed(), b'{"MsgType": "text"}')[0] == 400
    assert "XML" in caplog.text

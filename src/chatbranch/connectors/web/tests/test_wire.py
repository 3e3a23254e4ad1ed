"""What browsers send, recorded and made up; what they are sent back."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbranch.connectors.contract import Said
from chatbranch.connectors.web import wire
from chatbranch.kernel.errors import Refused

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "payloads" / "message.json").read_text())
HEADERS: dict[str, str] = RECORDED["headers"]
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def test_a_browser_s_message_is_read_with_its_reader_and_language() -> None:
    post = wire.read_post(HEADERS, json.dumps(RECORDED["body"]).encode())
    inbound = wire.as_inbound(post, wire.reader_in(HEADERS), wire.lang_of(HEADERS), NOW)
    assert inbound.text == RECORDED["body"]["text"]
    assert inbound.address == "QzQmJ0vN3xwF6mYd1H8kTz5uLr2PqXa9SbEcGiKjMnO"
    assert inbound.message_id.endswith(RECORDED["body"]["id"])
    assert (inbound.channel, inbound.lang, inbound.direct) == ("web", "zh-Hans", True)


def test_a_form_without_scripts_is_read_too() -> None:
    form = {**HEADERS, "content-type": "application/x-www-form-urlencoded"}
    post = wire.read_post(form, b"text=%E5%A4%A7%E8%92%9C&id=")
    assert post.text == "大蒜"
    uuid.UUID(post.id)


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://branch.example"}, True),
        ({"origin": "http://branch.example.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[broken"}, False),
        ({"cookie": "reader=x"}, False),  # an old browser that says nothing: it might be anyone's doing
        ({}, True),  # no browser, and nobody to act for
    ],
)
def test_only_our_own_page_may_speak_for_a_reader(headers: dict[str, str], ours: bool) -> None:
    assert wire.is_from_our_page({"host": "branch.example", **headers}) is ours


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "", "application/xml"])
def test_only_json_and_plain_forms_are_read(kind: str) -> None:
    with pytest.raises(Refused, match="media-type"):
        wire.read_post({**HEADERS, "content-type": kind}, b'{"text": "x"}')


@given(st.binary(), st.sampled_from([wire.JSON, wire.FORM]))
def test_any_body_is_a_message_or_a_clear_refusal(body: bytes, kind: str) -> None:
    post = attempt({"content-type": kind}, body)
    if isinstance(post, Refused):
        assert json.loads(wire.refusal(post, "en"))["error"]["message"]
    else:
        assert isinstance(post.text, str)
        assert 0 < len(post.id) <= 64


def attempt(headers: dict[str, str], body: bytes) -> wire.Post | Refused:
    try:
        return wire.read_post(headers, body)
    except Refused as refused:
        return refused


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries({}, optional={"text": JSON, "id": JSON}))
def test_any_json_is_a_message_or_a_clear_refusal(value: Any) -> None:
    post = attempt({"content-type": wire.JSON}, json.dumps(value).encode())
    assert post.status == 400 if isinstance(post, Refused) else post.text == value["text"]


def test_json_nested_without_end_is_refused() -> None:
    with pytest.raises(Refused, match="malformed"):
        wire.read_post({"content-type": wire.JSON}, b"[" * 500_000)


@given(
    st.dictionaries(
        st.sampled_from(["cookie", "accept-language", "origin", "sec-fetch-site", "host"]), st.text()
    )
)
def test_any_headers_give_a_reader_or_none_and_a_language(headers: dict[str, str]) -> None:
    assert wire.reader_in(headers) == "" or len(wire.reader_in(headers)) >= 20
    assert wire.lang_of(headers) in ("zh-Hans", "zh-Hant", "en")
    assert isinstance(wire.is_from_our_page(headers), bool)


@given(st.text(st.characters()), st.text())
def test_no_text_can_end_its_event_early_or_start_another(text: str, cursor: str) -> None:
    frame = wire.frame(Said(cursor, text, NOW)).decode()
    first, second, third, blank, end = frame.split("\n")
    assert first.startswith("id: ")
    assert second == "event: message"
    assert json.loads(third.removeprefix("data: "))["text"] == text
    assert (blank, end) == ("", "")
    assert frame.isascii()


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() -> None:
    reader = wire.new_reader()
    cookie = wire.cookie_for(reader, secure=True)
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=7776000"} <= set(cookie.split("; "))
    assert wire.reader_in({"cookie": cookie.partition(";")[0]}) == reader
    assert wire.reader_in({"cookie": "reader=short"}) == ""


def test_embedded_the_cookie_is_kept_for_that_one_site_alone() -> None:
    cookie = wire.cookie_for(wire.new_reader(), secure=False, embedded=True)
    assert {"HttpOnly", "SameSite=None", "Secure", "Partitioned"} <= set(cookie.split("; "))


def test_a_page_that_keeps_its_token_itself_says_so_in_a_header() -> None:
    mine, theirs = wire.new_reader(), wire.new_reader()
    assert wire.reader_in({wire.HEADER: mine}) == mine
    assert wire.reader_in({wire.HEADER: mine, "cookie": f"reader={theirs}"}) == mine
    assert wire.reader_in({wire.HEADER: "short"}) == ""


def test_the_language_a_page_asks_for_counts_before_the_cookie() -> None:
    chosen = {"cookie": "lang=en", "accept-language": "zh-CN"}
    assert wire.lang_of(chosen, "zh-Hant") == "zh-Hant"
    assert wire.lang_of(chosen, "tlh") == "zh-Hans"


def test_sites_are_listed_as_a_policy_has_them() -> None:
    assert wire.sites_of(
        " https://www.Outlet.example/, https://*.paper.example:8443\nhttp://localhost:8000 "
    ) == (
        "https://www.outlet.example",
        "https://*.paper.example:8443",
        "http://localhost:8000",
    )
    assert wire.sites_of("") == ()


@pytest.mark.parametrize(
    "written",
    [
        "*",
        "https://*",
        "outlet.example",
        "http://outlet.example",
        "https://a.example;script-src",
        "https://a.example/page",
        "'self'",
    ],
)
def test_what_is_no_site_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no site"):
        wire.sites_of(written)


@given(st.text())
def test_no_setting_can_write_into_the_policy(written: str) -> None:
    try:
        sites = wire.sites_of(written)
    except ValueError:
        return
    assert all(each.isascii() and not set(each) & set("; ,'\"\r\n") for each in sites)

"""The chat box's script, and what lets the chat stand within another site. How it works there: tests/browser."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.test import Client
from pytest_django import Settings

from chatbranch.site import widget

pytestmark = pytest.mark.django_db


def test_the_script_is_small_whole_and_says_everything_in_three_languages() -> None:
    said = widget.script().decode()
    assert len(widget.script()) < 6000
    assert "WORDS" not in said
    assert "STYLE" not in said
    for words in ("问一问", "問一問", "New window"):
        assert words in said


def test_it_names_no_address_and_writes_nothing_inline() -> None:
    said = widget.script().decode()
    assert not re.search(r"https?://|\.style\b|innerHTML|insertAdjacentHTML|cookie|localStorage", said)


def test_any_site_may_load_it_and_a_browser_keeps_it(client: Client) -> None:
    plain = client.get("/widget.js")
    assert plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert plain.headers["Cache-Control"] == "public, max-age=3600"
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert plain.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert client.get("/widget.js", headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304
    assert not plain.cookies


def test_only_the_right_version_is_kept_for_a_year(client: Client) -> None:
    assert "immutable" in client.get(f"/widget.js?v={widget.version()}").headers["Cache-Control"]
    assert "immutable" not in client.get("/widget.js?v=0123456789ab").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("setting", "ancestors"),
    [
        ("", "'none'"),
        ("https://a.example, https://*.b.example", "https://a.example https://*.b.example"),
        ("https://a.example;script-src", "'none'"),
    ],
    ids=["none", "two", "unreadable"],
)
def test_the_chat_stands_within_the_listed_sites_only(
    client: Client, settings: Settings, setting: str, ancestors: str
) -> None:
    settings.CONFIG = replace(settings.CONFIG, connectors={"web": {"sites": setting}})
    policy = client.get("/chat/?embed=1").headers["Content-Security-Policy"]
    assert f"frame-ancestors {ancestors};" in f"{policy};"
    assert "default-src 'none'" in policy
    plain = client.get("/chat/")
    assert "frame-ancestors 'none'" in plain.headers["Content-Security-Policy"]
    assert plain.headers["X-Frame-Options"] == "DENY"

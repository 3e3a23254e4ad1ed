"""The pure parts: addresses, parsers, likeness. What others publish may be anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbranch.branch.proving import bluesky, dns, likeness, places, post, relme, rules, wellknown
from chatbranch.branch.proving.html import Page
from chatbranch.kernel.errors import Refused

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ANY = st.text(max_size=200)
MARKUP = st.lists(
    st.sampled_from(["<", ">", "a", " rel=", '"me"', " href=", "'", "https://x.example", "<!--", "-->", "&#0;", "</", "\0", "script", "="]),
    max_size=40,
).map("".join)  # fmt: skip


@given(
    st.one_of(
        ANY,
        ANY.map("https://{}".format),
        st.from_regex(r"https?://[a-z0-9.@:%/\[\]?#-]{0,60}", fullmatch=True),
    )
)
@example("https://[::1]/x")
@example("https://news.example:99999/")
@example("https://xn--a.example/")
@example("https://news.example/%2e%2e/x")
def test_any_text_is_an_address_or_is_refused_and_an_address_reads_the_same_again(text: str) -> None:
    try:
        place = places.read(text)
    except Refused:
        return
    assert places.read(place.address) == place
    assert places.same(text, place.address)


@pytest.mark.parametrize(
    ("typed", "name", "site"),
    [
        ("news.example", "news.example", True),
        ("https://WWW.News.example/", "news.example", True),
        ("https://weibo.com/u/1234567", "@1234567 · weibo.com", False),
        ("https://social.example/@river", "@river · social.example", False),
        ("https://xn--fsqu00a.example", "例子.example", True),
        ("https://mp.weixin.qq.com/mp/profile_ext?__biz=Mz", "@profile_ext · mp.weixin.qq.com", False),
    ],
)
def test_an_account_is_known_by_its_host_or_its_handle(typed: str, name: str, site: bool) -> None:
    place = places.read(typed)
    assert (place.name, place.is_site) == (name, site)


@pytest.mark.parametrize(
    "typed", ["", "wen", "ftp://x.example", "https://u:p@x.example", "https://x.example/a b", "javascript:alert(1)",
              "https://x.example/@river/../@other", "https://x.example/@river/..%2f@other", "https://localhost/"],
)  # fmt: skip
def test_what_is_no_plain_address_of_the_web_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="account-address"):
        places.read(typed)


@given(ANY | MARKUP)
def test_any_page_is_read_without_an_error(html: str) -> None:
    page = Page(html)
    assert isinstance(page.words, str)
    assert relme.points_at(relme.links(html, "https://x.example/"), "https://never.example/") is False


@given(ANY)
def test_any_answer_of_an_api_is_a_profile_or_none(text: str) -> None:
    found = bluesky.read_profile(text)
    assert found is None or isinstance(found.description, str)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | ANY,
        lambda inner: (
            st.lists(inner) | st.dictionaries(ANY | st.sampled_from(["did", "handle", "description"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_profile_or_none(value: object) -> None:
    import json

    found = bluesky.read_profile(json.dumps(value))
    assert found is None or isinstance(found.did, str)


@given(st.lists(ANY), ANY)
def test_no_text_but_the_code_itself_counts(texts: list[str], text: str) -> None:
    token = rules.new_token()
    assert not dns.holds(texts, token)
    assert not wellknown.holds(text, token)
    assert not post.holds(text, token)
    assert dns.holds([*texts, dns.record(token)], token)
    assert wellknown.holds(f"{text}\n{token}\n{text}", token)
    assert post.holds(f"{text} {token}。{text}", token)
    assert not bluesky.did_in_file(text)


@pytest.mark.parametrize(
    ("account", "address", "belongs"),
    [
        ("https://social.example/@river", "https://social.example/@river/1", True),
        ("https://social.example/@river", "https://www.social.example/@River/1?x=2", True),
        ("https://social.example/@river", "https://social.example/@rivers/1", False),
        ("https://social.example/@river", "https://evil.example/@river/1", False),
        ("https://social.example/@river", "https://social.example/@evil/@river", False),
        ("https://t.me/river", "https://t.me/river/12", True),
        ("https://weibo.com/u/1234567", "https://weibo.com/1234567/OxAb", True),
        ("https://weibo.com/u/1234567", "https://weibo.com/7654321/OxAb?u=1234567", False),
        ("https://bsky.app/profile/river.example", "https://bsky.app/profile/river.example/post/3k", True),
        ("https://forum.example/member?id=5", "https://forum.example/member/x?id=5", False),
        ("https://river.example", "https://river.example/any", False),
    ],
)
def test_a_post_belongs_to_the_account_whose_address_it_continues(
    account: str, address: str, belongs: bool
) -> None:
    assert post.belongs(address, places.read(account)) is belongs


# --- what looks alike ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("river", "r\u0456ver"),
        ("coast", "c0ast"),
        ("light", "1ight"),
        ("PayPaI", "paypal"),
        ("morning", "rnorning"),
        ("river", "ri\u200bver"),
        ("土豆报", "士豆报"),
        ("NEWS", "news"),
        ("ｒｉｖｅｒ", "river"),
    ],
)
def test_names_that_readers_would_confuse_look_alike(name: str, other: str) -> None:
    assert likeness.alike(name, other)
    assert likeness.alike(other, name)


@pytest.mark.parametrize(
    ("name", "other"), [("river", "rivers"), ("coast", "cost"), ("云岚", "云兰"), ("早知道", "晚知道")]
)
def test_names_that_differ_do_not(name: str, other: str) -> None:
    assert not likeness.alike(name, other)


@given(
    st.text(alphabet="abcdefgho0l1iImrn云岚", max_size=8),
    st.text(alphabet="abcdefgho0l1iImrn云岚", max_size=8),
)
def test_likeness_is_mutual_and_everything_is_like_itself(name: str, other: str) -> None:
    assert likeness.alike(name, name)
    assert likeness.alike(name, other) == likeness.alike(other, name)


@pytest.mark.parametrize(
    ("name", "is_mixed"),
    [
        ("r\u0456ver", True),
        ("новости", False),
        ("云岚News", False),
        ("ニュース云岚", False),
        ("ελ云", True),
        ("rıver2026_-", False),
    ],
)
def test_scripts_that_are_not_written_together_are_mixed(name: str, is_mixed: bool) -> None:
    assert likeness.mixed(name) is is_mixed


@pytest.mark.parametrize(
    ("address", "other", "resembles"),
    [
        ("https://weibo.com/river", "https://social.example/@r1ver", True),
        ("https://weib0.com/river", "https://weibo.com/river", True),
        ("https://weibo.com/news", "https://social.example/@news", False),
        ("https://weibo.com/River", "https://weibo.com/river", False),
        ("https://r1ver.example", "https://river.example", True),
        ("https://xn--rver-g1a.example", "https://river.example", False),
    ],
)
def test_accounts_resemble_each_other_by_handle_or_host(address: str, other: str, resembles: bool) -> None:
    assert likeness.resembles(places.read(address), places.read(other)) is resembles


# --- times -----------------------------------------------------------------------------------------


def test_a_code_for_a_post_is_good_for_a_day_at_most() -> None:
    for method in ("post", "bluesky", "shown"):
        assert rules.lasts(rules.method(method)) <= timedelta(hours=24)


def test_what_was_seen_is_looked_at_again_after_ninety_days_and_in_doubt_daily() -> None:
    assert rules.next_look(True, None, NOW) == NOW + timedelta(days=90)
    assert rules.next_look(False, NOW, NOW) == NOW + timedelta(days=1)
    assert rules.next_look(False, NOW - timedelta(days=8), NOW) == NOW + timedelta(days=7)


def test_a_site_that_cannot_be_read_has_three_days_and_one_without_the_code_none() -> None:
    assert not rules.is_over("unread", NOW, NOW + timedelta(days=2))
    assert rules.is_over("unread", NOW, NOW + timedelta(days=3))
    assert rules.is_over("no-record", NOW, NOW)


def test_eyes_of_two_other_owners_are_needed() -> None:
    assert not rules.seen_by_enough({"a"}, "own")
    assert not rules.seen_by_enough({"a", "own"}, "own")
    assert rules.seen_by_enough({"a", "b"}, "own")


def test_every_way_and_every_reason_has_words() -> None:
    for address in (
        "river.example",
        "https://social.example/@river",
        "https://bsky.app/profile/river.example",
    ):
        assert set(rules.methods_for(places.read(address))) <= set(rules.METHODS)
    assert set(rules.WHY) >= rules.DOUBTFUL

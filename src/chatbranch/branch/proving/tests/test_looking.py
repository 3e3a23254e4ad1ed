"""Each way of proving, against a real web server and a real DNS server."""

from __future__ import annotations

from typing import Any

import pytest

from chatbranch.branch.proving import places
from chatbranch.branch.proving.checking import Sought, look
from chatbranch.branch.proving.rules import Method
from chatbranch.branch.proving.tests.outside import World, profile
from chatbranch.outside.names import Resolvers, Unresolved

TOKEN = "cb-aaaaa-bbbbb-ccccc-ddddd"
DID = "did:plc:" + "a2" * 12
OURS = "https://branch.example/accounts/1/"


def sought(address: str, method: Method, **more: Any) -> Sought:
    return Sought(places.read(address), method, TOKEN, ours=OURS, **more)


# --- DNS -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["https://river.example", "https://www.river.example/", "river.example"])
def test_a_record_beside_the_domain_proves_its_site(outside: World, address: str) -> None:
    outside.records["_chatbranch.river.example"] = ["v=spf1 -all", f"chatbranch={TOKEN}"]
    found = look(sought(address, "dns"), outside.eyes)
    assert found.good
    assert f"_chatbranch.river.example TXT chatbranch={TOKEN}" in found.seen


def test_another_code_or_no_record_proves_nothing(outside: World) -> None:
    assert look(sought("river.example", "dns"), outside.eyes).why == "no-record"
    outside.records["_chatbranch.river.example"] = [f"chatbranch={TOKEN}x", TOKEN]
    assert look(sought("river.example", "dns"), outside.eyes).why == "no-record"


def test_a_chinese_domain_is_asked_for_by_its_ascii_form(outside: World) -> None:
    outside.records["_chatbranch.xn--fsqu00a.example"] = [f"chatbranch={TOKEN}"]
    assert look(sought("https://例子.example", "dns"), outside.eyes).good


def test_a_resolver_that_refuses_says_nothing_about_the_account(outside: World) -> None:
    outside.records["_chatbranch.river.example"] = ["REFUSED"]
    assert look(sought("river.example", "dns"), outside.eyes).why == "unread"


def test_a_record_longer_than_one_string_is_put_together(outside: World) -> None:
    outside.records["long.example"] = ["x" * 600]
    assert Resolvers(("127.0.0.1",), outside.dns_port).texts("long.example") == ["x" * 600]


def test_a_name_that_cannot_be_asked_for_is_unresolved(outside: World) -> None:
    with pytest.raises(Unresolved):
        Resolvers(("127.0.0.1",), outside.dns_port).texts("a" * 64 + ".example")


# --- the file --------------------------------------------------------------------------------------


def test_a_file_on_the_site_proves_it(outside: World) -> None:
    outside.put("https://river.example/.well-known/chatbranch.txt", f"# ours\n{TOKEN}\n", "text/plain")
    assert look(sought("https://river.example", "wellknown"), outside.eyes).good


def test_a_file_without_the_code_or_none_at_all_proves_nothing(outside: World) -> None:
    assert look(sought("https://river.example", "wellknown"), outside.eyes).why == "no-file"
    outside.put("https://river.example/.well-known/chatbranch.txt", f"x{TOKEN}", "text/plain")
    assert look(sought("https://river.example", "wellknown"), outside.eyes).why == "no-file"


def test_a_page_that_answers_every_address_is_no_such_file(outside: World) -> None:
    outside.put("https://river.example/.well-known/chatbranch.txt", TOKEN, "text/html")
    assert look(sought("https://river.example", "wellknown"), outside.eyes).why == "no-file"


def test_a_file_that_another_host_serves_is_not_the_sites(outside: World) -> None:
    outside.hops["https://river.example/.well-known/chatbranch.txt"] = "https://other.example/file"
    outside.put("https://other.example/file", TOKEN, "text/plain")
    assert look(sought("https://river.example", "wellknown"), outside.eyes).why == "no-file"


def test_a_site_that_is_down_says_nothing_about_the_account(outside: World) -> None:
    outside.status["https://river.example/.well-known/chatbranch.txt"] = 503
    assert look(sought("https://river.example", "wellknown"), outside.eyes).why == "unread"


# --- links both ways -------------------------------------------------------------------------------

MASTODON = "https://social.example/@river"


def test_a_profile_that_links_to_our_page_of_it_is_proved(outside: World) -> None:
    outside.put(MASTODON, f'<a rel="nofollow me" href="{OURS}">us</a>')
    assert look(sought(MASTODON, "relme"), outside.eyes).good


def test_a_link_without_rel_me_proves_nothing(outside: World) -> None:
    outside.put(
        MASTODON, f'<a href="{OURS}">us</a> <a rel="me" href="https://branch.example/accounts/2/">x</a>'
    )
    assert look(sought(MASTODON, "relme"), outside.eyes).why == "no-link"


def test_another_proved_account_counts_only_if_it_links_back(outside: World) -> None:
    outside.put(MASTODON, '<a rel="me" href="https://river.example">site</a>')
    outside.put("https://river.example/", "<p>welcome</p>")
    asked = sought(MASTODON, "relme", also=("https://river.example/",))
    assert look(asked, outside.eyes).why == "no-link"
    outside.put("https://river.example/", f'<link rel=me href="{MASTODON}/">')
    assert look(asked, outside.eyes).good
    assert look(sought(MASTODON, "relme"), outside.eyes).why == "no-link", (
        "one that is not proved does not count"
    )


# --- Bluesky ---------------------------------------------------------------------------------------

BLUESKY = "https://bsky.app/profile/river.example"


def on_bluesky(
    outside: World, *, did: str = DID, handle: str = "river.example", description: str = ""
) -> None:
    address, said = profile(did, handle, description)
    outside.put(address, said, "application/json")


@pytest.mark.parametrize("by", ["dns", "file"])
def test_a_handle_whose_profile_holds_the_code_is_proved_and_known_by_its_did(
    outside: World, by: str
) -> None:
    if by == "dns":
        outside.records["_atproto.river.example"] = [f"did={DID}"]
    else:
        outside.put("https://river.example/.well-known/atproto-did", f"{DID}\n", "text/plain")
    on_bluesky(outside, description=f"news of the river {TOKEN}")
    found = look(sought(BLUESKY, "bluesky"), outside.eyes)
    assert (found.good, found.known) == (True, DID)


def test_the_code_is_asked_for_once_and_the_same_did_always(outside: World) -> None:
    outside.records["_atproto.river.example"] = [f"did={DID}"]
    on_bluesky(outside, description="news of the river")
    assert look(sought(BLUESKY, "bluesky"), outside.eyes).why == "no-code"
    assert look(sought(BLUESKY, "bluesky", known=DID), outside.eyes).good
    assert look(sought(BLUESKY, "bluesky", known="did:plc:" + "b" * 24), outside.eyes).why == "moved"


def test_a_profile_that_does_not_name_the_handle_back_is_not_its(outside: World) -> None:
    outside.records["_atproto.river.example"] = [f"did={DID}"]
    on_bluesky(outside, handle="other.example", description=TOKEN)
    assert look(sought(BLUESKY, "bluesky"), outside.eyes).why == "no-answer"


def test_two_records_that_name_different_dids_name_none(outside: World) -> None:
    outside.records["_atproto.river.example"] = [f"did={DID}", "did=did:plc:" + "b" * 24]
    on_bluesky(outside, description=TOKEN)
    assert look(sought(BLUESKY, "bluesky"), outside.eyes).why == "no-answer"


# --- a post ----------------------------------------------------------------------------------------


def test_a_public_post_of_the_account_with_the_code_proves_it_and_is_kept(outside: World) -> None:
    post = f"{MASTODON}/109"
    outside.put(post, f'<meta property="og:description" content="今天的河 {TOKEN}"><script>{TOKEN}</script>')
    found = look(sought(MASTODON, "post", post=post), outside.eyes)
    assert found.good
    assert f"今天的河 {TOKEN}" in found.seen


def test_a_post_that_leads_to_somebody_elses_is_not_the_accounts(outside: World) -> None:
    outside.hops[f"{MASTODON}/109"] = "https://social.example/@other/1"
    outside.put("https://social.example/@other/1", TOKEN)
    assert look(sought(MASTODON, "post", post=f"{MASTODON}/109"), outside.eyes).why == "elsewhere"


@pytest.mark.parametrize("said", ["nothing", f"{TOKEN}x", f"<script>{TOKEN}</script>", f"x{TOKEN}"])
def test_a_post_without_the_code_in_its_words_proves_nothing(outside: World, said: str) -> None:
    outside.put(f"{MASTODON}/109", f"<p>{said}</p>")
    assert look(sought(MASTODON, "post", post=f"{MASTODON}/109"), outside.eyes).why == "no-code"

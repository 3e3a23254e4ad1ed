"""Feeds: one item a claim for ever, first again when its verdict changes, and nothing sent twice that has not changed."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from django.test import Client
from lxml import etree
from tests.support.people import agree, ask, case_of, found_branch, own_index

from chatbranch.cases.actions import do_propose_note
from chatbranch.claims import exporting, queries
from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.importing import do_load_sample
from chatbranch.claims.media import CATEGORIES, KINDS
from chatbranch.claims.rules import RATINGS
from chatbranch.claims.tests.test_actions import SOURCE, published
from chatbranch.kernel.errors import Refused
from chatbranch.publishing import feeds
from chatbranch.publishing.atom import ATOM
from chatbranch.publishing.tests.support import card, changed

__all__ = ["own_index"]
pytestmark = pytest.mark.django_db
NAMES = {"a": ATOM}


def atom(client: Client, address: str = "/feeds/verdicts.atom?lang=en") -> Any:
    return etree.fromstring(client.get(address).content)


def jsonfeed(client: Client, address: str = "/feeds/verdicts.json?lang=en") -> dict[str, Any]:
    found: dict[str, Any] = client.get(address).json()
    return found


def texts(document: Any, path: str) -> list[str]:
    return [str(each) for each in document.xpath(path, namespaces=NAMES)]


def test_the_newest_change_comes_first_and_says_what_changed(client: Client) -> None:
    first, second = card(), card("true", wordings={"en": "Water boils sooner on a mountain"})
    assert texts(atom(client), "a:entry/a:id/text()") == [f"urn:uuid:{second.id}", f"urn:uuid:{first.id}"]
    changed(first.id)
    titles = texts(atom(client), "a:entry/a:title/text()")
    assert titles[0] == "[Verdict changed from “false” to “mostly true”] Drinking spirits cures a cold"
    assert titles[1] == "[true] Water boils sooner on a mountain"
    do_withdraw(first.id, reason={"en": "We were wrong."})
    items = jsonfeed(client)["items"]
    assert items[0]["title"] == "[Verdict withdrawn] Drinking spirits cures a cold"
    assert "We were wrong." in items[0]["content_html"]
    assert [item["id"] for item in items] == [f"urn:uuid:{first.id}", f"urn:uuid:{second.id}"]


def test_each_language_has_its_feed_and_cookies_play_no_part(client: Client) -> None:
    card()
    client.cookies["lang"] = "en"
    response = client.get("/feeds/verdicts.json", headers={"accept-language": "en"})
    assert response.json()["items"][0]["title"] == "【不实】喝白酒能治感冒"
    assert response["Content-Language"] == "zh-Hans"
    assert "Vary" not in response
    assert response.cookies == {}
    assert "結論" in jsonfeed(client, "/feeds/verdicts.json?lang=zh-Hant")["title"]


def test_a_feed_has_pages_that_miss_and_repeat_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "PAGE", 3)
    made = [card(wordings={"en": f"Claim number {each}"}).id for each in range(7)]
    expected = [f"urn:uuid:{each}" for each in reversed(made)]
    seen: list[str] = []
    address: str | None = feeds.address("feed-json", "en")
    while address:
        page = jsonfeed(client, address)
        assert page["feed_url"] == address
        seen += [item["id"] for item in page["items"]]
        address = page.get("next_url")
    assert seen == expected
    seen, address = [], feeds.address("feed-atom", "en")
    while address:
        document = atom(client, address)
        assert texts(document, "a:link[@rel='self']/@href") == [address]
        assert texts(document, "a:link[@rel='first']/@href") == [feeds.address("feed-atom", "en")]
        seen += texts(document, "a:entry/a:id/text()")
        address = next(iter(texts(document, "a:link[@rel='next']/@href")), None)
    assert seen == expected
    assert client.get("/feeds/verdicts.json?before=nonsense").status_code == 404


@pytest.mark.parametrize(
    "address", ["/feeds/verdicts.atom", "/feeds/verdicts.json", "/feeds/claimreview.json"]
)
def test_what_has_not_changed_is_not_sent_again(client: Client, address: str) -> None:
    ours = card()
    response = client.get(address)
    kept = {"if-none-match": response["ETag"]}
    assert client.get(address, headers=kept).status_code == 304
    assert client.get(address, headers={"if-modified-since": response["Last-Modified"]}).status_code == 304
    assert client.head(address).status_code == 200
    assert client.post(address).status_code == 405
    changed(ours.id)
    assert client.get(address, headers=kept).status_code == 200


def test_an_empty_feed_is_a_feed(client: Client) -> None:
    assert jsonfeed(client)["items"] == []
    assert texts(atom(client), "a:updated/text()") == ["1970-01-01T00:00:00+00:00"]
    assert client.get("/feeds/claimreview.json").json()["dataFeedElement"] == []


def test_nothing_that_others_decided_is_published_as_ours(client: Client) -> None:
    do_load_sample()
    assert jsonfeed(client)["items"] == []
    assert client.get("/feeds/claimreview.json").json()["dataFeedElement"] == []


def test_no_text_can_break_a_feed(client: Client) -> None:
    card(
        wordings={"en": "</title><script>alert(1)</script> & ]]> \x0b 🐸"},
        explanation={"en": "<img src=x onerror=alert(1)>\x00"},
        sources=[{**SOURCE, "title": '"><script>'}],
    )
    (content,) = texts(atom(client), "a:entry/a:content/text()")
    assert "<script>" not in content
    assert "<img" not in content
    assert "<script>" not in jsonfeed(client)["items"][0]["content_html"]


def test_a_feed_takes_the_same_few_reads_however_many_items_it_has(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    for each in range(12):
        card(wordings={"en": f"Claim number {each}"})
    for name in ("feed-atom", "feed-json"):
        with django_assert_max_num_queries(8):
            feeds.FEEDS[name]("en", None)


def test_every_page_leads_to_the_feeds_in_its_language(client: Client) -> None:
    page = client.get("/?lang=en").content.decode()
    assert 'type="application/atom+xml"' in page
    assert "/feeds/verdicts.json?lang=en" in page


# --- ClaimReview ----------------------------------------------------------------------------------


def validator(client: Client) -> Any:
    return jsonschema_rs.Draft202012Validator(client.get("/schemas/claimreview.json").json())


def wrong(client: Client, document: object) -> list[str]:
    return [f"{each.instance_path}: {each.message}" for each in validator(client).iter_errors(document)]


@pytest.mark.parametrize("rating", sorted(set(RATINGS) - {"withdrawn"}))
def test_every_rating_in_every_language_keeps_to_our_schema(client: Client, rating: str) -> None:
    for lang, text in (
        ("zh-Hans", "自来水停供"),
        ("zh-Hant", "自來水停供"),
        ("en", "No water"),
        ("es", "No hay agua"),
    ):
        published(rating=rating, wordings={lang: text}, topic="water", scope={"en": "Yunlan"})
    published(rating=rating, expires=date(2026, 4, 1), explanation={})
    feed = client.get("/feeds/claimreview.json").json()
    assert len(feed["dataFeedElement"]) == 5
    assert wrong(client, feed) == []


def test_changed_withdrawn_and_imported_ones_keep_to_our_schema(client: Client) -> None:
    ours = card()
    changed(ours.id)
    withdrawn = card()
    do_withdraw(withdrawn.id, reason={"en": "We were wrong."})
    feed = client.get("/feeds/claimreview.json").json()
    assert [("dateDeleted" in item) for item in feed["dataFeedElement"]].count(True) == 1
    assert wrong(client, feed) == []
    do_load_sample()
    sample = next(each for each in queries.recent(most=100) if each.origin)
    entry = exporting.entry_of(sample.id)
    assert entry is not None
    assert wrong(client, exporting.review(sample.id, entry, site="https://b.example", branch="B")) == []


def test_the_schema_is_strict(client: Client) -> None:
    card()
    feed = client.get("/feeds/claimreview.json").json()
    review = feed["dataFeedElement"][0]["item"]
    assert wrong(client, review) == []
    for name, value in (("surprise", 1), ("datePublished", 5), ("reviewRating", {}), ("url", "ftp://x")):
        assert wrong(client, {**review, name: value})
    assert wrong(client, {name: each for name, each in review.items() if name != "claimReviewed"})


def test_the_page_carries_the_same_review_as_the_feed_and_a_withdrawn_verdict_none(client: Client) -> None:
    ours = card()
    page = client.get(f"/claims/{ours.id}/").content.decode()
    carried = json.loads(page.partition('ld+json">')[2].partition("</script>")[0])
    assert carried == client.get("/feeds/claimreview.json").json()["dataFeedElement"][0]["item"]
    do_withdraw(ours.id, reason={"en": "We were wrong."})
    withdrawn = client.get(f"/claims/{ours.id}/?lang=en").content.decode()
    assert "ld+json" not in withdrawn
    assert "This verdict has been withdrawn" in withdrawn


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("category", CATEGORIES)
def test_what_is_said_of_a_picture_is_published_as_a_mediareview_until_it_is_taken_back(
    client: Client, kind: str, category: str
) -> None:
    ours = card(basis={"media": {"kind": kind, "category": category}})
    page = client.get(f"/claims/{ours.id}/?lang=en").content.decode()
    claim_review, media_review = (
        json.loads(part.partition("</script>")[0]) for part in page.split('ld+json">')[1:]
    )
    assert wrong(client, media_review) == []
    assert media_review["mediaAuthenticityCategory"] == f"https://schema.org/{category}"
    assert media_review["associatedClaimReview"]["@id"] == claim_review["@id"]
    assert CATEGORIES[category].en in page
    feed = client.get("/feeds/claimreview.json").json()
    assert [item["item"] for item in feed["dataFeedElement"]] == [claim_review, media_review]
    assert wrong(client, feed) == []
    do_withdraw(ours.id, reason={"en": "We were wrong."})
    assert "MediaReview" not in client.get("/feeds/claimreview.json").content.decode()
    assert "MediaReview" not in client.get(f"/claims/{ours.id}/").content.decode()


@pytest.mark.usefixtures("own_index")
def test_the_notes_author_says_what_the_matter_is_with_a_picture_and_the_verdict_keeps_it() -> None:
    members = found_branch()
    case = case_of(ask("网传东湖大桥垮塌的照片，请大家绕行"))
    given: dict[str, Any] = {
        "rating": "false",
        "wording": {"zh-Hans": "照片拍的是东湖大桥垮塌"},
        "explanation": {"zh-Hans": "是三年前另一座桥。"},
        "sources": [SOURCE],
        "as_of": date(2026, 3, 1),
    }
    for half in (
        {"kind": "image"},
        {"category": "StagedContent"},
        {"kind": "face", "category": "StagedContent"},
    ):
        with pytest.raises(Refused, match="media"):
            do_propose_note(members["chen"], case, media=half, **given)
    media = {"kind": "image", "category": "DecontextualizedContent"}
    agree(members, do_propose_note(members["chen"], case, media=media, **given))
    (ours,) = queries.recent(origin="")
    assert ours.media == media
    review = feeds.claimreviews().body.decode()
    assert '"originalMediaContextDescription": "是三年前另一座桥。"' in review


# --- the API --------------------------------------------------------------------------------------


def test_the_library_is_read_page_by_page(client: Client) -> None:
    do_load_sample()
    found: list[UUID] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/claims?limit=30{cursor}").json()
        found += [UUID(each["id"]) for each in page["claims"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(found) == len(set(found)) == queries.count()
    assert all(newer != older for newer, older in pairwise(found))


def test_the_library_is_filtered_by_topic_rating_and_origin(client: Client) -> None:
    ours = card("misleading", topic="health")
    do_load_sample()
    one = client.get("/api/v1/claims?origin=ours").json()["claims"]
    assert [each["id"] for each in one] == [str(ours.id)]
    assert all(each["topic"] == "food" for each in client.get("/api/v1/claims?topic=food").json()["claims"])
    true = client.get("/api/v1/claims?rating=true").json()["claims"]
    assert true
    assert {each["rating"] for each in true} == {"true"}


def test_one_claim_has_its_card_and_its_history(client: Client) -> None:
    ours = card()
    changed(ours.id)
    now = client.get(f"/api/v1/claims/{ours.id}", headers={"accept-language": "en"}).json()
    assert (now["rating_name"], now["current"], len(now["history"])) == ("mostly true", True, 2)
    assert now["pass_on"]["url"].endswith(f"/c/{now['code']}")
    then = client.get(f"/api/v1/claims/{ours.id}?version=1").json()
    assert (then["rating"], then["pass_on"], then["code"]) == ("false", None, ours.code)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("?limit=0", 422),
        ("?limit=101", 422),
        ("?limit=x", 422),
        ("?cursor=x", 422),
        ("?cursor=", 422),
        ("?rating=certain", 400),
        ("?rating=", 400),
        ("/nonsense", 404),
        ("/01a20ad0-0000-7000-8000-000000000001", 404),
    ],
)
def test_what_cannot_be_answered_is_refused_with_words(client: Client, asked: str, status: int) -> None:
    response = client.get(f"/api/v1/claims{asked}")
    assert response.status_code == status
    assert response.json()["error"]["message"]

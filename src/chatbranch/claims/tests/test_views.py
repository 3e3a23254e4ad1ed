"""The public page of a verdict."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.test import Client

from chatbranch.claims import views
from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.importing import do_load_sample
from chatbranch.claims.queries import recent
from chatbranch.claims.tests.test_actions import published

pytestmark = pytest.mark.django_db


def test_the_page_says_verdict_date_and_sources_in_the_readers_language(client: Client) -> None:
    address = f"/claims/{published().claim_id}/"
    chinese = client.get(address, headers={"accept-language": "zh-CN"}).content.decode()
    english = client.get(address, headers={"accept-language": "en"}).content.decode()
    assert "不实" in chinese
    assert "喝白酒能治感冒" in chinese
    assert "Drinking spirits cures a cold" in english
    assert "https://example.org/cold" in english


def test_an_imported_check_always_shows_from_whom(client: Client) -> None:
    do_load_sample()
    page = client.get(f"/claims/{recent()[0].id}/?lang=en").content.decode()
    assert "chatbranch sample library" in page
    assert "application/ld+json" not in page, "others' checks are theirs to publish"


def test_our_own_verdict_is_on_the_page_for_machines_and_nothing_in_it_can_break_out(client: Client) -> None:
    verdict = published(wordings={"en": "</script><script>alert(1)</script> & more"})
    page = client.get(f"/claims/{verdict.claim_id}/").content.decode()
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert json.loads(found)["claimReviewed"] == "</script><script>alert(1)</script> & more"
    assert "<script>alert" not in page


def test_an_earlier_version_can_be_read_and_one_that_never_was_cannot(client: Client) -> None:
    claim_id = published().claim_id
    do_withdraw(claim_id, reason={"en": "We were wrong."})
    assert client.get(f"/claims/{claim_id}.json").json()["rating"] == "withdrawn"
    old = client.get(f"/claims/{claim_id}.json?version=1").json()
    assert (old["rating"], old["current"]) == ("false", False)
    for wrong in ("?version=9", "?version=x", "?version=-1", f"?version={'9' * 400}"):
        assert client.get(f"/claims/{claim_id}/{wrong}").status_code == 404
    assert client.get(f"/claims/{uuid4()}/").status_code == 404
    assert client.post(f"/claims/{claim_id}.json").status_code == 405


def test_the_json_has_everything_the_card_has(client: Client) -> None:
    response = client.get(f"/claims/{published().claim_id}.json", headers={"accept-language": "en"})
    assert response["Access-Control-Allow-Origin"] == "*"
    body = response.json()
    assert (body["claim"], body["rating_name"], body["origin"]) == (
        "Drinking spirits cures a cold",
        "false",
        "",
    )
    assert body["sources"][0]["url"] == "https://example.org/cold"
    assert [line["version"] for line in body["history"]] == [1]


def test_a_slice_above_can_bring_its_part_of_the_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def share(request: object, card: ClaimCard) -> dict[str, object]:
        return {"object_url": f"/object/{card.rating}", "object_form": "claims/_chip.html"}

    monkeypatch.setattr(views, "_additions", [])
    views.add_to_page(share)
    assert (
        "I think this verdict is wrong"
        in client.get(f"/claims/{published().claim_id}/?lang=en").content.decode()
    )

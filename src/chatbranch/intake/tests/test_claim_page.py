"""The verdict's page takes objections and offers a text to pass on."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from tests.support.people import ask, case_of, decide, found_branch

from chatbranch.cases.models import Objection
from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.tests.test_actions import published
from chatbranch.kernel import clock

pytestmark = pytest.mark.django_db


def test_a_reader_can_say_that_a_verdict_is_wrong_from_its_page(client: Client) -> None:
    claim_id = published().claim_id
    page = client.get(f"/claims/{claim_id}/?lang=en").content.decode()
    assert "I think this verdict is wrong" in page
    assert f'action="/claims/{claim_id}/object"' in page
    client.post(
        f"/claims/{claim_id}/object", {"grounds": "The study was about mice.", "url": "https://example.org/"}
    )
    objection = Objection.objects.get()
    assert objection.claim_id == claim_id
    Objection.objects.update(answer="You are right, thank you.", answered_at=clock.now())
    assert "You are right, thank you." in client.get(f"/claims/{claim_id}/").content.decode()


def test_a_text_to_pass_on_says_what_holds_today_and_nothing_that_is_over(client: Client) -> None:
    claim_id = published().claim_id
    assert 'id="share-text"' in client.get(f"/claims/{claim_id}/").content.decode()
    over = published(as_of=date(2020, 1, 1), expires=date(2020, 2, 1)).claim_id
    assert 'id="share-text"' not in client.get(f"/claims/{over}/").content.decode()
    do_withdraw(claim_id, reason={"en": "We were wrong."})
    assert "之前的查证结论已经撤回" in client.get(f"/claims/{claim_id}/").content.decode()
    assert 'id="share-text"' not in client.get(f"/claims/{claim_id}/?version=1").content.decode()


@pytest.mark.usefixtures("own_index")
def test_whoever_comes_back_with_a_code_is_offered_that_text_too(client: Client) -> None:
    members = found_branch()
    case = case_of(ask("东湖小学明天停课一周，家长互相转告"))
    assert 'id="share-text"' not in client.get(f"/status/{case.code}/").content.decode()
    decide(members, case)
    shown = client.get(f"/status/{case.code}/").content.decode()
    assert 'id="share-text"' in shown
    assert "转的人也是好意" in shown

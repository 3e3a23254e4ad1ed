"""The verdict's page takes objections and offers a text to pass on."""

from __future__ import annotations

import pytest
from django.test import Client

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


def test_a_text_to_pass_on_is_offered_only_for_what_still_holds(client: Client) -> None:
    claim_id = published().claim_id
    assert 'id="share-text"' in client.get(f"/claims/{claim_id}/").content.decode()
    do_withdraw(claim_id, reason={"en": "We were wrong."})
    assert 'id="share-text"' not in client.get(f"/claims/{claim_id}/").content.decode()
    assert 'id="share-text"' not in client.get(f"/claims/{claim_id}/?version=1").content.decode()

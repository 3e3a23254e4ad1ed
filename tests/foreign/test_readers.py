"""A verdict, read by software that is not ours: extruct reads the page, feedparser the feed; and our own importer what extruct read."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.formats import claimreview
from chatbranch.claims.formats.entry import check_entry
from chatbranch.claims.rules import SCALE
from chatbranch.publishing import feeds
from chatbranch.publishing.tests.support import card, changed
from tests.servers.install import CACHE
from tests.support.people import found_branch, own_index

__all__ = ["own_index"]
HERE = Path(__file__).parent
pytestmark = pytest.mark.django_db


def read(what: str, data: bytes) -> Any:
    python = CACHE / "readers/bin/python"
    if not python.exists():
        pytest.skip("needs extruct and feedparser: python3 tests/servers/install.py")
    done = subprocess.run([python, HERE / "read_published.py", what], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.usefixtures("own_index")
def test_what_extruct_reads_from_a_page_is_the_same_verdict_to_our_importer_and_of_a_withdrawn_one_nothing(
    client: Client,
) -> None:
    found_branch()
    given = {"topic": "health", "expires": date(2099, 1, 1), "scope": {"en": "Yunlan"}}
    verdicts = [card(rating, **given) for rating in sorted(SCALE)]
    withdrawn = card()
    do_withdraw(withdrawn.id, reason={"en": "We were wrong."})
    pages = [client.get(f"/claims/{each.id}/").content.decode() for each in (*verdicts, withdrawn)]
    *found, nothing = read("pages", json.dumps(pages).encode())
    assert nothing == []
    for ours, (review,) in zip(verdicts, found, strict=True):
        entry = claimreview.parse(review)
        check_entry(entry, date(2026, 12, 1))
        ruling = entry.rulings[-1]
        said = {each.lang: each.text for each in entry.wordings}
        assert said == {lang: texts[0] for lang, texts in ours.wordings.items()}
        assert (ruling.rating, ruling.as_of, ruling.expires) == (ours.rating, ours.as_of, ours.expires)
        assert (ruling.explanation, ruling.scope) == (ours.explanation, ours.scope)
        assert [each.url for each in ruling.sources] == [each.url for each in ours.sources]
        assert (entry.origin, entry.topic) == ("云岚", "health")
        assert entry.origin_url.endswith(f"/claims/{ours.id}/")
        assert ruling.published_at == ours.published_at


def test_feedparser_reads_every_entry_and_finds_the_hub(client: Client) -> None:
    first, second = card(), card("true", topic="food", wordings={"en": "Tea & “milk” <keep>"})
    changed(first.id)
    found = read("feed", client.get("/feeds/verdicts.atom?lang=en").content)
    assert (found["bozo"], found["version"]) == (False, "atom10")
    assert found["links"]["self"] == feeds.address("feed-atom", "en")
    assert found["links"]["hub"].endswith("/hub")
    newest, older = found["entries"]
    assert (newest["id"], newest["tags"]) == (f"urn:uuid:{first.id}", ["mostly-true"])
    assert older["title"] == "[true] Tea & “milk” <keep>"
    assert older["tags"] == ["true", "food"]
    assert older["link"].endswith(f"/claims/{second.id}/")
    assert "There is new evidence." in newest["content"]

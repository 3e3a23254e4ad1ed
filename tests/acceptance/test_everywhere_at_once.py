"""A verdict is published, changed, and withdrawn; and everywhere it can be seen, it is what it is now, and says that it changed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.test import Client
from PIL import Image

from chatbranch.claims import queries
from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.cards import ClaimCard
from chatbranch.intake.pictures import card_codes
from chatbranch.publishing import cards, feeds, hub
from chatbranch.publishing.picture import COLOURS
from chatbranch.publishing.tests.support import ANYWHERE, Subscriber, card, changed, listening
from tests.support.people import ask, own_index

__all__ = ["own_index"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
NAMES = {"false": "false", "mostly-true": "mostly true", "withdrawn": "withdrawn"}


@dataclass
class Seen:
    """What a place is looked at with: the card as it is now, the first one's code, a client, and a subscriber."""

    now: ClaimCard
    first_code: str
    client: Client
    subscriber: Subscriber

    def get(self, path: str) -> str:
        return self.client.get(path, headers={"accept-language": "en"}).content.decode()


Place = Callable[[Seen], None]


def on_the_page(seen: Seen) -> None:
    page = seen.get(f"/claims/{seen.now.id}/")
    assert f'<section class="verdict" data-rating="{seen.now.rating}">' in page
    assert page.count('class="verdict-word"') == 1
    assert ("ld+json" in page) == (seen.now.rating != "withdrawn")
    assert ("This verdict has been withdrawn" in page) == (seen.now.rating == "withdrawn")


def in_the_claimreview_feed(seen: Seen) -> None:
    (item,) = json.loads(seen.get("/feeds/claimreview.json"))["dataFeedElement"]
    assert ("dateDeleted" in item) == (seen.now.rating == "withdrawn")
    values = {"false": 1, "mostly-true": 4}
    assert item["item"]["reviewRating"].get("ratingValue") == values.get(seen.now.rating)


def title(seen: Seen) -> str:
    before = "" if seen.now.version == 1 else "Verdict changed from “false” to “mostly true”"
    return {"withdrawn": "[Verdict withdrawn]"}.get(seen.now.rating, f"[{before or seen.now.rating}]")


def in_the_atom_feed(seen: Seen) -> None:
    feed = seen.get("/feeds/verdicts.atom?lang=en")
    assert feed.count("<entry>") == 1
    assert f"<title>{title(seen)} Drinking" in feed
    assert f"<updated>{seen.now.published_at.isoformat()}</updated>" in feed


def in_the_json_feed(seen: Seen) -> None:
    (item,) = json.loads(seen.get("/feeds/verdicts.json?lang=en"))["items"]
    assert item["id"] == f"urn:uuid:{seen.now.id}"
    assert item["title"].startswith(title(seen))
    assert item["_chatbranch"]["rating"] == seen.now.rating


def at_the_subscribers(seen: Seen) -> None:
    assert len(seen.subscriber.posts) == seen.now.version, "each change once"
    (item,) = json.loads(seen.subscriber.posts[-1][1])["items"]
    assert item["title"].startswith(title(seen))


def over_the_api(seen: Seen) -> None:
    one = json.loads(seen.get(f"/api/v1/claims/{seen.now.id}"))
    (listed,) = json.loads(seen.get("/api/v1/claims?origin=ours"))["claims"]
    assert listed == one
    assert (one["rating"], one["version"]) == (seen.now.rating, seen.now.version)
    assert len(one["history"]) == seen.now.version


def on_the_picture(seen: Seen) -> None:
    drawn = seen.client.get(f"/claims/{seen.now.id}/card.png?lang=en").content
    assert card_codes(drawn) == [seen.now.code]
    picture = Image.open(io.BytesIO(drawn)).convert("RGB")
    band, wanted = picture.getpixel((5, 200)), bytes.fromhex(COLOURS[seen.now.rating][1:])
    assert isinstance(band, tuple)
    assert max(abs(is_ - to_be) for is_, to_be in zip(band, wanted, strict=True)) <= 3


def in_the_text_of_the_card(seen: Seen) -> None:
    assert cards.text_of(seen.now, "en").startswith(f"[{NAMES[seen.now.rating]}]")
    kind = cards.kind_text_of(seen.now, "en")
    assert seen.now.code in kind
    assert ("has been withdrawn" in kind) == (seen.now.rating == "withdrawn")


def behind_the_first_cards_code(seen: Seen) -> None:
    page = seen.get(f"/c/{seen.first_code}")
    assert f'data-rating="{seen.now.rating}"' in page
    assert ("This card is an old one" in page) == (seen.now.version > 1)


def in_the_bots_reply_to_the_first_card(seen: Seen) -> None:
    said = ask(f"[false] Drinking spirits cures a cold {seen.first_code}", lang="en").message
    assert "that says “false”" in said
    if seen.now.version == 1:
        assert "That is still the verdict today." in said
    else:
        assert f"Today's verdict is: {NAMES[seen.now.rating]}" in said


PLACES: list[Place] = [
    on_the_page,
    in_the_claimreview_feed,
    in_the_atom_feed,
    in_the_json_feed,
    at_the_subscribers,
    over_the_api,
    on_the_picture,
    in_the_text_of_the_card,
    behind_the_first_cards_code,
    in_the_bots_reply_to_the_first_card,
]


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with listening() as found:
        topic = feeds.address("feed-json", "en")
        form = {"hub.mode": "subscribe", "hub.callback": found.url, "hub.topic": topic}
        assert Client().post("/hub", form).status_code == 202
        hub.do_confirm(ANYWHERE)
        yield found


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_verdict_is_what_it_is_now(place: Place, client: Client, subscriber: Subscriber) -> None:
    first = card()
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: changed(first.id),
        lambda: do_withdraw(first.id, reason={"en": "We were wrong."}),
    ]
    for step in steps:
        step()
        hub.do_distribute(ANYWHERE)
        now = queries.claim_card(first.id)
        assert now is not None
        place(Seen(now, first.code, client, subscriber))
    assert now.rating == "withdrawn"

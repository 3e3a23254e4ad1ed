"""The hub: whoever subscribes is asked whether they mean it, hears of each change once, and nobody is called who must not be."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from tests.support.databases import Database

from chatbranch.claims.actions import do_withdraw
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.publishing import feeds, hub
from chatbranch.publishing.calling import Caller
from chatbranch.publishing.models import Intent, Subscription, Topic
from chatbranch.publishing.rules import (
    ASKED_BY_A_HOST,
    LEASE,
    LONGEST,
    OF_A_HOST,
    SHORTEST,
    SUBSCRIBE,
    UNSUBSCRIBE,
    check_asked,
)
from chatbranch.publishing.tests.support import ANYWHERE, Subscriber, card, changed, listening

SELF = "https://branch.example/feeds/verdicts.atom"


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with listening() as found:
        yield found


def topic(name: str = "feed-json", lang: str = "en") -> str:
    return feeds.address(name, lang)


def asked(subscriber: Subscriber, mode: str = SUBSCRIBE, **more: Any) -> HttpResponse:
    form = {"hub.mode": mode, "hub.callback": subscriber.url, "hub.topic": topic()}
    response: HttpResponse = Client().post(
        "/hub", form | {f"hub.{name}": value for name, value in more.items()}
    )
    return response


def subscribed(subscriber: Subscriber, **more: Any) -> Subscription:
    assert asked(subscriber, **more).status_code == 202
    hub.do_confirm(ANYWHERE)
    found: Subscription = Subscription.objects.get()
    return found


# --- rules ----------------------------------------------------------------------------------------


def form(**changes: str) -> dict[str, str]:
    plain = {"mode": SUBSCRIBE, "callback": "https://reader.example/hub?x=1", "topic": SELF}
    return {f"hub.{name}": value for name, value in (plain | changes).items()}


@given(st.text(max_size=11) | st.integers(0, 10**10).map(str))
def test_any_lease_is_refused_or_lies_within_our_bounds(seconds: str) -> None:
    asked_for = form(lease_seconds=seconds)
    if seconds and not (seconds.isascii() and seconds.isdigit()):
        with pytest.raises(Refused, match="hub-lease"):
            check_asked(asked_for, [SELF])
    else:
        assert SHORTEST <= check_asked(asked_for, [SELF]).lease <= LONGEST


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "publish"},
        {"topic": "https://elsewhere.example/feed"},
        {"callback": "ftp://reader.example/"},
        {"callback": "https://user:word@reader.example/"},
        {"callback": "https://reader.example/#part"},
        {"callback": "https://[half"},
        {"callback": "https://reader.example/ a"},
        {"callback": "https://reader.example/" + "x" * 2000},
        {"callback": ""},
        {"secret": "字" * 67},
    ],
)
def test_what_the_specification_does_not_allow_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Refused):
        check_asked(form(**wrong), [SELF])


def test_without_a_wish_the_lease_is_ten_days() -> None:
    assert check_asked(form(), [SELF]).lease == LEASE == timedelta(days=10)


# --- subscribing ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_subscriber_is_asked_whether_it_means_it_and_keeps_what_its_callback_has(
    subscriber: Subscriber,
) -> None:
    found = subscribed(subscriber, lease_seconds="86400")
    (question,) = subscriber.asked
    assert question["mine"] == "1"
    assert (question["hub.mode"], question["hub.topic"]) == ("subscribe", topic())
    assert question["hub.lease_seconds"] == "86400"
    assert found.expires_at - clock.now() < timedelta(days=1)


@pytest.mark.django_db
def test_who_does_not_mean_it_is_not_subscribed_and_stays_subscribed_if_it_was(
    subscriber: Subscriber,
) -> None:
    subscriber.means_it = False
    asked(subscriber)
    hub.do_confirm(ANYWHERE)
    assert not Subscription.objects.exists()
    subscriber.means_it = True
    subscribed(subscriber)
    subscriber.means_it = False
    asked(subscriber, UNSUBSCRIBE)
    hub.do_confirm(ANYWHERE)
    assert Subscription.objects.count() == 1, "somebody else asked in its name"
    subscriber.means_it = True
    asked(subscriber, UNSUBSCRIBE)
    hub.do_confirm(ANYWHERE)
    assert not Subscription.objects.exists()


@pytest.mark.django_db
def test_who_does_not_answer_is_asked_a_few_times_and_then_let_be() -> None:
    Client().post("/hub", form(callback="http://127.0.0.1:9/", topic=topic()))
    for _ in range(6):
        Intent.objects.update(next_at=clock.now())
        hub.do_confirm(ANYWHERE)
    (intent,) = Intent.objects.all()
    assert (intent.failures, intent.settled_at is not None) == (hub.TRIES - 1, True)
    assert not Subscription.objects.exists()


@pytest.mark.django_db
def test_our_own_network_is_never_called(subscriber: Subscriber) -> None:
    asked(subscriber)
    hub.do_confirm(Caller())
    assert subscriber.asked == []
    assert not Subscription.objects.exists()


@pytest.mark.django_db
def test_one_host_can_neither_flood_the_hub_nor_be_flooded_by_it(subscriber: Subscriber) -> None:
    callback = subscriber.url
    for each in range(OF_A_HOST):
        subscriber.url = f"{callback}&number={each}"
        assert asked(subscriber).status_code == 202
    while hub.do_confirm(ANYWHERE):
        pass
    assert Subscription.objects.count() == OF_A_HOST
    subscriber.url = f"{callback}&number=more"
    refused = asked(subscriber)
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    subscriber.url = f"{callback}&number=0"
    again = [asked(subscriber).status_code for _ in range(ASKED_BY_A_HOST)]
    assert again.count(202) == ASKED_BY_A_HOST - OF_A_HOST


# --- telling --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_change_is_told_once_signed_and_as_the_feed_has_it(subscriber: Subscriber) -> None:
    ours = card()
    subscribed(subscriber, secret="between us")
    assert not hub.do_distribute(ANYWHERE), "what was there before is no change"
    for change in (
        lambda: changed(ours.id),
        lambda: do_withdraw(ours.id, reason={"en": "We were wrong."}),
        lambda: card("true"),
    ):
        change()
        assert hub.do_distribute(ANYWHERE)
        assert not hub.do_distribute(ANYWHERE)
        headers, body = subscriber.posts[-1]
        response = Client().get(topic())
        assert body == response.content
        assert (headers["content-type"], headers["etag"]) == (response["Content-Type"], response["ETag"])
        assert headers["link"] == response["Link"]
        expected = hmac.new(b"between us", body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature"] == f"sha256={expected}"
    assert len(subscriber.posts) == 3


@pytest.mark.django_db
def test_several_changes_while_nobody_was_told_are_told_at_once(subscriber: Subscriber) -> None:
    ours = card()
    subscribed(subscriber)
    changed(ours.id)
    changed(ours.id, "true")
    hub.do_distribute(ANYWHERE)
    assert len(subscriber.posts) == 1


@pytest.mark.django_db
def test_who_fails_is_tried_again_after_a_while_and_who_is_gone_no_more(subscriber: Subscriber) -> None:
    ours = card()
    found = subscribed(subscriber)
    changed(ours.id)
    subscriber.answers = [500, 503]
    assert hub.do_distribute(ANYWHERE)
    assert not hub.do_distribute(ANYWHERE), "not at once"
    with clock.held(clock.now() + timedelta(minutes=1)):
        assert hub.do_distribute(ANYWHERE)
    with clock.held(clock.now() + timedelta(minutes=10)):
        assert hub.do_distribute(ANYWHERE)
        assert not hub.do_distribute(ANYWHERE)
    found.refresh_from_db()
    assert (found.failures, found.repeats, len(subscriber.posts)) == (0, 0, 3)
    with clock.held(clock.now() + timedelta(minutes=20)):
        changed(ours.id, "true")
        subscriber.answers = [410]
        assert hub.do_distribute(ANYWHERE)
    assert not Subscription.objects.exists()


@pytest.mark.django_db
def test_a_lease_that_is_over_ends_the_subscription(subscriber: Subscriber) -> None:
    ours = card()
    subscribed(subscriber, lease_seconds="300")
    with clock.held(clock.now() + timedelta(minutes=6)):
        changed(ours.id)
        assert not hub.do_distribute(ANYWHERE)
        hub.do_tidy()
    assert not Subscription.objects.exists()
    with clock.held(clock.now() + timedelta(hours=2)):
        hub.do_tidy()
    assert not Topic.objects.exists()


@pytest.mark.django_db
def test_a_feed_in_its_headers_and_in_itself_leads_to_the_hub() -> None:
    response = Client().get("/feeds/verdicts.atom?lang=en")
    assert f'<{topic("feed-atom")}>; rel="self"' in response["Link"]
    assert b'rel="hub"' in response.content
    assert Client().get("/hub").status_code == 405


@pytest.mark.django_db
def test_topics_of_an_address_the_branch_had_before_hold_nobody_up(
    subscriber: Subscriber, settings: Settings
) -> None:
    ours = card()
    subscribed(subscriber)
    settings.CONFIG = replace(settings.CONFIG, public_url="https://new.example")
    changed(ours.id)
    assert not hub.do_distribute(ANYWHERE)
    hub.do_tidy()
    assert not Subscription.objects.exists()
    subscribed(subscriber)
    changed(ours.id, "true")
    assert hub.do_distribute(ANYWHERE)


def test_the_hub_works_on_postgresql_as_well(postgresql_database: Database, subscriber: Subscriber) -> None:
    ours = card()
    subscribed(subscriber)
    changed(ours.id)
    assert hub.do_distribute(ANYWHERE)
    assert not hub.do_distribute(ANYWHERE)
    assert len(subscriber.posts) == 1

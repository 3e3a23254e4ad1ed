"""Our own WebSub hub (W3C Recommendation of 23 January 2018): nobody else's is needed for others to hear of a verdict at once.

What a topic says is written down before anyone is told of it, and so is whom it is being told: after a crash nobody is left out, and
only one who was being told at that moment may hear it twice, in the same bytes with the same ETag, which is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse

from chatbranch.journal.queries import last_seq
from chatbranch.kernel import clock
from chatbranch.kernel.backoff import pause
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import LANGS
from chatbranch.publishing import feeds
from chatbranch.publishing.calling import Caller, signature
from chatbranch.publishing.models import Called, Intent, Subscription, Topic
from chatbranch.publishing.rules import (
    ASKED_BY_A_HOST,
    ASKED_IN_ALL,
    FULL,
    IN_ALL,
    OF_A_HOST,
    SUBSCRIBE,
    TOO_MANY,
    Asked,
)
from chatbranch.publishing.serving import tag_of

AT_ONCE = 8
"""How many subscribers are called at the same time."""
LEASE = timedelta(seconds=20)
"""Longer than a call may take (calling.LIMITS). So long a crash makes those wait who were being called."""
TRIES = 4
"""How often a callback that does not answer is asked whether it means it."""
GONE = 410
_Row = TypeVar("_Row", bound=Called)


def topics() -> dict[str, tuple[str, str]]:
    """Every topic: the address of a feed -> its name and language."""
    return {feeds.address(name, lang): (name, lang) for name in feeds.FEEDS for lang in LANGS}


# --- asking for a subscription --------------------------------------------------------------------


def do_ask(asked: Asked) -> None:
    """Take a request down, to be confirmed by whoever answers at its callback. Refuses too many of one host."""
    with transaction.atomic():
        Topic.objects.get_or_create(url=asked.topic)
        of_host = Intent.objects.filter(host=asked.host, asked_at__gt=clock.ago(hours=1)).count()
        subscribed = Subscription.objects.filter(host=asked.host).exclude(
            callback=asked.callback, topic=asked.topic
        )
        in_all = Intent.objects.filter(asked_at__gt=clock.ago(hours=1)).count()
        if of_host >= ASKED_BY_A_HOST or (asked.mode == SUBSCRIBE and subscribed.count() >= OF_A_HOST):
            raise Refused("hub-too-many", TOO_MANY, status=429, retry_after=3600)
        if in_all >= ASKED_IN_ALL or (asked.mode == SUBSCRIBE and Subscription.objects.count() >= IN_ALL):
            raise Refused("hub-full", FULL, status=503, retry_after=3600)
        Intent.objects.filter(callback=asked.callback, topic=asked.topic, settled_at=None).update(
            settled_at=clock.now()  # only the last request counts
        )
        Intent.objects.create(
            callback=asked.callback,
            host=asked.host,
            topic_id=asked.topic,
            mode=asked.mode,
            lease=asked.lease,
            secret=asked.secret,
        )


def do_confirm(caller: Caller | None = None) -> bool:
    """Ask those in whose name something was asked whether they mean it; whether there were any."""
    caller = caller or Caller()
    intents = _leased(Intent, settled_at=None)
    if not intents:
        return False
    with ThreadPoolExecutor(AT_ONCE) as pool:
        meant = list(pool.map(lambda each: caller.means_it(each.callback, _question(each)), intents))
    for intent, sure in zip(intents, meant, strict=True):
        _settle(intent, sure)
    return True


def _question(intent: Intent) -> dict[str, str]:
    asked = {"hub.mode": intent.mode, "hub.topic": intent.topic_id}
    if intent.mode == SUBSCRIBE:
        asked["hub.lease_seconds"] = str(int(intent.lease.total_seconds()))
    return asked


def _settle(intent: Intent, sure: bool | None) -> None:
    """Begin or end the subscription, where its subscriber means it; a subscription there was stays as it was otherwise."""
    if sure and intent.topic_id in topics():
        _written(Topic.objects.get(pk=intent.topic_id))  # before the transaction: it takes a while
    _conclude(intent, sure)


@transaction.atomic
def _conclude(intent: Intent, sure: bool | None) -> None:
    waiting = Intent.objects.select_for_update().filter(pk=intent.pk, settled_at=None)
    if not waiting.exists():
        return  # another request has taken its place meanwhile
    if sure is None and intent.failures + 1 < TRIES:
        _put_off(intent)
        return
    waiting.update(settled_at=clock.now())
    of_theirs = Subscription.objects.filter(callback=intent.callback, topic=intent.topic_id)
    if not sure:
        return
    if intent.mode != SUBSCRIBE:
        of_theirs.delete()
        return
    topic = Topic.objects.get(pk=intent.topic_id)
    granted = {"secret": intent.secret, "expires_at": clock.now() + intent.lease, "failures": 0}
    if not of_theirs.update(**granted, next_at=clock.now()):
        Subscription.objects.create(
            callback=intent.callback, host=intent.host, topic=topic, told=topic.tag, **granted
        )


# --- telling subscribers --------------------------------------------------------------------------


def do_distribute(caller: Caller | None = None) -> bool:
    """Tell subscribers what has changed; whether anybody was to be told."""
    caller = caller or Caller()
    _write_topics()
    outdated = Subscription.objects.exclude(told=F("topic__tag")).filter(expires_at__gt=clock.now())
    if not outdated.exists():
        return False
    due = _leased(Subscription, pk__in=outdated.values("pk"))
    told = {topic.url: topic for topic in Topic.objects.filter(pk__in={each.topic_id for each in due})}
    for each in due:
        _begin(each, told[each.topic_id].tag)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda each: _tell(caller, each, told[each.topic_id]), due))
    for each, status in zip(due, statuses, strict=True):
        _end(each, told[each.topic_id].tag, status)
    return bool(due)


def _begin(subscription: Subscription, tag: str) -> None:
    """On record before anything leaves."""
    again = 1 if subscription.telling == tag else 0
    Subscription.objects.filter(pk=subscription.pk).update(telling=tag, repeats=F("repeats") + again)


def _tell(caller: Caller, subscription: Subscription, topic: Topic) -> int:
    body = bytes(topic.body)
    hub = f"{settings.CONFIG.url}{reverse('hub')}"
    headers = {
        "Content-Type": topic.media_type,
        "Link": f'<{hub}>; rel="hub", <{topic.url}>; rel="self"',
        "ETag": topic.tag,
    }
    if subscription.secret:
        headers["X-Hub-Signature"] = signature(subscription.secret, body)
    return caller.tell(subscription.callback, body, headers)


def _end(subscription: Subscription, tag: str, status: int) -> None:
    row = Subscription.objects.filter(pk=subscription.pk)
    if 200 <= status < 300:
        row.update(told=tag, telling="", failures=0, leased_until=clock.now())
    elif status == GONE:
        row.delete()
    else:
        if status:
            row.update(telling="")  # it answered that it did not take it
        _put_off(subscription)


def _write_topics() -> None:
    """Write down what the topics that somebody subscribes to say, where a verdict was published since."""
    newest = last_seq("verdict.published")
    stale = Topic.objects.filter(pk__in=topics(), seq__lt=newest, subscriptions__isnull=False)
    for topic in stale.distinct():
        _written(topic)


def _written(topic: Topic) -> Topic:
    """The topic with what its feed says now."""
    seq = last_seq("verdict.published")  # looked at first: what comes meanwhile is written down the next time
    if topic.seq < seq or not topic.tag:
        name, lang = topics()[topic.url]
        feed = feeds.FEEDS[name](lang, None)
        topic.seq, topic.tag = seq, tag_of(feed.body)
        topic.body, topic.media_type = feed.body, feed.media_type
        topic.save()
    return topic


# --- leases ---------------------------------------------------------------------------------------


def _leased(table: type[_Row], **wanted: object) -> Sequence[_Row]:
    """Rows that are due and that no other process holds, now ours for a while; few of one host, so that it delays no other."""
    now = clock.now()
    free = table._default_manager.filter(next_at__lte=now, leased_until__lte=now, **wanted)
    if not free.exists():  # mostly there is nothing to do, and then nobody's writing waits for it
        return []
    return _taken(table, free.select_for_update(skip_locked=True), now)


@transaction.atomic
def _taken(table: type[_Row], free: QuerySet[_Row], now: datetime) -> Sequence[_Row]:
    rows: list[_Row] = list(islice(_few_a_host(free.order_by("next_at")[: AT_ONCE * 8]), AT_ONCE))
    table._default_manager.filter(pk__in=[row.pk for row in rows]).update(leased_until=now + LEASE)
    return rows


def _few_a_host(rows: Iterable[_Row]) -> Iterator[_Row]:
    seen: dict[str, int] = {}
    for row in rows:
        seen[row.host] = seen.get(row.host, 0) + 1
        if seen[row.host] <= AT_ONCE // 2:
            yield row


def _put_off(row: Called) -> None:
    failures = row.failures + 1
    type(row)._default_manager.filter(pk=row.pk).update(
        failures=failures, next_at=clock.now() + timedelta(seconds=pause(failures)), leased_until=clock.now()
    )


def do_tidy() -> None:
    """Let go what is over: leases that ended, requests that have been counted, topics of an address we had before."""
    Topic.objects.exclude(pk__in=topics()).delete()
    Subscription.objects.filter(expires_at__lte=clock.now()).delete()
    Intent.objects.filter(settled_at__isnull=False, asked_at__lt=clock.ago(hours=1)).delete()
    Topic.objects.exclude(subscriptions__isnull=False).exclude(pk__in=Intent.objects.values("topic")).delete()

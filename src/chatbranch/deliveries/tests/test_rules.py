"""Back-off, endings and pace: pure values."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chatbranch.deliveries import reasons
from chatbranch.deliveries.rules import (
    LEASE,
    SEND_WITHIN,
    Broken,
    Bucket,
    Head,
    Postponed,
    Refusal,
    Sent,
    backoff,
    fit,
    settle,
    start,
)
from chatbranch.kernel.backoff import LONGEST

CHANCE = st.floats(0, 1, exclude_max=True)
OUTCOMES = st.one_of(
    st.builds(Sent, st.text(max_size=5)),
    st.builds(Postponed, st.floats(0, 1e6)),
    st.builds(Broken, st.just("ConnectionError"), st.booleans()),
    st.builds(Refusal, st.just("blocked")),
)
SPAN = st.timedeltas(min_value=timedelta(days=-8), max_value=timedelta(days=8))


@given(attempts=st.integers(1, 10_000), chance=CHANCE)
def test_pauses_double_up_to_five_minutes_and_are_jittered(attempts: int, chance: float) -> None:
    whole = min(LONGEST, 2.0 ** min(attempts - 1, 20))
    assert whole / 2 <= backoff(attempts, chance) <= whole


@given(OUTCOMES, st.integers(1, 100), st.floats(0, 10), SPAN, CHANCE)
def test_every_outcome_ends_or_goes_on_and_says_why(
    outcome: Sent | Postponed | Broken | Refusal,
    attempts: int,
    interval: float,
    left: timedelta,
    chance: float,
) -> None:
    settled = settle(outcome, attempts=attempts, interval=interval, left=left, chance=chance)
    assert settled.pause >= interval
    assert settled.reason in ("" if settled.state == "sent" else reasons.REASONS)
    assert (settled.state == "sent") is isinstance(outcome, Sent)
    if isinstance(outcome, Postponed):
        assert settled.state == "queued"
        assert settled.pause >= outcome.seconds
    if isinstance(outcome, Broken):
        assert (settled.state == "failed") is (left <= timedelta(0))


@given(st.booleans(), st.integers(0, 3), SPAN, st.booleans())
def test_where_the_key_is_recognised_an_interrupted_message_is_simply_sent_again(
    interrupted: bool, repeats: int, left: timedelta, reachable: bool
) -> None:
    begun = start(Head(interrupted, repeats, left, reachable), idempotent=True)
    assert begun == ("erased" if not reachable else "send" if left > timedelta(0) else "gave-up")


def test_elsewhere_an_interrupted_message_is_repeated_once_and_never_again() -> None:
    week = timedelta(days=7)
    assert start(Head(True, 0, week, True), idempotent=False) == "repeat"
    assert start(Head(True, 1, week, True), idempotent=False) == "interrupted"
    assert start(Head(False, 1, week, True), idempotent=False) == "send"


def test_a_lease_outlives_the_longest_send() -> None:
    assert LEASE.total_seconds() > SEND_WITHIN + 10


@given(st.text(max_size=300), st.integers(20, 200))
def test_a_long_text_keeps_its_beginning_and_never_exceeds_the_platform(text: str, most: int) -> None:
    cut = fit(text, most)
    assert len(cut) <= most
    assert cut == text or text.startswith(cut[: cut.index("…")].rstrip())


def test_a_cut_text_keeps_the_line_that_says_where_to_read_on() -> None:
    assert fit("长" * 200 + "\nhttps://branch.example/1280", 100).endswith("长…\nhttps://branch.example/1280")


@given(st.floats(0.5, 50), st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_a_bucket_never_lets_more_through_than_its_burst_and_rate(rate: float, waits: list[float]) -> None:
    now = [0.0]
    bucket = Bucket(rate, lambda: now[0])
    let = 0
    for wait in waits:
        now[0] += wait
        room = bucket.room(1000)
        bucket.take(room)
        let += room
    assert let <= max(rate, 1.0) + rate * now[0] + 1e-6


def test_a_bucket_without_a_rate_has_no_limit() -> None:
    bucket = Bucket(0, lambda: 0.0)
    bucket.take(10_000)
    assert bucket.room(50) == 50


def test_three_lanes_asked_to_wait_rest_the_whole_channel() -> None:
    now = [0.0]
    bucket = Bucket(0, lambda: now[0])
    for outcome in (Postponed(5), Postponed(5), Sent(), Postponed(5), Postponed(5)):
        bucket.heard(outcome)
    assert bucket.room(50) == 50
    bucket.heard(Postponed(5))
    assert bucket.room(50) == 0
    now[0] = 5.1
    assert bucket.room(50) == 50


def test_the_ledger_says_it_in_both_languages() -> None:
    assert reasons.say("queued", "", "", 0, "zh-Hans") == "排队中"
    assert reasons.say("sent", "", "", 0, "en") == "sent"
    assert reasons.say("failed", "undeliverable", "blocked", 0, "en") == (
        "failed because this person cannot be reached there (blocked)"
    )
    assert reasons.say("failed", "gave-up", "", 0, "zh-Hans") == "未能送达：连续七天都没有发出，不再重试"
    assert "重发过 1 次" in reasons.say("sent", "", "", 1, "zh-Hans")
    for code in reasons.REASONS:
        assert reasons.say("failed", code, "", 0, "zh-Hant")

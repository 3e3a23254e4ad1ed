"""What the branch tells a Prometheus server of its own, and nobody else."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from chatbranch.deliveries.actions import do_report
from chatbranch.relay.tests.support import PLAIN, RICH, arrived, carry, install, join, said
from chatbranch.site.metrics import exposition

pytestmark = pytest.mark.django_db(transaction=True)
LINE = re.compile(r'chatbranch_[a-z_]+\{([a-z_]+="(\\.|[^"\\\n])*",?)*\} [0-9.e+-]+')


def test_every_leg_is_told_with_lag_depth_failures_and_last_success(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN})
    join("rich !a", "plain #b", name='members "of" the\nbranch')
    do_report("plain", "connected")
    do_report("rich", "broken", "sign in again")
    for n in range(3):
        carry(said("rich !a", "hello", f"m{n}"))
    arrived("plain", "x")
    text = Client().get("/metrics").content.decode()
    assert 'chatbranch_channel_up{channel="plain"} 1' in text
    assert 'chatbranch_channel_up{channel="rich"} 0' in text
    (queued,) = [
        line for line in text.splitlines() if line.startswith("chatbranch_leg_queued") and "plain" in line
    ]
    assert queued.endswith(" 2")
    assert "chatbranch_leg_last_success_timestamp_seconds" in text
    assert all(LINE.fullmatch(line) for line in text.splitlines() if not line.startswith("#"))
    assert "#b" not in text.replace("# ", "")


def test_strangers_are_refused() -> None:
    assert Client(REMOTE_ADDR="203.0.113.7").get("/metrics").status_code == 403


def test_a_label_cannot_break_its_line() -> None:
    text = exposition([("leg_queued", {"route": 'a"b\\c\nd'}, 1.0)])
    assert text.splitlines()[-1] == 'chatbranch_leg_queued{route="a\\"b\\\\c\\nd"} 1'

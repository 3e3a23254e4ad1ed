"""What the hub takes, and from whom how much (WebSub, W3C Recommendation of 23 January 2018). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
LEASE, SHORTEST, LONGEST = timedelta(days=10), timedelta(minutes=5), timedelta(days=30)
LONGEST_CALLBACK = 2000  # characters
LONGEST_SECRET = 199  # bytes: the specification asks for less than 200
OF_A_HOST = 20
"""How many subscriptions one callback host may have."""
ASKED_BY_A_HOST = 30
"""How many requests that name one callback host are taken in an hour: each makes us call it once."""
IN_ALL, ASKED_IN_ALL = 5000, 1000
"""How many subscriptions there may be, and how many requests are taken in an hour."""


@dataclass(frozen=True)
class Asked:
    """A request to subscribe or to unsubscribe."""

    mode: str
    callback: str
    topic: str
    lease: timedelta
    secret: str

    @property
    def host(self) -> str:
        """Whom we would call."""
        return urlsplit(self.callback).hostname or ""


def check_asked(form: Mapping[str, str], topics: Collection[str]) -> Asked:
    """Refuse what the specification does not allow, and topics that are none of ours."""
    mode, callback, topic = (form.get(f"hub.{name}", "") for name in ("mode", "callback", "topic"))
    if mode not in (SUBSCRIBE, UNSUBSCRIBE):
        raise Refused("hub-mode", _MODE, field="hub.mode", mode=mode[:40])
    if topic not in topics:
        raise Refused("hub-topic", _TOPIC, status=404, field="hub.topic")
    if not _may_be_called(callback):
        raise Refused("hub-callback", _CALLBACK, field="hub.callback")
    secret = form.get("hub.secret", "")
    if len(secret.encode("utf-8", "replace")) > LONGEST_SECRET:
        raise Refused("hub-secret", _SECRET, field="hub.secret", most=LONGEST_SECRET)
    return Asked(mode, callback, topic, _lease(form.get("hub.lease_seconds", "")), secret)


def _may_be_called(callback: str) -> bool:
    try:
        parts = urlsplit(callback)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.fragment)
    return (
        fits
        and plain
        and len(callback) <= LONGEST_CALLBACK
        and callback.isprintable()
        and " " not in callback
    )


def _lease(seconds: str) -> timedelta:
    """The lease asked for, within bounds; ours where none is asked for."""
    if not seconds:
        return LEASE
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 12):
        raise Refused("hub-lease", _LEASE, field="hub.lease_seconds")
    return min(max(timedelta(seconds=min(int(seconds), 10**9)), SHORTEST), LONGEST)


_MODE = Phrase(
    "hub.mode 只能是 subscribe 或 unsubscribe，而不是“{mode}”。",
    "hub.mode must be subscribe or unsubscribe, not “{mode}”.",
)
_TOPIC = Phrase(
    "这里没有这个 hub.topic：请用 feed 里 rel=self 的网址。",
    "There is no such hub.topic here: use the address that the feed gives as rel=self.",
)
_CALLBACK = Phrase(
    "hub.callback 要是 http 或 https 网址，不带用户名和 # 部分，最多 2000 字符。",
    "hub.callback must be an http or https address without a user name or fragment, of at most 2,000 characters.",
)
_SECRET = Phrase("hub.secret 最多 {most} 字节。", "hub.secret takes at most {most} bytes.")
_LEASE = Phrase("hub.lease_seconds 要是秒数。", "hub.lease_seconds must be a number of seconds.")
TOO_MANY = Phrase(
    "这个回调主机的订阅或请求太多了，请一小时后再试。",
    "There are too many subscriptions of, or requests for, that callback's host; please try again in an hour.",
)
FULL = Phrase(
    "眼下不能再接受订阅了，请过一小时再试。",
    "No more subscriptions can be taken just now; please try again in an hour.",
)

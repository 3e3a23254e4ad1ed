"""Platforms for tests of the relay alone: what each can do is set per test; nothing is sent anywhere."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chatbranch.connectors.contract import Capabilities, Setup
from chatbranch.deliveries.models import Delivery
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Change, Deed, Inbound
from chatbranch.kernel.phrases import Phrase
from chatbranch.relay import actions, platforms
from chatbranch.relay.models import Leg, Route

RICH = Capabilities(
    rooms=True,
    html=True,
    attachments=True,
    files=True,
    replies=True,
    threads=True,
    edits=True,
    deletes=True,
    reacts=True,
)
PLAIN = Capabilities(rooms=True, characters=500)
PUPPETS = Capabilities(rooms=True, names=True, replies=True, edits=True, deletes=True, reacts=True)


def install(monkeypatch: pytest.MonkeyPatch, able: Mapping[str, Capabilities]) -> None:
    """Make these the installed platforms; each is called by its name with a capital letter."""
    setups = {
        name: Setup(name, Phrase(name.title(), name.title()), each, (), "nowhere:Nothing")
        for name, each in able.items()
    }
    monkeypatch.setattr(platforms, "_setups", lambda: setups)


def join(*rooms: str, lang: str = "en", name: str = "members") -> Route:
    """A route of rooms written "channel address"; the notices of joining are out of the way."""
    actions.do_follow_settings({name: {"lang": lang, "rooms": list(rooms)}})
    Delivery.objects.filter(kind="relay-notice").delete()
    return Route.objects.get(name=name)


def said(room: str, text: str, message_id: str = "m1", sender: str = "anna", **more: object) -> Inbound:
    channel, address = room.split(None, 1)
    facts: dict[str, object] = {"direct": False, "sender_name": sender.title(), **more}
    return Inbound(channel, address, sender, message_id, text, clock.now(), **facts)  # type: ignore[arg-type]


def done(
    room: str,
    deed: Deed,
    target: str,
    text: str = "",
    sender: str = "anna",
    message_id: str = "c1",
    **more: bool,
) -> Change:
    channel, address = room.split(None, 1)
    return Change(
        channel,
        address,
        sender,
        message_id,
        target,
        deed,
        clock.now(),
        text,
        sender_name=sender.title(),
        **more,
    )


def carry(what: Inbound | Change) -> list[str]:
    """Carry one message or deed; returns the channels that have something to send."""
    files = actions.do_keep_files(what) if isinstance(what, Inbound) else ()
    (went,) = actions.do_carry([actions.Brought(what, files)])
    if isinstance(went, Exception):
        raise went
    return went or []


def waiting(channel: str) -> list[dict[str, object]]:
    """The bodies that wait for a channel, oldest first."""
    return list(Delivery.objects.filter(channel=channel).order_by("id").values_list("body", flat=True))


def texts(channel: str) -> list[object]:
    return [body["text"] for body in waiting(channel)]


def arrived(channel: str, receipt: str) -> None:
    """The oldest waiting delivery of a channel was taken by its platform, which calls it `receipt`."""
    row = Delivery.objects.filter(channel=channel, state="queued").order_by("id")[0]
    Delivery.objects.filter(pk=row.pk).update(state="sent", receipt=receipt, sent_at=clock.now(), lane=None)


def legs() -> int:
    return Leg.objects.count()

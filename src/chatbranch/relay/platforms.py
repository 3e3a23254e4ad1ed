"""What the installed connectors can do and are called, as far as carrying between them needs it."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from chatbranch.connectors import discover
from chatbranch.connectors.contract import Capabilities, Setup

NOTHING = Capabilities(receives=False, sends=False, direct=False)


def able(channel: str) -> Capabilities:
    """What a channel can do; nothing where no such connector is installed."""
    setup = _setups().get(channel)
    return setup.capabilities if setup else NOTHING


def title(channel: str, lang: str) -> str:
    """What people call the platform."""
    setup = _setups().get(channel)
    return setup.title.say(lang) if setup else channel


def rooms() -> list[str]:
    """The channels that are switched on and have rooms."""
    on = discover.switched_on(settings.CONFIG.connectors)
    return [name for name, setup in on.items() if setup.capabilities.rooms]


@cache
def _setups() -> dict[str, Setup]:
    return discover.setups()

"""The settings, checked: what the connector does with them needs no second look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from chatbranch.connectors.contract import Misconfigured

LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Choices:
    """How to connect, as whom, and where to. Secrets do not show when it is printed."""

    server: str
    port: int
    tls: bool
    nick: str
    name: str
    account: str
    password: str = field(repr=False)
    server_password: str = field(repr=False)
    channels: tuple[str, ...]
    keys: Mapping[str, str] = field(repr=False)
    peers: tuple[str, ...]
    burst: int
    per_second: float
    gather: float


def read(settings: Mapping[str, str]) -> Choices:
    """The settings as they are to be used. Raises Misconfigured."""
    channels = _words("channels", settings)
    choices = Choices(
        server=_one("server", settings, r"[^\s,/]{1,253}", "the address of a server, like irc.example.org"),
        port=int(_one("port", settings, r"[1-9][0-9]{0,4}", "a number from 1 to 65535")),
        tls=_one("tls", settings, "on|off", "on or off") == "on",
        nick=_one(
            "nick",
            settings,
            r"[^\s,:!@#&$*?.0-9-][^\s,:!@#&$*?.]{0,49}",
            "a nick: one word, no digit in front",
        ),
        name=re.sub(r"[\x00-\x1f\x7f]", " ", settings.get("name", "")).strip() or "chatbranch",
        account=settings.get("account", "") or settings["nick"],
        password=settings.get("password", ""),
        server_password=settings.get("server_password", ""),
        channels=channels,
        keys=_keys(settings, channels),
        peers=_words("peers", settings),
        burst=int(_one("burst", settings, r"[1-9][0-9]{0,3}", "a whole number, at least 1")),
        per_second=float(_one("per_second", settings, r"[0-9]{1,4}(\.[0-9]+)?", "a number; 0 for no limit")),
        gather=float(_one("gather", settings, r"[0-9](\.[0-9]+)?", "seconds, from 0 to 9")),
    )
    _check(choices)
    return choices


def _check(choices: Choices) -> None:
    if choices.port > 65_535:
        raise Misconfigured("irc.port 应是 1 到 65535 的数 / irc.port must be a number from 1 to 65535")
    if (choices.password or choices.server_password) and not choices.tls and choices.server not in LOCAL:
        raise Misconfigured(
            "irc.tls 关着，密码会明文传送，请改为 on / irc.tls is off: the password would cross the network in clear; set it to on"
        )
    for channel in choices.channels:
        if not re.fullmatch(r"[^\s,:\x00-\x1f0-9A-Za-z][^\s,:\x00-\x1f]{0,199}", channel):
            raise Misconfigured(
                f"irc.channels 里的“{channel}”不是频道，频道像 #branch / irc.channels: “{channel}” is no channel; they look like #branch"
            )
    if any(
        re.search(r"[\x00\r\n]", each)
        for each in (choices.password, choices.server_password, choices.account)
    ):
        raise Misconfigured(
            "irc.password、irc.server_password、irc.account 各只能是一行 / irc.password, irc.server_password and irc.account are one line each"
        )


def _one(key: str, settings: Mapping[str, str], pattern: str, what: str) -> str:
    value = settings.get(key, "").strip()
    if not re.fullmatch(pattern, value):
        raise Misconfigured(f"irc.{key} 不合要求 / irc.{key} must be {what}")
    return value


def _words(key: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in settings.get(key, "").split(",") if each.strip()))


def _keys(settings: Mapping[str, str], channels: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in _words("channel_keys", settings)]
    for channel, _, key in pairs:
        if channel not in channels or not re.fullmatch(r"[!-~]{1,100}", key):
            raise Misconfigured(
                "irc.channel_keys 应像 #channel=key，频道须在 irc.channels 里 / "
                "irc.channel_keys must be like #channel=key, each of a channel in irc.channels"
            )
    return {channel: key for channel, _, key in pairs}

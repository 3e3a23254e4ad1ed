"""The XMPP connector: one account in its rooms and one-to-one conversations; nothing lost, nothing said twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from chatbranch.connectors.contract import Host, Later, Misconfigured
from chatbranch.connectors.xmpp import compose
from chatbranch.connectors.xmpp.account import Account
from chatbranch.connectors.xmpp.session import Session, Trouble, is_loopback, normal
from chatbranch.connectors.xmpp.setup import SETUP
from chatbranch.kernel.backoff import Attempts
from chatbranch.kernel.messages import Outbound, Receipt

log = logging.getLogger(__name__)

SECURITY = ("starttls", "tls", "none")


class Xmpp:
    """Receives from and sends to the rooms of one account, and everybody who writes to it."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._values, self._rooms = _checked(settings)
        self._account: Account | None = None  # while signed in

    async def run(self, host: Host) -> None:
        """Sign in and be there until cancelled; again when the stream ends."""
        attempts = Attempts()
        while True:
            attempts.begin()
            try:
                await self._attend(host)
            except Misconfigured as wrong:
                await host.report("broken", str(wrong))
                raise
            except Trouble as trouble:
                seconds = attempts.failed()
                log.warning("xmpp: %s; again in %.0f s", trouble, seconds)
                await host.report("reconnecting", str(trouble))
                await asyncio.sleep(seconds)

    async def _attend(self, host: Host) -> None:
        session = Session(self._values)
        try:
            await session.open()
            self._account = Account(session, host, self._rooms, self._values["nick"])
            await self._account.stay()
        finally:
            account, self._account = self._account, None
            if account is not None:
                await account.close()
            await session.close()

    async def send(self, outbound: Outbound) -> Receipt:
        """Say it, and give a receipt once the room has shown it to everyone, or our server has it (XEP-0198)."""
        return Receipt(await self._there().send(outbound))

    async def edit(self, outbound: Outbound, target: str) -> Receipt:
        """Correct our message (XEP-0308)."""
        return Receipt(await self._there().edit(outbound, target))

    async def delete(self, outbound: Outbound, target: str) -> Receipt:
        """Take our message back (XEP-0424). Those who saw it may remember."""
        return Receipt(await self._there().delete(outbound, target))

    async def react(self, outbound: Outbound, target: str) -> Receipt:
        """Add an emoji to those we have under a message (XEP-0444)."""
        return Receipt(await self._there().react(outbound, target, on=True))

    async def unreact(self, outbound: Outbound, target: str) -> Receipt:
        """Take one of our emoji back."""
        return Receipt(await self._there().react(outbound, target, on=False))

    async def typing(self, address: str, on: bool) -> None:
        """Show that we are at it (XEP-0085)."""
        if self._account is not None:
            self._account.typing(address, on)

    def _there(self) -> Account:
        if self._account is None:
            raise Later(2, "还没有登录服务器 / not signed in to the server yet")
        return self._account


def _checked(settings: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    values = dict(settings)
    jid = normal(values["jid"])
    if not jid:
        raise Misconfigured(
            "xmpp.jid 应是地址，像 check@example.org / xmpp.jid must be an address like check@example.org"
        )
    rooms = {each.strip(): normal(each) for each in values.get("rooms", "").split(",") if each.strip()}
    for written, room in rooms.items():
        if not room or "/" in room:
            raise Misconfigured(
                f"xmpp.rooms 里的“{written}”不是群的地址，地址像 members@rooms.example.org / "
                f"xmpp.rooms: “{written}” is no room's address like members@rooms.example.org"
            )
    if values["security"] not in SECURITY:
        raise Misconfigured(f"xmpp.security 不合要求 / xmpp.security must be one of {', '.join(SECURITY)}")
    if values["security"] == "none" and not is_loopback(values.get("host", "")):
        raise Misconfigured(
            "xmpp.security 是 none，一切都会明文传送；只可用于 xmpp.host 127.0.0.1 / "
            "xmpp.security is none: everything would cross the network in clear; it is for xmpp.host 127.0.0.1 only"
        )
    port = values.get("port", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise Misconfigured("xmpp.port 应是 1 到 65535 的数 / xmpp.port must be a number from 1 to 65535")
    nick = compose.sayable(values.get("nick", "")).strip() or jid.partition("@")[0]
    if not normal(f"{jid.partition('/')[0]}/{nick}"):
        raise Misconfigured(
            "xmpp.nick 太长，或有群里不能用的字符 / xmpp.nick is too long, or has characters no name in a room may have"
        )
    return {**values, "jid": jid, "nick": nick}, list(dict.fromkeys(rooms.values()))

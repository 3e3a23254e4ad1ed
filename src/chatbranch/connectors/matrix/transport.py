"""The Matrix connector: one account in its rooms, encrypted or not; nothing lost, nothing said twice."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from chatbranch.connectors.contract import Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.matrix.crypto.seals import Seals
from chatbranch.connectors.matrix.listener import Listener, bear
from chatbranch.connectors.matrix.people import People
from chatbranch.connectors.matrix.session import Session, SignedOut, Trouble
from chatbranch.connectors.matrix.setup import SETUP
from chatbranch.connectors.matrix.voice import Voice
from chatbranch.kernel.backoff import Attempts
from chatbranch.kernel.messages import Outbound, Receipt


class Matrix:
    """Receives from and sends to the rooms one account is in."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._values = _checked(settings)
        self._voice: Voice | None = None  # while signed in
        self._listener: Listener | None = None

    async def run(self, host: Host) -> None:
        """Sign in and listen until cancelled; sign in again when the server was away, or has forgotten us."""
        attempts = Attempts()
        while True:
            attempts.begin()
            try:
                await self._attend(host)
            except Misconfigured as wrong:
                await host.report("broken", str(wrong))
                raise
            except (SignedOut, Trouble, Later) as trouble:
                await bear(host, trouble, attempts.failed())

    async def _attend(self, host: Host) -> None:
        session = Session(self._values)
        try:
            await session.sign_in(host)
            people, seals = People(session), Seals(session, host)
            note = await seals.open()
            self._voice = Voice(session, people, seals)
            self._listener = Listener(session, host, people=people, seals=seals, voice=self._voice, note=note)
            await self._listener.listen()
        finally:
            self._voice = self._listener = None
            await session.close()

    async def send(self, outbound: Outbound) -> Receipt:
        """Say it in the room. The server takes a repeated key once (for a day, from the same session)."""
        return await self._do(outbound.address, lambda voice: voice.send(outbound))

    async def edit(self, outbound: Outbound, target: str) -> Receipt:
        """Give our message another text."""
        return await self._do(outbound.address, lambda voice: voice.edit(outbound, target))

    async def delete(self, outbound: Outbound, target: str) -> Receipt:
        """Take our message back."""
        return await self._do(outbound.address, lambda voice: voice.delete(outbound, target))

    async def react(self, outbound: Outbound, target: str) -> Receipt:
        """Put an emoji under a message."""
        return await self._do(outbound.address, lambda voice: voice.react(outbound, target))

    async def unreact(self, outbound: Outbound, target: str) -> Receipt:
        """Take our emoji back."""
        return await self._do(outbound.address, lambda voice: voice.unreact(outbound, target))

    async def typing(self, address: str, on: bool) -> None:
        """Show that we are at it."""
        if self._voice is not None:
            with suppress(Later, Undeliverable, SignedOut, Trouble):
                await self._voice.typing(address, on)

    async def _do(self, room: str, deed: Callable[[Voice], Awaitable[str]]) -> Receipt:
        if self._voice is None:
            raise Later(2, "还没有登录服务器 / not signed in to the homeserver yet")
        try:
            return Receipt(await deed(self._voice))
        except Undeliverable as refusal:
            if self._listener is None or self._listener.may_yet_enter(room):
                raise Later(2, "还没有进那个群 / not in that room yet") from refusal
            raise
        except SignedOut as error:
            raise Later(5, "正在重新登录服务器 / signing in to the homeserver again") from error


def _checked(settings: Mapping[str, str]) -> dict[str, str]:
    if not re.match(r"https?://[^\s/]+", settings["homeserver"]):
        raise Misconfigured(
            "matrix.homeserver 应是网址，像 https://matrix.example.org / matrix.homeserver must be an address like https://matrix.example.org"
        )
    if not re.fullmatch(r"@[^:\s]+:\S+", settings["user"]):
        raise Misconfigured(
            "matrix.user 应是完整的账号，像 @check:example.org / matrix.user must be a full user id like @check:example.org"
        )
    if not settings.get("password") and not settings.get("token"):
        raise Misconfigured(
            "缺 CHATBRANCH_MATRIX_PASSWORD 或 CHATBRANCH_MATRIX_TOKEN / matrix needs CHATBRANCH_MATRIX_PASSWORD or CHATBRANCH_MATRIX_TOKEN"
        )
    return dict(settings)

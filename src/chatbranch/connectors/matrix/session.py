"""One signed-in account: matrix-nio's client, with its answers turned into values and errors of ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from aiohttp import ClientError, StreamReader
from nio import AsyncClient, AsyncClientConfig, ErrorResponse, LoginResponse, SyncResponse, WhoamiResponse

from chatbranch.connectors.contract import Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.matrix import wire

log = logging.getLogger(__name__)

Response = TypeVar("Response")

SIGNED_OUT = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED")
NEVER = {
    "M_FORBIDDEN": "we are not in this room any more, or may not write in it",
    "M_NOT_FOUND": "this room does not exist any more",
    "M_INVALID_PARAM": "this is no room address",
    "M_TOO_LARGE": "the message is too long for this server",
}


class SignedOut(Exception):
    """The homeserver no longer knows our session."""


class Trouble(Exception):
    """The homeserver cannot be reached, or answered with something that may pass."""


class Session:
    """Calls of the Client-Server API. Each may raise Later, Undeliverable, SignedOut or Trouble at once."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings
        # nio would repeat throttled and timed-out calls by itself, for ever; here the caller decides.
        config = AsyncClientConfig(
            max_limit_exceeded=0, max_timeouts=0, request_timeout=30, encryption_enabled=False
        )
        self._client = AsyncClient(settings["homeserver"].rstrip("/"), settings["user"], config=config)
        self.name = ""

    @property
    def me(self) -> str:
        """Our user id."""
        return self._settings["user"]

    async def sign_in(self, host: Host) -> None:
        """Use the given token, else the session remembered, else the password, and remember the session.

        A remembered session keeps its device id even when its token has ended: the server recognises a
        repeated transaction id per device only. Raises Misconfigured when the server refuses the settings.
        """
        kept = json.loads(await host.recall("session") or "{}")
        kept = kept if kept.get("user") == self.me else {}
        token = self._settings.get("token") or kept.get("token", "")
        if token and await self._accepts(token, kept.get("device", "")):
            pass
        elif self._settings.get("token"):
            raise Misconfigured(f"the homeserver does not accept matrix.token for {self.me}; set a new one")
        else:
            await self._log_in(host, kept.get("device", ""))
        self.name = await self._display_name()

    async def _display_name(self) -> str:
        try:
            profile = await self._call(self._client.get_displayname(self.me))
        except Undeliverable:  # an account that never had a profile
            return ""
        return profile.displayname or ""

    async def _accepts(self, token: str, device: str) -> bool:
        self._client.restore_login(self.me, device, token)
        try:
            answer: WhoamiResponse = await self._call(self._client.whoami())
        except SignedOut:
            return False
        if answer.user_id != self.me:
            raise Misconfigured(f"the session belongs to {answer.user_id}; matrix.user says {self.me}")
        self._client.device_id = answer.device_id or device
        return True

    async def _log_in(self, host: Host, device: str) -> None:
        if not self._settings.get("password"):
            raise Misconfigured("the session has ended; set matrix.password or matrix.token")
        self._client.access_token, self._client.device_id = "", device or None
        try:
            answer: LoginResponse = await self._call(
                self._client.login(self._settings["password"], self._settings["device_name"])
            )
        except Undeliverable as refused:
            if "M_FORBIDDEN" in str(refused):
                wrong = f"the homeserver refuses matrix.password for {self.me}"
            else:
                wrong = f"no homeserver answers at {self._settings['homeserver']}: see matrix.homeserver"
            raise Misconfigured(wrong) from refused
        if answer.user_id != self.me:
            raise Misconfigured(f"this account is called {answer.user_id}; put that into matrix.user")
        session = {"user": answer.user_id, "device": answer.device_id, "token": answer.access_token}
        await host.remember("session", json.dumps(session))

    async def sync(self, since: str, seconds: float) -> SyncResponse:
        """What happened after `since`; waits up to `seconds` for something to."""
        self._client.next_batch = ""  # nio would go on from what it saw, though we may not have kept it yet
        return await self._call(
            self._client.sync(timeout=int(seconds * 1000), sync_filter=wire.SYNC_FILTER, since=since or None)
        )

    async def history(
        self, room: str, before: str, after: str, most: int = 100
    ) -> tuple[list[wire.Event], str]:
        """Events between two sync tokens, newest first, and the token to go on from ("" at the end)."""
        page = await self._call(
            self._client.room_messages(
                room, before, after or None, limit=most, message_filter=wire.HISTORY_FILTER
            )
        )
        return [event.source for event in page.chunk], "" if page.end in (None, before) else page.end

    async def send(self, room: str, content: dict[str, Any], transaction: str) -> str:
        """Say something in a room; returns the event id, the same for a repeated `transaction`."""
        sent = await self._call(self._client.room_send(room, "m.room.message", content, tx_id=transaction))
        event_id: str = sent.event_id
        return event_id

    async def members(self, room: str) -> frozenset[str]:
        """Who is in a room now."""
        answer = await self._call(self._client.joined_members(room))
        return frozenset(member.user_id for member in answer.members)

    async def event(self, room: str, event_id: str) -> wire.Event:
        """One event, empty when we may not see it."""
        try:
            answer = await self._call(self._client.room_get_event(room, event_id))
        except Undeliverable:
            return {}
        source: wire.Event = answer.event.source
        return source

    async def download(self, where: str, most: int) -> bytes:
        """A file of the media repository, or at most its first `most` bytes; empty when it cannot be had."""
        path = f"/_matrix/client/v1/media/download/{where}"
        try:
            answer = await self._client.send(
                "GET", path, headers={"Authorization": f"Bearer {self._client.access_token}"}
            )
            async with answer:
                return await _first(answer.content, most) if answer.status == 200 else b""
        except (ClientError, OSError, TimeoutError) as error:
            raise Trouble(f"a file could not be fetched: {type(error).__name__}") from error

    async def join(self, room: str) -> None:
        """Accept an invitation."""
        await self._call(self._client.join(room))

    async def leave(self, room: str) -> None:
        """Leave a room."""
        await self._call(self._client.room_leave(room))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def _call(self, request: Awaitable[Any]) -> Any:
        try:
            answer = await request
        except (ClientError, OSError, TimeoutError) as error:
            raise Trouble(
                f"{self._settings['homeserver']} cannot be reached: {type(error).__name__}"
            ) from error
        if isinstance(answer, ErrorResponse):
            raise _error(answer)
        return answer


def _error(answer: ErrorResponse) -> Exception:
    """What a refusal means for us (section "Standard error response")."""
    code = answer.status_code or ""
    status = getattr(answer.transport_response, "status", 0)
    if code == "M_LIMIT_EXCEEDED" or status == 429:
        return Later((answer.retry_after_ms or 5000) / 1000, "the homeserver asks us to slow down")
    if code in SIGNED_OUT:
        return SignedOut(f"the homeserver has ended our session ({code})")
    if code in NEVER or status in (403, 404, 413):
        return Undeliverable(f"{NEVER.get(code, 'the homeserver refuses')} ({code or status})")
    return Trouble(f"the homeserver answered {status} {code}")


async def _first(stream: StreamReader, most: int) -> bytes:
    data = bytearray()
    while len(data) < most and (part := await stream.read(min(65_536, most - len(data)))):
        data += part
    return bytes(data)

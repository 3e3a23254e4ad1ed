"""One signed-in account: the calls of the Client-Server API we make, their refusals turned into errors of ours."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from chatbranch.connectors.contract import Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.matrix import wire

log = logging.getLogger(__name__)

CLIENT = "/_matrix/client/v3"
TIMEOUT = 30.0  # seconds a call may take, beyond what it was asked to wait
SIGNED_OUT = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED")
NEVER = {
    "M_FORBIDDEN": "我们已不在这个群里，或不许这样做 / we are not in this room any more, or may not do this in it",
    "M_NOT_FOUND": "群或消息已经没有了 / this room or message does not exist any more",
    "M_INVALID_PARAM": "这不是群的地址 / this is no room address",
    "M_TOO_LARGE": "消息太长，服务器不收 / the message is too long for this server",
}


class SignedOut(Exception):
    """The homeserver no longer knows our session."""


class Trouble(Exception):
    """The homeserver cannot be reached, or answered with something that may pass."""


class Refused(Trouble):
    """The homeserver says no with a code of its own (`code`), which the caller may know what to do about."""

    def __init__(self, status: int, code: str, body: Mapping[str, Any]) -> None:
        super().__init__(f"the homeserver answered {status} {code}")
        self.status, self.code, self.body = status, code, body


class Session:
    """Calls of the Client-Server API. Each may raise Later, Undeliverable, SignedOut or Trouble at once."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(base_url=settings["homeserver"].rstrip("/"), timeout=TIMEOUT)
        self.name = self.device = ""

    @property
    def me(self) -> str:
        """Our user id."""
        return self._settings["user"]

    @property
    def password(self) -> str:
        """What may prove, once more, that the account is ours; or ""."""
        return self._settings.get("password", "")

    # --- signing in ---

    async def sign_in(self, host: Host) -> None:
        """Use the given token, else the session remembered, else the password, and remember the session.

        A remembered session keeps its device id even when its token has ended: the server recognises a
        repeated transaction id per device only. Raises Misconfigured when the server refuses the settings.
        """
        kept = json.loads(await host.recall("session") or "{}")
        kept = kept if kept.get("user") == self.me else {}
        given = self._settings.get("token", "")
        token = given or kept.get("token", "")
        if not (token and await self._accepts(token, kept.get("device", ""))):
            if given:
                raise Misconfigured(
                    f"服务器不认 {self.me} 的 matrix.token，请换一个 / the homeserver does not accept matrix.token for {self.me}; set a new one"
                )
            await self._log_in(host, kept.get("device", ""))
        self.name = await self._display_name()

    async def _display_name(self) -> str:
        try:
            profile = await self.call("GET", f"profile/{_part(self.me)}/displayname")
        except Undeliverable:  # an account that never had a profile
            return ""
        name = profile.get("displayname")
        return name if isinstance(name, str) else ""

    async def _accepts(self, token: str, device: str) -> bool:
        self._bear(token)
        try:
            answer = await self.call("GET", "account/whoami")
        except SignedOut:
            return False
        if answer.get("user_id") != self.me:
            raise Misconfigured(
                f"登录的是另一个账号，与 matrix.user 不符 / "
                f"the session belongs to {answer.get('user_id')}; matrix.user says {self.me}"
            )
        self.device = str(answer.get("device_id") or device)
        return True

    async def _log_in(self, host: Host, device: str) -> None:
        if not self.password:
            raise Misconfigured(
                "登录已失效，请设 matrix.password 或 matrix.token / the session has ended; set matrix.password or matrix.token"
            )
        self._bear("")
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.me},
            "password": self.password,
            "initial_device_display_name": self._settings["device_name"],
            **({"device_id": device} if device else {}),
        }
        try:
            answer = await self.call("POST", "login", body)
        except Undeliverable as refused:
            if "M_FORBIDDEN" in str(refused):
                wrong = f"服务器不认 {self.me} 的 matrix.password / the homeserver refuses matrix.password for {self.me}"
            else:
                wrong = f"那里没有 Matrix 服务器，请看 matrix.homeserver / no homeserver answers at {self._settings['homeserver']}: see matrix.homeserver"
            raise Misconfigured(wrong) from refused
        if answer.get("user_id") != self.me:
            raise Misconfigured(
                f"请把这个账号的全名填进 matrix.user / this account is called {answer.get('user_id')}; put that into matrix.user"
            )
        self.device, token = str(answer["device_id"]), str(answer["access_token"])
        self._bear(token)
        await host.remember("session", json.dumps({"user": self.me, "device": self.device, "token": token}))

    def _bear(self, token: str) -> None:
        self._http.headers.pop("Authorization", None)
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    # --- receiving ---

    async def sync(self, since: str, seconds: float) -> wire.News:
        """What happened after `since`; waits up to `seconds` for something to."""
        query = {"timeout": str(int(seconds * 1000)), "filter": json.dumps(wire.SYNC_FILTER)}
        answer = await self.call(
            "GET", "sync", query=query | ({"since": since} if since else {}), wait=seconds
        )
        news = wire.read_news(answer)
        if news is None:
            raise Trouble("服务器对同步的回答看不懂 / the homeserver's answer to a sync is none")
        return news

    async def history(
        self, room: str, before: str, after: str, most: int = 100
    ) -> tuple[list[wire.Event], str]:
        """Events between two sync tokens, newest first, and the token to go on from ("" at the end)."""
        query = {"dir": "b", "from": before, "limit": str(most), "filter": json.dumps(wire.HISTORY_FILTER)}
        page = await self.call("GET", f"rooms/{_part(room)}/messages", query=query | {"to": after})
        end = page.get("end")
        return wire.events(page.get("chunk")), end if isinstance(end, str) and end != before else ""

    async def event(self, room: str, event_id: str) -> wire.Event:
        """One event, empty when we may not see it."""
        try:
            return await self.call("GET", f"rooms/{_part(room)}/event/{_part(event_id)}")
        except Undeliverable:
            return {}

    async def after(self, room: str, event_id: str, most: int) -> list[wire.Event]:
        """The first events after one, oldest first."""
        query = {"limit": str(2 * most)}
        answer = await self.call("GET", f"rooms/{_part(room)}/context/{_part(event_id)}", query=query)
        return wire.events(answer.get("events_after"))

    async def reactions(self, room: str, event_id: str) -> list[wire.Event]:
        """The reactions to a message, newest first."""
        found: list[wire.Event] = []
        path = f"rooms/{_part(room)}/relations/{_part(event_id)}/m.annotation/m.reaction"
        query = {"limit": "100"}
        for _ in range(20):
            page = await self.call("GET", f"/_matrix/client/v1/{path}", query=query)
            found += wire.events(page.get("chunk"))
            if not isinstance(page.get("next_batch"), str):
                break
            query["from"] = page["next_batch"]
        return found

    async def members(self, room: str) -> dict[str, str]:
        """Who is in a room now: their ids, and how the room shows them ("" where by the id)."""
        answer = await self.call("GET", f"rooms/{_part(room)}/joined_members")
        return wire.read_members(answer)

    async def is_encrypted(self, room: str) -> bool:
        """Whether what is said in a room is to be encrypted."""
        try:
            await self.call("GET", f"rooms/{_part(room)}/state/m.room.encryption")
        except Undeliverable as missing:
            if "M_NOT_FOUND" in str(missing):
                return False
            raise
        return True

    async def download(self, where: str, most: int) -> bytes:
        """A file of the media repository, or at most its first `most` bytes; empty when it cannot be had."""
        data = bytearray()
        try:
            async with self._http.stream("GET", f"/_matrix/client/v1/media/download/{where}") as answer:
                if answer.status_code != 200:
                    return b""
                async for part in answer.aiter_bytes(65_536):
                    data += part
                    if len(data) >= most:
                        break
        except (httpx.HTTPError, OSError) as error:
            raise Trouble(
                f"有一个文件取不下来 / a file could not be fetched: {type(error).__name__}"
            ) from error
        return bytes(data[:most])

    # --- sending ---

    async def send(self, room: str, kind: str, content: Mapping[str, Any], transaction: str) -> str:
        """Put an event into a room; returns its id, the same for a repeated `transaction`."""
        path = f"rooms/{_part(room)}/send/{_part(kind)}/{_part(transaction)}"
        return str((await self.call("PUT", path, content)).get("event_id", ""))

    async def redact(self, room: str, event_id: str, transaction: str) -> str:
        """Take an event back; returns the id of that deed."""
        path = f"rooms/{_part(room)}/redact/{_part(event_id)}/{_part(transaction)}"
        return str((await self.call("PUT", path, {})).get("event_id", ""))

    async def upload(self, data: bytes, media_type: str, name: str = "") -> str:
        """Put a file into the media repository; returns its mxc:// address."""
        query = {"filename": name} if name else {}
        answer = await self._request(
            "POST",
            "/_matrix/media/v3/upload",
            params=query,
            content=data,
            headers={"Content-Type": media_type},
        )
        return str(answer.get("content_uri", ""))

    async def typing(self, room: str, on: bool) -> None:
        """Show that we are writing, for half a minute at most."""
        body = {"typing": on, **({"timeout": 30_000} if on else {})}
        await self.call("PUT", f"rooms/{_part(room)}/typing/{_part(self.me)}", body)

    async def join(self, room: str) -> None:
        """Accept an invitation."""
        await self.call("POST", f"join/{_part(room)}", {})

    async def leave(self, room: str) -> None:
        """Leave a room."""
        await self.call("POST", f"rooms/{_part(room)}/leave", {})

    async def to_device(self, kind: str, messages: Mapping[str, Any], transaction: str) -> None:
        """Hand something to devices: user id -> device id -> content."""
        await self.call("PUT", f"sendToDevice/{_part(kind)}/{_part(transaction)}", {"messages": messages})

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        wait: float = 0.0,
    ) -> dict[str, Any]:
        """One call; `path` is below /_matrix/client/v3 unless it begins with a slash."""
        where = path if path.startswith("/") else f"{CLIENT}/{path}"
        return await self._request(method, where, params=query, json=body, timeout=TIMEOUT + wait)

    async def _request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = await self._http.request(method, path, **options)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Trouble(
                f"连不上 / {self._settings['homeserver']} cannot be reached: {type(error).__name__}"
            ) from error
        body = _object(answer)
        if answer.status_code != 200:
            raise _error(answer, body)
        return body


def _part(value: str) -> str:
    """One part of a path. Dots alone would be taken for a step in it."""
    quoted = quote(value.encode("utf-8", "replace"), safe="")
    return quoted.replace(".", "%2E") if set(value) <= {"."} else quoted


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:  # also a wrong encoding
        return {}
    return body if isinstance(body, dict) else {}


def _error(answer: httpx.Response, body: Mapping[str, Any]) -> Exception:
    """What a refusal means for us (section "Standard error response")."""
    status, code = answer.status_code, str(body.get("errcode") or "")
    if code == "M_LIMIT_EXCEEDED" or status == 429:
        return Later(_seconds(answer, body), "服务器要我们慢一点 / the homeserver asks us to slow down")
    if code in SIGNED_OUT:
        return SignedOut(f"the homeserver has ended our session ({code})")
    if code in NEVER or status in (403, 404, 413):
        return Undeliverable(f"{NEVER.get(code, '服务器不收 / the homeserver refuses')} ({code or status})")
    return Refused(status, code, body)


def _seconds(answer: httpx.Response, body: Mapping[str, Any]) -> float:
    """How long we are asked to wait (section "Rate limiting"); five seconds where nothing is said."""
    exact, header = body.get("retry_after_ms"), answer.headers.get("Retry-After", "")
    if isinstance(exact, int) and exact > 0:
        asked = exact / 1000
    else:
        asked = float(header[:9]) if header.isascii() and header.isdigit() else 5.0
    return min(3600.0, asked)

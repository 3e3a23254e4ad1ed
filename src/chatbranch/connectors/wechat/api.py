"""Calls of WeChat's server API, with an access token that is fetched, kept and renewed, and never shown.

WeChat's published reference: "获取稳定版接口调用凭据", "发送客服消息", "新增临时素材", "获取临时素材".
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, TypeVar

import httpx

from chatbranch.connectors.wechat import wire
from chatbranch.connectors.wechat.refusals import STALE, Refusal

WITHIN = 10.0  # seconds for one call
EARLY = 300.0  # seconds before its end that a token is renewed: the old one still works for as long
FORCE_EVERY = 60.0  # seconds; the platform allows 20 forced renewals a day, 30 s apart
MOST_ANSWER = 1_000_000  # bytes of a JSON answer
WRONG_SECRET = 40125

Answer = TypeVar("Answer")


class Trouble(Exception):
    """WeChat cannot be reached, or answered with something that is none of its answers."""


class Api:
    """One account's calls. Each raises Refusal for WeChat's error codes, Trouble for what may pass."""

    def __init__(self, base: str, appid: str, secret: str) -> None:
        self._base, self._account = base, {"appid": appid, "secret": secret}
        self._token, self._until, self._forced = "", 0.0, -FORCE_EVERY
        self._renewing = asyncio.Lock()

    async def sign_in(self) -> None:
        """Have a token. Raises Refusal with one of refusals.WRONG where a setting is wrong."""
        await self._fresh("")

    async def send(self, reader: str, content: dict[str, Any]) -> None:
        """Send a customer-service message. content: {"msgtype": …, …}.

        Chinese goes as itself: WeChat refuses, or shows, escapes like \\u4e2d (40033).
        """
        body = json.dumps({"touser": reader, **content}, ensure_ascii=False).encode("utf-8", "replace")
        await self._call("POST", "/cgi-bin/message/custom/send", content=body)

    async def upload(self, name: str, media_type: str, data: bytes) -> str:
        """Put a picture among the temporary media (3 days); returns its media id."""
        answer = await self._call(
            "POST", "/cgi-bin/media/upload?type=image", files={"media": (name, data, media_type)}
        )
        return str(answer.get("media_id", ""))

    async def media(self, media_id: str, most: int) -> bytes:
        """A file of the temporary media, or its first `most` bytes. Verified accounts only."""
        return await self._signed(
            lambda token: self._file(f"/cgi-bin/media/get?media_id={media_id}", most, token)
        )

    async def picture(self, url: str, most: int) -> bytes:
        """The picture behind a PicUrl, or its first `most` bytes; empty where its address is not WeChat's."""
        address = wire.picture_address(url, self._base)
        return await self._file(address, most, "") if address else b""

    # --- calls ---

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        """Made when first needed: an account that only responds may never call."""
        signing = _Signing(httpx.AsyncHTTPTransport(retries=1))
        return httpx.AsyncClient(base_url=self._base, timeout=WITHIN, transport=signing)

    async def _call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        async def once(token: str) -> dict[str, Any]:
            async with self._asked(method, path, token, **body) as response:
                return _checked(await _first(response, MOST_ANSWER))

        return await self._signed(once)

    async def _signed(self, once: Callable[[str], Awaitable[Answer]]) -> Answer:
        """Call with a token; when WeChat says it has ended, with another, once."""
        token = await self._fresh("")
        try:
            return await once(token)
        except Refusal as refusal:
            if refusal.code not in STALE:
                raise
        return await once(await self._fresh(token))

    async def _file(self, path: str, most: int, token: str) -> bytes:
        async with self._asked("GET", path, token) as response:
            data = await _first(response, most)
            if response.headers.get("content-type", "").startswith(("application/json", "text/")):
                _checked(data)
                raise Trouble("微信没有给文件 / text where a file was asked for")
            return data

    def _asked(self, method: str, path: str, token: str, **body: Any) -> _Asked:
        return _Asked(
            self._client, self._client.build_request(method, path, **body, extensions={"token": token})
        )

    # --- the token ---

    async def _fresh(self, ended: str) -> str:
        """A token that is not `ended`. A forced renewal ends everybody's, so it is the last resort."""
        async with self._renewing:
            if self._token and self._token != ended and time.monotonic() < self._until:
                return self._token
            await self._renew(force=False)
            if self._token == ended and time.monotonic() - self._forced > FORCE_EVERY:
                self._forced = time.monotonic()
                await self._renew(force=True)
            return self._token

    async def _renew(self, *, force: bool) -> None:
        wanted = {"grant_type": "client_credential", **self._account, "force_refresh": force}
        async with self._asked("POST", "/cgi-bin/stable_token", "", json=wanted) as response:
            try:
                answer = _checked(await _first(response, MOST_ANSWER))
            except Refusal as refusal:  # here, where no token is sent, 40001 speaks of the secret
                raise Refusal(WRONG_SECRET if refusal.code in STALE else refusal.code) from None
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise Trouble("微信没有给 access token / no access token where one was asked for")
        self._token, self._until = token, time.monotonic() + max(seconds - EARLY, 30.0)


class _Signing(httpx.AsyncBaseTransport):
    """Puts the token into the address where it leaves, so that no request, log or exception above holds it."""

    def __init__(self, inner: httpx.AsyncHTTPTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if token := request.extensions.get("token", ""):
            url = request.url.copy_merge_params({"access_token": token})
            request = httpx.Request(
                request.method,
                url,
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Asked:
    """A response being read; what goes wrong on the way is Trouble."""

    def __init__(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        self._client, self._request = client, request

    async def __aenter__(self) -> httpx.Response:
        try:
            self._response = await self._client.send(self._request, stream=True)
        except httpx.HTTPError as error:
            raise Trouble(f"连不上微信 / WeChat cannot be reached: {type(error).__name__}") from None
        if self._response.status_code != 200:
            await self._response.aclose()
            raise Trouble(f"微信出错 / WeChat answered HTTP {self._response.status_code}")
        return self._response

    async def __aexit__(self, *_: object) -> None:
        await self._response.aclose()


async def _first(response: httpx.Response, most: int) -> bytes:
    data = bytearray()
    try:
        async for part in response.aiter_bytes():
            data += part
            if len(data) >= most:
                break
    except httpx.HTTPError as error:
        raise Trouble(f"微信中途断了 / WeChat broke off: {type(error).__name__}") from None
    return bytes(data[:most])


def _checked(data: bytes) -> dict[str, Any]:
    """A JSON answer without an error code. Raises Refusal with the code, Trouble for what is no such answer."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise Trouble("微信的回答看不懂 / an answer that is no JSON") from None
    if not isinstance(answer, dict):
        raise Trouble("微信的回答看不懂 / an answer that is no JSON object")
    code = answer.get("errcode", 0)
    if code != 0:
        raise Refusal(code if isinstance(code, int) else 0)
    return answer

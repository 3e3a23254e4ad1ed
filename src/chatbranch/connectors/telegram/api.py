"""Calls of the Bot API. The token, which is part of every address, is put there where a request leaves, and never shown."""

from __future__ import annotations

import asyncio
import json
from functools import cached_property
from typing import Any

import httpx

from chatbranch.connectors.telegram.compose import Call
from chatbranch.connectors.telegram.refusals import Refusal

WITHIN = 20.0  # seconds for one call
UPLOADING = 40.0  # seconds for one with a file
MOST_ANSWER = 20_000_000  # bytes of an answer: a hundred updates
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.InvalidURL)


class Trouble(Exception):
    """Telegram cannot be reached, or answered with something that is none of its answers. Nothing was taken."""


class Unknown(TimeoutError):
    """The connection was lost before the answer: nobody knows whether the call was taken."""


class Api:
    """One bot's calls. Each raises Refusal where Telegram says no, Trouble or Unknown for what may pass."""

    def __init__(self, base: str, token: str, proxy: str = "") -> None:
        self._base, self.__token, self.__proxy = base, token, proxy

    async def call(self, call: Call, *, within: float = 0.0) -> Any:
        """The call's result. within: seconds, where it takes longer than usual."""
        url = f"{self._base}/bot/{call.method}"
        if call.file is None:
            request = self._client.build_request("POST", url, json=call.params, timeout=within or WITHIN)
        else:
            file = (call.file.name or "file", call.file.data, call.file.media_type)
            request = self._client.build_request(
                "POST", url, data=_form(call.params), files={call.part: file}, timeout=UPLOADING
            )
        status, body = await self._exchange(request, MOST_ANSWER)
        return _checked(status, body)

    async def file(self, file_id: str, most: int) -> bytes:
        """A file, or its first `most` bytes; empty where Telegram does not give it. It is asked for by id."""
        try:
            told = await self.call(Call("getFile", {"file_id": file_id}))
        except Refusal as refusal:
            if refusal.code == 429:
                raise
            return b""
        path = told.get("file_path") if isinstance(told, dict) else None
        if not isinstance(path, str) or path.startswith("/") or ".." in path.split("/"):
            return b""
        request = self._client.build_request("GET", f"{self._base}/file/bot/{path}", timeout=WITHIN)
        status, data = await self._exchange(request, most)
        if status >= 500:
            raise Trouble(f"Telegram 出错 / Telegram answered HTTP {status}")
        return data if status == 200 else b""

    async def close(self) -> None:
        """Close what connections there are; the next call opens another."""
        if "_client" in self.__dict__:
            client = self._client
            del self._client
            await client.aclose()

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        inner = httpx.AsyncHTTPTransport(proxy=self.__proxy or None)
        return httpx.AsyncClient(transport=_Signing(inner, self._base, self.__token))

    async def _exchange(self, request: httpx.Request, most: int) -> tuple[int, bytes]:
        """The answer's status, and at most `most` bytes of its body."""
        try:
            response = await self._client.send(request, stream=True)
            try:
                return response.status_code, await _first(response, most)
            finally:
                await response.aclose()
        except _UNREACHED as error:
            raise Trouble(f"连不上 Telegram / Telegram cannot be reached: {type(error).__name__}") from None
        except httpx.HTTPError as error:
            raise Unknown(f"Telegram 没有回答 / Telegram did not answer: {type(error).__name__}") from None


class _Signing(httpx.AsyncBaseTransport):
    """Puts the token behind /bot where a request leaves, so that no request, log or exception above holds it."""

    def __init__(self, inner: httpx.AsyncHTTPTransport, base: str, token: str) -> None:
        self._inner, self._begin, self.__token = inner, len(httpx.URL(base).raw_path.rstrip(b"/")), token

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path
        at = path.index(b"/bot/", self._begin) + len(b"/bot")
        url = request.url.copy_with(raw_path=path[:at] + self.__token.encode() + path[at:])
        signed = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return await self._inner.handle_async_request(signed)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _form(params: dict[str, Any]) -> dict[str, str]:
    """Parameters beside a file: what is no text goes as JSON ("Making requests")."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in params.items()
    }


async def _first(response: httpx.Response, most: int) -> bytes:
    data = bytearray()
    async for part in response.aiter_bytes():
        data += part
        if len(data) >= most:
            break
        await asyncio.sleep(0)
    return bytes(data[:most])


def _checked(status: int, body: bytes) -> Any:
    """The result of an answer. Raises Refusal, or Trouble for what is no answer of the Bot API."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool) or status >= 500:
        if status in (401, 404):  # something in front of the Bot API, or none
            raise Refusal(status)
        raise Trouble(f"Telegram 出错 / Telegram answered HTTP {status}")
    if answer["ok"]:
        return answer.get("result")
    code, said, more = (answer.get(name) for name in ("error_code", "description", "parameters"))
    wait, moved = (
        (more.get("retry_after"), more.get("migrate_to_chat_id")) if isinstance(more, dict) else (0, 0)
    )
    raise Refusal(
        code if isinstance(code, int) else status,
        said if isinstance(said, str) else "",
        float(wait) if isinstance(wait, int | float) and 0 < wait < 10**6 else 0.0,
        moved if type(moved) is int else 0,
    )

"""Files of messages: fetched with bounds (XEP-0066), and put where the server keeps them for all (XEP-0363).

An address in a message comes from anyone, so only the public internet is fetched from, the one exception being where our
own server keeps uploads. The name is resolved once and that very address is connected to: neither a redirect nor a name
that resolves differently the second time leads inside.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import httpx

from chatbranch.connectors.xmpp import compose
from chatbranch.connectors.xmpp.session import Refused, Session, Trouble, features
from chatbranch.kernel.messages import Attachment

log = logging.getLogger(__name__)

LARGEST = 10 * 1024 * 1024  # bytes; one more is read, so that whoever takes it can tell that it is too large
SECONDS = 30.0  # for one file, redirects and all
REDIRECTS = 3
TRIES = 2
UPLOAD = "{urn:xmpp:http:upload:0}"
PASSED_ON = ("authorization", "cookie", "expires")  # headers a server may ask for (XEP-0363, section 5)

Origin = tuple[str, str, int]


class Barred(Exception):
    """This address is not fetched from."""


class Unfit(Exception):
    """The server does not take this file."""


@dataclass(frozen=True)
class Slot:
    """Where a file is put, with which headers, and where everybody finds it."""

    put: str
    headers: dict[str, str]
    get: str


class Files:
    """What one session fetches and uploads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._service: str | None = None  # "" where the server keeps no files
        self._finding = asyncio.Lock()
        self._most = LARGEST
        self._own: Origin | None = None
        self._http: httpx.AsyncClient | None = None

    async def fetch(self, url: str) -> Attachment | None:
        """The file, or at most its first LARGEST + 1 bytes; None where it cannot or must not be had."""
        for attempt in range(TRIES):
            try:
                async with asyncio.timeout(SECONDS):
                    return await self._follow(httpx.URL(url))
            except (Barred, httpx.InvalidURL, ValueError) as error:
                log.info(
                    "xmpp: a file is not fetched: %s",
                    error if isinstance(error, Barred) else type(error).__name__,
                )
                return None
            except (httpx.HTTPError, OSError, TimeoutError, Trouble, Refused) as error:
                log.info("xmpp: a file could not be fetched (%s)", type(error).__name__)
                if attempt + 1 < TRIES:
                    await asyncio.sleep(1.0)
        return None

    async def takes(self, size: int) -> bool:
        """Whether the server keeps a file of so many bytes."""
        try:
            await self._find_service()
        except Unfit:
            return False
        return 0 < size <= self._most

    async def upload(self, file: Attachment) -> str:
        """Where everybody finds the file from now on. Raises Unfit, or what may pass: Trouble, Refused, httpx.HTTPError."""
        slot = await self._slot(
            file.name or "file", len(file.data), file.media_type or "application/octet-stream"
        )
        headers = {**slot.headers, "Content-Type": file.media_type or "application/octet-stream"}
        async with asyncio.timeout(SECONDS * 2):
            answer = await self._client().put(slot.put, content=file.data, headers=headers)
        if answer.status_code not in (200, 201, 204):
            raise Trouble(f"服务器没有存下文件 / the server did not keep a file ({answer.status_code})")
        return slot.get

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(
                verify=ssl.create_default_context(), trust_env=False, timeout=SECONDS, follow_redirects=False
            )
        return self._http

    # --- fetching ---

    async def _follow(self, url: httpx.URL) -> Attachment:
        for _ in range(REDIRECTS + 1):
            async with await self._open(url) as answer:
                if not answer.has_redirect_location:
                    return await _read(answer, url)
                url = url.join(answer.headers["location"])
        raise Barred("redirected too often")

    async def _open(self, url: httpx.URL) -> _Answer:
        address = await self._address(url)
        request = self._client().build_request(
            "GET",
            url.copy_with(host=address),
            headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        return _Answer(await self._client().send(request, stream=True))

    async def _address(self, url: httpx.URL) -> str:
        """The IP address to connect to. Raises Barred."""
        if url.scheme not in ("http", "https") or not url.host:
            raise Barred("no web address")
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.raw_host.decode("ascii"), _port(url), type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        if not all(is_public(each) for each in addresses) and _origin(url) != await self._own_origin():
            raise Barred("it lies inside a network")
        return addresses[0]

    async def _own_origin(self) -> Origin | None:
        """Where our own server keeps uploads: asked for by the place it would give a small file."""
        if self._own is None:
            try:
                await self._slot("place", 1, "text/plain")
            except (Unfit, Refused):
                return None
        return self._own

    # --- uploading ---

    async def _slot(self, name: str, size: int, media_type: str) -> Slot:
        service = await self._find_service()
        try:
            answer = await self._session.ask("get", service, compose.slot_request(name, size, media_type))
        except Refused as refused:
            if refused.wait:
                raise
            raise Unfit(refused.condition) from refused
        put, get = answer.find(f"{UPLOAD}slot/{UPLOAD}put"), answer.find(f"{UPLOAD}slot/{UPLOAD}get")
        if put is None or get is None:
            raise Unfit("no slot in the answer")
        given = {each.get("name") or "": each.text or "" for each in put.iterfind(f"{UPLOAD}header")}
        headers = {
            name: value for name, value in given.items() if name.lower() in PASSED_ON and value.isprintable()
        }
        slot = Slot(put.get("url") or "", headers, get.get("url") or "")
        self._own = _origin(httpx.URL(slot.get))
        return slot

    async def _find_service(self) -> str:
        async with self._finding:
            if self._service is None:
                self._service = await self._search()
        if not self._service:
            raise Unfit("the server keeps no files")
        return self._service

    async def _search(self) -> str:
        for each in await self._session.services():
            info = await self._info(each)
            if info is not None and "urn:xmpp:http:upload:0" in features(info):
                self._most = _largest(info)
                return each
        return ""

    async def _info(self, service: str) -> Element | None:
        try:
            return await self._session.info(service)
        except (Refused, Trouble):
            return None


class _Answer:
    """A streamed answer that is closed after use."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aenter__(self) -> httpx.Response:
        return self._response

    async def __aexit__(self, *_: object) -> None:
        await self._response.aclose()


async def _read(answer: httpx.Response, url: httpx.URL) -> Attachment:
    answer.raise_for_status()
    data = bytearray()
    async for part in answer.aiter_raw(65_536):
        data += part
        if len(data) > LARGEST:
            break
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    name = unquote(PurePosixPath(url.path).name)[:200]
    return Attachment(name, kind if kind.isprintable() else "", bytes(data[: LARGEST + 1]))


def _largest(info: Element) -> int:
    """The largest file the service takes (XEP-0363, section 3), in bytes; LARGEST where it does not say."""
    for field in info.iter("{jabber:x:data}field"):
        value = field.findtext("{jabber:x:data}value") or ""
        if field.get("var") == "max-file-size" and value.isascii() and value.isdigit():
            return int(value[:15])
    return LARGEST


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _origin(url: httpx.URL) -> Origin:
    return (url.scheme, url.host, _port(url))


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also where one is written inside another (RFC 6052, 3056)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast

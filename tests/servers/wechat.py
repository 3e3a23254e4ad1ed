"""WeChat's side of an Official Account, as a real HTTP server on loopback, written by hand from the published reference.

It pushes what readers do to the account's address: signed, and in safe or compatible mode sealed; it hangs up after five
seconds and tries three times, and shows its reader what came back, or "该公众号提供的服务出现故障". It serves the API:
stable_token, message/custom/send with the 48-hour window and its quotas, media/upload and media/get, and pictures.

Its cryptography is written here a second time, so that a mistake of ours does not check itself.

What it does not imitate: TLS; that a service account's and a subscription account's rights differ; IP whitelists beyond a
switch (`whitelisted`); content review, blocked links and the closing of accounts; that messages may come out of order or
minutes late; keyboards, menus and cards; the exact wording of `errmsg`; expiry of media after three days.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

FAULT = "该公众号提供的服务出现故障，请稍后再试"
HOUR = 3600.0
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 200

_numbers = itertools.count(1)


@dataclass
class WeChat:
    """One account, its readers, and the platform around them. `ahead`: seconds the windows' clock is ahead of ours."""

    appid: str = "wx0123456789abcdef"
    secret: str = "0123456789abcdef0123456789abcdef"
    token: str = "BranchToken2026"
    aes_key: str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
    mode: str = "safe"  # safe, compatible or plain
    verified: bool = True
    whitelisted: bool = True
    daily: int = 500_000  # customer-service messages left today
    callback: str = ""
    original_id: str = "gh_97417a04a28d"
    patience: float = 5.0
    ahead: float = 0.0
    port: int = 0
    readers: dict[str, Reader] = field(default_factory=dict)
    media: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # paths of API calls
    answers: list[dict[str, Any]] = field(
        default_factory=list
    )  # said instead, one each, before anything is looked at
    tokens: dict[str, float] = field(default_factory=dict)  # token -> its end, on the monotonic clock

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The connector's settings for this account."""
        aes = {} if self.mode == "plain" else {"aes_key": self.aes_key}
        given = {"appid": self.appid, "token": self.token, "secret": self.secret, "api": self.url, **aes}
        return {**given, "verified": str(self.verified).lower()}

    @property
    def environment(self) -> dict[str, str]:
        """The same, as a house is told."""
        return {f"CHATBRANCH_WECHAT_{key.upper()}": value for key, value in self.settings.items()}

    def reader(self) -> Reader:
        """Somebody who follows the account."""
        reader = Reader(self, f"oReader{next(_numbers):04}{secrets.token_hex(6)}")
        self.readers[reader.openid] = reader
        return reader

    def now(self) -> float:
        return time.monotonic() + self.ahead

    # --- pushing ---

    def verify_address(self, **changes: str) -> httpx.Response:
        """What happens when somebody presses 提交 in the admin pages."""
        return httpx.get(self.callback, params={**self.signed(), "echostr": "4375120948345356249", **changes})

    def signed(self, when: float | None = None) -> dict[str, str]:
        stamp, nonce = str(int(time.time() if when is None else when)), str(secrets.randbelow(10**9))
        return {"signature": _sha1(self.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}

    def body(self, fields: dict[str, str], query: dict[str, str]) -> bytes:
        """The body of a push, and in `query` what goes with it."""
        plain = _xml(fields)
        if self.mode == "plain":
            return plain
        sealed = self.seal(plain)
        signed = _sha1(self.token, query["timestamp"], query["nonce"], sealed)
        query.update({"encrypt_type": "aes", "msg_signature": signed, "openid": fields["FromUserName"]})
        beside = fields if self.mode == "compatible" else {"ToUserName": fields["ToUserName"]}
        return _xml({**beside, "Encrypt": sealed})

    def push(self, fields: dict[str, str]) -> str | None:
        """Bring it, three times if need be. What it is answered: a text, "" for nothing to say, None for a fault."""
        for _ in range(3):
            query = self.signed()
            body = self.body(fields, query)
            try:
                answer = httpx.post(self.callback, params=query, content=body, timeout=self.patience)
            except httpx.HTTPError:
                continue
            if answer.status_code == 200:
                return self._read(answer.content, query)
        return None

    def _read(self, content: bytes, query: dict[str, str]) -> str | None:
        if content in (b"", b"success"):
            return ""
        reply = {each.tag: each.text or "" for each in ElementTree.fromstring(content)}
        if self.mode != "plain":
            sealed, stamp = reply["Encrypt"], reply["TimeStamp"]
            assert reply["Nonce"] == query["nonce"]
            assert reply["MsgSignature"] == _sha1(self.token, stamp, reply["Nonce"], sealed)
            reply = {each.tag: each.text or "" for each in ElementTree.fromstring(self.unseal(sealed))}
        assert reply["FromUserName"] == self.original_id
        assert reply["MsgType"] == "text"
        text = reply["Content"]
        return text if 0 < len(text.encode()) <= 2048 else None

    def seal(self, plain: bytes) -> str:
        whole = os.urandom(16) + len(plain).to_bytes(4, "big") + plain + self.appid.encode()
        pad = 32 - len(whole) % 32
        cipher = self._cipher().encryptor()
        return base64.b64encode(cipher.update(whole + bytes([pad] * pad)) + cipher.finalize()).decode()

    def unseal(self, sealed: str) -> bytes:
        cipher = self._cipher().decryptor()
        whole = cipher.update(base64.b64decode(sealed)) + cipher.finalize()
        whole = whole[: -whole[-1]]
        end = 20 + int.from_bytes(whole[16:20], "big")
        assert whole[end:].decode() == self.appid
        return whole[20:end]

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    # --- the API ---

    def api(
        self, method: str, path: str, query: dict[str, str], body: bytes, kind: str
    ) -> dict[str, Any] | bytes:
        """One call, answered as the reference says."""
        self.asked.append(path)
        if self.answers:
            return self.answers.pop(0)
        if not self.whitelisted:
            return _error(40164)
        if path == "/cgi-bin/stable_token":
            return self._stable_token(json.loads(body))
        if path.startswith("/mmbiz/"):
            return self.media.get(path.removeprefix("/mmbiz/"), b"")
        ends = self.tokens.get(query.get("access_token", ""))
        if ends is None or ends < time.monotonic():
            return _error(40001 if ends is None else 42001)
        if not self.verified:
            return _error(48001)
        match path:
            case "/cgi-bin/message/custom/send":
                return self._custom_send(json.loads(body), body)
            case "/cgi-bin/media/upload":
                return self._upload(body, kind)
            case "/cgi-bin/media/get":
                return self.media.get(query.get("media_id", "")) or _error(40007)
        return _error(40066)

    def _stable_token(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["appid"] != self.appid:
            return _error(40013)
        if asked["secret"] != self.secret:
            return _error(40125)
        alive = [token for token, ends in self.tokens.items() if ends > time.monotonic()]
        if asked.get("force_refresh"):
            self.tokens, alive = {}, []
        token = alive[-1] if alive else f"token-{secrets.token_hex(32)}"
        self.tokens.setdefault(token, time.monotonic() + 2 * HOUR)
        return {"access_token": token, "expires_in": 7200}

    def _custom_send(self, asked: dict[str, Any], raw: bytes) -> dict[str, Any]:
        reader = self.readers.get(asked["touser"])
        if reader is None:
            return _error(40003)
        if not reader.follows:
            return _error(43004)
        if b"\\u" in raw:
            return _error(40033)
        if self.daily <= 0:
            return _error(45009)
        text = asked["text"]["content"] if asked["msgtype"] == "text" else f"[{asked['image']['media_id']}]"
        if not text or len(text.encode()) > 2048:
            return _error(45002 if text else 44004)
        if code := reader.use_quota():
            return _error(code)
        self.daily -= 1
        reader.sees(text)
        return {"errcode": 0, "errmsg": "ok"}

    def _upload(self, body: bytes, kind: str) -> dict[str, Any]:
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=policy.default)
        (part,) = form.iter_parts()
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        assert part.get_param("name", header="content-disposition") == "media"
        return {"type": "image", "media_id": self.keep(data), "created_at": int(time.time())}

    def keep(self, data: bytes) -> str:
        """Put a file among the media; its id."""
        media = f"media_{secrets.token_hex(12)}"
        self.media[media] = data
        return media


@dataclass
class Reader:
    """One person with WeChat on their phone. `seen`: what the account said to them, oldest first."""

    platform: WeChat
    openid: str
    seen: list[str] = field(default_factory=list)
    follows: bool = True
    allowances: list[tuple[float, int]] = field(default_factory=list)  # (ends, messages left), newest last

    def says(self, text: str) -> str | None:
        """Write to the account; what is shown in response, "" for nothing, None for a fault."""
        return self._message("text", Content=text)

    def sends_picture(self, data: bytes = PNG, *, by_address: bool = True) -> str | None:
        media = self.platform.keep(data)
        address = f"{self.platform.url}/mmbiz/{media}" if by_address else "http://elsewhere.example/x"
        return self._message("image", PicUrl=address, MediaId=media)

    def sends_voice(self, recognised: str = "") -> str | None:
        heard = {"Recognition": recognised} if recognised else {}
        return self._message("voice", MediaId=self.platform.keep(b"#!AMR"), Format="amr", **heard)

    def shares(self, title: str, description: str, url: str) -> str | None:
        return self._message("link", Title=title, Description=description, Url=url)

    def sends(self, kind: str) -> str | None:
        return self._message(kind, MediaId="m", ThumbMediaId="t")

    def follow(self) -> str | None:
        self.follows = True
        return self._event("subscribe", 60.0, 3)

    def unfollow(self) -> str | None:
        self.follows = False
        return self._event("unsubscribe", 0.0, 0)

    def clicks(self, key: str) -> str | None:
        return self._event("CLICK", 60.0, 3, EventKey=key)

    def fields(self, kind: str, **more: str) -> dict[str, str]:
        """A push as it is before it is sealed."""
        return {
            "ToUserName": self.platform.original_id,
            "FromUserName": self.openid,
            "CreateTime": str(int(time.time())),
            "MsgType": kind,
            **more,
        }

    def _message(self, kind: str, **more: str) -> str | None:
        self.allowances.append((self.platform.now() + 48 * HOUR, 5))
        number = str(23_000_000_000_000_000 + next(_numbers))
        return self._push(self.fields(kind, **more, MsgId=number))

    def _event(self, event: str, seconds: float, quota: int, **more: str) -> str | None:
        if quota:
            self.allowances.append((self.platform.now() + seconds, quota))
        return self._push(self.fields("event", Event=event, **more))

    def _push(self, fields: dict[str, str]) -> str | None:
        answer = self.platform.push(fields)
        if self.follows and answer != "":
            self.sees(FAULT if answer is None else answer)
        return answer

    def sees(self, text: str) -> None:
        self.seen.append(text)

    def use_quota(self) -> int:
        """Take one message off the newest allowance that still stands; else the error code."""
        standing = [(ends, left) for ends, left in self.allowances if ends > self.platform.now()]
        if not standing:
            return 45015
        ends, left = standing[-1]
        if left <= 0:
            return 45047
        self.allowances = [*standing[:-1], (ends, left - 1)]
        return 0


@contextmanager
def wechat(**options: Any) -> Iterator[WeChat]:
    """A running platform."""
    platform = WeChat(**options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = platform.api(self.command, url.path, query, body, self.headers.get("content-type", ""))
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200 if data else 404)
            self.send_header("content-type", "image/png" if isinstance(answer, bytes) else "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    platform.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()


def _error(code: int) -> dict[str, Any]:
    return {"errcode": code, "errmsg": f"an error, hint: [x] rid: {secrets.token_hex(8)}"}


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _xml(fields: dict[str, str]) -> bytes:
    """As WeChat writes it: numbers bare, everything else CDATA."""
    return (
        "<xml>" + "\n".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items()) + "</xml>"
    ).encode()


def _value(value: str) -> str:
    if re.fullmatch("[0-9]+", value):
        return value
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"

"""One stream to one server: slixmpp's client, with its answers turned into values and errors of ours.

slixmpp (MIT) gives the stream, TLS, SASL, acknowledgements (XEP-0198) and answers to pings; every stanza that matters is
read by wire.py and written by compose.py. A stream that ends is not resumed: the library would say again whatever was
not acknowledged, and a room might hear it twice. A new stream goes on from the archives instead, which hold all there is.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import JID, ClientXMPP, InvalidJID
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.stanza import Message, Presence
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from chatbranch.connectors.contract import Misconfigured
from chatbranch.connectors.xmpp import compose, wire

log = logging.getLogger(__name__)
logging.getLogger("slixmpp").setLevel(logging.CRITICAL)  # it quotes stanzas, and so what people said

PATIENCE = 30.0  # seconds for connecting and signing in, and for each answer
UNACKNOWLEDGED = 50  # messages after which the library itself asks whether they arrived


INFO = "{http://jabber.org/protocol/disco#info}"


class Trouble(Exception):
    """The server cannot be reached, or the stream ended, or an answer did not come. It may pass."""


class Refused(Exception):
    """The server, or somebody's, answered with an error. `condition`: such as "forbidden" (RFC 6120, section 8.3.3)."""

    def __init__(self, condition: str, wait: bool = False) -> None:
        super().__init__(condition)
        self.condition, self.wait = condition, wait


class Session:
    """Signed in from `open` until `ended`. on_message and on_presence are handed every such stanza, in order."""

    def __init__(self, settings: dict[str, str]) -> None:
        self._settings = settings
        self._client = _client(settings)
        self.me: str = self._client.boundjid.bare
        self.on_message: Callable[[Element], None] = lambda _: None
        self.on_presence: Callable[[Element], None] = lambda _: None
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[str] = loop.create_future()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._acknowledgements: dict[str, asyncio.Future[None]] = {}
        self._acknowledges = self._refused = False
        self._listen()

    async def open(self) -> None:
        """Connect and sign in. Raises Trouble, or Misconfigured where no later try would do better."""
        host, port = self._settings.get("host"), self._settings.get("port")
        usual = "5223" if self._settings["security"] == "tls" else "5222"
        if host or port:
            self._client.connect(host or JID(self.me).domain, int(port or usual))
        else:
            self._client.connect()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._ready
        except TimeoutError:
            raise Trouble("服务器没有回答 / the server does not answer") from None

    async def close(self) -> None:
        """Take leave, so that the rooms see us go."""
        self._client.cancel_connection_attempt()
        if self._client.is_connected():
            await self._client.disconnect(wait=2.0)
        if self._client._run_out_filters is not None:
            self._client._run_out_filters.cancel()
        self._end("closed")

    def say(self, stanza: Element) -> None:
        """Put a message on the stream."""
        self._client.send(Message(self._client, stanza))

    def appear(self, presence: Element) -> None:
        """Put a presence on the stream."""
        self._client.send(Presence(self._client, presence))

    async def ask(self, kind: str, to: str, payload: Element) -> Element:
        """A question (kind "get" or "set"; to "" for our own server) and its answer. Raises Refused or Trouble."""
        question = self._client.Iq()
        question["type"] = kind
        if to:
            question["to"] = to
        question.append(payload)
        try:
            answer = await question.send(timeout=PATIENCE)
        except IqError as error:
            raise Refused(error.condition, error.etype == "wait") from None
        except IqTimeout:
            raise Trouble("没有等到回答 / an answer did not come") from None
        found: Element = answer.xml
        return found

    async def acknowledged(self, stanza: Element) -> None:
        """Say it and wait until the server has it (XEP-0198), or has answered what was asked after it."""
        self.say(stanza)
        if not self._acknowledges:
            await self.ping()
            return
        key = stanza.get("id") or ""
        waiting = self._acknowledgements[key] = asyncio.get_running_loop().create_future()
        self._client.send("<r xmlns='urn:xmpp:sm:3'/>")
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait({waiting, self.ended}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise Trouble("服务器没有确认收到消息 / the server did not say that it has a message") from None
        finally:
            self._acknowledgements.pop(key, None)
        if not waiting.done():
            raise Trouble(
                "服务器确认收到消息之前连接断了 / the stream ended before the server said that it has a message"
            )

    async def ping(self, whom: str = "") -> None:
        """XEP-0199: whether somebody (our server) answers."""
        await self.ask("get", whom, Element("{urn:xmpp:ping}ping"))

    async def info(self, of: str) -> Element:
        """What somebody's service says of itself (XEP-0030)."""
        return await self.ask("get", of, Element(f"{INFO}query"))

    async def features(self, of: str) -> frozenset[str]:
        """What it can do."""
        return features(await self.info(of))

    async def services(self) -> list[str]:
        """The addresses of our server's other services."""
        items = "{http://jabber.org/protocol/disco#items}"
        answer = await self.ask("get", JID(self.me).domain, Element(f"{items}query"))
        found = [each.get("jid") or "" for each in answer.iterfind(f"{items}query/{items}item")]
        return [each for each in found[:50] if each]

    def drop(self, why: str) -> None:
        """Give a stream up that no longer answers."""
        self._client.abort()
        self._end(why)

    # --- what the library tells us ---

    def _listen(self) -> None:
        client = self._client
        for name in ("IM", "IMError", "Presence"):
            client.remove_handler(name)
        for name, hear in (("message", self._message), ("presence", self._presence)):
            client.register_handler(Callback(f"chatbranch {name}", MatchXPath(f"{wire.CLIENT}{name}"), hear))
        client.add_event_handler("session_start", lambda _: _settle(self._ready))
        client.add_event_handler("sm_enabled", lambda _: setattr(self, "_acknowledges", True))
        client.add_event_handler("stanza_acked", self._acknowledged)
        client.add_event_handler("failed_auth", self._not_let_in)
        client.add_event_handler("no_auth", lambda _: self._fail(Misconfigured(_NO_WAY_IN)))
        client.add_event_handler(
            "failed_all_auth", lambda _: self._fail(Misconfigured(_WRONG.format(self.me)))
        )
        client.add_event_handler("connection_failed", self._unreachable)
        client.add_event_handler(
            "reconnect_delay", lambda _: self._fail(Trouble("连不上服务器 / the server cannot be reached"))
        )
        client.add_event_handler("disconnected", self._cut_off)

    def _message(self, stanza: Any) -> None:
        self.on_message(stanza.xml)

    def _presence(self, stanza: Any) -> None:
        if stanza.xml.get("type") == "subscribe":  # people may see whether we are there
            self.appear(
                Element(
                    f"{wire.CLIENT}presence",
                    {"to": wire.bare(stanza.xml.get("from") or ""), "type": "subscribed"},
                )
            )
        else:
            self.on_presence(stanza.xml)

    def _acknowledged(self, stanza: Any) -> None:
        waiting = self._acknowledgements.get(stanza.xml.get("id") or "")
        if waiting is not None:
            _settle(waiting)

    def _not_let_in(self, failure: Any) -> None:
        """One way to sign in failed; the library goes on to the next, unless the server hangs up first."""
        if failure["condition"] == "temporary-auth-failure":
            self._fail(Trouble("服务器现在不能核对密码 / the server cannot check passwords now"))
        self._refused = True

    def _unreachable(self, error: object) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            self._fail(Misconfigured(_NOT_TRUSTED))

    def _cut_off(self, why: object) -> None:
        self._unreachable(why)
        self._end("the stream ended")

    def _end(self, why: str) -> None:
        self._fail(Misconfigured(_WRONG.format(self.me)) if self._refused else Trouble(why))
        if not self.ended.done():
            self.ended.set_result(why)

    def _fail(self, why: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(why)
            self._ready.exception()  # seen, though nobody may be waiting


def features(info: Element) -> frozenset[str]:
    """What an answer of `Session.info` lists."""
    return frozenset(each.get("var") or "" for each in info.iterfind(f"{INFO}query/{INFO}feature"))


_NO_WAY_IN = "服务器没有安全的登录方式，见 xmpp.security（须有 TLS） / the server offers no safe way to sign in; see xmpp.security (it must offer TLS)"
_NOT_TRUSTED = (
    "服务器的证书与 xmpp.jid 的域名不符：请改好，或看 xmpp.security / "
    "the server's certificate is not valid for the domain of xmpp.jid; put it right, or see xmpp.security"
)
_WRONG = "服务器不认 {0} 的 xmpp.password / the server refuses xmpp.password for {0}"


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def normal(address: str) -> str:
    """The address as servers write it (RFC 7622); "" if it is none."""
    try:
        jid = JID(compose.sayable(address).strip())
    except InvalidJID:
        return ""
    return jid.full if jid.domain and jid.node else ""


def is_loopback(host: str) -> bool:
    """Whether it can only mean this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _client(settings: dict[str, str]) -> ClientXMPP:
    security = settings["security"]
    client = ClientXMPP(settings["jid"], settings["password"])
    client.enable_starttls = security == "starttls"
    client.enable_direct_tls = security == "tls"
    client.enable_plaintext = security == "none"
    if security == "none":  # loopback only: see transport._checked
        for each in ("unencrypted_plain", "unencrypted_scram"):
            setattr(client.plugin["feature_mechanisms"], each, True)
    client.register_plugin("xep_0199")
    client.register_plugin("xep_0198", {"allow_resume": False, "window": UNACKNOWLEDGED})
    return client

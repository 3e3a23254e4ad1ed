"""The WeChat connector: the address WeChat pushes to, and the messages sent to readers."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chatbranch.connectors.contract import (
    Health,
    Host,
    Mailbox,
    Misconfigured,
    Receive,
    Scope,
    Send,
    Undeliverable,
)
from chatbranch.connectors.wechat import envelope, refusals, turns, wire, words
from chatbranch.connectors.wechat.api import Api, Trouble
from chatbranch.connectors.wechat.exchange import Exchange, TooLarge
from chatbranch.connectors.wechat.refusals import Refusal
from chatbranch.connectors.wechat.setup import SETUP
from chatbranch.connectors.wechat.turns import NoPicture, Readers, Turn
from chatbranch.kernel import clock
from chatbranch.kernel.backoff import pause
from chatbranch.kernel.messages import Attachment, Outbound, Receipt

log = logging.getLogger(__name__)

LARGEST_PICTURE = 10 * 1024 * 1024  # bytes
PICTURE_TRIES = 3
RETRIED_WITHIN = 60.0  # seconds in which WeChat's further tries of a message come
NOTED_EVERY = 60.0  # seconds
REMEMBERED = 20_000  # nonces that are not taken again
UNFINISHED = 500  # long messages of which is remembered how many parts were sent
SENDABLE = ("image/jpeg", "image/png", "image/gif")
YES, NO = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class WeChat:
    """One Official Account.

    An account that is not verified has no way to send: what is to be told waits, and is fetched by the reader's next
    message. Its `capabilities` say so (`pulled`), and differ in that from its Setup's.
    """

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._verified, self._keys = _checked(settings)
        if not self._verified:
            self.capabilities = replace(SETUP.capabilities, pulled=True, files=False)
        self._api = Api(settings["api"].rstrip("/"), settings["appid"], settings.get("secret", ""))
        self._host: Host | None = None
        self._health: Health | None = None
        self._sent: OrderedDict[str, int] = OrderedDict()  # key -> parts of the message already sent
        self._turns: dict[str, Turn] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._seen: OrderedDict[str, tuple[str, int]] = OrderedDict()  # nonce -> its request, times seen
        self._noted: dict[str, float] = {}  # what was refused -> when that was last logged
        self._readers = Readers()

    # --- sending ---

    async def run(self, host: Host) -> None:
        """See that the settings let us in, and say how the account stands; what readers write comes to `asgi`."""
        self._host = host
        failures = 0
        while self._verified and self._health != "connected":
            try:
                await self._api.sign_in()
                await self._stands("connected")
            except Refusal as refusal:
                if refusal.code in refusals.WRONG:
                    await self._stands("broken", str(refusal))
                    raise Misconfigured(str(refusal)) from refusal
                failures = await self._pause(refusal, failures)
            except Trouble as trouble:
                failures = await self._pause(trouble, failures)
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound) -> Receipt:
        """Send a text, in as many messages as it needs, and pictures. WeChat knows no idempotency key: what was sent of
        an interrupted message is remembered while the process lives.
        """
        if not self._verified:
            raise Undeliverable(
                "没有认证的号只能被动回复，不能发送 / an account that is not verified is asked, and never sends"
            )
        try:
            await self._send_rest(outbound)
        except Refusal as refusal:
            if refusal.code in refusals.WRONG:
                await self._stands("broken", str(refusal))
            raise refusals.outcome(refusal) from refusal
        except Trouble as trouble:
            await self._stands("reconnecting", str(trouble))
            raise
        await self._stands("connected")
        return Receipt()

    async def _send_rest(self, outbound: Outbound) -> None:
        pieces: list[str | Attachment] = [*wire.parts(_text(outbound)), *_pictures(outbound)]
        for number in range(self._sent.get(outbound.key, 0), len(pieces)):
            await self._send_piece(outbound.address, pieces[number])
            self._sent[outbound.key] = number + 1
            _shorten(self._sent, UNFINISHED)
        self._sent.pop(outbound.key, None)

    async def _send_piece(self, reader: str, piece: str | Attachment) -> None:
        if isinstance(piece, str):
            await self._api.send(reader, {"msgtype": "text", "text": {"content": piece}})
            return
        media = await self._api.upload(piece.name or "image", piece.media_type, piece.data)
        await self._api.send(reader, {"msgtype": "image", "image": {"media_id": media}})

    async def _stands(self, health: Health, why: str = "") -> None:
        if self._host is not None and health != self._health:
            self._health = health
            await self._host.report(health, why)

    async def _pause(self, trouble: Exception, failures: int) -> int:
        await self._stands("reconnecting", str(trouble))
        await asyncio.sleep(pause(failures + 1))
        return failures + 1

    # --- receiving ---

    async def asgi(self, mailbox: Mailbox, scope: Scope, receive: Receive, send: Send) -> None:
        """GET: WeChat verifies the address. POST: it brings a message or an event. Both signed, or refused (403)."""
        exchange = Exchange(scope, receive, send)
        if scope["path"] != "/" or scope["method"] not in ("GET", "POST"):
            await exchange.answer(404 if scope["path"] != "/" else 405, b"")
            return
        query = wire.read_query(scope.get("query_string", b""))
        try:
            wire.check_query(query, self._keys, clock.now())
            if scope["method"] == "GET":
                await exchange.answer(200, query.echostr.encode())
                return
            body = await exchange.body(wire.MOST_BYTES)
            fields = wire.open_body(body, query, self._keys)
            self._refuse_replay(query, body)
            push = wire.read_push(fields)
        except envelope.Forged as forged:
            self._note(f"a request was refused: {forged}")
            await exchange.answer(403, b"")
        except wire.Malformed as malformed:
            self._note(f"a push could not be read: {malformed}")
            await exchange.answer(400, b"")
        except TooLarge:
            await exchange.answer(413, b"")
        else:
            await self._respond(self._turn(push, mailbox), query, exchange)

    def _note(self, what: str) -> None:
        """Log it, at most once a minute: anybody can make us refuse."""
        now = time.monotonic()
        if now - self._noted.get(what, -NOTED_EVERY) >= NOTED_EVERY:
            self._noted[what] = now
            log.warning("wechat: %s", what)

    def _refuse_replay(self, query: wire.Query, body: bytes) -> None:
        """A nonce comes with one body, and no more often than WeChat tries. Raises Forged.

        This guards one process for as long as the timestamp is believed; beyond it, the house takes a message's id once.
        """
        request = hashlib.sha256(body).hexdigest()
        first, times = self._seen.get(query.nonce, (request, 0))
        if first != request or times >= turns.TRIES:
            raise envelope.Forged("this nonce has been used")
        self._seen[query.nonce] = (request, times + 1)
        _shorten(self._seen, REMEMBERED)

    def _turn(self, push: wire.Push, mailbox: Mailbox) -> Turn:
        """The message's turn: a new one, or that of its earlier tries."""
        turn = self._turns.get(push.id)
        if turn is None:
            turn = self._turns[push.id] = Turn(push, clock.now())
            work = asyncio.create_task(self._work(turn, mailbox))
            self._working.add(work)
            work.add_done_callback(self._working.discard)
            asyncio.get_running_loop().call_later(RETRIED_WITHIN, self._turns.pop, push.id, None)
        turn.tries += 1
        return turn

    async def _work(self, turn: Turn, mailbox: Mailbox) -> None:
        match turn.push.kind:
            case "nothing":
                turn.answer("")
            case "follows":
                turn.answer(words.both(words.WELCOME))
            case "unreadable":
                turn.answer(words.both(turn.push.why or words.NOT_THIS))
            case "fetches" if not self._verified:
                await turns.converse(turn, mailbox, self._readers[turn.push.reader])
            case kind:
                refusal = await turns.take(turn, mailbox, self._picture)
                if refusal is not None:
                    await self._tell(turn, refusal)
                elif kind == "says" and not self._verified:
                    await turns.converse(turn, mailbox, self._readers[turn.push.reader])
                else:
                    turn.answer("")

    async def _tell(self, turn: Turn, refusal: str) -> None:
        """Say why a message was not taken: in the response, or where that has gone by, in a message."""
        if turn.answer(refusal) or not refusal or not self._verified:
            return
        try:
            await self._api.send(turn.push.reader, {"msgtype": "text", "text": {"content": refusal}})
        except (Refusal, Trouble) as trouble:
            log.warning("wechat: a reader could not be told why a message was not taken: %s", trouble)

    async def _respond(self, turn: Turn, query: wire.Query, exchange: Exchange) -> None:
        """Respond before WeChat hangs up; where it will ask again, and only then, let it."""
        await exchange.wait_for(turn.ready, turns.PATIENCE)
        if not turn.ready.is_set():
            if self._verified:
                turn.answer(turn.say(words.SLOW))  # taking it goes on
            elif turn.last_try:
                await self._finish(turn)
            else:
                await exchange.until_gone(turns.BETWEEN - turns.PATIENCE)
                await exchange.answer(503, b"")
                return
        reply = self._sealed(turn, query) if turn.reply else wire.SUCCESS
        if await exchange.answer(200, reply, "application/xml" if turn.reply else "text/plain"):
            turn.handed.set()

    async def _finish(self, turn: Turn) -> None:
        """The last moment: give what there is."""
        turn.over.set()
        try:
            async with asyncio.timeout(0.3):
                await turn.ready.wait()
        except (
            TimeoutError
        ):  # not even in the house yet, or another message of the reader's is being answered
            turn.answer(turn.say(words.STILL_LOOKING))

    def _sealed(self, turn: Turn, query: wire.Query) -> bytes:
        now = clock.now()
        reply = wire.passive_reply(turn.reply, turn.push, now)
        if not self._keys.aes:
            return reply
        return wire.sealed_reply(reply, self._keys, query.nonce, now, os.urandom(envelope.RANDOM))

    async def _picture(self, push: wire.Push) -> bytes:
        """The picture of a message: from the address WeChat gives, else from the account's media. Raises NoPicture."""
        for _ in range(PICTURE_TRIES):
            try:
                # one byte more than is accepted, so that whoever reads it can tell that it is too large
                if data := await self._api.picture(push.picture_url, LARGEST_PICTURE + 1):
                    return data
                if self._verified and push.media_id:
                    return await self._api.media(push.media_id, LARGEST_PICTURE + 1)
                break
            except (Trouble, Refusal) as trouble:
                log.warning("wechat: a picture could not be fetched: %s", trouble)
                await asyncio.sleep(0.5)
        raise NoPicture


def _checked(settings: Mapping[str, str]) -> tuple[bool, envelope.Keys]:
    """Whether the account is verified, and its keys. Raises Misconfigured."""
    verified = settings["verified"].lower()
    if verified not in (*YES, *NO):
        raise Misconfigured("wechat.verified 应是 true 或 false / wechat.verified must be true or false")
    if not re.fullmatch(r"wx[0-9A-Za-z]{4,40}", settings["appid"]):
        raise Misconfigured(
            "wechat.appid 应是公众平台里的 AppID，像 wx0123456789abcdef / wechat.appid must be the AppID from the admin pages, like wx0123456789abcdef"
        )
    if not re.fullmatch(r"[0-9A-Za-z]{3,32}", settings["token"]):
        raise Misconfigured(
            "wechat.token 应是 3 到 32 位字母和数字，与公众平台里的一致 / wechat.token must be 3 to 32 letters and digits, as in the admin pages"
        )
    if verified in YES and not settings.get("secret"):
        raise Misconfigured(
            "已认证的号要有 wechat.secret；没有认证的，把 wechat.verified 设为 false / a verified account needs wechat.secret; for one that is not, set wechat.verified to false"
        )
    if not re.fullmatch(r"https://[^/\s]+/?|http://(127\.0\.0\.1|localhost)(:\d+)?/?", settings["api"]):
        raise Misconfigured(
            "wechat.api 应是网址，像 https://api.weixin.qq.com / wechat.api must be an address like https://api.weixin.qq.com"
        )
    try:
        aes = envelope.aes_key(settings["aes_key"]) if settings.get("aes_key") else b""
    except ValueError as error:
        raise Misconfigured(f"wechat.aes_key: {error}") from error
    return verified in YES, envelope.Keys(settings["appid"], settings["token"], aes)


def _text(outbound: Outbound) -> str:
    """The text, and the names of files that cannot be sent here."""
    lost = [each.name for each in outbound.attachments if each.media_type not in SENDABLE]
    lines = [outbound.text, *(words.both(words.LEFT_OUT, name=name) for name in lost)]
    return wire.shown("\n".join(line for line in lines if line))


def _pictures(outbound: Outbound) -> list[Attachment]:
    return [each for each in outbound.attachments if each.media_type in SENDABLE]


def _shorten(kept: OrderedDict[str, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)

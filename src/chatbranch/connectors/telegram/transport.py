"""The Telegram connector: one bot, its private chats and its groups."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from chatbranch.connectors.contract import Health, Host, Later, Misconfigured, Undeliverable
from chatbranch.connectors.telegram import compose, refusals, wire
from chatbranch.connectors.telegram.api import Api, Trouble, Unknown
from chatbranch.connectors.telegram.compose import Call, Place
from chatbranch.connectors.telegram.listener import Listener, Topics
from chatbranch.connectors.telegram.moves import Moves
from chatbranch.connectors.telegram.pace import Pace
from chatbranch.connectors.telegram.refusals import Refusal, both, outcome
from chatbranch.connectors.telegram.setup import SETUP
from chatbranch.kernel.backoff import pause
from chatbranch.kernel.messages import Outbound, Receipt

log = logging.getLogger(__name__)

CONFLICTS = 3  # of one CALM, after which a second reader is there to stay: a restart makes one or two
CALM = 60.0  # seconds without a conflict after which there is none: two readers take turns in being let in
UNFINISHED = 500  # messages of several calls of which is remembered how many were taken
REACTIONS = 5_000  # messages of which our reaction is remembered


class Telegram:
    """Receives from and sends to the chats of one bot."""

    name = SETUP.name
    title = SETUP.title
    capabilities = SETUP.capabilities
    settings = SETUP.settings

    def __init__(self, settings: Mapping[str, str]) -> None:
        base, token, per_minute = _checked(settings)
        self._api = Api(base, token, _proxy(settings))
        self._pace = Pace(per_minute)
        self._host: Host | None = None
        self._moves: Moves | None = None
        self._topics = Topics()
        self._health: Health | None = None
        self._conflicts: deque[float] = deque(maxlen=20)  # when, on the monotonic clock
        self._sent: OrderedDict[str, list[str]] = OrderedDict()  # key -> ids of its calls that were taken
        self._reactions: OrderedDict[tuple[int, int], str] = OrderedDict()

    # --- receiving ---

    async def run(self, host: Host) -> None:
        """Take updates until cancelled. Raises Misconfigured when the token is not, or no longer, good."""
        self._host, self._moves = host, Moves(host)
        listener = Listener(self._api, host, self._moves, self._topics)
        failures = 0
        try:
            while True:
                try:
                    await listener.turn()
                    failures = 0
                    if not self._conflicted():
                        await self._stands("connected")
                except Exception as trouble:  # of Telegram's or of our database: nothing was passed over
                    failures += 1
                    await self._bear(trouble, failures)
        finally:
            await self._api.close()

    async def _bear(self, trouble: Exception, failures: int) -> None:
        """Say what is wrong, and wait. Raises Misconfigured where waiting helps nothing."""
        code = trouble.code if isinstance(trouble, Refusal) else 0
        if code in (401, 404):
            why = both(refusals.WRONG_TOKEN if code == 401 else refusals.NO_SUCH_API)
            await self._stands("broken", why)
            raise Misconfigured(why)
        said, wait = _words(trouble), pause(failures)
        health: Health = "reconnecting"
        if code == 409:
            self._conflicts.append(time.monotonic())
            times = self._conflicted()
            said, wait = both(refusals.SECOND_READER), min(pause(times), CALM / 2)
            health = "broken" if times >= CONFLICTS else "reconnecting"
        if isinstance(trouble, Refusal):
            wait = max(wait, trouble.wait)
        log.warning("telegram: %s; again in %.0f s", said, wait)
        with suppress(Exception):  # with the database away there is nowhere to write it
            await self._stands(health, said)
        await asyncio.sleep(wait)

    def _conflicted(self) -> int:
        """How often somebody else was let in instead of us, lately."""
        return sum(time.monotonic() - each < CALM for each in self._conflicts)

    async def _stands(self, health: Health, why: str = "") -> None:
        if self._host is not None and health != self._health:
            await self._host.report(health, why)
            self._health = health

    # --- sending ---

    async def send(self, outbound: Outbound) -> Receipt:
        """Say it. Telegram knows no idempotency key: what was taken of an interrupted message of several calls is
        remembered while the process lives.
        """
        known, place = await self._place(outbound.address)
        todo = compose.calls(outbound, place)
        if not todo:
            raise Undeliverable(
                "里面没有 Telegram 能发的东西 / there is nothing in it that Telegram could carry"
            )
        taken = self._sent.setdefault(outbound.key, [])
        _shorten(self._sent, UNFINISHED)
        for call in todo[len(taken) :]:
            taken.append(await self._say(call, known, place))
        self._sent.pop(outbound.key, None)
        return Receipt(taken[0])

    async def edit(self, outbound: Outbound, target: str) -> Receipt:
        """Give our message other words; of a file, another caption."""
        chat, number = await self._target(outbound, target)
        words, caption = compose.edits(outbound.text, chat, number)
        try:
            await self._api.call(words)
        except Refusal as refusal:
            if refusal.says("no text in the message"):
                await self._answered(lambda: self._api.call(caption), "not modified")
            elif not refusal.says("not modified"):
                raise await self._outcome(refusal) from refusal
        return Receipt(target)

    async def delete(self, outbound: Outbound, target: str) -> Receipt:
        """Take our message back. One that is gone already is as wished."""
        chat, number = await self._target(outbound, target)
        call = Call("deleteMessage", {"chat_id": chat, "message_id": number})
        await self._answered(lambda: self._api.call(call), "message to delete not found")
        return Receipt(target)

    async def react(self, outbound: Outbound, target: str) -> Receipt:
        """Put an emoji under a message. Telegram lets a bot have one there: the newest."""
        chat, number = await self._target(outbound, target)
        emoji = compose.as_reaction(outbound.text)
        if not emoji:
            raise Undeliverable("Telegram 没有这个表情回应 / Telegram has no such reaction")
        await self._answered(lambda: self._api.call(compose.reacts(emoji, chat, number)), "not modified")
        self._reactions[chat, number] = emoji
        _shorten(self._reactions, REACTIONS)
        return Receipt(target)

    async def unreact(self, outbound: Outbound, target: str) -> Receipt:
        """Take our emoji back, unless another of ours has taken its place."""
        chat, number = await self._target(outbound, target)
        emoji = compose.as_reaction(outbound.text)
        if self._reactions.get((chat, number), emoji) == emoji:
            await self._answered(lambda: self._api.call(compose.reacts("", chat, number)), "not modified")
            self._reactions.pop((chat, number), None)
        return Receipt(target)

    async def typing(self, address: str, on: bool) -> None:
        """Show for five seconds that an answer is being worked on; Telegram ends it by itself."""
        if not on:
            return
        with suppress(Refusal, Trouble, Unknown, Later, Undeliverable):
            _, place = await self._place(address)
            await self._api.call(Call("sendChatAction", {**place.params, "action": "typing"}))

    async def _say(self, call: Call, known: int, place: Place) -> str:
        """One message; its id. A group that has moved is followed."""
        if place.is_group and (wait := self._pace.wait(known)):
            raise Later(wait, "一个群每分钟的条数已满 / the group has had its messages for this minute")
        try:
            answer = await self._api.call(call)
        except Refusal as refusal:
            if call.method == "sendPhoto" and refusal.code == 400 and refusal.says("photo|image"):
                return await self._say(call.as_document(), known, place)
            if not refusal.moved_to or self._moves is None or call.params["chat_id"] == refusal.moved_to:
                raise await self._outcome(refusal) from refusal
            await self._moves.note(known, refusal.moved_to)
            return await self._say(_moved(call, refusal.moved_to), known, place)
        self._pace.take(known)
        number = answer.get("message_id") if isinstance(answer, dict) else None
        if type(number) is not int:
            return ""
        chat = int(call.params["chat_id"])
        self._topics.note(chat, number, place.topic)
        return wire.message_id(chat, number)

    async def _answered(self, ask: Callable[[], Awaitable[Any]], fine: str) -> None:
        """Ask. A refusal in these words is what was wished for anyway."""
        try:
            await ask()
        except Refusal as refusal:
            if not refusal.says(fine):
                raise await self._outcome(refusal) from refusal

    async def _outcome(self, refusal: Refusal) -> Exception:
        if refusal.code == 401:
            await self._stands("broken", both(refusals.WRONG_TOKEN))
        return outcome(refusal)

    async def _place(self, address: str) -> tuple[int, Place]:
        """The chat an address is of, and where that is now."""
        place = compose.read_place(address)
        if place is None:
            raise Undeliverable("这不是 Telegram 的会话 / this is no chat of Telegram")
        if self._moves is None:
            raise Later(2, "还没有登录 Telegram / not signed in to Telegram yet")
        return place.chat, Place(await self._moves.where(place.chat), place.topic)

    async def _target(self, outbound: Outbound, target: str) -> tuple[int, int]:
        """(chat, number) of a message of the address's chat."""
        known, place = await self._place(outbound.address)
        found = compose.read_id(target)
        if found is None or found[0] not in (known, place.chat):
            raise Undeliverable("这条消息不在那里 / this message is not there")
        return found


def _moved(call: Call, chat: int) -> Call:
    """The call to the group's new id, where what it replies to is not known any more."""
    params = {name: value for name, value in call.params.items() if name != "reply_parameters"}
    return Call(call.method, params, call.part, call.file).to(chat)


def _checked(settings: Mapping[str, str]) -> tuple[str, str, int]:
    """Address, token and limit. Raises Misconfigured, without the token."""
    base, token, per_minute = (settings.get(key, "").strip() for key in ("api", "token", "group_per_minute"))
    if not re.fullmatch(r"[0-9]{1,20}:[A-Za-z0-9_-]{10,100}", token):
        raise Misconfigured(
            "telegram.token 应是 @BotFather 给的，像 110201543:AAHd…，有数字、冒号和字母 / "
            "telegram.token must be what @BotFather gives, like 110201543:AAHd…; it has digits, a colon and letters"
        )
    if not re.fullmatch(r"https?://[^\s/?#@]+[^\s?#]*", base):
        raise Misconfigured(
            "telegram.api 应是网址，像 https://api.telegram.org / telegram.api must be an address like https://api.telegram.org"
        )
    if not re.fullmatch(r"[0-9]{1,4}", per_minute):
        raise Misconfigured(
            "telegram.group_per_minute 应是整数，0 是不限 / telegram.group_per_minute must be a whole number; 0 for no limit"
        )
    return base.rstrip("/"), token, int(per_minute)


def _proxy(settings: Mapping[str, str]) -> str:
    """The proxy's address, or "". Raises Misconfigured, without what may be a password in it."""
    proxy = settings.get("proxy", "").strip()
    if proxy and not re.fullmatch(r"https?://[^\s/?#]+/?", proxy):
        raise Misconfigured(
            "telegram.proxy 应是网址，像 http://127.0.0.1:8080 / telegram.proxy must be an address like http://127.0.0.1:8080"
        )
    return proxy


def _words(trouble: Exception) -> str:
    """What to log: our own words; of anything else only its kind, for it may quote a message."""
    return str(trouble) if isinstance(trouble, Trouble | Unknown | Refusal) else type(trouble).__name__


def _shorten(memory: OrderedDict[Any, Any], most: int) -> None:
    while len(memory) > most:
        memory.popitem(last=False)

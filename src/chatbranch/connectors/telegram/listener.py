"""What comes from Telegram: updates by long polling, each batch confirmed only when all it brought is durable."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from typing import Any

from chatbranch.connectors.contract import Host
from chatbranch.connectors.telegram import compose, media, wire
from chatbranch.connectors.telegram.api import Api, Trouble, Unknown
from chatbranch.connectors.telegram.compose import Call, Place
from chatbranch.connectors.telegram.moves import Moves
from chatbranch.connectors.telegram.refusals import Refusal
from chatbranch.connectors.telegram.words import Me
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Attachment

log = logging.getLogger(__name__)

POLL = 30  # seconds for which Telegram holds a request until there is news
PATIENCE = 15.0  # seconds beyond POLL after which a connection is dead
ALBUM = 1.0  # seconds in which the rest of an album comes
REST = 0.5  # seconds between requests that a server answers at once with nothing
BATCH = 100  # updates of one answer, at most
ENDS = 6 * 24 * 3600  # seconds of silence after which Telegram may number updates anew ("Update": a week)
FILE_TRIES = 3  # before a message is taken without a file that cannot be had
MOST_BYTES = 40 * 1024 * 1024  # of one message's files together
REMEMBERED = 10_000  # messages of which is known in what topic they are


class Topics:
    """In what topic of a forum messages are: reactions do not say. In memory alone."""

    def __init__(self) -> None:
        self._topics: OrderedDict[tuple[int, int], int] = OrderedDict()

    def note(self, chat: int, number: int, topic: int) -> None:
        """This message is there."""
        if topic:
            self._topics[chat, number] = topic
            while len(self._topics) > REMEMBERED:
                self._topics.popitem(last=False)

    def of(self, chat: int, number: int) -> int:
        """Where it is; 0 in the general topic, or where it is not known."""
        return self._topics.get((chat, number), 0)


class Listener:
    """Takes a bot's updates, one batch a turn."""

    def __init__(self, api: Api, host: Host, moves: Moves, topics: Topics) -> None:
        self._api, self._host, self._moves, self._topics = api, host, moves, topics
        self._me: Me | None = None
        self._offset, self._heard_at = 0, 0.0  # the next update's number, 0 for the oldest; unix time
        self._settled = False  # whether the last turn went well
        self._missed: Counter[str] = Counter()  # file -> failed tries
        self._menus: set[int] = set()  # private chats that were given their own

    async def turn(self) -> None:
        """One batch of updates. Raises what keeps it from being taken; the next turn brings the same again."""
        settled, self._settled = self._settled, False
        if self._me is None:
            self._me = await self._introduce()
        updates = await self._updates(POLL if settled else 0)
        await self._take(updates, self._me)
        self._settled = True

    # --- beginning ---

    async def _introduce(self) -> Me:
        """Sign in, see that updates come here, put up the menu, and find the place to go on from."""
        me = wire.read_me(await self._api.call(Call("getMe")))
        if me is None:
            raise Refusal(404)
        if not me.hears_all:
            log.info("telegram: privacy mode is on: in groups only commands, mentions and replies are heard")
        await self._api.call(Call("deleteWebhook"))
        for menu in compose.menus():
            await self._kindly(menu)
        self._key = f"offset:{me.id}"
        kept = await self._host.recall(self._key)
        if kept:
            offset, _, at = kept.partition(" ")
            self._offset, self._heard_at = int(offset), float(at)
        else:
            await self._begin_here()
        return me

    async def _begin_here(self) -> None:
        """What was said before we first came is not addressed to us."""
        last = _updates(await self._api.call(Call("getUpdates", {"offset": -1, "limit": 1, "timeout": 0})))
        await self._go_on_from(max(map(wire.update_id, last), default=0) + 1 if last else 0)

    async def _go_on_from(self, offset: int) -> None:
        self._offset, self._heard_at = offset, clock.now().timestamp()
        await self._host.remember(self._key, f"{offset} {self._heard_at:.0f}")

    # --- a batch ---

    async def _updates(self, wait: int) -> list[Any]:
        """What there is to take, an album with all its parts."""
        began = time.monotonic()
        updates = await self._ask(wait)
        if not updates and wait and time.monotonic() - began < REST:
            await asyncio.sleep(REST)
        while updates and wire.is_album(updates[-1]) and len(updates) < BATCH:
            await asyncio.sleep(ALBUM)
            known = {wire.update_id(each) for each in updates}
            more = [each for each in await self._ask(0) if wire.update_id(each) not in known]
            if not more:
                break
            updates += more
        return updates

    async def _ask(self, wait: int) -> list[Any]:
        offset = self._offset if clock.now().timestamp() - self._heard_at < ENDS else 0
        params: dict[str, Any] = {"timeout": wait, "limit": BATCH, "allowed_updates": list(wire.UPDATES)}
        if offset:
            params["offset"] = offset
        return _updates(await self._api.call(Call("getUpdates", params), within=wait + PATIENCE))

    async def _take(self, updates: list[Any], me: Me) -> None:
        if not updates:
            return
        numbers = [number for each in updates if (number := wire.update_id(each)) >= 0]
        if not numbers:
            raise Trouble("Telegram 的消息没有编号 / updates without numbers")
        news = [found for each in updates if (found := wire.read_update(each, me)) is not None]
        for each in wire.gathered(news):
            await self._bring(each)
        await self._go_on_from(max(numbers) + 1)

    async def _bring(self, news: wire.News) -> None:
        match news:
            case wire.Message(edited=False):
                await self._receive(news)
            case wire.Message(direct=True):  # what was asked has been answered; another message asks anew
                pass
            case wire.Message() | wire.Reaction():
                for change in wire.as_changes(news, await self._address(news)):
                    await self._host.change(change)
            case wire.Moved(old, new):
                await self._moves.note(old, new)

    async def _address(self, news: wire.Message | wire.Reaction) -> str:
        topic = news.topic if isinstance(news, wire.Message) else self._topics.of(news.chat, news.number)
        return str(Place(await self._moves.known_as(news.chat), topic))

    async def _receive(self, message: wire.Message) -> None:
        self._topics.note(message.chat, message.number, message.topic)
        if message.direct and message.lang == "zh-Hant" and message.text == "/start":
            await self._own_menu(message.chat, message.lang)
        asked = wire.asks_about(message)
        attachments, lost = await self._fetch(asked)
        inbound = wire.as_inbound(wire.with_lost(asked, lost), await self._address(asked), attachments)
        if message.direct or message.mentioned or inbound.text.strip() or attachments:
            await self._host.receive(inbound)

    # --- files ---

    async def _fetch(self, message: wire.Message) -> tuple[tuple[Attachment, ...], list[media.File]]:
        """The message's files, and those that cannot be had."""
        found: list[Attachment] = []
        lost: list[media.File] = []
        for file in wire.wanted(message):
            room = MOST_BYTES - sum(len(each.data) for each in found)
            # one byte more than is accepted, so that whoever reads it can tell that it is too large
            data = await self._patiently(file, min(media.LARGEST_FILE + 1, room))
            if data:
                found.append(Attachment(file.name, file.media_type, data))
            else:
                lost.append(file)
        return tuple(found), lost

    async def _patiently(self, file: media.File, most: int) -> bytes:
        """The file; empty where it cannot be had, for every message after it waits meanwhile."""
        if file.size > media.DOWNLOADABLE or most <= 0:
            return b""
        try:
            data = await self._api.file(file.id, most)
        except (Trouble, Unknown):
            self._missed[file.id] += 1
            if self._missed[file.id] < FILE_TRIES:
                raise
            log.warning("telegram: a file could not be fetched; its message is taken without it")
            data = b""
        del self._missed[file.id]
        return data

    # --- manners ---

    async def _own_menu(self, chat: int, lang: str) -> None:
        if chat not in self._menus:
            self._menus.add(chat)
            await self._kindly(compose.own_menu(chat, lang))

    async def _kindly(self, call: Call) -> None:
        """A call whose failing keeps nothing else from going on."""
        try:
            await self._api.call(call)
        except (Refusal, Trouble, Unknown) as trouble:
            if isinstance(trouble, Refusal) and trouble.code == 401:
                raise
            log.info("telegram: %s was left out: %s", call.method, trouble)


def _updates(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise Trouble("Telegram 没有给出消息 / no updates where they were asked for")
    return answer

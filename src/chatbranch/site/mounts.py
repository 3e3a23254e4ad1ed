"""Connectors that answer HTTP themselves, mounted beside Django's pages under /connect/<name>/."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from chatbranch.connectors import discover
from chatbranch.connectors.contract import Receive, Said, Scope, Send
from chatbranch.deliveries import actions as deliveries
from chatbranch.deliveries import queries
from chatbranch.intake import actions as intake
from chatbranch.intake.readers import network_behind
from chatbranch.kernel.messages import Inbound
from chatbranch.site.inbox import Inbox
from chatbranch.site.live import is_member
from chatbranch.site.threads import in_thread

log = logging.getLogger(__name__)

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLL = 0.3  # seconds between looks for fresh messages, one look a channel however many wait
LOOK_ANYWAY = 15.0  # seconds after which a waiting reader's conversation is read unasked
# connectors that readers' browsers call themselves; whoever calls another is its platform
FROM_READERS = frozenset({"web"})
_ADDRESS = re.compile(r"/connect/([a-z][a-z0-9_-]{0,39})(/.*)", re.DOTALL)


def mount(pages: Application, config: discover.Config | None = None) -> Application:
    """An ASGI application: /connect/<name>/… goes to that connector, everything else to `pages`."""
    hooks = discover.webhooks(settings.CONFIG.connectors if config is None else config)
    inbox = Inbox()
    mailboxes = {name: Postbox(name, inbox) for name in hooks}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        found = _ADDRESS.fullmatch(scope["path"]) if scope["type"] == "http" else None
        name = found.group(1) if found else ""
        if found and name in hooks:
            scheme = "https" if settings.SECURE else scope["scheme"]  # a reverse proxy talks plain HTTP to us
            inner = {**scope, "path": found.group(2), "scheme": scheme}
            mailbox = Counting(mailboxes[name], scope) if name in FROM_READERS else mailboxes[name]
            await hooks[name].asgi(mailbox, inner, receive, send)
        else:
            await pages(scope, receive, send)

    return application


class Counting:
    """The Mailbox of one request by a reader's own browser: what comes counts where it comes from, unless from a member."""

    def __init__(self, postbox: Postbox, scope: Scope) -> None:
        self._postbox, self._scope = postbox, scope
        self.waiting = postbox.waiting

    async def receive(self, inbound: Inbound) -> None:
        """Accept a message; raises Refused."""
        if not await is_member(self._scope):
            # written here, with its network; the inbox then finds it written, and answers
            await in_thread(intake.do_accept, inbound, network=_network(self._scope))
        await self._postbox.receive(inbound)


def _network(scope: Scope) -> str:
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return network_behind(",".join(forwarded), (scope.get("client") or ("",))[0])


class Postbox:
    """The Mailbox of one pulled channel, read from the outbox."""

    def __init__(self, channel: str, inbox: Inbox) -> None:
        self._channel, self._inbox, self._bell = channel, inbox, Bell(channel)

    async def receive(self, inbound: Inbound) -> None:
        """Accept a message; raises Refused."""
        await self._inbox.take(inbound)

    async def waiting(self, address: str, after: str = "") -> AsyncGenerator[Said, None]:
        """What was not seen yet, then whatever comes. A message is marked as handed over when the next is wanted, or when its
        reader comes back with its cursor; marking goes on though the reader leaves meanwhile.
        """
        if after:
            await in_thread(deliveries.do_handed_over, self._channel, address, after)
        with self._bell.for_address(address) as rung:
            while True:
                rung.clear()
                for each in await in_thread(queries.conversation, self._channel, address, after):
                    after = each.cursor
                    yield Said(each.cursor, each.text, each.at)
                    if each.fresh:
                        await asyncio.shield(
                            in_thread(deliveries.do_handed_over, self._channel, address, each.cursor)
                        )
                await _rings(rung)


async def _rings(rung: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_ANYWAY):
            await rung.wait()
    except TimeoutError:
        return


class Bell:
    """Wakes those who wait for an address when something has come for it: one query a look, for all of them."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def for_address(self, address: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something fresh waits for `address`."""
        rung = asyncio.Event()
        self._waiting.setdefault(address, set()).add(rung)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        try:
            yield rung
        finally:
            self._waiting[address].discard(rung)
            if not self._waiting[address]:
                del self._waiting[address]

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(POLL)
            try:
                fresh = await in_thread(queries.fresh, self._channel, list(self._waiting))
            except Exception as error:  # the database is away: whoever waits goes on waiting
                log.warning(
                    "%s: what waits cannot be read (%s); looking again", self._channel, type(error).__name__
                )
                continue
            for address in fresh:
                for rung in self._waiting.get(address, ()):
                    rung.set()

"""Live updates: an event stream of what happened, as plain ASGI beside Django (a Django stream costs a thread per client).

Members get every event of the journal (none names an asker); a reader who gives a case's code gets only "this case changed".
One task per process reads the journal and hands each event to all who listen.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any, TypeVar
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Read = TypeVar("Read")
log = logging.getLogger(__name__)

POLL = 0.3
HEARTBEAT = 15.0  # seconds; as often it is asked whether a member still is one
MOST_LISTENERS = 2000


class Broadcast:
    """Reads the journal while anyone listens, and hands events on."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[dict[str, Any]]] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        return len(self._listeners) >= MOST_LISTENERS

    def listen(self) -> asyncio.Queue[dict[str, Any]]:
        """A queue that gets every event from now on."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=500)
        self._listeners.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read())
        return queue

    def leave(self, queue: asyncio.Queue[dict[str, Any]]) -> None:
        self._listeners.discard(queue)

    async def _read(self) -> None:
        since: int | None = None
        while self._listeners:
            try:
                since = await _last_seq() if since is None else await self._hand_on(since)
            except Exception as error:  # the database is away: whoever listens goes on listening
                log.warning("the journal cannot be read (%s); looking again", type(error).__name__)
            await asyncio.sleep(POLL)

    async def _hand_on(self, since: int) -> int:
        """Hand on what happened after the event `since`; returns the number of the last."""
        for event in await _events_after(since):
            since = event["seq"]
            for queue in self._listeners:
                if not queue.full():  # a listener that stopped reading will fetch the page anew anyway
                    queue.put_nowait(event)
        return since


_broadcast = Broadcast()


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /live/ (members: everything) or /live/?case=<code> (anyone: that case)."""
    code = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("case", [""])[0]
    subject = await _case_id(code) if code else ""
    if not subject and not await is_member(scope):
        await _refuse(send, 403)
        return
    if _broadcast.full:
        await _refuse(send, 503)
        return
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    queue = _broadcast.listen()
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await _write(send, ": welcome\n\n")
        known_until = time.monotonic() + HEARTBEAT
        while not gone.done():
            event = await _next(queue, gone)
            if not subject and time.monotonic() >= known_until:
                if not await is_member(scope):  # signed out, or left: the browser comes back, and is refused
                    break
                known_until = time.monotonic() + HEARTBEAT
            if event is None:
                await _write(send, ": still here\n\n")
            elif not subject:
                await _write(send, f"id: {event['seq']}\ndata: {json.dumps(event)}\n\n")
            elif subject in (event["subject"], *event.get("cases", ())):
                await _write(
                    send,
                    f"id: {event['seq']}\ndata: {json.dumps({'kind': 'case.changed', 'seq': event['seq']})}\n\n",
                )
    finally:
        gone.cancel()
        _broadcast.leave(queue)
    await send({"type": "http.response.body", "body": b""})


async def _next(queue: asyncio.Queue[dict[str, Any]], gone: asyncio.Task[None]) -> dict[str, Any] | None:
    waiting = asyncio.ensure_future(queue.get())
    try:
        done, _ = await asyncio.wait({waiting, gone}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting in done else None
    finally:
        waiting.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive()).get("type") != "http.disconnect":
        pass


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]}
    )
    await send({"type": "http.response.body", "body": b""})


@sync_to_async(thread_sensitive=False)
def _last_seq() -> int:
    from chatbranch.journal.queries import last_seq

    return _closing(last_seq)


@sync_to_async(thread_sensitive=False)
def _events_after(since: int) -> list[dict[str, Any]]:
    from chatbranch.cases.queries import of_claim
    from chatbranch.journal.queries import Event, events_after

    def heard(event: Event) -> dict[str, Any]:
        said = {"seq": event.seq, "kind": event.kind, "subject": str(event.subject), **event.data}
        if event.kind == "verdict.published":  # heard by the readers of every case that ended with it
            said["cases"] = [str(each) for each in of_claim(event.subject)]
        return said

    return _closing(lambda: [heard(event) for event in events_after(since)])


@sync_to_async(thread_sensitive=False)
def _case_id(code: str) -> str:
    from chatbranch.cases.queries import find

    case = _closing(lambda: find(code))
    return str(case.id) if case else ""


@sync_to_async(thread_sensitive=False)
def is_member(scope: Scope) -> bool:
    """Whether the session cookie of this request is that of a member who may enter the desk."""
    from django.conf import settings
    from django.contrib.auth import get_user
    from django.contrib.sessions.backends.cached_db import SessionStore
    from django.http import HttpRequest

    from chatbranch.branch import queries as branch
    from chatbranch.branch.access import has_second_factor
    from chatbranch.branch.models import Member

    def may_enter() -> bool:
        user = get_user(request)
        return isinstance(user, Member) and branch.is_member(user) and has_second_factor(user)

    raw = next((value for name, value in scope.get("headers", []) if name == b"cookie"), b"")
    cookie = SimpleCookie(raw.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    if cookie is None:
        return False
    request = HttpRequest()
    request.session = SessionStore(cookie.value)
    return _closing(may_enter)


def _closing(read: Callable[[], Read]) -> Read:
    """Run a read in this pool thread, with the database connection's upkeep that a request would have had."""
    from django.db import close_old_connections

    close_old_connections()
    try:
        return read()
    finally:
        close_old_connections()

"""Telegram's Bot API as a real HTTP server on loopback, written by hand from the published reference (Bot API 10.1).

It keeps chats, topics, messages and files, numbers updates, holds long polls, forgets what a higher offset confirms,
ends the older of two polls with 409, refuses a wrong token with 401, asks to wait with 429, and turns a group into a
supergroup. What people see of the bot is in `Chat.seen`.

What it does not imitate: TLS; the limits themselves (a test says when there is a 429: `every_fifth`, `answers`); the 24 hours
after which updates are dropped, and new numbers after a week; formatting of sent text, previews, keyboards, inline mode,
payments, channels; which rights an administrator has; that a photo is scaled; file ids that differ from bot to bot.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 200
BOT = 110201543

Json = dict[str, Any]


class Wrong(Exception):
    """What a call is refused with."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.answer: Json = {"ok": False, "error_code": code, "description": description}
        if parameters:
            self.answer["parameters"] = parameters


@dataclass
class Platform:
    """The server, its one bot, and everybody's chats."""

    port: int = 0
    token: str = TOKEN
    hears_all: bool = True
    every_fifth: int = 0  # seconds to wait, said to every fifth message to a chat
    chats: dict[int, Chat] = field(default_factory=dict)
    people: dict[str, Json] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    updates: list[Json] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    answers: list[tuple[str, Wrong | int]] = field(
        default_factory=list
    )  # (method, said instead once; int: that HTTP status)
    early: int = 0  # messages that came before the time they were asked to wait for
    webhook: bool = False
    polls: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1000))
    news: threading.Condition = field(default_factory=threading.Condition)
    waits: dict[int, float] = field(default_factory=dict)
    sendings: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The connector's settings for this bot."""
        return {"token": self.token, "api": self.url}

    # --- people ---

    def person(self, name: str, lang: str = "zh-hans") -> Json:
        """Somebody with Telegram on their phone."""
        number = 5_000_000_000 + len(self.people)
        return self.people.setdefault(
            name, {"id": number, "is_bot": False, "first_name": name, "language_code": lang}
        )

    def private(self, name: str, lang: str = "zh-hans") -> Chat:
        """Somebody's private chat with the bot."""
        person = self.person(name, lang)
        return self.chats.setdefault(person["id"], Chat(self, person["id"], "private", name))

    def group(self, title: str, kind: str = "supergroup") -> Chat:
        """A group; a plain one has a short id."""
        number = len(self.chats) + 1
        chat = -1_001_000_000_000 - number if kind == "supergroup" else -4_000_000 - number
        return self.chats.setdefault(chat, Chat(self, chat, kind, title))

    def bring(self, kind: str, what: Json) -> int:
        """An update for the bot; its number."""
        with self.news:
            number = next(self.numbers)
            self.updates.append({"update_id": number, kind: what})
            self.news.notify_all()
        return number

    def keep(self, data: bytes) -> str:
        """Put a file on the servers; its id."""
        which = f"file_{len(self.files)}"
        self.files[which] = data
        return which

    # --- the bot's calls ---

    def call(self, method: str, params: Json, files: Json) -> Any:
        """One call, answered as the reference says. Raises Wrong."""
        self.calls.append((method, params))
        for place, (which, said) in enumerate(self.answers):
            if which == method and isinstance(said, Wrong):
                del self.answers[place]
                raise said
        do = getattr(self, f"do_{method}", None)
        if do is None:
            raise Wrong(404, "Not Found")
        return do(params, files) if method in ("sendPhoto", "sendDocument") else do(params)

    def do_getMe(self, _: Json) -> Json:
        me = {"id": BOT, "is_bot": True, "first_name": "查一查", "username": "check_test_bot"}
        return {**me, "can_read_all_group_messages": self.hears_all}

    def do_deleteWebhook(self, _: Json) -> bool:
        self.webhook = False
        return True

    def do_setMyCommands(self, params: Json) -> bool:
        if len(params.get("language_code", "")) not in (0, 2):
            raise Wrong(400, "Bad Request: invalid language code specified")
        assert all(1 <= len(each["description"]) <= 256 for each in params["commands"])
        return True

    def do_getUpdates(self, params: Json) -> list[Json]:
        if self.webhook:
            raise Wrong(409, "Conflict: can't use getUpdates method while webhook is active")
        with self.news:
            self.polls += 1
            mine = self.polls
            self.news.notify_all()
            end = time.monotonic() + params.get("timeout", 0)
            while True:
                found = self._waiting(params)
                if found or time.monotonic() >= end:
                    return found
                self.news.wait(end - time.monotonic())
                if self.polls != mine:
                    raise Wrong(
                        409,
                        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                    )

    def _waiting(self, params: Json) -> list[Json]:
        offset = params.get("offset", 0)
        if offset < 0:
            del self.updates[: len(self.updates) + offset]
        elif offset:
            self.updates[:] = [each for each in self.updates if each["update_id"] >= offset]
        allowed = params.get("allowed_updates")
        if allowed:
            self.updates[:] = [each for each in self.updates if set(each) & set(allowed)]
        return self.updates[: params.get("limit", 100)]

    def do_getFile(self, params: Json) -> Json:
        which = params["file_id"]
        if which not in self.files:
            raise Wrong(400, "Bad Request: invalid file_id")
        if len(self.files[which]) > 20 * 1024 * 1024:
            raise Wrong(400, "Bad Request: file is too big")
        return {"file_id": which, "file_path": f"documents/{which}"}

    def do_sendMessage(self, params: Json) -> Json:
        text = params["text"]
        if not text.strip():
            raise Wrong(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > 4096:
            raise Wrong(400, "Bad Request: message is too long")
        return self._said(params, {"text": text})

    def do_sendPhoto(self, params: Json, files: Json) -> Json:
        return self._said(params, {"photo": files["photo"], "caption": params.get("caption", "")})

    def do_sendDocument(self, params: Json, files: Json) -> Json:
        return self._said(params, {"document": files["document"], "caption": params.get("caption", "")})

    def _said(self, params: Json, what: Json) -> Json:
        chat = self._open_chat(params)
        if len(what.get("caption", "").encode("utf-16-le")) // 2 > 1024:
            raise Wrong(400, "Bad Request: message caption is too long")
        self._keep_pace(chat.id)
        reply = params.get("reply_parameters", {})
        if (
            reply
            and reply["message_id"] not in chat.messages
            and not reply.get("allow_sending_without_reply")
        ):
            raise Wrong(400, "Bad Request: message to be replied not found")
        topic = params.get("message_thread_id", 0)
        if topic and topic not in chat.topics:
            raise Wrong(400, "Bad Request: message thread not found")
        number = chat.next_number()
        said = {
            **what,
            "message_id": number,
            "reply_to": reply.get("message_id", 0),
            "topic": topic,
            "by_bot": True,
        }
        chat.messages[number] = said
        return {"message_id": number, "chat": chat.as_json(), "date": int(time.time())}

    def _open_chat(self, params: Json) -> Chat:
        chat = self.chats.get(int(params["chat_id"]))
        if chat is None:
            raise Wrong(400, "Bad Request: chat not found")
        if chat.became:
            raise Wrong(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=chat.became,
            )
        if chat.closed:
            raise Wrong(403, chat.closed)
        return chat

    def _keep_pace(self, chat: int) -> None:
        """Every fifth message is asked to wait, and may not come before that."""
        now = time.monotonic()
        if now < self.waits.get(chat, 0):
            self.early += 1
            raise Wrong(429, "Too Many Requests: retry after 1", retry_after=1)
        if self.every_fifth and next(self.sendings) % 5 == 0:
            self.waits[chat] = now + self.every_fifth
            raise Wrong(
                429, f"Too Many Requests: retry after {self.every_fifth}", retry_after=self.every_fifth
            )

    def _own(self, params: Json) -> Json:
        found = self._open_chat(params).messages.get(params["message_id"])
        if found is None:
            raise Wrong(400, "Bad Request: message to edit not found")
        if not found.get("by_bot"):
            raise Wrong(400, "Bad Request: message can't be edited")
        return found

    def do_editMessageText(self, params: Json) -> bool:
        found = self._own(params)
        if "text" not in found:
            raise Wrong(400, "Bad Request: there is no text in the message to edit")
        if found["text"] == params["text"]:
            raise Wrong(
                400, "Bad Request: message is not modified: specified new message content is the same"
            )
        found["text"] = params["text"]
        return True

    def do_editMessageCaption(self, params: Json) -> bool:
        self._own(params)["caption"] = params["caption"]
        return True

    def do_deleteMessage(self, params: Json) -> bool:
        if self._open_chat(params).messages.pop(params["message_id"], None) is None:
            raise Wrong(400, "Bad Request: message to delete not found")
        return True

    def do_setMessageReaction(self, params: Json) -> bool:
        found = self._open_chat(params).messages.get(params["message_id"])
        if found is None:
            raise Wrong(400, "Bad Request: message to react not found")
        found["reactions"] = [each["emoji"] for each in params["reaction"]]
        return True

    def do_sendChatAction(self, params: Json) -> bool:
        self._open_chat(params)
        return True


@dataclass
class Chat:
    """A private chat or a group. `closed`: why the bot may not write. `became`: the supergroup it is now."""

    platform: Platform
    id: int
    kind: str
    title: str
    messages: dict[int, Json] = field(default_factory=dict)
    topics: list[int] = field(default_factory=list)
    closed: str = ""
    became: int = 0
    last: int = 0

    def next_number(self) -> int:
        self.last += 1
        return self.last

    def as_json(self) -> Json:
        return {"id": self.id, "type": self.kind, "title": self.title}

    @property
    def seen(self) -> list[str]:
        """What the bot said here, oldest first."""
        return [
            each.get("text") or each.get("caption") or "[file]"
            for each in self.messages.values()
            if each.get("by_bot")
        ]

    @property
    def from_bot(self) -> list[Json]:
        return [each for each in self.messages.values() if each.get("by_bot")]

    # --- what people do ---

    def says(self, text: str, by: str = "", **more: Any) -> int:
        """Somebody says this; the message's number."""
        return self.sends(by, text=text, entities=more.pop("entities", _entities(text)), **more)

    def sends(self, by: str = "", *, topic: int = 0, reply_to: int = 0, **what: Any) -> int:
        """Somebody sends any kind of message."""
        number = self.next_number()
        message: Json = {
            "message_id": number,
            "from": self.platform.person(by or self.title),
            "chat": self.as_json(),
            "date": int(time.time()),
            **what,
        }
        if topic:
            message |= {"message_thread_id": topic, "is_topic_message": True}
            message["reply_to_message"] = {
                "message_id": topic,
                "chat": self.as_json(),
                "forum_topic_created": {"name": "t"},
            }
        if reply_to:
            message["reply_to_message"] = self._told(self.messages[reply_to])
        self.messages[number] = message
        self.platform.bring("message", message)
        return number

    def _told(self, message: Json) -> Json:
        if not message.get("by_bot"):
            return {name: value for name, value in message.items() if name != "reply_to_message"}
        me = {"id": BOT, "is_bot": True, "first_name": "查一查"}
        return {
            "message_id": message["message_id"],
            "from": me,
            "chat": self.as_json(),
            "text": message.get("text", ""),
        }

    def sends_photo(self, by: str = "", data: bytes = PNG, **more: Any) -> int:
        sizes = [
            {"file_id": self.platform.keep(b"small"), "width": 90, "height": 90, "file_size": 5},
            {"file_id": self.platform.keep(data), "width": 800, "height": 800, "file_size": len(data)},
        ]
        return self.sends(by, photo=sizes, **more)

    def sends_file(self, kind: str, data: bytes, by: str = "", **told: Any) -> int:
        caption = {"caption": told.pop("caption")} if "caption" in told else {}
        file = {"file_id": self.platform.keep(data), "file_size": len(data), **told}
        return self.sends(by, **{kind: file}, **caption)

    def edits(self, number: int, text: str) -> None:
        message = self.messages[number] = {
            **self.messages[number],
            "text": text,
            "edit_date": int(time.time()),
        }
        self.platform.bring("edited_message", message)

    def reacts(self, number: int, by: str, before: list[str], after: list[str]) -> None:
        kinds = [[{"type": "emoji", "emoji": each} for each in emoji] for emoji in (before, after)]
        self.platform.bring(
            "message_reaction",
            {
                "chat": self.as_json(),
                "message_id": number,
                "user": self.platform.person(by),
                "date": int(time.time()),
                "old_reaction": kinds[0],
                "new_reaction": kinds[1],
            },
        )

    def opens_topic(self) -> int:
        """A topic of a forum; its id is the number of its first message."""
        number = self.next_number()
        self.topics.append(number)
        return number

    def becomes_supergroup(self, *, told: bool = True) -> Chat:
        """It gets another id, and the bot is told (or finds out when it writes)."""
        new = self.platform.group(self.title)
        self.became = new.id
        if told:
            notice = {"chat": self.as_json(), "date": int(time.time()), "from": self.platform.person("admin")}
            self.platform.bring(
                "message", {**notice, "message_id": self.next_number(), "migrate_to_chat_id": new.id}
            )
        return new


def _entities(text: str) -> list[Json]:
    """What Telegram finds in a text by itself: a command in front."""
    command = text.split()[0] if text.startswith("/") else ""
    return [{"type": "bot_command", "offset": 0, "length": len(command)}] if command else []


@contextmanager
def telegram(**options: Any) -> Iterator[Platform]:
    """A running platform."""
    platform = Platform(**options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = urlsplit(self.path).path
            if path.startswith("/file/"):
                data = (
                    platform.files.get(path.rpartition("/")[2], b"")
                    if f"/bot{platform.token}/" in path
                    else b""
                )
                self._answer(200 if data else 404, data, "application/octet-stream")
                return
            status, answer = self._called(path, body)
            self._answer(status, json.dumps(answer).encode(), "application/json")

        def _called(self, path: str, body: bytes) -> tuple[int, Json]:
            token, _, method = path.removeprefix("/bot").partition("/")
            try:
                if not token.partition(":")[0].isdigit():
                    raise Wrong(404, "Not Found")
                if token != platform.token:
                    raise Wrong(401, "Unauthorized")
                for place, (which, said) in enumerate(platform.answers):
                    if which == method and isinstance(said, int):
                        del platform.answers[place]
                        return said, {}
                params, files = _read(body, self.headers.get("content-type", ""))
                return 200, {"ok": True, "result": platform.call(method, params, files)}
            except Wrong as wrong:
                return int(wrong.answer["error_code"]), wrong.answer

        def _answer(self, status: int, data: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # whoever asked has gone
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    platform.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        with platform.news:
            platform.polls += 1
            platform.news.notify_all()
        server.socket.close()


def _read(body: bytes, kind: str) -> tuple[Json, Json]:
    """(parameters, files) of a call, from JSON or a form."""
    if not kind.startswith("multipart/"):
        return json.loads(body or b"{}"), {}
    form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=policy.HTTP)
    params: Json = {}
    files: Json = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        assert isinstance(name, str)
        assert isinstance(data, bytes)
        if part.get_filename():
            files[name] = {"name": part.get_filename(), "type": part.get_content_type(), "data": data}
        else:
            params[name] = _value(name, data.decode())
    return params, files


def _value(name: str, said: str) -> Any:
    return (
        json.loads(said)
        if name in ("reply_parameters", "message_id", "message_thread_id", "chat_id")
        else said
    )

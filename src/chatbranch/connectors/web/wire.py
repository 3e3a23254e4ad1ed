"""What the chat page's browser sends, and what it is sent. Pure: headers and bytes in, values and bytes out.

A reader is a random cookie, `reader`, the same that the ask page gives; it is the address their answers wait under.
Embedded in another site the page is a third party, whose cookies browsers keep apart for each site (CHIPS) or not at all; where
they keep none, the page itself keeps the token, and sends it as a header of its own.
The stream is `text/event-stream` as in the HTML Living Standard, section 9.2 "Server-sent events".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from chatbranch.connectors.contract import Said
from chatbranch.kernel import ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import LANGS, Lang, Phrase, as_lang

CHANNEL = "web"
COOKIE = "reader"
HEADER = "chatbranch-reader"
COOKIE_DAYS = 90
MOST_BYTES = 1_000_000  # of a posted body: the longest text allowed, escaped as JSON may
PAGE = "/chat/"

HEARTBEAT = b": still here\n\n"
RETRY = b"retry: 3000\n\n"  # milliseconds until the browser comes back by itself

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_READER = re.compile(r"[A-Za-z0-9_-]{20,64}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

Headers = Mapping[str, str]  # names in lower case


@dataclass(frozen=True)
class Post:
    """A message from the page. `id`: the page's own, the same when it tries again."""

    text: str
    id: str


# --- who is it ------------------------------------------------------------------------------------


def reader_in(headers: Headers) -> str:
    """The reader's token in the page's header or the cookie, or "" when there is none that we can have given."""
    token = headers.get(HEADER) or _cookie(headers, COOKIE)
    return token if _READER.fullmatch(token) else ""


def new_reader() -> str:
    """A token for somebody who has none yet."""
    return ids.new_token()


def cookie_for(reader: str, *, secure: bool, embedded: bool = False) -> str:
    """The Set-Cookie header that keeps it: out of reach of scripts and of other sites' requests.

    embedded: for this page within that one site only. Browsers take such a cookie only over HTTPS, or on loopback.
    """
    parts = [f"{COOKIE}={reader}", "Path=/", f"Max-Age={COOKIE_DAYS * 86_400}", "HttpOnly"]
    if embedded:
        return "; ".join([*parts, "SameSite=None", "Secure", "Partitioned"])
    return "; ".join([*parts, "SameSite=Lax", *(["Secure"] if secure else [])])


def lang_of(headers: Headers, asked: str = "") -> Lang:
    """The reader's language: what the page asks for, the cookie of our pages, else the browser's wish."""
    chosen = asked or _cookie(headers, "lang")
    return as_lang(chosen if chosen in LANGS else headers.get("accept-language", "").split(",")[0])


def _cookie(headers: Headers, name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def is_from_our_page(headers: Headers) -> bool:
    """Whether a POST may act for the reader in the cookie: never one that another site made the browser send.

    Browsers say so in Sec-Fetch-Site (Fetch Metadata) or Origin (RFC 6454). A request with neither comes from no
    browser we know; without a cookie it acts for nobody, so it may pass.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is not None:
        return _host(origin) == headers.get("host", "").lower()
    return not headers.get("cookie")


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


# --- where the page may stand ---------------------------------------------------------------------

_SITE = re.compile(
    r"https://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?"
)


def sites_of(written: str) -> tuple[str, ...]:
    """The sites a setting lists, separated by blanks or commas, as CSP has them (frame-ancestors). Raises ValueError."""
    sites = tuple(dict.fromkeys(each.rstrip("/").lower() for each in re.split(r"[\s,]+", written) if each))
    for each in sites:
        if not _SITE.fullmatch(each):
            raise ValueError(f"“{each}” is no site like https://www.example.org (or https://*.example.org)")
    return sites


# --- what comes in --------------------------------------------------------------------------------


def read_post(headers: Headers, body: bytes) -> Post:
    """The message in a request's body, JSON {"text", "id"} or a form with those fields. Raises Refused."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, FORM):
        raise Refused("media-type", UNREADABLE, status=415)
    try:
        fields = json.loads(body) if kind == JSON else _form(body)
    except (ValueError, RecursionError):
        raise Refused("malformed", UNREADABLE) from None
    text, given = (fields.get("text"), fields.get("id")) if isinstance(fields, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(given, str | None):
        raise Refused("malformed", UNREADABLE, field="text")
    if given and not _MESSAGE_ID.fullmatch(given):
        raise Refused("malformed", UNREADABLE, field="id")
    return Post(text, given or str(ids.new_id()))


def _form(body: bytes) -> dict[str, str]:
    fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, strict_parsing=False, max_num_fields=20)
    return {name: values[-1] for name, values in fields.items()}


def as_inbound(post: Post, reader: str, lang: str, at: datetime) -> Inbound:
    """The message as it enters the house. Its id is the reader's own: nobody can use up another's."""
    return Inbound(
        channel=CHANNEL,
        address=reader,
        sender=reader,
        message_id=f"{reader[:16]}:{post.id}",
        text=post.text,
        sent_at=at,
        lang=lang,
    )


# --- what goes out --------------------------------------------------------------------------------


def frame(said: Said) -> bytes:
    """One message as a server-sent event. JSON has no raw line break, so the text cannot end the event early."""
    data = {"id": said.cursor, "text": said.text, "ours": True, "at": said.at.isoformat()}
    cursor = re.sub(r"[^A-Za-z0-9-]", "", said.cursor)
    return f"id: {cursor}\nevent: message\ndata: {json.dumps(data)}\n\n".encode()


def refusal(refused: Refused, lang: str) -> bytes:
    """A refusal as JSON, worded as on our API."""
    said = {"code": refused.code, "message": refused.say(lang), "field": refused.field}
    return json.dumps({"error": said}, ensure_ascii=False).encode()


UNREADABLE = Phrase(
    "没能读懂这个请求。请刷新页面再发一次。",
    "We could not read that. Please reload the page and send it again.",
)
TOO_LARGE = Phrase(
    "太长了（超过10万字）。请只发要查的那一段。",
    "That is too long (over 100,000 characters). Please send just the part to check.",
)
OTHER_SITE = Phrase(
    "这条消息不是从本站页面发出的，没有接收。请在本站页面上发。",
    "This message did not come from our own page, so it was not taken. Please send it from our page.",
)
TOO_MANY_TABS = Phrase(
    "您开了太多聊天窗口，请关掉几个再试。", "You have too many chat windows open; please close some."
)
FULL = Phrase(
    "现在人太多了，请一分钟后再来。", "Too many people are here right now; please come back in a minute."
)
TOO_SLOW = Phrase(
    "网络太慢，没有收全。请再发一次。", "The network was too slow to take it in. Please send it again."
)
NOT_HERE = Phrase("这里没有这个地址。", "There is nothing at this address.")

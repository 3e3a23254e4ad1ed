"""What WeChat pushes, and what it is answered. Pure: bytes in, values out, and back.

WeChat's published reference (developers.weixin.qq.com/doc): "接收普通消息", "接收事件推送", "被动回复用户消息",
"消息加解密说明". A body is read only after its signature held, and still nothing about its shape is trusted: `read_push`
gives a `Push` or raises `Malformed`, whatever bytes it is handed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qs, urlsplit
from xml.parsers import expat

from chatbranch.connectors.wechat import envelope, words
from chatbranch.connectors.wechat.envelope import Forged, Keys
from chatbranch.kernel.messages import Attachment, Inbound
from chatbranch.kernel.phrases import Phrase

CHANNEL = "wechat"
MOST_BYTES = 1_000_000  # of a pushed body
MOST_FIELDS = 200
WINDOW = 300  # seconds a push's timestamp may differ from our clock
SUCCESS = b"success"  # "received; nothing to say" (被动回复用户消息)
UNSUBSCRIBED = "忘记我"  # what leaving the account means: see doc.md, "When somebody unfollows"
FETCH = "1"  # what a reader of an unverified account sends to be given what waits

PART_CHARACTERS, PART_BYTES = 600, 2048  # of one text message; the platform refuses longer ones (45002)

_OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_@-]{1,64}")
_MEDIA = re.compile(r"[A-Za-z0-9_-]{1,256}")
_STICKER = "【收到不支持的消息类型，暂无法显示】"  # what WeChat puts in place of a sticker
_PICTURE_HOSTS = (".qpic.cn", ".qlogo.cn", ".qq.com")  # where WeChat keeps pictures

Kind = Literal["says", "fetches", "follows", "leaves", "unreadable", "nothing"]


class Malformed(ValueError):
    """No push of WeChat's looks like this."""


@dataclass(frozen=True)
class Query:
    """The parameters of a request's address, as far as they are WeChat's."""

    signature: str = ""
    timestamp: str = ""
    nonce: str = ""
    echostr: str = ""
    encrypt_type: str = ""
    msg_signature: str = ""


@dataclass(frozen=True)
class Push:
    """One push. reader: the sender's openid. account: the account's original id. id: the same at every try.

    says: `text` and perhaps a picture to be taken in. fetches: wants what waits. follows, leaves: the account.
    unreadable: `why` is what to say. nothing: an event that is none of ours.
    """

    kind: Kind
    reader: str
    account: str
    id: str
    at: datetime
    text: str = ""
    picture_url: str = ""
    media_id: str = ""
    why: Phrase | None = None

    @property
    def has_picture(self) -> bool:
        """Whether a picture is to be fetched for it."""
        return bool(self.picture_url or self.media_id)


# --- is it WeChat's -------------------------------------------------------------------------------


def read_query(query: bytes) -> Query:
    """The parameters of a query string; each at most once, at most 512 characters."""
    try:
        given = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return Query()
    once = {name: values[0] for name, values in given.items() if len(values) == 1 and len(values[0]) <= 512}
    return Query(**{name: once.get(name, "") for name in Query.__dataclass_fields__})


def check_query(query: Query, keys: Keys, now: datetime) -> None:
    """Raise Forged unless this request was signed with our token, lately ("接入指引")."""
    envelope.check(query.signature, keys.token, query.timestamp, query.nonce)
    if not query.timestamp.isascii() or not re.fullmatch(r"\d{1,12}", query.timestamp):
        raise Forged("no timestamp")
    if abs(now.timestamp() - int(query.timestamp)) > WINDOW:
        raise Forged(
            "the timestamp is more than five minutes off: an old request, or this machine's clock is wrong"
        )


def open_body(body: bytes, query: Query, keys: Keys) -> dict[str, str]:
    """The fields of a pushed body. Raises Forged or Malformed.

    Where we have a key, only what is sealed with it counts: what stands beside it in the clear (兼容模式) may be
    anybody's, and so may a body that is not sealed at all.
    """
    fields = read_xml(body)
    if not keys.aes:
        if query.encrypt_type == "aes" or "MsgType" not in fields:
            raise Forged("sealed, but wechat.aes_key is not set")
        return fields
    sealed = fields.get("Encrypt", "")
    envelope.check(query.msg_signature, keys.token, query.timestamp, query.nonce, sealed)
    return read_xml(envelope.unseal(sealed, keys))


def read_xml(data: bytes) -> dict[str, str]:
    """The texts directly under the root, by name. Raises Malformed for a DTD, entities, depth, or what is no XML.

    expat expands no entity that no DTD defines, and a DTD is refused as it begins: there is nothing to blow up.
    """
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        json = data.lstrip().startswith(b"{")
        raise Malformed("JSON; choose XML as the data format (数据格式)" if json else "no XML") from error
    return reader.fields


class _Reader:
    """Gathers the texts of the root's children."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._path: list[str] = []
        self._parts: list[str] = []

    def refuse(self, *_: object) -> None:
        raise Malformed("a DTD has no place in a message")

    def start(self, name: str, _: dict[str, str]) -> None:
        self._path.append(name)
        self._parts = []
        if len(self._path) > 8 or len(self.fields) > MOST_FIELDS:
            raise Malformed("too deep, or too many fields")

    def end(self, name: str) -> None:
        if len(self._path) == 2:
            self.fields.setdefault(name, "".join(self._parts))
        self._path.pop()

    def text(self, data: str) -> None:
        if len(self._path) == 2:
            self._parts.append(data)


# --- what it says ---------------------------------------------------------------------------------


def read_push(fields: dict[str, str]) -> Push:
    """The push in these fields. Raises Malformed where there is nobody to answer."""
    reader, account, created = (fields.get(name, "") for name in ("FromUserName", "ToUserName", "CreateTime"))
    if not _OPENID.fullmatch(reader) or not _ACCOUNT.fullmatch(account):
        raise Malformed("no sender or no receiver")
    kind, event = fields.get("MsgType", ""), fields.get("Event", "").lower()
    said = _event(event, fields) if kind == "event" else _message(kind, fields)
    given = fields.get("MsgId", "")
    # "有msgid的消息推荐使用msgid排重。事件类型消息推荐使用FromUserName + CreateTime 排重。"
    number = given if re.fullmatch(r"[0-9]{1,32}", given) else f"{reader}:{created[:20]}:{event[:40]}"
    return Push(reader=reader, account=account, id=number, at=_moment(created), **vars(said))


@dataclass(frozen=True)
class _Said:
    kind: Kind
    text: str = ""
    picture_url: str = ""
    media_id: str = ""
    why: Phrase | None = None


def _message(kind: str, fields: dict[str, str]) -> _Said:
    match kind:
        case "text":
            return _text(fields.get("Content", ""))
        case "image":
            media = fields.get("MediaId", "")
            return _Said(
                "says",
                picture_url=fields.get("PicUrl", "")[:2000],
                media_id=media if _MEDIA.fullmatch(media) else "",
            )
        case "voice":
            heard = fields.get("Recognition", "").strip()
            return _text(heard) if heard else _Said("unreadable", why=words.NO_VOICE)
        case "link":
            parts = (fields.get(name, "").strip() for name in ("Title", "Description", "Url"))
            return _text("\n".join(part for part in parts if part))
        case "video" | "shortvideo":
            return _Said("unreadable", why=words.NO_VIDEO)
    return _Said("unreadable", why=words.NOT_THIS)


def _event(event: str, fields: dict[str, str]) -> _Said:
    match event:
        case "subscribe":
            return _Said("follows")
        case "unsubscribe":
            return _Said("leaves")
        case "click":  # a menu's key counts as if the reader had typed it
            return _text(fields.get("EventKey", ""))
    return _Said("nothing")


def _text(content: str) -> _Said:
    if content.strip() == _STICKER:
        return _Said("unreadable", why=words.NOT_THIS)
    return _Said("fetches" if content.strip() in (FETCH, "１") else "says", text=content)


def as_inbound(push: Push, picture: bytes = b"") -> Inbound:
    """The push as it enters the house. Whoever leaves the account asks to be forgotten.

    A message without a word (a code, a picture) tells no language; nearly everybody in WeChat reads Chinese.
    """
    return Inbound(
        channel=CHANNEL,
        address=push.reader,
        sender=push.reader,
        message_id=push.id,
        text=UNSUBSCRIBED if push.kind == "leaves" else push.text,
        sent_at=push.at,
        lang="" if words.has_words(push.text) else "zh-Hans",
        attachments=(Attachment("image", "", picture),) if picture else (),
    )


def picture_address(url: str, api: str) -> str:
    """Where a PicUrl may be fetched from: WeChat's own hosts, over TLS, or the API's host; else ""."""
    try:
        parts, ours = urlsplit(url), urlsplit(api)
        host = (parts.hostname or "").lower()
    except ValueError:
        return ""
    if parts.netloc and parts.netloc == ours.netloc and parts.scheme == ours.scheme:
        return url
    plain = parts.scheme in ("http", "https") and parts.netloc.lower() == host
    return parts._replace(scheme="https").geturl() if plain and host.endswith(_PICTURE_HOSTS) else ""


# --- what is answered -----------------------------------------------------------------------------


def passive_reply(text: str, push: Push, at: datetime) -> bytes:
    """A text as the response to a push ("被动回复用户消息 · 回复文本消息"); in the clear."""
    return (
        f"<xml><ToUserName>{_cdata(push.reader)}</ToUserName><FromUserName>{_cdata(push.account)}</FromUserName>"
        f"<CreateTime>{int(at.timestamp())}</CreateTime><MsgType>{_cdata('text')}</MsgType>"
        f"<Content>{_cdata(shown(text))}</Content></xml>"
    ).encode()


def sealed_reply(reply: bytes, keys: Keys, nonce: str, at: datetime, chance: bytes) -> bytes:
    """The response as it goes over the wire where messages are sealed ("消息加解密说明 · 回包"). chance: 16 bytes."""
    sealed, stamp = envelope.seal(reply, keys, chance), str(int(at.timestamp()))
    signed = envelope.signature(keys.token, stamp, nonce, sealed)
    return (
        f"<xml><Encrypt>{_cdata(sealed)}</Encrypt><MsgSignature>{_cdata(signed)}</MsgSignature>"
        f"<TimeStamp>{stamp}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    ).encode()


def shown(text: str) -> str:
    """The text as WeChat shows it: without what XML cannot hold, and with no link made by whoever is quoted.

    WeChat turns <a href=…> in a text into a link, even one that sends messages in the reader's name.
    """
    return re.sub(r"<(?=\s*/?\s*a\b)", "＜", _NOT_XML.sub("", text), flags=re.IGNORECASE)


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parts(text: str, most: int = PART_CHARACTERS, most_bytes: int = PART_BYTES) -> list[str]:
    """The text in pieces of at most `most` characters and `most_bytes` bytes; together they are the text.

    Cut after a paragraph, a line, a sentence or a word where one ends in the second half of a piece.
    """
    pieces: list[str] = []
    while text:
        end = _end(text, most, most_bytes)
        pieces.append(text[:end])
        text = text[end:]
    return pieces


def _end(text: str, most: int, most_bytes: int) -> int:
    end = len(text[:most].encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore"))
    if end >= len(text):
        return len(text)
    for mark in ("\n\n", "\n", r"[。！？；]|[.!?;] ", "[，、, ]"):
        ends = [found.end() for found in re.finditer(mark, text[:end]) if found.end() > end // 2]
        if ends:
            return ends[-1]
    return max(end, 1)


def _cdata(text: str) -> str:
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def _moment(seconds: str) -> datetime:
    """CreateTime; the beginning of time where it is none, so that nothing depends on the hour it is read."""
    known = seconds.isascii() and re.fullmatch(r"\d{1,11}", seconds)
    return datetime.fromtimestamp(int(seconds) if known else 0, UTC)

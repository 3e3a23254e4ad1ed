"""A mail as it came, bytes, as a letter. Pure: any bytes give a letter or None.

Formats: RFC 5322 (mail), RFC 2045 ff. (MIME), RFC 2047 (words in headers), RFC 8601 (Authentication-Results). What other
machines sent is told by RFC 3834 and by the headers in use beside it; such a letter says why it is not to be answered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from chatbranch.connectors.mail import compose, prose, quotes
from chatbranch.kernel.messages import Attachment, Inbound

CHANNEL = "mail"
LARGEST_PICTURE = 10 * 1024 * 1024
MOST_PICTURES = 10
DECORATION = 20_000  # bytes; a smaller picture within a page is a logo, a smiley or a tracker
MOST_TEXT = 400_000  # characters, several times what the house accepts
DEEPEST = 12  # parts within parts
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MessageError,
    RecursionError,
    TypeError,
    ValueError,
)

_STARTS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
_ID = re.compile(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>")
_MACHINE = re.compile(
    r"(?:mailer-daemon|postmaster|(?:do-?)?no-?t?-?reply|noreply-.*|.*-(?:bounces?|owner|request)|owner-.*|bounces?([+-].*)?|listserv|majordomo)",
    re.IGNORECASE,
)
_LIST = ("list-id", "list-post", "list-unsubscribe", "list-help", "mailing-list")
_ANSWERING = ("x-autoreply", "x-autorespond", "x-auto-reply", "x-autoreply-from", "x-mail-autoreply")


@dataclass(frozen=True)
class Letter:
    """One mail. id: its Message-ID, or a hash of it where it has none. references: its thread, oldest first.

    silent: why it must not be answered, "" where it may be: automatic, list, bounce, ours, forged or unsigned.
    """

    id: str
    sender: str
    sender_name: str
    subject: str
    text: str
    sent_at: datetime
    pictures: tuple[Attachment, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    silent: str = ""

    @property
    def reference(self) -> str:
        """What an answer can refer to."""
        return self.id if _ID.fullmatch(self.id) else ""

    @property
    def heading(self) -> compose.Heading:
        """What an answer takes over."""
        return compose.Heading(self.subject, self.references)


@dataclass(frozen=True)
class Me:
    """Who we are. addresses: our own, in lower case. authserv: the name of the server whose word on senders counts;
    "" for whichever says that one is forged.
    """

    addresses: frozenset[str]
    authserv: str = ""

    @property
    def domains(self) -> frozenset[str]:
        return frozenset(each.rpartition("@")[2] for each in self.addresses)

    def wrote(self, message_id: str) -> bool:
        """Whether a Message-ID is one of ours."""
        found = compose.OURS.fullmatch(message_id)
        return found is not None and found[1].lower() in self.domains


def read(raw: bytes, arrived: datetime, me: Me) -> Letter | None:
    """The letter; None for what is no mail at all."""
    try:
        mail = BytesParser().parsebytes(raw)
        return _letter(mail, raw, arrived, me)
    except UNREADABLE:  # the standard library's parser gives up on some malformed mail in one of these ways
        return None


def as_inbound(letter: Letter) -> Inbound:
    """The letter as it enters the house. Answers go to its From, never to its Reply-To, which anybody may point elsewhere."""
    return Inbound(
        channel=CHANNEL,
        address=letter.sender,
        sender=letter.sender,
        sender_name=letter.sender_name,
        message_id=letter.id,
        text=letter.text,
        sent_at=letter.sent_at,
        reply_to=letter.reference,
        attachments=letter.pictures,
        in_reply_to=letter.in_reply_to,
        thread=letter.references[0] if letter.references else "",
    )


def _letter(mail: Message, raw: bytes, arrived: datetime, me: Me) -> Letter:
    headers = _Headers(mail)
    name, address = _sender(headers)
    subject = headers.text("subject")
    replied = _ids(headers.text("in-reply-to"))[:1]
    references = _ids(headers.text("references")) or replied
    id = next(iter(_ids(headers.text("message-id"))), "") or hashlib.sha256(raw).hexdigest()[:40]
    found = _Found()
    found.take(mail)
    to_us = any(map(me.wrote, [*replied, *references[-1:]]))
    return Letter(
        id=id,
        sender=address,
        sender_name=name,
        subject=subject,
        text=_words(found, subject, replies=bool(replied), to_us=to_us, signer=(name, address)),
        sent_at=_date(headers.text("date"), arrived),
        pictures=tuple(found.chosen()),
        in_reply_to=next(iter(replied), ""),
        references=tuple(references),
        silent=_silent(headers, mail, address, id, me),
    )


def _words(found: _Found, subject: str, *, replies: bool, to_us: bool, signer: tuple[str, ...]) -> str:
    written = "\n\n".join(found.texts)[:MOST_TEXT]
    own = quotes.own_words(written, subject=subject, replies=replies, to_us=to_us, signer=signer)
    text = "\n\n".join(part for part in (own, *found.forwarded) if part)[:MOST_TEXT]
    return text if to_us or (not text and found.pictures) else quotes.with_subject(subject, text)


# --- headers --------------------------------------------------------------------------------------------------------------


class _Headers:
    """A mail's headers by lower-case name, as they came."""

    def __init__(self, mail: Message) -> None:
        self._raw: dict[str, list[str]] = {}
        for name, value in mail.raw_items():
            self._raw.setdefault(name.lower(), []).append(str(value)[:20_000])

    def all(self, name: str) -> list[str]:
        """Every header of that name, unfolded; 8-bit bytes, which old programs write, decoded."""
        return [" ".join(_eight_bit(each).split()) for each in self._raw.get(name, [])]

    def text(self, name: str) -> str:
        """The first of them with its encoded words read, or ""."""
        return next((_read_words(each) for each in self.all(name)), "")


def _eight_bit(value: str) -> str:
    return value if value.isascii() else prose.decode(value.encode("utf-8", "surrogateescape"), "")


def _read_words(value: str) -> str:
    """RFC 2047, with the charsets that are really meant."""
    try:
        parts = decode_header(value)
    except UNREADABLE:
        return value
    read = (
        part if isinstance(part, str) else prose.decode(part, charset or "utf-8") for part, charset in parts
    )
    return " ".join("".join(read).split())


def _sender(headers: _Headers) -> tuple[str, str]:
    """Name and address of the one author, "" and "" where there is none, or more."""
    found = getaddresses(headers.all("from"))
    if len(found) != 1:
        return "", ""
    name, written = found[0]
    try:
        address = compose.address_of(written)
    except compose.BadAddress:
        return "", ""
    return _read_words(name)[:200], f"{address.username}@{address.domain}".lower()


def _ids(value: str) -> list[str]:
    return _ID.findall(value)[-50:]


def _date(written: str, arrived: datetime) -> datetime:
    """When it says it was sent, which is never after it arrived."""
    try:
        said = parsedate_to_datetime(written)
    except UNREADABLE:
        return arrived
    return min(said.replace(tzinfo=said.tzinfo or UTC).astimezone(UTC), arrived)


# --- who must not be answered ---------------------------------------------------------------------------------------------


def _silent(headers: _Headers, mail: Message, sender: str, id: str, me: Me) -> str:
    if not sender:
        return "unsigned"
    if sender in me.addresses or me.wrote(id):
        return "ours"
    if _is_bounce(headers, mail, sender):
        return "bounce"
    if any(headers.text(name) for name in _LIST):
        return "list"
    if _is_automatic(headers):
        return "automatic"
    return "forged" if _is_forged(headers.all("authentication-results"), me.authserv) else ""


def _is_bounce(headers: _Headers, mail: Message, sender: str) -> bool:
    """A report of the mail system (RFC 3464), or anything whose author wants no answer."""
    local = sender.partition("@")[0]
    return (
        mail.get_content_type() in ("multipart/report", "message/delivery-status")
        or any(each.replace(" ", "") == "<>" for each in headers.all("return-path"))
        or bool(_MACHINE.fullmatch(local))
    )


def _is_automatic(headers: _Headers) -> bool:
    """RFC 3834, section 2; and what is in use beside it."""
    submitted = headers.text("auto-submitted").partition(";")[0].strip().lower()
    suppress = headers.text("x-auto-response-suppress").strip().lower()
    return (
        submitted not in ("", "no")
        or headers.text("precedence").lower() in ("bulk", "junk", "list", "auto_reply", "auto-reply")
        or suppress not in ("", "none")
        or any(headers.text(name) for name in _ANSWERING)
    )


def _is_forged(results: Iterable[str], authserv: str) -> bool:
    """Whether the receiving server found that the From is not the sender's: DMARC, or what DMARC rests on (RFC 8601).

    A sender may write such headers as well. That can only make their own mail count as forged, unless `authserv` names
    our server: then its own, which it puts on top, is the one that counts.
    """
    bare = [re.sub(r"\([^()]*\)", " ", each) for each in results]
    if authserv:
        names = (each.partition(";")[0].split() for each in bare)
        bare = [each for each, name in zip(bare, names, strict=True) if name[:1] == [authserv]][:1]
    return any(_says_forged(each) for each in bare)


def _says_forged(result: str) -> bool:
    said: dict[str, set[str]] = {}
    for method, verdict in re.findall(r"\b(dmarc|spf|dkim)\s*=\s*([a-z]+)", result.lower()):
        said.setdefault(method, set()).add(verdict)
    if "dmarc" in said and said["dmarc"] & {"pass", "fail"}:
        return "pass" not in said["dmarc"]
    both = said.get("spf", set()) | said.get("dkim", set())
    return "fail" in both and "pass" not in both


# --- the body -------------------------------------------------------------------------------------------------------------


@dataclass
class _Found:
    """What the parts of a mail hold. forwarded: mails attached whole."""

    texts: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    pictures: list[Attachment] = field(default_factory=list)

    def take(self, part: Message, depth: int = 0) -> None:
        """Look through a part and those within it."""
        kind = part.get_content_type()
        if depth > DEEPEST:
            return
        if kind == "message/rfc822" or _file_name(part).lower().endswith(".eml"):
            self._take_mail(part, depth)
        elif kind == "multipart/alternative":
            self._take_best(_parts(part), depth)
        elif part.is_multipart():
            for each in _parts(part):
                self.take(each, depth + 1)
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            self.texts += [text] if (text := _text(part)) else []
        else:
            self._take_picture(part)

    def _take_best(self, ways: list[Message], depth: int) -> None:
        """Of one text said in several ways the plainest that says something; of pictures all there are."""
        said = [_Found() for _ in ways]
        for each, way in zip(said, ways, strict=True):
            each.take(way, depth + 1)
            self.pictures += each.pictures
            self.forwarded += each.forwarded
        self.texts += next((each.texts for each in said if any(text.strip() for text in each.texts)), [])

    def _take_mail(self, part: Message, depth: int) -> None:
        """A mail that was attached: its subject and all it says."""
        inner = _parts(part)[:1] or [BytesParser().parsebytes(_bytes(part))]
        found = _Found()
        found.take(inner[0], depth + 1)
        subject = quotes.bare_subject(_Headers(inner[0]).text("subject"))
        said = quotes.own_words("\n\n".join(found.texts), subject="Fwd:")
        self.forwarded += ["\n".join(line for line in (subject, said) if line), *found.forwarded]
        self.pictures += found.pictures

    def _take_picture(self, part: Message) -> None:
        if not (
            part.get_content_maintype() == "image" or part.get_content_type() == "application/octet-stream"
        ):
            return
        data = _bytes(part)[: LARGEST_PICTURE + 1]  # one byte too many tells the house that it was larger
        kind = _picture(data)
        inline = part.get_content_disposition() != "attachment" and part.get("content-id")
        if (kind or part.get_content_maintype() == "image") and not (inline and len(data) < DECORATION):
            self.pictures.append(Attachment(_file_name(part) or "picture", kind, data))

    def chosen(self) -> list[Attachment]:
        """The pictures that can be read; where nothing else came, one that cannot, so that its sender is told."""
        readable = [each for each in self.pictures if each.media_type]
        return readable[:MOST_PICTURES] or ([] if self.texts or self.forwarded else self.pictures[:1])


def _parts(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def _text(part: Message) -> str:
    text = prose.decode(_bytes(part)[: 4 * MOST_TEXT], part.get_content_charset("")).replace("\r\n", "\n")
    if part.get_content_type() == "text/html":
        return prose.text_of(text)
    flowed = str(part.get_param("format", "")).lower() == "flowed"
    return (
        prose.unflowed(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
        if flowed
        else text
    )


def _bytes(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _file_name(part: Message) -> str:
    try:
        return _read_words(part.get_filename("") or "")[:200]
    except UNREADABLE:
        return ""


def _picture(data: bytes) -> str:
    """The media type that the first bytes tell, or ""."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), "")

"""Outbound messages as e-mail. Pure: values in, a mail as it goes over the wire out (RFC 5322, RFC 2045 ff.)."""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from chatbranch.kernel.messages import Outbound
from chatbranch.kernel.phrases import Phrase

OURS = re.compile(r"<[0-9a-f]{40}@([^<>@\s]+)>")  # the form of our own Message-IDs
MOST_REFERENCES = 20
SUBJECT = Phrase("您问的消息有结果了", "About what you asked us to check")
_LINE = re.compile(r"[\r\n\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]+")
_LINK = re.compile(r"https?://[^\s<>\"'，。；、）】」』]+[^\s<>\"'.,;:!?)\]，。；：！？、）】」』]")


class BadAddress(ValueError):
    """No mail can be addressed like this."""


@dataclass(frozen=True)
class Heading:
    """What an answer takes over from the mail it answers: its subject, and the Message-IDs of its thread."""

    subject: str = ""
    references: tuple[str, ...] = ()


def message_of(
    outbound: Outbound, sender: str, at: datetime, unsubscribe_url: str = "", answers: Heading | None = None
) -> EmailMessage:
    """The mail: plain text and simple HTML, with one Message-ID however often it is tried.

    answers: the heading of the mail `outbound.reply_to`, where it is still known. Raises BadAddress.
    Two headers keep other machines from answering it: RFC 3834, and the one that Exchange heeds.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = address_of(sender)
    mail["To"] = address_of(outbound.address)
    mail["Subject"] = _one_line(outbound.subject) or _subject(outbound.text, answers)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(outbound.key, mail["From"].addresses[0].domain)
    reference = _reference(outbound.reply_to)
    mail["Auto-Submitted"] = "auto-replied" if reference else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if reference:
        mail["In-Reply-To"] = reference
        mail["References"] = " ".join(_thread(answers, reference))
    if unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{_one_line(unsubscribe_url)}>"  # RFC 2369
    text = outbound.text.encode("utf-8", "replace").decode()
    mail.set_content(text, cte="base64" if not text.isascii() else None)
    mail.add_alternative(page_of(outbound.html or paragraphs(text)), subtype="html")
    for each in outbound.attachments:
        main, _, sub = _media_type(each.media_type).partition("/")
        mail.add_attachment(each.data, maintype=main, subtype=sub, filename=_one_line(each.name) or "file")
    return mail


def message_id(key: str, domain: str) -> str:
    """The id of a delivery's mail. A mailbox that sees it twice may show it once."""
    return f"<{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}@{domain}>"


def address_of(written: str) -> Address:
    """The address in "Name <local@domain>" or "local@domain". Raises BadAddress."""
    if _LINE.search(written) or len(written) > 320:
        raise BadAddress("地址只能是一行 / an address is one line")
    name, plain = parseaddr(written)
    local, at, domain = plain.rpartition("@")
    if (
        plain not in written
        or not (at and local and domain)
        or " " in plain
        or not re.fullmatch(r"[\w.-]+", domain)
    ):
        raise BadAddress("地址像 somebody@example.org / an address is like somebody@example.org")
    try:
        return Address(name, local, domain.encode("idna").decode())
    except (ValueError, IndexError) as error:
        raise BadAddress(str(error)) from error


def paragraphs(text: str) -> str:
    """The text as HTML: paragraphs, line breaks, and addresses as links. Everything else is escaped."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    return "\n".join(f"<p>{_linked(block)}</p>" for block in blocks)


def page_of(body: str) -> str:
    """A whole HTML document around a body, readable on any screen and without any picture."""
    style = "max-width:36em;margin:1em auto;padding:0 1em;font:1rem/1.6 system-ui,sans-serif"
    return (
        f'<!doctype html><html><head><meta charset="utf-8"></head><body style="{style}">{body}</body></html>'
    )


def _linked(block: str) -> str:
    parts: list[str] = []
    end = 0
    for link in _LINK.finditer(block):
        url = html.escape(link.group())
        parts += [html.escape(block[end : link.start()]), f'<a href="{url}">{url}</a>']
        end = link.end()
    return "".join([*parts, html.escape(block[end:])]).replace("\n", "<br>\n")


def _subject(text: str, answers: Heading | None) -> str:
    if answers and (subject := _one_line(answers.subject)):
        return subject if re.match(r"re\s*[:：]", subject, re.IGNORECASE) else f"Re: {subject}"
    return SUBJECT.say("zh-Hans" if re.search("[\u4e00-\u9fff]", text) else "en")


def _reference(reply_to: str) -> str:
    return reply_to if re.fullmatch(r"<[!-;=?-~]{1,200}@[!-;=?-~]{1,200}>", reply_to) else ""


def _thread(answers: Heading | None, reference: str) -> list[str]:
    """The Message-IDs of the thread, oldest first, the answered one last (RFC 5322, section 3.6.4); the first always stays."""
    known = [
        each for each in (answers.references if answers else ()) if _reference(each) and each != reference
    ]
    return [*known[:1], *known[1:][-MOST_REFERENCES:], reference]


def _media_type(written: str) -> str:
    """A type whose name we can write; what would be a mail in itself, or is none, is plain bytes."""
    known = re.fullmatch(r"(image|audio|video|application|text)/[a-z0-9.+-]{1,60}", written.lower())
    return known.group() if known else "application/octet-stream"


def _one_line(text: str) -> str:
    return " ".join(_LINE.sub(" ", text).split())[:200]

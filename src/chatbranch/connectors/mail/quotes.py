"""What somebody wrote themselves, and what they forward; without what they reply to, and without signatures. Pure, total.

Mail programs mark what they quote each in its own way: the shapes here are those of Outlook, Gmail, Apple Mail, QQ Mail,
Foxmail, NetEase and Thunderbird, in English and Chinese. What somebody replies to is cut off. What they forward is kept
whole, for it is the very thing to check; only the lines that name people (From, To) are left out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|转发|轉寄|轉發|转寄)\s*[:：]", re.IGNORECASE)
_REPLY_SUBJECT = re.compile(r"\s*(?:re|aw|sv|回复|回復|回覆|答复|答覆)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)

_FORWARDED = re.compile(
    r"\W*(?:begin forwarded message|forwarded message|forwarded by\b.*|开始转发的邮件|開始轉寄的?郵件|转发(?:的)?(?:邮件|消息)(?:信息)?"
    r"|轉寄的?(?:郵件|訊息)|轉發的?郵件)\W*",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"\W{2,}(?:original(?: message)?|原始邮件|原始郵件|原邮件|原郵件)\W{2,}", re.IGNORECASE
)

_FROM = "from|发件人|發件人|寄件者|寄件人"
_SUBJECT = "subject|主题|主題|主旨"
_LABELS = (
    f"{_FROM}|{_SUBJECT}|sent|date|to|cc|reply-to|importance|attachments?|发送时间|发送日期|日期|时间|傳送時間|寄件日期|發送時間"
    "|收件人|收件者|抄送|副本|回复|重要性|附件"
)
_HEADER = re.compile(rf"[|*]*\s*(?P<label>{_LABELS})\s*\**\s*[:：|]\**(?P<value>.*?)\|?", re.IGNORECASE)
MOST_LINES = 10_000
_NEAR = 6  # lines within which three headers are a block of them

_WROTE = re.compile(r".*(?:\bwrote|\bwrites|写道|寫道|schrieb|écrit)\s*[:：]\s*", re.IGNORECASE)
_WHO_AND_WHEN = re.compile(r"@|\d{1,2}:\d{2}")
_WHO = re.compile(r"<[^<>\s]+@[^<>\s]+>")
_OPENS = re.compile(r"on\b|at\b|在|于|於|\d{4}\s*年", re.IGNORECASE)

_MARKS = re.compile(r"^(?:>[ \t]?)+")
_DASHES = re.compile(r"--\s*")  # RFC 3676, section 4.3
_PHONE = re.compile(
    r"\W{0,3}(?:sent from (?:my|mail for|yahoo|outlook|proton)\b.{0,40}|get outlook for .{1,20}|获取\s*outlook for .{1,20}"
    r"|(?:发自|發自|寄自|來自|来自)我的.{1,30}|[从從]我的.{1,30}(?:发送|傳送|發送)|发自.{0,12}(?:手机|邮箱大师|邮箱).{0,12})\W*",
    re.IGNORECASE,
)

_ASKS = re.compile(
    r"[?？吗嗎]|真|假|是否|查|核实|核實|求证|求證|辟谣|\b(?:true|real|fake|fact|check)\b", re.IGNORECASE
)
_CODE = re.compile(r"\d{4}")
BRIEF = 20  # Chinese characters, or three times as many letters, in which nobody states a claim and asks about it too


def is_forward(subject: str) -> bool:
    """Whether a mail's subject says that it is passed on."""
    return bool(_FORWARD_SUBJECT.match(subject))


def is_reply(subject: str) -> bool:
    """Whether a mail's subject says that it answers another."""
    return bool(_REPLY_SUBJECT.match(subject))


def bare_subject(subject: str) -> str:
    """The subject without its Re: and Fwd:."""
    while found := _FORWARD_SUBJECT.match(subject) or _REPLY_SUBJECT.match(subject):
        subject = subject[found.end() :]
    return subject.strip()


def only_asks(text: str) -> bool:
    """Whether a text merely asks about something said elsewhere ("is this true?"), and is nobody's code."""
    width = sum(1 if each.isascii() else 3 for each in text)
    return width < 3 * BRIEF and bool(_ASKS.search(text)) and not _CODE.search(text)


def with_subject(subject: str, body: str) -> str:
    """A mail's words: its body, and its subject where that holds what is to be checked."""
    claim = bare_subject(subject)
    if not body:
        return claim
    states = sum(1 if each.isascii() else 2 for each in claim) >= BRIEF
    return f"{claim}\n{body}" if states and only_asks(body) and claim not in body else body


def own_words(
    text: str,
    *,
    subject: str = "",
    replies: bool = False,
    to_us: bool = False,
    signer: tuple[str, ...] = (),
) -> str:
    """What a mail says of its own. replies: it has In-Reply-To. to_us: it answers one of our mails. signer: how its
    author is called, which programs write under a text by themselves.

    A reply to somebody else that only asks "is this true?" is about what it quotes, so that is kept.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MOST_LINES]
    seam = _seam(lines)
    if is_forward(subject) or not (replies or to_us or is_reply(subject)) or seam.kind == "forwarded":
        return _joined(_signed_off(_whole(lines[: seam.start]), signer), _whole(lines[seam.end :]))
    above, quoted = _parted(lines[: seam.start])
    own, below = _signed_off(above, signer), lines[seam.end :]
    if seam.kind == "wrote":
        after, marked = _parted(below)
        own = _joined(own, _signed_off(after, signer) if marked else "")
    return own if to_us or (own and not only_asks(own)) else _joined(own, _whole([*quoted, *below]).strip())


# --- where the quoted part begins -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seam:
    """Lines [start, end) stand between somebody's own words and what they quote."""

    kind: Literal["forwarded", "original", "headers", "wrote", "none"]
    start: int
    end: int


def _seam(lines: list[str]) -> _Seam:
    """The first one."""
    for number, line in enumerate(lines):
        bare = _bare(line)
        if _FORWARDED.fullmatch(bare):
            return _Seam("forwarded", number, number + 1)
        if _ORIGINAL.fullmatch(bare):
            return _Seam("original", number, number + 1)
        if _end_of_headers(lines, number):
            return _Seam("headers", number, number)
        if (start := _attribution(lines, number)) >= 0:
            return _Seam("wrote", start, number + 1)
    return _Seam("none", len(lines), len(lines))


def _bare(line: str) -> str:
    return _MARKS.sub("", line[:500]).strip()


def _label(line: str) -> str:
    found = _HEADER.fullmatch(_bare(line))
    return found["label"].lower() if found else ""


def _end_of_headers(lines: list[str], number: int) -> int:
    """The line after a block of headers (From and two more, close together) that begins at `number`; 0 if none does."""
    if not re.fullmatch(f"{_FROM}|{_SUBJECT}", _label(lines[number]), re.IGNORECASE):
        return 0
    near = [_label(line) for line in lines[number : number + _NEAR]]
    if sum(map(bool, near)) < 3 or not any(re.fullmatch(_FROM, each, re.IGNORECASE) for each in near):
        return 0
    end = number
    while any(
        _label(line) for line in lines[end : end + 2]
    ):  # one line in between: blank, or the rest of a long header
        end += 1
    return end


def _attribution(lines: list[str], number: int) -> int:
    """Where "On …, … wrote:" begins, which may be broken over three lines and ends at `number`; -1 if it does not."""
    if not _WROTE.fullmatch(_bare(lines[number])):
        return -1
    for start in range(number, max(-1, number - 3), -1):
        whole = " ".join(map(_bare, lines[start : number + 1]))
        if _WHO_AND_WHEN.search(whole) and (_OPENS.match(whole) or _WHO.search(whole)):
            return start
    return -1


# --- the parts ------------------------------------------------------------------------------------------------------------


def _parted(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines without and those with a ">" in front."""
    return [line for line in lines if line[:1] != ">"], [line for line in lines if line[:1] == ">"]


def _signed_off(said: str | list[str], signer: tuple[str, ...] = ()) -> str:
    """Without the signature: what follows "-- ", and what programs and phones put at the end."""
    lines = said.split("\n") if isinstance(said, str) else said
    end = next((number for number, line in enumerate(lines) if _DASHES.fullmatch(line)), len(lines))
    while end and _is_signature(lines[end - 1].strip()[:100], signer):
        end -= 1
    return "\n".join(lines[:end]).strip()


def _is_signature(line: str, signer: tuple[str, ...]) -> bool:
    return not line or line.lower() in (each.lower() for each in signer) or bool(_PHONE.fullmatch(line))


def _whole(lines: list[str]) -> str:
    """What is quoted or forwarded, however deep, as plain lines: no marks, no seams, and nobody's address."""
    kept: list[str] = []
    number = 0
    while number < len(lines):
        if end := _end_of_headers(lines, number):
            kept += _subjects(lines[number:end])
            number = end
            continue
        bare = _bare(lines[number])
        start = _attribution(lines, number)
        if start >= 0:
            kept = kept[: len(kept) - (number - start)]
        elif not (_FORWARDED.fullmatch(bare) or _ORIGINAL.fullmatch(bare)):
            kept.append(_MARKS.sub("", lines[number]).rstrip())
        number += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _subjects(headers: list[str]) -> list[str]:
    """What stands after Subject: in a block of headers, its Re: and Fwd: taken off."""
    found = [_HEADER.fullmatch(_bare(line)) for line in headers]
    subjects = [
        each["value"] for each in found if each and re.fullmatch(_SUBJECT, each["label"], re.IGNORECASE)
    ]
    return [bare for each in subjects if (bare := bare_subject(each))]


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)

"""What is said on IRC: formatting codes, actions, being called by name, and cutting a text into lines. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Colours (\x03, \x04) with their numbers, other formatting (modern.ircdocs.horse/formatting), and any other control.
_CODES = re.compile(
    r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9A-Fa-f]{6}(?:,[0-9A-Fa-f]{6})?)?|[\x00-\x08\x0a-\x1f\x7f]",
    re.ASCII,
)
_NICK = r"A-Za-z0-9_\-\[\]\\`^{}|"  # RFC 2812, section 2.3.1
_HANGUL_HAN_KANA = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_JOINER = "\u200d"


def plain(text: str) -> str:
    """The text without formatting codes and control characters."""
    return _CODES.sub("", text)


def action(text: str) -> str | None:
    """What was said: the text, "* waves" for /me waves, or None for any other CTCP request (never answered)."""
    if not text.startswith("\x01"):
        return text
    kind, _, said = text.strip("\x01").partition(" ")
    return f"* {said}" if kind == "ACTION" and said else None


def called(text: str, nicks: Iterable[str]) -> tuple[bool, str]:
    """Whether one of our nicks is in `text` as a word, and the text without it where it stands in front."""
    names = "|".join(re.escape(nick) for nick in sorted(set(nicks), key=len, reverse=True) if nick)
    if not names:
        return False, text
    word = rf"(?<![{_NICK}.@])@?(?:{names})(?![{_NICK}@]|\.\w)"
    front = re.match(rf"\s*@?(?:{names})(?:\s*[:：,，、]\s*|\s+|$)", text, re.IGNORECASE)
    if front:
        return True, text[front.end() :]
    return re.search(word, text, re.IGNORECASE) is not None, text


def joined(lines: Iterable[tuple[str, bool]]) -> str:
    """One text of lines that came one after another. (line, cut): whether its end was cut off by the line limit."""
    text, was_cut = "", False
    for line, cut in lines:
        if text and was_cut:
            wide = _HANGUL_HAN_KANA.match(line[:1]) or _HANGUL_HAN_KANA.match(text[-1:])
            text += "" if wide or text.endswith(" ") else " "
        elif text:
            text += "\n"
        text, was_cut = text + line, cut
    return text


def lines_of(text: str, most: int) -> list[str]:
    """The text as lines of at most `most` bytes of UTF-8 (at least 4), in order; together they are the text.

    Control characters are taken out and blank lines left out: IRC has neither. A line is cut after a blank where one
    stands in its last third, else between characters that do not belong together.
    """
    clean = text.encode("utf-8", "replace").decode()
    lines = (plain(line) for line in re.split(r"\r\n|\r|\n", clean))
    return [part for line in lines if line.strip() for part in _parts(line, max(most, 4))]


def _parts(line: str, most: int) -> Iterable[str]:
    raw = line.encode()
    while len(raw) > most:
        end = _cut(raw, most)
        yield raw[:end].decode()
        raw = raw[end:]
    if raw:
        yield raw.decode()


def _cut(raw: bytes, most: int) -> int:
    """Where to cut: a place within `most` bytes, never within a character."""
    blank = raw.rfind(b" ", most * 2 // 3, most)
    if blank > 0:
        return blank + 1
    end = most
    while raw[end] & 0xC0 == 0x80:  # within a character of UTF-8
        end -= 1
    head = raw[:end].decode()
    after = raw[end : end + 4].decode(errors="ignore")
    whole = len(head)
    while (
        whole > 1
        and len(head) - whole < 12
        and _together(head[whole - 1], head[whole] if whole < len(head) else after[:1])
    ):
        whole -= 1
    together = len(head[:whole].encode())
    return together if together > most // 2 else end


def _together(before: str, after: str) -> bool:
    """Whether these two make one sign to the eye: an emoji's parts, a letter and its accents."""
    return bool(after) and (
        before == _JOINER
        or after == _JOINER
        or unicodedata.combining(after) != 0
        or "\ufe00" <= after <= "\ufe0f"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
    )

"""Which encoding a file is in: told from its bytes, or refused; never guessed into nonsense."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{3,20})", re.IGNORECASE)
_PAIR = re.compile(rb"[\x81-\xfe]([\x40-\x7e\x80-\xfe])")


def encoding_of(head: bytes, whole: Callable[[], Iterable[bytes]]) -> str:
    """The encoding of a file that begins with `head`: "utf-8", "gb18030", "utf-16-le" or "utf-16-be".

    A byte order mark or a page's own <meta charset> settles it; else UTF-8 where most lines with Chinese are
    valid UTF-8, else GB18030 where they look it. `whole` gives all blocks of the file; it is read only where
    the first bytes are plain ASCII. Raises Refused for anything else (Big5, binary files).
    """
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    declared = _CHARSET.search(head[:4096])
    if declared:
        return _declared(declared.group(1).decode())
    if b"\x00" in head[:1000]:
        raise Refused("no-text", _NO_TEXT)
    return _of_lines(head if not head.isascii() else _telling(whole()))


def decoded(line: bytes, encoding: str) -> str | Refused:
    """The line as text, without a byte order mark; or why it cannot be read."""
    try:
        return line.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return Refused("bad-bytes", _BAD_BYTES, at=error.start + 1, encoding=encoding.upper())


def _declared(charset: str) -> str:
    name = charset.lower()
    if name in ("gb2312", "gbk", "gb18030"):
        return "gb18030"
    if name in ("utf-8", "utf8", "us-ascii", "ascii"):
        return "utf-8"
    raise Refused("no-encoding", _NO_ENCODING, name=charset)


def _telling(blocks: Iterable[bytes]) -> bytes:
    """The first stretch of the file that is not plain ASCII; empty where all of it is."""
    kept = b""
    for block in blocks:
        kept = kept[-4096:] + block
        if not block.isascii():
            return kept
    return b""


def _of_lines(sample: bytes) -> str:
    lines = [line for line in sample.split(b"\n")[:2000] if not line.isascii()]
    if len(lines) > 1 and not sample.endswith(b"\n"):
        lines.pop()  # cut in the middle of a character, maybe
    broken = sum(not _is_utf8(line) for line in lines)
    if broken * 2 <= len(lines):
        return "utf-8"
    if _looks_gb18030(b"\n".join(lines)):
        return "gb18030"
    raise Refused("no-encoding", _NO_ENCODING, name="?")


def _is_utf8(line: bytes) -> bool:
    """Whether the line is UTF-8, but for a last character that the sample may have cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)
    except UnicodeDecodeError:
        return False
    return True


def _looks_gb18030(data: bytes) -> bool:
    """Common characters have a second byte of 0xA1 and above in GB18030; in Big5 four of ten have one below."""
    if "\ufffd" in codecs.getincrementaldecoder("gb18030")("replace").decode(data):
        return False
    seconds = [match.group(1)[0] for match in _PAIR.finditer(data)]
    low = sum(second < 0xA1 for second in seconds)
    return bool(seconds) and low <= len(seconds) * 0.1


_NO_TEXT = Phrase("这不是文字文件，不能导入。", "This is not a text file and cannot be imported.")
_NO_ENCODING = Phrase(
    "认不出文件的编码（{name}）；请另存为 UTF-8 再导入。",
    "The file's encoding is not one we recognise ({name}); save it as UTF-8 and import it again.",
)
_BAD_BYTES = Phrase("第 {at} 个字节不是有效的 {encoding}。", "Byte {at} is not valid {encoding}.")

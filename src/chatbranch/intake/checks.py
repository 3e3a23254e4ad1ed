"""What cannot be checked at all, and is refused before anything is counted or written."""

from __future__ import annotations

from chatbranch.intake.rules import LONGEST, is_blank, read
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean

LARGEST_FILE = 10 * 1024 * 1024
_IMAGES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


def check_text(inbound: Inbound) -> str:
    """The message's text, cleaned. Refuses what is too long, and what holds nothing to check."""
    text = clean(inbound.text).strip()
    if len(text) > LONGEST:
        raise Refused(
            "too-long",
            Phrase(
                "太长了（超过10万字）。请只发要查的那一段。",
                "That is too long (over 100,000 characters). Please send just the part to check.",
            ),
            status=413,
            field="text",
        )
    reading = read(text)
    if is_blank(text) and not (inbound.attachments or reading.link) and reading.kind == "check":
        raise Refused(
            "empty",
            Phrase(
                "没有看到要查的内容。请把那句话、链接或截图发来。",
                "There is nothing to check yet. Please send the words, a link or a screenshot.",
            ),
            field="text",
        )
    return text


def check_image(data: bytes) -> None:
    """Refuses a file that is too large, or begins like no picture we can read."""
    if len(data) > LARGEST_FILE:
        raise Refused(
            "image-large",
            Phrase(
                "图片超过10 MB，请压缩或截取一部分。",
                "That picture is over 10 MB; please send a smaller one, or a part of it.",
            ),
            status=413,
            field="image",
        )
    if not any(data.startswith(start) for start in _IMAGES):
        raise Refused(
            "not-image",
            Phrase(
                "这个文件不是能读取的图片（支持 JPEG、PNG、WebP、GIF）。",
                "That file is not a picture we can read (JPEG, PNG, WebP or GIF).",
            ),
            status=415,
            field="image",
        )

"""The files that come with a Telegram message. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatbranch.connectors.telegram import parts
from chatbranch.connectors.telegram.parts import Json

LARGEST_FILE = 10 * 1024 * 1024  # bytes that the house takes
DOWNLOADABLE = 20 * 1024 * 1024  # bytes that Telegram gives a bot ("getFile")

FILES = {
    "document": ("file", "application/octet-stream"),
    "video": ("video.mp4", "video/mp4"),
    "voice": ("voice.ogg", "audio/ogg"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "video_note": ("video.mp4", "video/mp4"),
}


@dataclass(frozen=True)
class File:
    """A file on Telegram's servers. size: bytes, 0 where it is not told."""

    id: str
    name: str
    media_type: str
    size: int = 0

    @property
    def is_picture(self) -> bool:
        return self.media_type.startswith("image/")


def files_of(message: Json) -> tuple[File, ...]:
    """The message's file, if it has one; of a photo, the largest size that the house takes."""
    sizes = [
        each for each in parts.mappings(message, "photo") if parts.number(each, "file_size") <= LARGEST_FILE
    ]
    if sizes:
        best = max(sizes, key=lambda each: parts.number(each, "width") * parts.number(each, "height"))
        return _file(best, "photo.jpg", "image/jpeg")
    for kind, (name, media_type) in FILES.items():
        if file := parts.mapping(message, kind):
            return _file(file, name, media_type)
    return ()


def _file(file: Json, name: str, media_type: str) -> tuple[File, ...]:
    which, told = parts.text(file, "file_id"), parts.text(file, "mime_type")
    if not which:
        return ()
    called = re.sub(r"[\x00-\x1f\x7f/\\]", "_", parts.text(file, "file_name"))[-100:]
    kind = told if re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", told, re.ASCII) else media_type
    return (File(which, called or name, kind, max(0, parts.number(file, "file_size"))),)

"""Claims about a picture, a video or a recording: what its authors say of how it was shared. Pure.

The categories are those of schema.org's MediaManipulationRatingEnumeration. They say what was done to a thing, never by whom.
"""

from __future__ import annotations

from collections.abc import Mapping

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

KINDS: dict[str, Phrase] = {
    "image": Phrase("图片", "a picture"),
    "video": Phrase("视频", "a video"),
    "audio": Phrase("录音", "a recording"),
}
CATEGORIES: dict[str, Phrase] = {
    "OriginalMediaContent": Phrase("原样，没有改动", "as it was, not altered"),
    "DecontextualizedContent": Phrase(
        "原样，但时间、地点或背景对不上", "as it was, but of another time, place or matter"
    ),
    "EditedOrCroppedContent": Phrase("剪裁或剪辑过", "cut or cropped"),
    "TransformedContent": Phrase("改动过或合成的", "altered or made up"),
    "StagedContent": Phrase("摆拍", "staged"),
    "SatireOrParodyContent": Phrase("讽刺或戏仿", "satire or parody"),
}


def check_media(media: Mapping[str, str]) -> None:
    """Refuse what is neither empty nor a kind with a category."""
    if media and (media.get("kind") not in KINDS or media.get("category") not in CATEGORIES):
        raise Refused("media", _HALF, field="media_category")


def media_name(media: Mapping[str, str], lang: str) -> str:
    """What is said of it: "a picture: cut or cropped"; empty where the claim is about none."""
    kind, category = KINDS.get(media.get("kind", "")), CATEGORIES.get(media.get("category", ""))
    return _SAID.say(lang, kind=kind.say(lang), category=category.say(lang)) if kind and category else ""


_HALF = Phrase(
    "关于图片、视频或录音的，请选是哪一种，并选它怎么了；不是的话两处都留空。",
    "For a picture, a video or a recording, choose which it is and what is the matter with it; otherwise leave both empty.",
)
_SAID = Phrase("{kind}：{category}", "{kind}: {category}")

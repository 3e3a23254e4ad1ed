"""The verdict scale, and what may be said with it. Could be read aloud to the branch's members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from chatbranch.kernel.phrases import Phrase

SCALE: dict[str, Phrase] = {
    "true": Phrase("属实", "true"),
    "mostly-true": Phrase("基本属实", "mostly true"),
    "misleading": Phrase("有误导（缺少背景）", "misleading (missing context)"),
    "false": Phrase("不实", "false"),
    "unknown": Phrase("暂时无法确定", "cannot be determined yet"),
}
WITHDRAWN = "withdrawn"
RATINGS: tuple[str, ...] = (*SCALE, WITHDRAWN)


def rating_name(rating: str, lang: str) -> str:
    """How a rating is called in `lang`."""
    return SCALE.get(rating, Phrase("已撤回", "withdrawn")).say(lang)


def answers(
    rating: str, expires: date | None, today: date, basis: Mapping[str, object] | None = None
) -> bool:
    """Whether a verdict may still be given as an answer: not withdrawn, not past its date, and understood.

    A publisher's rating that our table of ratings does not know is kept as "unknown", with `basis["mapped"]`
    false. To answer with it would put words into the publisher's mouth.
    """
    understood = (basis or {}).get("mapped") is not False
    return rating in SCALE and understood and (expires is None or expires >= today)

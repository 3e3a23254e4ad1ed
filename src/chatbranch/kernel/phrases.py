"""Copy is written as pairs, by hand, where it is used: Chinese first, then English (ADR 0003)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from chatbranch.kernel.text import to_traditional

Lang = Literal["zh-Hans", "zh-Hant", "en"]
LANGS: tuple[Lang, ...] = ("zh-Hans", "zh-Hant", "en")


def as_lang(code: str | None) -> Lang:
    """The interface language for any language tag (BCP 47); Traditional for Taiwan, Hong Kong and Macao."""
    tag = (code or "").lower().replace("_", "-")
    if tag.startswith("zh"):
        return "zh-Hant" if any(part in tag for part in ("hant", "tw", "hk", "mo")) else "zh-Hans"
    return "en" if tag else "zh-Hans"


@dataclass(frozen=True)
class Phrase:
    """One thing said, in both languages. `{name}` places are filled when it is said."""

    zh: str
    en: str

    def say(self, lang: str, **places: object) -> str:
        """The phrase in `lang`, with its places filled; zh-Hant by conversion."""
        words = self.en if lang == "en" else self.zh
        said = words.format(**places) if places else words
        return to_traditional(said) if lang == "zh-Hant" else said


def day(when: date, lang: str) -> str:
    """A date as people write it: 2026年11月23日, or 23 November 2026."""
    return Phrase(f"{when.year}年{when.month}月{when.day}日", f"{when.day} {when:%B} {when.year}").say(lang)


def pick(texts: dict[str, str], lang: str) -> str:
    """The text of `texts` (language -> text) nearest to `lang`: the same, the other script converted, else any."""
    if texts.get(lang):
        return texts[lang]
    if lang == "zh-Hant" and texts.get("zh-Hans"):
        return to_traditional(texts["zh-Hans"])
    order = ("zh-Hans", "zh-Hant", "en") if lang.startswith("zh") else ("en", "zh-Hans", "zh-Hant")
    return next((texts[code] for code in order if texts.get(code)), next(iter(texts.values()), ""))

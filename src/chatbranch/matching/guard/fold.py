"""The guard's own view of a text: script and width folded, but capitals, signs and sentence ends kept."""

from __future__ import annotations

import re
import unicodedata

from chatbranch.kernel.text import fold_variants, to_simplified

_ADDRESS = re.compile(
    r"(?:https?://|www\.|pic\.twitter\.com/)[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+", re.IGNORECASE
)
# How an embedded post ends: "— Name (@handle) January 6, 2020". The name speaks, the date is not the story's.
_SIGNATURE_DATE = re.compile(r"(\(@\w{1,30}\)) +[A-Z][a-z]{2,8} \d{1,2}, \d{4}")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_HASHTAG = re.compile(r"#(\w{1,60})")
_QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "「": '"', "」": '"', "—": " — ", "–": "-"}
)
_BLANKS = re.compile(r"[ \t\u00a0\u3000]+")
_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_HAN_DIGIT = re.compile(r"(?<=[\u3400-\u9fff]) (?=\d)|(?<=\d) (?=[\u3400-\u9fff])")
_DROPPED = frozenset({"Cf", "Mn", "Me", "Cs", "Co", "Cn"})


def fold(text: str) -> str:
    """The text in NFKC and Simplified script, without addresses, emoji and hidden characters; case is kept."""
    text = _SIGNATURE_DATE.sub(r"\1", _ADDRESS.sub(" ", text))
    text = _HASHTAG.sub(lambda m: " " + _CAMEL.sub(" ", m.group(1)) + " ", text)
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    if not text.isascii():
        text = fold_variants(to_simplified(text.translate(_VISIBLE)))
    text = _BLANKS.sub(" ", text)
    return _HAN_DIGIT.sub("", _BETWEEN_HAN.sub("", text)).strip()


class _Visible(dict[int, str]):
    """Code point -> the character, a blank for an emoji, "" for what cannot be seen; filled as characters turn up."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        shown = (
            "" if category in _DROPPED else " " if category == "So" and character not in "℃℉°" else character
        )
        self[code] = shown
        return shown


_VISIBLE = _Visible()

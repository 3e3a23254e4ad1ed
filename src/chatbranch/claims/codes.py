"""Card codes: every card carries one, one for each version of a verdict, by which anyone can ask whether the card is ours.

CB- and eight symbols of Crockford's base 32 (www.crockford.com/base32.html), chosen at random: nobody can think one up, and none
tells anything by itself. What people make of a code when they copy it by hand is read as the code it was.
"""

from __future__ import annotations

import re
import secrets
import unicodedata

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12  # CB-XXXX-XXXX

_DASHES = "\\-‐‑‒–—−_"
_GROUP = r"([0-9A-Z]{4})"
_WRITTEN = re.compile(rf"(?<![0-9A-Z])CB\s?[{_DASHES}]\s?{_GROUP}\s?[{_DASHES}]\s?{_GROUP}(?![0-9A-Z])")
_TYPED = re.compile(rf"CB[\s{_DASHES}]*{_GROUP}[\s{_DASHES}]*{_GROUP}")
_MISREAD = str.maketrans("OIL", "011")


def new_code() -> str:
    """A code that has never been: 40 random bits. Whoever keeps it makes sure."""
    symbols = "".join(secrets.choice(SYMBOLS) for _ in range(8))
    return f"CB-{symbols[:4]}-{symbols[4:]}"


def find(text: str) -> list[str]:
    """The codes that stand in a text, each once, as we write them. Full-width and small letters, any dash, and O, I and L for
    0, 1 and 1 are read; where the text is nothing else, the dashes may be missing too."""
    said = unicodedata.normalize("NFKC", text).upper()
    alone = _TYPED.fullmatch(said.strip())
    found = [alone] if alone else list(_WRITTEN.finditer(said))
    codes = (f"CB-{each[1]}-{each[2]}".translate(_MISREAD) for each in found)
    return list(dict.fromkeys(code for code in codes if is_code(code)))


def is_code(text: str) -> bool:
    """Whether this is written as we write codes."""
    symbols = text[3:7] + text[8:]
    return len(text) == LENGTH and text[:3] == "CB-" and text[7] == "-" and set(symbols) <= set(SYMBOLS)


def without(text: str) -> str:
    """The text without the codes in it and the addresses that hold one: empty where nothing else was said."""
    said = unicodedata.normalize("NFKC", text).strip()
    if find(said) and _TYPED.fullmatch(said.upper()):
        return ""
    kept = [word for word in said.split() if not find(word)]
    return " ".join(kept)

"""What looks like what: names that readers would take for one another (Unicode UTS #39). Pure.

Two names look alike when their skeletons are equal: every character is replaced by what stands for all that look like it,
so that 0 and O, l, 1 and I, rn and m, and a Cyrillic а and a Latin a are each the same.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from chatbranch.branch.proving.places import Place

_TOGETHER = {"LATIN", "HAN", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL"}
"""Scripts that may stand in one name (UTS #39, "highly restrictive"); any other stands alone."""
_MARKS = "\u200e\u200f"  # the table sets right-to-left characters between these


def resembles(place: Place, other: Place) -> bool:
    """Whether readers could take one account for the other although they are two: its handle looks alike (on whatever
    platform), or its host."""
    here, there = (f"{each.handle}@{each.host}".casefold() for each in (place, other))
    if here == there:
        return False
    handles = (place.handle, other.handle)
    if all(handles) and handles[0].casefold() != handles[1].casefold() and alike(*handles):
        return True
    return alike(here, there)


def alike(name: str, other: str) -> bool:
    """Whether readers could take one name for the other; also when they are the same."""
    return bool(_skeletons(name) & _skeletons(other))


def hidden(name: str) -> bool:
    """Whether a name holds characters that nobody sees: zero-width, control, direction marks."""
    return any(unicodedata.category(each) in ("Cc", "Cf", "Cn", "Co", "Zl", "Zp") for each in name)


def mixed(name: str) -> bool:
    """Whether a name mixes scripts that are not written together, as Latin and Cyrillic."""
    from confusable_homoglyphs import categories

    scripts = {categories.alias(each) for each in name} - {"COMMON", "INHERITED", "Unknown"}
    return len(scripts) > 1 and not scripts <= _TOGETHER


def _skeletons(name: str) -> set[str]:
    """The skeletons of a name as written, in small letters and in capitals: handles are the same in each."""
    plain = unicodedata.normalize("NFKC", name)  # full width and half width are one
    return {_skeleton(each) for each in (name, plain, plain.casefold(), plain.upper())}


def _skeleton(name: str) -> str:
    shown = unicodedata.normalize("NFD", name)
    stands = _stands()
    replaced = "".join(stands.get(each, each) for each in shown if not _unseen(each))
    return unicodedata.normalize("NFD", replaced).casefold()


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc")


@cache
def _stands() -> dict[str, str]:
    """character -> what stands for all that look like it. Read from the table that the package carries."""
    from confusable_homoglyphs.confusables import confusables_data

    groups: dict[str, set[str]] = {}
    for seen, others in confusables_data.items():
        merged = {seen.strip(_MARKS), *(each["c"].strip(_MARKS) for each in others)}
        for group in [groups[each] for each in merged if each in groups]:
            merged |= group
        for each in merged:
            groups[each] = merged
    stand: dict[str, str] = {}
    for each, group in groups.items():
        if len(each) == 1:
            stand[each] = min(group, key=_plainness)
    return stand


def _plainness(text: str) -> tuple[bool, int, bool, bool, str]:
    """ASCII before all else; of that, the longer (rn for m), then small letters, then letters."""
    length = -len(text) if text.isascii() else len(text)
    return (not text.isascii(), length, not text.islower(), not text.isalpha(), text)

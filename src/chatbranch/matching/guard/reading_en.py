"""Reading English: phrases of the lists, names by their capitals, numbers in words."""

from __future__ import annotations

import re
from functools import lru_cache

from chatbranch.kernel.text import stem
from chatbranch.matching.guard import lexicon, words_en
from chatbranch.matching.guard.quantities import read_quantity
from chatbranch.matching.guard.tokens import Found, Token

_L = r"0-9A-Za-z\u00c0-\u024f"  # Latin letters and figures: \w would run on into Chinese
_WORD = re.compile(rf"[{_L}](?:[{_L}_'.&-]{{0,60}}[{_L}])?|[^\W\u3400-\u9fff]{{1,60}}")
_HANDLE = re.compile(r"@\w{1,40}")
_CAPITAL = re.compile(rf"(?:\d{{1,4}})?[A-Z](?:[{_L}'.&-]{{0,60}}[{_L}])?(?![{_L}])")
_NAME_LINK = re.compile(r"(?:(?<=\b[A-Z])\.)? (?:(?:of|the|de|van|von|bin|al|for) (?:the )?)?(?=[A-Z])")


def handle(text: str, i: int) -> Found:
    """The @handle at ``text[i]``: it may name somebody, and its absence never matters."""
    match = _HANDLE.match(text, i)
    if match is None:
        return [], i + 1
    return [
        Token("name", "#name", match.group(), (match.group()[1:].lower(),), weight=0.3, strong=False)
    ], match.end()


def latin(text: str, i: int, sentence_start: bool, shouting: bool) -> Found:
    """What starts at the letter or figure ``text[i]``: a phrase of the lists, a name, an amount in words, a word."""
    phrase = _phrase(text, i)
    if phrase and phrase[0] and phrase[0][0].type == "word":
        return phrase
    if text[i].isupper():
        name = _known_place(text, i, _run(text, i)[0]) if shouting else _capitalised(text, i, sentence_start)
        if name:
            return name
    if phrase:
        return phrase
    if (i == 0 or not text[i - 1].isalnum()) and (quantity := read_quantity(text, i)) is not None:
        return [
            Token(
                "number",
                "#number",
                text[i : quantity.end],
                (quantity,),
                strong=not quantity.weak,
            )
        ], quantity.end
    match = _WORD.match(text, i)
    if match is None:
        return [], i + 1
    return [word(match.group())], match.end()


@lru_cache(maxsize=16384)
def word(written: str) -> Token:
    """A plain word, compared by its stem."""
    lower = written.lower().removesuffix("'s").rstrip("'.")
    return Token("word", stem(lower), written, weight=0.25 if lower in words_en.FUNCTION else 1.0)


def _phrase(text: str, i: int) -> Found | None:
    """The longest entry of the word list, up to three words, that starts here."""
    ends, j = [], i
    for _ in range(3):
        match = _WORD.match(text, j)
        if match is None:
            break
        ends.append(match.end())
        j = match.end() + 1
        if text[match.end() : j] != " ":
            break
    for end in reversed(ends):
        piece = text[i:end].lower().removesuffix("'s").rstrip(".")
        if piece in lexicon.PLAIN_EN:
            return [word(written) for written in piece.split()], end
        token = lexicon.EN.get(piece)
        if token is None and piece.endswith("n't"):
            token = lexicon.EN["not"]
        if token and not (
            text[i].isupper()
            and token.key in ("#colour", "#food", "#direction")
            and text[i + 1 : i + 2].islower()
            and i
        ):
            return [token], end
    return None


def _capitalised(text: str, i: int, sentence_start: bool) -> Found | None:
    """A run of capitalised words: a known place, or the name of someone or something."""
    words, end = _run(text, i)
    if known := _known_place(text, i, words):
        return known
    if sentence_start and len(words) > 1 and (_place(_without_article(words[1:])) or words[1] == "I"):
        return None  # "Former U.S. senator", "Visiting the U.S.", "Yesterday I"
    if sentence_start and _shouted(words):
        return None  # "WARNING Pepsi"
    if words[:1] == ["WHO"]:
        return [Token("name", "#name", "WHO", ("who",))], i + len("WHO")
    if not words or words[0].lower() in (_NEVER_FIRST if len(words) > 1 else _NOT_NAMES):
        return None
    whole = text[i:end].removesuffix("'s")
    if sentence_start and len(words) == 1 and not _acronym(words[0]):
        return None
    bare = (
        w.lower().partition("-")[0].removesuffix("'s").strip(".")
        for w in words
        if w.lower() not in words_en.FUNCTION
    )
    parts = tuple(part for part in bare if part)
    return [Token("name", "#name", whole, parts)], end


_NEVER_FIRST = (
    words_en.FUNCTION
    | words_en.NEGATORS
    | {word for words in (*words_en.QUANTIFIERS.values(), *words_en.MODALITIES.values()) for word in words}
    | {
        "a",
        "the",
        "i'm",
        "i've",
        "breaking",
        "video",
        "photo",
        "photograph",
        "image",
        "watch",
        "news",
        "via",
        "rt",
        "new",
        "people",
        "president",
        "senator",
        "sen",
        "rep",
        "dr",
        "mr",
        "mrs",
        "ms",
        "u.s",
        "gov",
        "lt",
        "col",
        "gen",
        "rev",
        "sgt",
        "capt",
        "prof",
        "former",
        "retired",
        "actor",
        "singer",
        "musician",
        "did",
        "does",
        "hey",
        "yes",
        "dear",
        "god",
        "today",
        "share",
        "please",
        "let",
        "click",
    }
)
_NOT_NAMES = _NEVER_FIRST | lexicon.EN.keys()


def _known_place(text: str, i: int, words: list[str]) -> Found | None:
    """The longest place that a run of capitals begins with; what follows it ("Singapore TV") is read on its own."""
    for count in range(len(words), 0, -1):
        head = " ".join(words[:count]).removesuffix("'s")
        if (place := _place(head)) and text.startswith(head, i):
            return [place], i + len(head)
    return None


def _without_article(words: list[str]) -> str:
    return " ".join(words[1:] if words[0].lower() == "the" else words)


_LONGEST_ACRONYM = 5  # letters


def _shouted(words: list[str]) -> bool:
    """A cry before what is told in ordinary letters; an acronym is shorter."""
    if len(words) < 2:
        return False
    return len(words[0]) > _LONGEST_ACRONYM and words[0].isupper() and not words[1].isupper()


def _place(words: str) -> Token | None:
    known = lexicon.EN_CAPITALISED
    return known.get(words) or known.get(words.rstrip(".")) or known.get(words.replace(".", ""))


def _acronym(word: str) -> bool:
    return len(word) >= 2 and word.isupper()


def _run(text: str, i: int) -> tuple[list[str], int]:
    words: list[str] = []
    end = i
    match = _CAPITAL.match(text, i)
    while match and len(words) < 8:
        words.append(match.group())
        end = match.end()
        link = _NAME_LINK.match(text, end)
        match = _CAPITAL.match(text, link.end()) if link and not match.group().endswith("'s") else None
        if match and link:
            words += link.group().split()
    return words, end


def is_shouting(text: str) -> bool:
    """Titles and capital letters throughout: there, a capital marks no name."""
    words = re.findall(r"\b[A-Za-z][A-Za-z']{3,}\b", text[:2000])
    return len(words) >= 5 and sum(w[0].isupper() for w in words) >= 0.85 * len(words)

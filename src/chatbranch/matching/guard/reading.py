"""From a folded text to typed tokens, in one pass from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from chatbranch.kernel.text import is_cjk, stem
from chatbranch.matching.guard import lexicon, words_en, words_zh
from chatbranch.matching.guard.dates import read_date
from chatbranch.matching.guard.places import NOT_PLACES, PLACE_SUFFIXES
from chatbranch.matching.guard.quantities import read_quantity
from chatbranch.matching.guard.tokens import Token

_L = r"0-9A-Za-z\u00c0-\u024f"  # Latin letters and figures: \w would run on into Chinese
_WORD = re.compile(rf"[{_L}](?:[{_L}_'.&-]{{0,60}}[{_L}])?|[^\W\u3400-\u9fff]{{1,60}}")
_HANDLE = re.compile(r"@\w{1,40}")
_ABBREVIATED = re.compile(
    r"\b(?:[A-Z]|U\.S|Rep|Sen|Gov|Dr|Mr|Mrs|Ms|Jr|Sr|St|Lt|Col|Gen|Rev|vs|No|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$"
)
_CAPITAL = re.compile(rf"(?:\d{{1,4}})?[A-Z](?:[{_L}'.&-]{{0,60}}[{_L}])?(?![{_L}])")
# "5g towers" is no weight. A capital G is never one.
_NETWORK = re.compile(
    r"([2-6])(?:G(?![A-Za-z0-9])|g(?= (?:towers?|networks?|radiation|masts?|signals?|technology|wireless|phones?|antennas?|is|causes?|kills?|spreads?)))"
)
_NAME_LINK = re.compile(r"(?:(?<=\b[A-Z])\.)? (?:(?:of|the|de|van|von|bin|al|for) (?:the )?)?(?=[A-Z])")
_STOPS = frozenset("。!?;\n…！？；")
_PAUSES = frozenset(",，:：")
_NAME_LENGTHS = (3, 2)
_STOP = Token("stop", "#stop", ".", weight=0.0)
_NEAR = 3  # tokens between a speaker and the verb of saying
Found = tuple[list[Token], int]


def read(text: str) -> list[Token]:
    """The tokens of a folded text (see ``fold.fold``), in order."""
    return _attributed(_fused(list(_scan(text))), text)


def _scan(text: str) -> Iterator[Token]:
    i, sentence_start, shouting = 0, True, _is_shouting(text)
    while i < len(text):
        character = text[i]
        if character in _STOPS or (
            character == "."
            and text[i + 1 : i + 2] in ("", " ")
            and not _ABBREVIATED.search(text, max(0, i - 6), i)
        ):
            yield _STOP
            i, sentence_start = i + 1, True
            continue
        if character in _PAUSES:
            yield _STOP
            i += 1
            continue
        if character.isspace() or not (character.isalnum() or character in "$¥€£@"):
            i += 1
            continue
        found = _find(text, i, sentence_start, shouting)
        yield from found[0]
        i, sentence_start = max(found[1], i + 1), False


def _find(text: str, i: int, sentence_start: bool, shouting: bool) -> Found:
    if is_cjk(text[i]):
        return _chinese(text, i)
    if match := _NETWORK.match(text, i):
        return [lexicon.EN["5g"] if match[1] == "5" else _word(match.group())], match.end()
    if date := read_date(text, i):
        return date
    if text[i] == "@":
        return _handle(text, i)
    if text[i].isdigit() or text[i] in "$¥€£":
        return _figure(text, i) or _latin(text, i, sentence_start, shouting)
    return _latin(text, i, sentence_start, shouting)


def _figure(text: str, i: int) -> Found | None:
    quantity = read_quantity(text, i)
    if quantity is None or (i and text[i - 1].isascii() and text[i - 1].isalpha()):
        return None
    if (
        quantity.end < len(text)
        and re.match(r"[A-Za-z]", text[quantity.end])
        and quantity.dimension == ""
        and not quantity.ordinal
    ):
        return None  # 5G, 3D, 7zip: a word
    written = text[i : quantity.end]
    return [Token("number", "#number", written.strip(), (quantity,), strong=not quantity.weak)], quantity.end


def _handle(text: str, i: int) -> Found:
    match = _HANDLE.match(text, i)
    if match is None:
        return [], i + 1
    return [
        Token("name", "#name", match.group(), (match.group()[1:].lower(),), weight=0.3, strong=False)
    ], match.end()


# --- Chinese --------------------------------------------------------------------------------------


def _chinese(text: str, i: int) -> Found:
    for length in range(min(lexicon.LONGEST_ZH.get(text[i], 1), len(text) - i), 1, -1):
        piece = text[i : i + length]
        if piece in words_zh.ASKING or piece in lexicon.PLAIN_ZH:
            return _plain(piece, i)
        if token := lexicon.ZH.get(piece):
            return _longer_name(text, i, length) or ([token], i + length)
    if date := read_date(text, i):
        return date
    if (quantity := read_quantity(text, i)) is not None:
        return [
            Token("number", "#number", text[i : quantity.end], (quantity,), strong=not quantity.weak)
        ], quantity.end
    return _named(text, i) or _single(text, i)


def _plain(piece: str, i: int) -> Found:
    """A-not-A questions and set phrases: characters to align, nothing to compare."""
    kept = piece[-1] if piece in words_zh.ASKING else piece
    return [_character(c) for c in kept], i + len(piece)


@lru_cache(maxsize=8192)
def _character(c: str) -> Token:
    return Token("word", c, c, weight=0.25 if c in words_zh.FUNCTION else 1.0)


def _single(text: str, i: int) -> Found:
    token = lexicon.ZH.get(text[i])
    return [token or _character(text[i])], i + 1


def _named(text: str, i: int) -> Found | None:
    return _organisation(text, i) or _district(text, i) or _person(text, i)


def _longer_name(text: str, i: int, length: int) -> Found | None:
    """北京大学 is not 北京: a place that begins the name of an organisation, or carries its rank (北京市)."""
    if lexicon.ZH[text[i : i + length]].type != "place":
        return None
    if organisation := _organisation(text, i, least=length):
        return organisation
    suffix = next((s for s in PLACE_SUFFIXES if text.startswith(s, i + length)), "")
    end = i + length + len(suffix)
    if (
        not suffix
        or text[i + length : end + 1] in NOT_PLACES
        or text[i + length : i + length + 2]
        in ("市场", "区别", "省钱", "市民", "市区", "村民", "区域", "市内", "市面")
    ):
        return None
    token = lexicon.ZH[text[i : i + length]]
    return [replace(token, text=text[i:end])], end


def _organisation(text: str, i: int, least: int = 2) -> Found | None:
    match = _ORGANISATION.match(text, i)
    if match is None or len(match[1]) < least or match[1] in _DESCRIBING or _turns(match[1]):
        return None
    return [Token("name", "#name", match.group(), (match.group(),))], match.end()


def _turns(name: str) -> bool:
    """Whether a quantifier, negator or verb of change has been swept into what looks like a name."""
    pieces = (name[k : k + length] for length in (1, 2, 3) for k in range(len(name) - length + 1))
    tokens = (lexicon.ZH.get(piece) for piece in pieces)
    return any(
        t is not None
        and t.type in ("negator", "quantifier", "modality", "when")
        and (len(t.text) > 1 or t.type == "negator")
        for t in tokens
    )


_ORGANISATION = re.compile(
    f"((?:(?![{''.join(sorted(words_zh.NOT_IN_NAMES))}])[\u3400-\u9fff]){{2,8}}?)({'|'.join(sorted(words_zh.ORGANISATIONS, key=len, reverse=True))})"
)
# Two characters or more that do not merely describe: 附近医院 and 这所学校 name nothing.
_DESCRIBING = frozenset(
    "附近 当地 公立 私立 所有 大型 国家 政府 人民 儿童 妇女 定点 三甲 大医 重点 普通 某家 多家 部分 商业 民营 国有 外国 国外 著名 知名 互联网 上市 几家 两家 一家 三家 地方 中央 市级 省级 高等 全国 各地 各级 保险 快递".split()
)


def _district(text: str, i: int) -> Found | None:
    for length in (2, 3, 4):
        name = text[i : i + length + 1]
        if (
            len(name) <= length
            or name[-1] not in "市县区镇村乡"
            or name[-2:] in NOT_PLACES
            or name[-3:] in NOT_PLACES
        ):
            continue
        if all(
            is_cjk(c) and c not in words_zh.NOT_IN_NAMES and c not in words_zh.FUNCTION for c in name[:-1]
        ) and text[i + length : i + length + 2] not in (
            "市场",
            "区别",
            "市民",
            "村民",
            "区域",
            "镇痛",
            "镇静",
            "乡亲",
        ):
            return [Token("place", "#place", name, (name[:-1],))], i + len(name)
    return None


def _person(text: str, i: int) -> Found | None:
    if text[i] not in words_zh.SURNAMES:
        return None
    for length in _NAME_LENGTHS:
        name, after = text[i : i + length], text[i + length : i + length + 3]
        if (
            len(name) == length
            and all(is_cjk(c) and c not in words_zh.NOT_IN_NAMES for c in name[1:])
            and _names_a_person(after)
        ):
            return [Token("name", "#name", name, (name,))], i + length
    title = next((t for t in words_zh.TITLES if text.startswith(t, i + 1)), None)
    return (
        ([Token("name", "#name", text[i : i + 1 + len(title)], (text[i : i + 1],))], i + 1 + len(title))
        if title
        else None
    )


def _names_a_person(after: str) -> bool:
    return (
        after.startswith(words_zh.TITLES)
        or after[:2] in words_zh.SAYS
        or (after[:1] in ("说", "称") and after[1:2] in (",", ":", "，", "："))
    )


# --- English --------------------------------------------------------------------------------------


def _latin(text: str, i: int, sentence_start: bool, shouting: bool) -> Found:
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
                strong=not quantity.weak and quantity.dimension != "percent",
            )
        ], quantity.end
    match = _WORD.match(text, i)
    if match is None:
        return [], i + 1
    return [_word(match.group())], match.end()


@lru_cache(maxsize=16384)
def _word(written: str) -> Token:
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
            return [_word(word) for word in piece.split()], end
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
    if sentence_start and len(words) > 1 and (_place(" ".join(words[1:])) or words[1] == "I"):
        return None  # "Former U.S. senator", "Yesterday I"
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


def _place(words: str) -> Token | None:
    return lexicon.EN_CAPITALISED.get(words) or lexicon.EN_CAPITALISED.get(words.rstrip("."))


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


def _is_shouting(text: str) -> bool:
    """Titles and capital letters throughout: there, a capital marks no name."""
    words = re.findall(r"\b[A-Za-z][A-Za-z']{3,}\b", text[:2000])
    return len(words) >= 5 and sum(w[0].isupper() for w in words) >= 0.85 * len(words)


# --- joining --------------------------------------------------------------------------------------


def _fused(tokens: list[Token]) -> list[Token]:
    """ "Not safe" is dangerous: a negator beside a quality turns it; "not only", "no doubt" were left out before."""
    fused: list[Token] = []
    for token in tokens:
        negated = bool(fused) and fused[-1].type == "negator"
        if token.type == "pole" and token.value[0] in words_zh.NEGATABLE and negated:
            axis, side = token.value
            before = fused.pop()
            token = replace(
                token,
                text=f"{before.text} {token.text}" if token.text.isascii() else before.text + token.text,
                value=(axis, -side),
            )  # type: ignore[operator]
        fused.append(token)
    return fused


def _attributed(tokens: list[Token], text: str) -> list[Token]:
    """Mark whoever is said to have said it: a name or speaker before a verb of saying, or after "according to"."""
    for i, token in enumerate(tokens):
        if token.type in ("name", "speaker", "place", "thing") and (
            _says(tokens, i) or _according(tokens, i)
        ):
            tokens[i] = replace(token, source=True)
    return tokens


def _says(tokens: list[Token], i: int) -> bool:
    after = "".join(t.text for t in tokens[i + 1 : i + 1 + _NEAR] if t.type != "stop")
    if after and is_cjk(after[0]):
        return any(
            after[k : k + 2] in words_zh.SAYS or after[k] in "说称曝" for k in range(min(_NEAR, len(after)))
        )
    return any(t.text.lower() in words_en.SAYS for t in tokens[i + 1 : i + _NEAR])


def _according(tokens: list[Token], i: int) -> bool:
    before = [t.text.lower() for t in tokens[max(0, i - 2) : i]]
    return before[-1:] == ["据"] or before == ["according", "to"] or before[-2:] == ["根", "据"]

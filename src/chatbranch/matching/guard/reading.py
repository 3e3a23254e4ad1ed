"""From a folded text to typed tokens, in one pass from left to right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from chatbranch.kernel.text import is_cjk
from chatbranch.matching.guard import lexicon, words_en, words_zh
from chatbranch.matching.guard.dates import read_date
from chatbranch.matching.guard.quantities import read_quantity
from chatbranch.matching.guard.reading_en import handle, is_shouting, latin, word
from chatbranch.matching.guard.reading_zh import chinese
from chatbranch.matching.guard.tokens import Found, Token

_ABBREVIATED = re.compile(
    r"\b(?:[A-Z]|U\.S|Rep|Sen|Gov|Dr|Mr|Mrs|Ms|Jr|Sr|St|Lt|Col|Gen|Rev|vs|No|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$"
)
# "5g towers" is no weight. A capital G is never one.
_NETWORK = re.compile(
    r"([2-6])(?:G(?![A-Za-z0-9])|g(?= (?:towers?|networks?|radiation|masts?|signals?|technology|wireless|phones?|antennas?|is|causes?|kills?|spreads?)))"
)
_STOPS = frozenset("。!?;\n…！？；")
_PAUSES = frozenset(",，:：")
_STOP = Token("stop", "#stop", ".", weight=0.0)
_NEAR = 3  # tokens between a speaker and the verb of saying


def read(text: str) -> list[Token]:
    """The tokens of a folded text (see ``fold.fold``), in order."""
    return _attributed(_fused(list(_scan(text))), text)


def _scan(text: str) -> Iterator[Token]:
    i, sentence_start, shouting = 0, True, is_shouting(text)
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
            i, sentence_start = i + 1, character in ":："
            continue
        if character.isspace() or not (character.isalnum() or character in "$¥€£@"):
            i += 1
            continue
        found = _find(text, i, sentence_start, shouting)
        yield from found[0]
        i, sentence_start = max(found[1], i + 1), False


def _find(text: str, i: int, sentence_start: bool, shouting: bool) -> Found:
    if is_cjk(text[i]):
        return chinese(text, i)
    if match := _NETWORK.match(text, i):
        return [lexicon.EN["5g"] if match[1] == "5" else word(match.group())], match.end()
    if date := read_date(text, i):
        return date
    if text[i] == "@":
        return handle(text, i)
    if text[i].isdigit() or text[i] in "$¥€£":
        return _figure(text, i) or latin(text, i, sentence_start, shouting)
    return latin(text, i, sentence_start, shouting)


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


# --- joining --------------------------------------------------------------------------------------


def _fused(tokens: list[Token]) -> list[Token]:
    """ "Not safe" is dangerous: a negator beside a quality turns it; "not only", "no doubt" were left out before."""
    fused: list[Token] = []
    for token in tokens:
        negated = bool(fused) and fused[-1].type == "negator"
        if token.type == "pole" and token.value[0] in words_zh.NEGATABLE and negated:
            axis, side = token.value[0], int(str(token.value[1]))
            before = fused.pop()
            token = replace(
                token,
                text=f"{before.text} {token.text}" if token.text.isascii() else before.text + token.text,
                value=(axis, -side),
            )
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

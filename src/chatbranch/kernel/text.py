"""What a person sent, made comparable: cleaning, canonical form, script, tokens.

Everything here is linear in the length of the input and accepts any ``str``, lone surrogates included.
Unicode terms follow UAX #15 (normalisation forms) and UAX #9 (bidirectional controls); Chinese script
conversion is OpenCC's ``t2s``, ``s2t`` and ``s2tw``.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from operator import add
from typing import Literal, NamedTuple

import opencc

Language = Literal["zh-Hans", "zh-Hant", "en"]

# --- cleaning, for storage and display ------------------------------------------------------------

# A zero-width joiner or a variation selector belongs to an emoji; anywhere else it only hides things.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LOOSE_JOINER = re.compile("(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_BREAK = re.compile("\r\n?|[\u0085\u2028\u2029]")


def clean(text: str) -> str:
    """The text as it may be stored and shown: NFC, lines ended by ``\\n``, nothing that hides or reorders.

    Removed: NUL and control characters (tab and newline stay), bidirectional marks, embeddings and overrides,
    zero-width characters outside emoji. A lone surrogate becomes U+FFFD. Idempotent.
    """
    if text.isascii() and text.isprintable():
        return text  # nothing to clean, and most of what is read in bulk (dates, addresses, codes) is this
    text = _LINE_BREAK.sub("\n", text)
    text = _LONE_SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", _LOOSE_JOINER.sub("", text))


def scalars(text: str) -> str:
    """The text as it can be encoded: a lone surrogate, which JSON may hold ("\\ud83d"), becomes U+FFFD."""
    return _LONE_SURROGATE.sub("\ufffd", text)


# --- the canonical form, for matching -------------------------------------------------------------

# Latin-only bodies: a Chinese sentence that follows an address without a space is not part of it.
_URL_BODY = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_DOMAIN = r"[a-z0-9\-]{1,40}(?:\.[a-z0-9\-]{1,40}){0,3}\.(?:com|cn|net|org|tw|hk|co|cc|me|ly|gl|gd|be|info)/"
_URL = re.compile(
    rf"(?:https?|ftp)://{_URL_BODY}+|(?<![A-Za-z0-9@.\-])(?:www\.|{_DOMAIN}){_URL_BODY}+", re.IGNORECASE
)
_EMAIL_HOST = r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,5}"
_EMAIL = re.compile(rf"(?<![A-Za-z0-9_.+\-])[A-Za-z0-9_.+\-]{{1,64}}@{_EMAIL_HOST}")
# A Chinese handle ends at a space; without one there is no telling where the name stops: only the mark goes.
_HANDLE = re.compile(r"[@＠](?:[A-Za-z0-9_]{1,40}|[\w\-·]{1,15}(?=[\s:：@＠]|$))")
_CHAT_EMOTE = re.compile(r"[\[［](?![不没沒无無非未否])[\u3400-\u9fff]{1,3}[\]］]")
# "— Name (@name) January 6, 2020", as a copied post ends: the day it was posted is no part of what it says.
_POSTED = re.compile(r"\([@＠][A-Za-z0-9_]{1,40}\)[ \t]{0,3}(?:[A-Z][a-z]{2,8} \d{1,2}, \d{4})?")
_NOISES = (_POSTED, _URL, _EMAIL, _HANDLE, _CHAT_EMOTE)
_NOISE = re.compile("|".join(f"(?:{noise.pattern})" for noise in _NOISES), re.IGNORECASE)
_NOISE_SIGN = re.compile(r"[/@＠\[［]|www\.", re.IGNORECASE)  # every noise holds one of these
_HASHTAG = re.compile(r"[#＃]([A-Za-z][A-Za-z0-9]*)")
_CAMEL_JOINT = re.compile("(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Normal:
    """The canonical form of a message.

    ``text`` holds lower-case words and numbers parted by single spaces, and Chinese in Simplified
    characters without spaces. ``urls`` are the addresses that were taken out, in order. ``origins[i]`` is
    the index in the original text of ``text[i]``.
    """

    text: str
    urls: tuple[str, ...]
    origins: Sequence[int] = field(repr=False)

    def offset(self, i: int) -> int:
        """Where ``text[i]`` came from in the original; IndexError outside ``0 <= i < len(text)``."""
        if not 0 <= i < len(self.origins):
            raise IndexError(f"no character {i} in a text of {len(self.origins)}")
        return self.origins[i]


def normalise(text: str) -> Normal:
    """The canonical form under which two renderings of one message are equal.

    NFKC, lower case, accents dropped, Traditional folded to Simplified; addresses, @handles, hash marks,
    emoji, chat emotes, zero-width characters, punctuation and needless spaces removed.
    """
    noisy = _NOISE_SIGN.search(text)
    urls = tuple(m.group().rstrip(".,;:!?)'\"]") for m in _URL.finditer(text)) if noisy else ()
    said = _NOISE.sub(lambda m: " " * len(m.group()), text) if noisy else text
    folder = _Folder(said, _hashtag_joints(text) if "#" in text or "＃" in text else _NO_JOINTS)
    folder.run()
    return Normal(_simplify("".join(folder.pieces), folder.origins), urls, folder.origins)


def plain(text: str) -> str:
    """The text as a reader would say it aloud: case and punctuation stay; addresses, handles and marks go."""
    spaced = _HASHTAG.sub(lambda tag: _CAMEL_JOINT.sub(" ", tag[1]), _NOISE.sub(" ", clean(text)))
    return " ".join(spaced.split())


_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])|\n+")


def sentences(plain_text: str) -> list[str]:
    """The sentences of a plain text, in order; a line is a sentence too."""
    return [sentence for part in _SENTENCE_END.split(plain_text) if (sentence := part.strip())]


def _hashtag_joints(text: str) -> frozenset[int]:
    """Where a new word starts inside a hashtag: #AustralianFires holds two words."""
    tags = (tag.span(1) for tag in _HASHTAG.finditer(text))
    return frozenset(joint.start() for span in tags for joint in _CAMEL_JOINT.finditer(text, *span))


_MARKS = ("Mn", "Me")
_VANISHING = (*_MARKS, "Cf", "Cs", "Co", "Cn")  # marks, formats, surrogates, private use, unassigned
_VANISHING_LETTERS = "'’ʼ＇\u3164\u115f\u1160"  # apostrophes; blank letters of Hangul, used to hide text


_NO_JOINTS: frozenset[int] = frozenset()


class _Folded(dict[str, str]):
    """One character -> its folded form: letters, "" where it vanishes, " " where it parts words."""

    def __missing__(self, character: str) -> str:
        folded = _fold_character(character)
        self[character] = folded
        return folded


def _fold_character(character: str) -> str:
    if unicodedata.category(character) in _VANISHING or character in _VANISHING_LETTERS:
        return ""
    parts = unicodedata.normalize("NFKD", character.lower())
    bare = "".join(part for part in parts if unicodedata.category(part) not in _MARKS)
    folded = "".join(_letter_or_gap(part) for part in unicodedata.normalize("NFKC", bare).lower())
    return re.sub(" +", " ", folded) or " "


def _letter_or_gap(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "L" or category in ("Nd", "Nl"):
        return str(unicodedata.digit(character)) if category == "Nd" else character
    return character if character in ".,%" else " "


_FOLDED = _Folded()
_RUN_OF_ONE_KIND = re.compile("([\u4e00-\u9fff]+)|([A-Za-z]+)|([^A-Za-z\u4e00-\u9fff]+)")
_SHORT_RUN = 8  # characters; longer runs of marks are rare and not worth remembering


@lru_cache(maxsize=4096)
def _gap_of(run: str) -> bool | None:
    """Whether a run of marks between letters parts them (True) or vanishes (False); None if it holds more."""
    folded = "".join(_FOLDED[character] for character in run)
    return bool(folded) if not folded.strip(" .,%") else None


class _Folder:
    """One pass over a text, appending folded pieces and, in step, the origin of each of their characters."""

    def __init__(self, text: str, joints: frozenset[int]) -> None:
        self.text, self.joints = text, joints
        self.pieces: list[str] = []
        self.origins = array("I")
        self.last = ""  # the last character written
        self.gap = False  # whether something that parts words was passed since then

    def run(self) -> None:
        for run in _RUN_OF_ONE_KIND.finditer(self.text):
            start, end = run.span()
            gap = _gap_of(run.group()) if run.lastindex == 3 and end - start <= _SHORT_RUN else None
            if gap is not None and not self.last.isdigit():
                self.gap = self.gap or gap
            elif run.lastindex == 3 or (self.joints and run.lastindex == 2):
                self._fold(start, end)
            else:
                self._append(run.group().lower(), range(start, end))

    def _fold(self, start: int, end: int) -> None:
        for position in range(start, end):
            if position in self.joints:
                self.gap = True
            for character in _FOLDED[self.text[position]]:
                if character == "," and self._inside_number(position):
                    continue  # 1,000 is 1000
                if character == " " or (character in ".,%" and not self._of_number(character, position)):
                    self.gap = True
                else:
                    self._append(character, (position,))

    def _append(self, piece: str, origins: Sequence[int]) -> None:
        """A blank stands for any gap between two words; beside Chinese it means nothing and is left out."""
        if self.gap and self.last and not is_cjk(self.last) and not is_cjk(piece[0]):
            self.pieces.append(" ")
            self.origins.append(min(self.origins[-1] + 1, origins[0]))
        self.pieces.append(piece)
        self.origins.extend(origins)
        self.last, self.gap = piece[-1], False

    def _of_number(self, mark: str, position: int) -> bool:
        return self._after_digit() if mark == "%" else mark == "." and self._inside_number(position)

    def _inside_number(self, position: int) -> bool:
        return self._after_digit() and _FOLDED[self.text[position + 1 : position + 2] or " "].isdigit()

    def _after_digit(self) -> bool:
        return not self.gap and self.last.isdigit()


def is_cjk(character: str) -> bool:
    """Han, kana or Hangul: scripts written without (reliable) word spaces, indexed by character pairs."""
    return (
        "\u3400" <= character <= "\u9fff"
        or "\u3040" <= character <= "\u30ff"
        or "\uac00" <= character <= "\ud7a3"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
        or character in "〇々〆"
    )


# --- script and language --------------------------------------------------------------------------


@cache
def _converter(config: str) -> opencc.OpenCC:
    return opencc.OpenCC(config)


def _convert(config: str, text: str) -> str:
    """OpenCC's conversion; lone surrogates, which it refuses, become U+FFFD."""
    return str(_converter(config).convert(_LONE_SURROGATE.sub("\ufffd", text)))


def _simplify(text: str, origins: array[int]) -> str:
    """The text in Simplified script; ``origins`` is kept in step where a conversion changes the length."""
    if text.isascii():
        return text
    simplified = text
    for _ in range(3):  # a converted character may complete a phrase of OpenCC's dictionary
        again = _convert("t2s", simplified)
        if again == simplified:
            break
        simplified = again
    if len(simplified) == len(text):
        return _one_script(simplified)
    singly = [(s, o) for c, o in zip(text, origins, strict=True) for s in _convert("t2s", c)]
    origins[:] = array("I", (o for _, o in singly))
    return _one_script("".join(s for s, _ in singly))


# What OpenCC converts one way and not back, or only among some neighbours, and so would part two renderings of a text.
_VARIANTS = str.maketrans(
    "著像菓伕揹暱痺睪簷衞敍枱幺藉顎腭衹祇妳祢牠祂裏裡",
    "着象果夫背昵痹睾檐卫叙台么借颚颚只只你你它它里里",
)
# Words that Taiwan says otherwise, of the same length.
_REGIONAL = dict(
    pair.split("/")
    for pair in """
    讯息/消息 资讯/信息 简讯/短信 支援/支持 连结/链接 影片/视频 影音/视频 网路/网络 专案/项目 新增/增加 释出/发布 宣告/声明 软体/软件
    硬体/硬件 萤幕/屏幕 滑鼠/鼠标 装置/设备 程式/程序 储存/保存 档案/文件 帐号/账号 帐户/账户 品质/质量 数位/数字 硬碟/硬盘 列印/打印
    搜寻/搜索 登入/登录 预设/默认 捷运/地铁 凤梨/菠萝 洋芋/土豆 起司/奶酪 优格/酸奶 寮国/老挝 雪梨/悉尼 宾士/奔驰
    """.split()
)
_REGIONAL_WORD = re.compile("|".join(_REGIONAL))


def fold_variants(simplified: str) -> str:
    """Simplified text in which the variants of a character are one; of the same length."""
    return simplified.translate(_VARIANTS)


def _one_script(simplified: str) -> str:
    return _REGIONAL_WORD.sub(lambda word: _REGIONAL[word[0]], fold_variants(simplified))


def in_one_script(text: str) -> str:
    """The text in Simplified script with variants and regional words made one, as ``normalise`` has it, and else as it was."""
    return _simplify(text, array("I", range(len(text))))


def to_simplified(text: str) -> str:
    """The text in Simplified Chinese characters (OpenCC ``t2s``)."""
    return _convert("t2s", text)


def to_traditional(text: str) -> str:
    """The text in Traditional Chinese characters as they are printed today (OpenCC ``s2tw``: 核, 為, 群; not 覈, 爲, 羣)."""
    return _convert("s2tw", text)


_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_SAMPLE = 20_000  # characters that settle the language of any message
_LETTERS_PER_HAN = 3  # an English word of five or six letters says about what two Chinese characters say
_ZH_SHARE = 0.35


def language(text: str) -> Language:
    """The language a reader would say this is in, from script alone; without Chinese it counts as English."""
    sample = _NOISE.sub(" ", text[:_SAMPLE])
    han = "".join(_HAN.findall(sample))
    latin = len(_LATIN.findall(sample)) / _LETTERS_PER_HAN
    if not han or len(han) < _ZH_SHARE * (len(han) + latin):
        return "en"
    return "zh-Hant" if _changed(han, to_simplified(han)) > _changed(han, _convert("s2t", han)) else "zh-Hans"


_LETTER = re.compile(r"[^\W\d_]")


def written_language(text: str) -> Language | None:
    """As `language`; None for a text without letters (digits, emoji, a bare link), which tells nothing of its writer."""
    return language(text) if _LETTER.search(_NOISE.sub(" ", text[:_SAMPLE])) else None


def length(text: str) -> int:
    """How many letters and digits a reader would count: a Chinese character is one, an accent or an emoji none.

    Addresses, handles, punctuation and spaces do not count.
    """
    return len(normalise(text).text.replace(" ", ""))


def _changed(before: str, after: str) -> int:
    return sum(a != b for a, b in zip(before, after, strict=False))


# --- tokens ---------------------------------------------------------------------------------------

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
# 5g and 3d are words; elsewhere letters and digits part: "covid19" is "covid 19", "500ml" is "500 ml".
_TERM = re.compile(rf"([{_CJK}]+)|[0-9][a-z](?![a-z0-9])|[0-9]+(?:\.[0-9]+)*%?|[^\s0-9.%{_CJK}]+")


class Token(NamedTuple):
    """One index term and the half-open range of the normal text that it stands for."""

    term: str
    start: int
    end: int


def tokenise(normal_text: str) -> list[Token]:
    """Index terms with their places: pairs of Chinese characters (or a lone one), word stems, numbers."""
    found: list[Token] = []
    for match in _TERM.finditer(normal_text):
        start, end = match.span()
        if match.lastindex and end - start > 1:
            found += [Token(normal_text[i : i + 2], i, i + 2) for i in range(start, end - 1)]
        else:
            found.append(Token(stem(match.group()), start, end))
    return found


def tokens(normal_text: str) -> list[str]:
    """The terms of ``tokenise`` alone, in order: what is indexed in bulk needs no places."""
    found: list[str] = []
    for match in _TERM.finditer(normal_text):
        run = match.group()
        if match.lastindex and len(run) > 1:
            found += map(add, run, run[1:])
        else:
            found.append(stem(run))
    return found


_PLURAL_EXCEPTIONS = ("ss", "us", "is", "as")


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A word without its English plural, -ed or -ing: the endings that differ between forward and claim.

    A light stemmer in the spirit of Harman, "How effective is suffixing?" (JASIS 1991).
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(_PLURAL_EXCEPTIONS):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return _undouble(word[: -len(ending)])
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _undouble(root: str) -> str:
    return root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root.removesuffix("e")

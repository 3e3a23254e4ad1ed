"""One falsehood, one case: which messages are copies of one another.

Copies are found through an index and then verified, never trusted unverified: MinHash bands (Broder 1997; Leskovec,
Rajaraman and Ullman, "Mining of Massive Datasets", ch. 3) find texts that were reworded a little, and the smallest
hashes of longer stretches (winnowing: Schleimer, Wilkerson and Aiken, SIGMOD 2003) find texts that were cut off.
All hashes are arithmetic on code points: the same in every process, on every machine.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from chatbranch.kernel.text import normalise
from chatbranch.matching.guard import inspect

SAME = 0.6  # similarity from which two texts may be copies
SHORT = 12  # normalised characters; below that only identical texts are copies
_SHINGLE = 3
_STRETCH = 10  # characters that do not stand together by chance
_BANDS, _ROWS = 20, 3  # finds Jaccard 0.5 with probability 0.93, 0.6 with 0.99; 0.1 with 0.02
_SMALLEST = 6  # stretch hashes of the whole text, and
_SMALLEST_OF_HEAD, _HEAD = 4, 60  # of its beginning, which a cut leaves standing
_LEAST_SHARE = 0.3  # of the longer text: what is shorter is a quotation, not a copy
_MANY, _MOST = (
    30,
    0.8,
)  # few shingles must nearly all be contained: else it is another sentence that begins alike
_LONGEST = 4_000  # characters; beyond, a text is told apart well enough

Hashes = npt.NDArray[np.uint64]

_WRAPPED = r"[\s【\[(（<《「*#・·、,，:：!！~～.。…\-—>》」)）\]】]*"
_FORWARD = (
    "紧急通知|緊急通知|紧急扩散|緊急擴散|紧急提醒|紧急|緊急|最新消息|最新|重要通知|重要|转发微博|轉發微博|转发|轉發|转自|转帖|轉貼|转载|轉載|转给家人|急转|速转|快转|求转|快看|速看|扩散|擴散|"
    "急{2,}|群里看到的?|群裡看到的?|群里(?:有人)?说|群裡(?:有人)?說|群里转的|群裡轉的|群友转来|朋友转来|朋友圈看到|刚收到的?|剛收到的?|家人群转|别人发的|求辟谣|求证|求證|请问这是真的吗|請問這是真的嗎|这是真的吗|這是真的嗎|是真的吗|是真的嗎|真的吗|真的嗎|真的假的|网传|網傳|听说|聽說|据说|據說|"
    r"forwarded as received|forwarded message|forwarded|forward|fwd?|rt|breaking news|breaking|urgent|please share|pls share|must read|is (?:this|it) true(?: that)?|fact check please|just received this|copied|shared as received"
)
_PREFIX = re.compile(
    rf"^{_WRAPPED}(?:(?:{_FORWARD})(?![a-z])|[【\[(（<](?:转|轉)[】\])）>]|(?:转|轉)[:：\s])", re.IGNORECASE
)
_SUFFIX = re.compile(
    r"(?:请大家|請大家|大家|请|請)?(?:赶快|趕快|尽快|快|互相|多多|务必|務必)?(?:转发|轉發|扩散|擴散|转告|轉告|转起来|轉起來|转给[^\s]{1,6}|告诉家人|告訴家人)(?:出去|一下|给[^\s]{1,6}|給[^\s]{1,6}|周知)?"
    rf"{_WRAPPED}$|(?:please |pls )?(?:share|forward|pass (?:it|this) on)(?: widely| this)?{_WRAPPED}$|(?:是|這是|这是)?真的?(?:假的)?(?:吗|嗎|么){_WRAPPED}[?？]{_WRAPPED}$|is (?:this|it) true\W*$",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def _core(text: str) -> str:
    """The normal text without what a forwarder puts around it."""
    return normalise(_unwrapped(text)).text


@lru_cache(maxsize=4096)
def _unwrapped(text: str) -> str:
    """The message as it was before somebody forwarded it: without what they put before and after it."""
    text = text[:_LONGEST].strip()
    for _ in range(4):
        stripped = _SUFFIX.sub("", _PREFIX.sub("", text, count=1), count=1).strip()
        if stripped == text or not normalise(stripped).text:
            break
        text = stripped
    return text


def fingerprint(text: str) -> str:
    """32 hex digits shared by messages that are the same but for spacing, emoji, script, links and forwarding words."""
    return hashlib.sha256(_core(text).encode("utf-8", "surrogatepass")).hexdigest()[:32]


# --- hashes of stretches --------------------------------------------------------------------------

_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def _mixed(values: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): every bit of input moves every bit of output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_MULTIPLIERS[1])
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_MULTIPLIERS[2])
    return values ^ (values >> np.uint64(31))


def _stretches(text: str, length: int) -> Hashes:
    """One hash for every ``length`` neighbouring characters, in order; empty where the text is shorter."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = len(codes) - length + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64)
    hashes = np.zeros(count, dtype=np.uint64)
    for k in range(length):
        hashes = hashes * np.uint64(_MULTIPLIERS[0]) + codes[k : k + count] + np.uint64(1)
    return _mixed(hashes)


@lru_cache(maxsize=1024)
def _shingles(core: str) -> Hashes:
    return np.unique(_stretches(core, _SHINGLE))


_SEEDS: Hashes = _mixed(np.arange(1, _BANDS * _ROWS + 1, dtype=np.uint64) * np.uint64(_MULTIPLIERS[0]))


def bands(text: str) -> list[int]:
    """Up to 30 numbers in 0..2**63-1: copies of a text share at least one of them with it, strangers rarely do.

    To be stored, one row each, in an indexed table; what shares a band is a candidate for ``same_case``.
    """
    core = _core(text)
    if len(core) < SHORT:
        return [int(fingerprint(text)[:16], 16) >> 1]
    minima = _mixed(_shingles(core)[None, :] ^ _SEEDS[:, None]).min(axis=1).reshape(_BANDS, _ROWS)
    keys = np.arange(1, _BANDS + 1, dtype=np.uint64)
    for row in range(_ROWS):
        keys = _mixed(keys * np.uint64(_MULTIPLIERS[0]) + minima[:, row])
    stretches = _stretches(core, _STRETCH)
    smallest = np.concatenate(
        (np.unique(stretches)[:_SMALLEST], np.unique(stretches[:_HEAD])[:_SMALLEST_OF_HEAD])
    )
    return sorted({int(key) >> 1 for key in np.concatenate((keys, smallest))})


# --- verification ---------------------------------------------------------------------------------


def near_duplicate(a: str, b: str) -> float:
    """How much two messages share, 0..1: the Jaccard index of their shingles, or, where one is the other cut off
    (at least three tenths of it), the share of the shorter that stands in the longer."""
    left, right = _core(a), _core(b)
    if left == right:
        return 1.0
    if min(len(left), len(right)) < SHORT:
        return 0.0
    shingles, others = _shingles(left), _shingles(right)
    common = len(np.intersect1d(shingles, others, assume_unique=True))
    shorter, longer = sorted((len(shingles), len(others)))
    contained = common / shorter
    cut_off = shorter >= _LEAST_SHARE * longer and (shorter >= _MANY or contained >= _MOST)
    return max(common / (len(shingles) + len(others) - common), contained if cut_off else 0.0)


def same_case(a: str, b: str) -> bool:
    """Whether two messages ask about one thing: copies of each other, between which the guard sees no conflict.

    Posts of one template with another town, figure or date are different events.
    """
    if _core(a) == _core(b):
        return True
    if near_duplicate(a, b) < SAME:
        return False
    left, right = _unwrapped(a), _unwrapped(b)
    return not (inspect(left, None, [right]).conflict or inspect(right, None, [left]).conflict)

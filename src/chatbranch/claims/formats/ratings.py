"""The written table from publishers' ratings to our scale. What is not in it stays "unknown": nothing is guessed.

Only whole labels count: "True, but the date is wrong" is not "True". Labels that say something else than how
true a claim is (satire, scam, legend, opinion) are left out on purpose. docs/reference/import-formats.md tells
where the meanings come from.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from chatbranch.claims.rules import SCALE
from chatbranch.kernel.text import to_simplified

LABELS: dict[str, str] = {
    "true": """
        true, correct, accurate, verified, confirmed, correct attribution, right, legit, real, authentic,
        属实, 真, 真实, 正确, 事实, 是真的, 确有其事, 真消息, 含有正确信息, 含有正确讯息,
        verdadero, cierto, vrai, wahr, richtig, verdadeiro, vero""",
    "mostly-true": """
        mostly true, mostly correct, mostly accurate, largely true, largely accurate, basically true,
        基本属实, 基本正确, 大部分属实, 大致属实, 大体属实, 大部分正确, 大部分为真""",
    "misleading": """
        misleading, missing context, lacks context, lack of context, needs context, out of context, half true,
        half truth, mostly false, partly false, partially false, partly true, partially true, mixture, mixed,
        cherry picked, cherry-picked, distorted, distorts the facts, exaggerated, exaggeration,
        有误导, 误导, 缺少背景, 缺乏背景, 片面, 断章取义, 易误解, 易生误解, 容易误解, 夸大,
        部分属实, 半真半假, 部分不实, 部分错误, 部分正确, 部分虚假, 以偏概全,
        enganoso, engañoso, trompeur, irreführend, fuorviante, falta contexto""",
    "false": """
        false, fake, incorrect, inaccurate, wrong, untrue, not true, not correct, pants on fire, hoax,
        fabricated, fabrication, made up, totally false, completely false, altered, altered photo,
        altered video, altered image, doctored, manipulated, miscaptioned, misattributed, debunked, fiction,
        不实, 不属实, 不正确, 谣言, 是谣言, 为谣言, 纯属谣言, 辟谣, 造谣, 虚假, 虚假信息, 假, 假的, 假消息, 假讯息,
        假信息, 不实信息, 不实讯息, 失实, 错误, 含有错误信息, 含有错误讯息, 伪造, 捏造, 纯属虚构, 子虚乌有,
        移花接木, 张冠李戴, falso, faux, falsch, bulo, fake news""",
    "unknown": """
        unproven, unverified, unverifiable, unsupported, unsubstantiated, inconclusive, not enough evidence,
        insufficient evidence, no evidence, cannot be determined, cannot be determined yet, undetermined,
        disputed, in dispute, research in progress, needs more evidence, unclear, unknown,
        暂时无法确定, 尚无定论, 尚无结论, 暂无定论, 证据不足, 无法证实, 未经证实, 尚未证实, 未证实, 存疑, 有争议,
        待证实, 无法查证, 无法判断, sin pruebas, non vérifiable, unbelegt""",
}

# Google's ClaimReview scale is 1 (false) to 5 (true); the ends of any other scale say the same.
# developers.google.com/search/docs/appearance/structured-data/factcheck
_FIVE = {1: "false", 2: "misleading", 3: "misleading", 4: "mostly-true", 5: "true"}
VALUES: dict[str, int] = {"false": 1, "misleading": 2, "mostly-true": 4, "true": 5}


def of_label(label: str) -> str | None:
    """Our rating for a publisher's label, or None where the table does not know it."""
    return _table().get(_fold(label))


def of_value(value: object, best: object, worst: object) -> str | None:
    """Our rating for a number on a scale from `worst` to `best`.

    Every step of the scale from 1 to 5 is known; of any other only its two ends. Else None.
    """
    try:
        at, top, bottom = float(str(value)), float(str(best)), float(str(worst))
    except ValueError:
        return None
    if (bottom, top) == (1, 5):
        return _FIVE.get(int(at)) if at.is_integer() else None
    if top == bottom:
        return None
    return {top: "true", bottom: "false"}.get(at)


def is_ours(label: str) -> bool:
    """Whether the label is simply our own name of a rating, so that nothing is lost by not keeping it."""
    return any(_fold(label) in (_fold(name.zh), _fold(name.en)) for name in SCALE.values())


_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def _fold(label: str) -> str:
    """Case, width, script, spacing and the marks at either end do not tell labels apart."""
    plain = to_simplified(unicodedata.normalize("NFKC", label[:200])).casefold()
    return _EDGES.sub("", " ".join(plain.split()))


@cache
def _table() -> dict[str, str]:
    pairs = [(label, rating) for rating, labels in LABELS.items() for label in labels.split(",")]
    pairs += [(label, rating) for rating, name in SCALE.items() for label in (name.zh, name.en)]
    return {_fold(label): rating for label, rating in pairs if label.strip()}

"""The code of conduct that members sign: a version, and its numbered clauses in both languages.

This is the text a branch begins with. A slice that keeps a branch's own versions names them with `provide`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from chatbranch.kernel.phrases import Phrase


@dataclass(frozen=True)
class Code:
    """One version of the code. Clauses are numbered from 1."""

    version: str
    clauses: tuple[Phrase, ...]

    def text(self, lang: str) -> str:
        """The whole text, as it is signed: a numbered clause a line."""
        return "\n".join(f"{number}. {each.say(lang)}" for number, each in enumerate(self.clauses, 1))

    def sha256(self, lang: str) -> str:
        """The SHA-256 of that text in UTF-8, in hex."""
        return sha256(self.text(lang).encode()).hexdigest()


FIRST = Code(
    "1",
    (
        Phrase("事实有依据：当作事实说的，要有可以指出的来源，或自己在场。", "Facts have a source: what we tell as a fact rests on a source that can be named, or on having been there."),
        Phrase("不编造：不虚构或改动人物、引语、文件、图片和数据。", "Nothing is made up: we neither invent nor alter persons, quotations, documents, pictures or figures."),
        Phrase("不张冠李戴：旧事不当新事，别处不当此处；图片写明时间地点。", "Things stay in their time and place: the old is not shown as new, nor elsewhere as here; pictures say when and where."),
        Phrase("不断章取义：引用不改变原来的意思。", "Quotations keep their meaning: nothing is cut so that it says something else."),
        Phrase("有错就改：知道错了，尽快更正，和原来一样容易看到。", "Mistakes are corrected: soon, and as visibly as they were made."),
        Phrase("公开利益：写明什么是广告、什么由机器生成；与谁有工作、钱款或亲属上的关系，写明并回避。", "Interests are open: we mark what is advertising or made by a machine, declare whom we are bound to by work, money or family, and stand aside where it matters."),
        Phrase("保护私人：保护消息来源、询问人和未成年人，不公开普通人的私事和住址。", "Private people are protected: we protect sources, askers and minors, and publish no private matters or addresses of ordinary people."),
        Phrase("不暗中协同：不装作互不相识一起发帖，不围攻任何人，也不向任何机构举报个人。", "No hidden coordination: we do not post together while posing as strangers, gang up on nobody, and report no person to anyone."),
        Phrase("不反复故意编造：十二个月内三次终局认定、且有故意的凭据，由评议组专门评议。", "No repeated, intended fabrication: three final findings within twelve months, each with intent evidenced, are put before a panel as such."),
    ),
)  # fmt: skip


def _first() -> Code:
    return FIRST


_source: Callable[[], Code] = _first


def current() -> Code:
    """The code in force."""
    return _source()


def provide(source: Callable[[], Code]) -> None:
    """Let the code in force come from here from now on."""
    global _source
    _source = source

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


_FIRST = Code(
    "1",
    (
        Phrase("我们核对事实，不评判看法。", "We check facts, and do not judge opinions."),
        Phrase("我们不编造。写了什么，就能拿出依据。", "We fabricate nothing. For what we write, we can show our sources."),
        Phrase(
            "发现自己错了，尽快更正，更正和原文一样容易看到。",
            "When we were wrong we correct it soon, as visibly as we were wrong.",
        ),
        Phrase(
            "标明什么是报道、什么是看法、什么是广告、什么由机器生成。",
            "We mark what is reporting, opinion, advertising, or made by a machine.",
        ),
        Phrase(
            "与谁有工作、钱款或亲属上的关系，我们写明，并回避相关的个案。",
            "We declare whom we are bound to by work, money or family, and stand aside where it matters.",
        ),
        Phrase(
            "保护消息来源、询问人和未成年人，不公开私人生活。",
            "We protect sources, askers and minors, and publish nothing of private lives.",
        ),
        Phrase(
            "不暗中联手发帖，不围攻任何人，也不向任何机构举报个人。",
            "We never post in hidden coordination, never gang up on anybody, and report no person to anyone.",
        ),
        Phrase(
            "有人指出我们的错误，我们按期答复；不服可以申诉。",
            "When somebody points out a mistake of ours we answer in time; whoever disagrees can appeal.",
        ),
    ),
)  # fmt: skip


def _first() -> Code:
    return _FIRST


_source: Callable[[], Code] = _first


def current() -> Code:
    """The code in force."""
    return _source()


def provide(source: Callable[[], Code]) -> None:
    """Let the code in force come from here from now on."""
    global _source
    _source = source

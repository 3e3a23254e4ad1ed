"""What is in an entry, said to people."""

from __future__ import annotations

from datetime import date

from chatbranch.claims.rules import rating_name
from chatbranch.kernel.phrases import Phrase, day
from chatbranch.publiclog.entries import (
    CHANGED,
    CORRECTED,
    OPENED,
    PUBLISHED,
    REQUESTED,
    ROTATED,
    WITHDRAWN,
    Entry,
)


def kind(code: str, lang: str) -> str:
    """What a kind of entry is called."""
    return _KINDS[code].say(lang)


def facts(entry: Entry, lang: str) -> list[tuple[str, str]]:
    """(name, value) of all that the entry says, in the order people read it."""
    found = [
        (_FIELDS[name].say(lang), _value(name, entry.says[name], lang))
        for name in _FIELDS
        if name in entry.says
    ]
    return [*found, *((name, str(said)) for name, said in entry.says.items() if name not in _FIELDS)]


def word(code: str, lang: str) -> str:
    """What a word of ours in an entry (who asked, and for what) is called."""
    return _WORDS[code].say(lang)


def _value(name: str, said: str | int, lang: str) -> str:
    if name in ("rating", "previous"):
        return rating_name(str(said), lang)
    if name in ("as_of", "expires"):
        return day(date.fromisoformat(str(said)), lang)
    phrase = _WORDS.get(str(said))
    return phrase.say(lang) if phrase and name in ("asks", "by", "says", "came") else str(said)


_KINDS = {
    PUBLISHED: Phrase("公布结论", "Verdict published"),
    CHANGED: Phrase("更改结论", "Verdict changed"),
    WITHDRAWN: Phrase("撤回结论", "Verdict withdrawn"),
    CORRECTED: Phrase("订正比对", "Match corrected"),
    OPENED: Phrase("开案", "Case opened"),
    REQUESTED: Phrase("外部请求", "Request from outside"),
    ROTATED: Phrase("更换密钥", "Key changed"),
}
_FIELDS = {
    "rating": Phrase("结论", "Verdict"),
    "previous": Phrase("之前", "Before"),
    "version": Phrase("第几版", "Version"),
    "as_of": Phrase("截至", "As of"),
    "expires": Phrase("有效期至", "Valid until"),
    "sources": Phrase("依据数", "Sources"),
    "wordings": Phrase("表述数", "Wordings"),
    "asks": Phrase("要求", "Asks to"),
    "by": Phrase("提出者", "Asked by"),
    "says": Phrase("订正为", "Corrected to"),
    "came": Phrase("结果", "What came of it"),
    "claim": Phrase("说法", "Claim"),
    "found": Phrase("原先找到的", "Found before"),
    "words": Phrase("文字的承诺值", "Commitment to the words"),
    "old": Phrase("原密钥", "Key before"),
    "new": Phrase("新密钥", "Key from here on"),
    "signature": Phrase("原密钥的签名", "Signature of the key before"),
}
_WORDS = {
    "change": Phrase("更改", "change"),
    "remove": Phrase("删除", "remove"),
    "reader": Phrase("读者", "a reader"),
    "party": Phrase("当事方", "a party"),
    "company": Phrase("公司", "a company"),
    "platform": Phrase("平台", "a platform"),
    "authority": Phrase("主管机关", "an authority"),
    "court": Phrase("法院", "a court"),
    "other": Phrase("其他", "somebody else"),
    "same": Phrase("相同", "the same"),
    "not-same": Phrase("不相同", "not the same"),
    "nothing": Phrase("都不合适", "nothing fits"),
    "taught": Phrase("成为一种表述", "it became a wording"),
    "agreed": Phrase("两个账号都这样看", "two outlets say so"),
    "apart": Phrase("不再用那一条回答", "not answered with that claim any more"),
}

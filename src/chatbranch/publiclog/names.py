"""What is in an entry, said to people."""

from __future__ import annotations

from datetime import date

from chatbranch.claims.rules import rating_name
from chatbranch.kernel.phrases import Phrase, day
from chatbranch.publiclog.entries import (
    APPEAL_DECIDED,
    CHANGED,
    CORRECTED,
    DECIDED,
    EDITION,
    ENDED,
    IN_EFFECT,
    LOT_COMMITTED,
    LOT_DRAWN,
    MATTER_CLOSED,
    OPENED,
    PUBLISHED,
    REQUESTED,
    RESTED,
    REVERSED,
    ROTATED,
    SEALED,
    UPHELD,
    WARNED,
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
    if name in ("as_of", "expires", "ends"):
        return day(date.fromisoformat(str(said)), lang)
    phrase = _WORDS.get(str(said))
    return phrase.say(lang) if phrase and name in _SAID_IN_WORDS else str(said)


_SAID_IN_WORDS = ("asks", "by", "says", "came", "measure", "how", "stands")
_KINDS = {
    PUBLISHED: Phrase("公布结论", "Verdict published"),
    CHANGED: Phrase("更改结论", "Verdict changed"),
    WITHDRAWN: Phrase("撤回结论", "Verdict withdrawn"),
    CORRECTED: Phrase("订正比对", "Match corrected"),
    OPENED: Phrase("开案", "Case opened"),
    REQUESTED: Phrase("外部请求", "Request from outside"),
    LOT_COMMITTED: Phrase("封存抽签的种子", "Seed of a lot fixed"),
    LOT_DRAWN: Phrase("抽签", "Lot drawn"),
    DECIDED: Phrase("评议组作出决定", "Decision of a panel"),
    IN_EFFECT: Phrase("处理生效", "Measure in effect"),
    RESTED: Phrase("处理因申诉暂停", "Measure rests during an appeal"),
    APPEAL_DECIDED: Phrase("申诉作出决定", "Decision on an appeal"),
    UPHELD: Phrase("申诉后维持", "Measure upheld"),
    REVERSED: Phrase("申诉后撤销", "Measure reversed"),
    ENDED: Phrase("处理到期", "Measure expired"),
    MATTER_CLOSED: Phrase("事项办结，没有认定", "Matter closed without a finding"),
    SEALED: Phrase("封存的消息来源", "Sealed source"),
    EDITION: Phrase("守则新版", "New edition of the code of conduct"),
    WARNED: Phrase("提醒投诉过多", "Warning before complaints are limited"),
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
    "measure": Phrase("处理", "Measure"),
    "clause": Phrase("守则第几条", "Clause of the code of conduct"),
    "edition": Phrase("守则第几版", "Edition of the code"),
    "ends": Phrase("到期日", "Ends"),
    "how": Phrase("如何办结", "How it was closed"),
    "stands": Phrase("申诉结果", "What became of the appeal"),
    "round": Phrase("第几轮", "Round"),
    "blocs": Phrase("分会有几个圈", "Blocs of the branch"),
    "seed_hash": Phrase("种子的哈希", "Hash of the seed"),
    "seed": Phrase("种子", "Seed"),
    "pool": Phrase("候选的签", "Slips in the pool"),
    "panel": Phrase("抽中的签", "Slips drawn"),
    "words": Phrase("文字的承诺值", "Commitment to the words"),
    "old": Phrase("原密钥", "Key before"),
    "new": Phrase("新密钥", "Key from here on"),
    "signature": Phrase("原密钥的签名", "Signature of the key before"),
}
_WORDS = {
    "guidance": Phrase("提醒", "guidance"),
    "correction": Phrase("要求更正", "request to correct"),
    "advisory": Phrase("告诫", "advisory"),
    "notice": Phrase("公开通告", "public notice"),
    "suspension": Phrase("暂停成员资格", "suspension"),
    "exclusion": Phrase("除名", "exclusion"),
    "opinion": Phrase("属看法，不评判", "an opinion, not judged"),
    "out-of-scope": Phrase("不在守则范围", "outside the code"),
    "duplicate": Phrase("与另一事项相同", "the same as another matter"),
    "guided": Phrase("已更正", "corrected in time"),
    "dismissed": Phrase("没有认定", "no finding"),
    "upheld": Phrase("维持", "upheld"),
    "reversed": Phrase("撤销", "reversed"),
    "lapsed": Phrase("逾期未决，撤销", "reversed, not decided in time"),
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

"""What forwarding does to a Chinese message, by rule and by seed: the sets are made here, not kept.

Each function turns a text into one that says the same; ``evaded`` is how people write to get past filters.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Change = Callable[[str, random.Random], str]

_PREFIXES = (
    "【转】", "转发：", "刚刚群里看到的：", "紧急通知！", "朋友圈都在传：", "我妈发给我的：", "扩散！", "转自家族群 ",
    "亲们注意了，", "快看看！", "不知道真假：", "收到请转发→", "Fwd: ", "转：转：转：",
)  # fmt: skip
_SUFFIXES = (
    "，大家都注意一下！", "。请转给家人！", "🙏🙏🙏", "（转）", "，快转！", " 是真的吗？", "……", "。看到的请扩散", "！！！！",
    " http://t.cn/A6xK3pQ", " 复制打开某App直接观看视频",
)  # fmt: skip
_EMOJI = "😱🙏‼️⚠️👍😂🌹💪📢❗🔥"
_MARKS = ("！", "～", "…", "，", " ", "。", "!!", "、")
_REWORDED = (
    ("可以", "能够"), ("能够", "可以"), ("导致", "引起"), ("引起", "造成"), ("大家", "各位"), ("孩子", "小孩"), ("没有", "没"),
    ("因为", "由于"), ("如果", "要是"), ("现在", "目前"), ("今天", "今日"), ("已经", "已"), ("的时候", "时"), ("发现", "查出"),
    ("非常", "十分"), ("医院", "醫院"), ("立即", "马上"), ("并且", "而且"), ("但是", "不过"), ("告诉", "告知"), ("使用", "用"),
    ("进行", "做"), ("目前", "现在"), ("我们", "咱们"), ("为什么", "为啥"), ("什么", "啥"), ("网友", "网民"), ("视频", "影片"),
)  # fmt: skip
_HOMOPHONES = dict(
    zip(
        "微信病毒死疫苗警察政府毒品癌症医院爆炸钱款转账银行红包武汉新冠杀封城隔离感染口罩",
        "薇芯冰独屎役喵井查正斧读拼岩正一园暴乍前宽赚帐很航宏包五汗心关刹丰成隔里敢然扣照",
        strict=True,
    )
)
_SPLIT = {
    "好": "女子", "明": "日月", "法": "氵去", "病": "疒丙", "死": "歹匕", "钱": "钅戋", "林": "木木", "你": "亻尔", "打": "扌丁", "吃": "口乞",
    "药": "艹约", "妇": "女彐", "枪": "木仓", "阳": "阝日", "妈": "女马", "种": "禾中", "话": "讠舌", "说": "讠兑", "江": "氵工", "河": "氵可",
}  # fmt: skip
_CHATTER = (
    "今天天气不错，出门记得带伞。", "昨晚和老同学吃饭，聊了很多往事。", "菜市场的青菜又贵了两块。", "孩子作业写到十点，家长也跟着累。",
    "周末打算去爬山，有一起的吗？", "小区电梯又坏了，物业说在修。", "楼下新开了一家面馆，味道还行。", "晚上跳舞的音响请小声一点。",
    "谁家的快递放在门卫室三天了？", "阳台上的花终于开了。", "这个月的水费单已经贴在门口。", "读书会改到下周，地点不变。",
)  # fmt: skip


def forwarded(text: str, chance: random.Random) -> str:
    """With what stands before and after a forwarded message."""
    return chance.choice(_PREFIXES) + text + chance.choice(_SUFFIXES)


def noisy(text: str, chance: random.Random) -> str:
    """Emoji and punctuation strewn in; the figures stay whole."""
    pieces = []
    for i, character in enumerate(text):
        pieces.append(character)
        inside = not (character.isascii() or text[i + 1 : i + 2].isascii())
        if inside and chance.random() < 0.08:
            pieces.append(chance.choice((*_EMOJI, *_MARKS)))
    return "".join(pieces)


def truncated(text: str, chance: random.Random) -> str:
    """Cut off at the end: two thirds are left, at least 20 characters."""
    return text[: max(20, round(len(text) * chance.uniform(0.6, 0.9)))]


def beginning(text: str, chance: random.Random) -> str:
    """The first 100 characters."""
    del chance
    return text[:100]


def reworded(text: str, chance: random.Random) -> str:
    """Some words said otherwise."""
    for old, new in chance.sample(_REWORDED, len(_REWORDED)):
        if old in text and chance.random() < 0.7:
            text = text.replace(old, new, 1)
    return text


def linked(text: str, chance: random.Random) -> str:
    """A tagged address added, and those that were there dropped."""
    without = re.sub(r"https?://[A-Za-z0-9./?=&_%\-]+", "", text)
    tag = chance.choice(("utm_source=wechat&from=groupmessage", "share_token=8f3a", "isappinstalled=0"))
    return f"{without} https://mp.example.com/s/{chance.randrange(10**6)}?{tag}"


def in_article(text: str, chance: random.Random) -> str:
    """Somewhere in a long message about other things."""
    before, after = (chance.choices(_CHATTER, k=chance.randint(4, 10)) for _ in range(2))
    return "".join(before) + text + "。" + "".join(after)


def evaded(text: str, chance: random.Random) -> str:
    """Homophones and characters taken apart, wherever the table has one."""

    def other(character: str) -> str:
        table = chance.choice((_HOMOPHONES, _SPLIT))
        return table.get(character, _HOMOPHONES.get(character, _SPLIT.get(character, character)))

    return "".join(other(character) for character in text)


FORWARDING: dict[str, Change] = {
    "forwarded": forwarded,
    "truncated": truncated,
    "reworded": reworded,
    "in a long article": in_article,
}


def joined(texts: Sequence[str]) -> str:
    """Two rumours in one message."""
    return "\n".join(f"{number}、{text}" for number, text in enumerate(texts, 1))

"""Whether a text can be checked at all: it reports something, or it only judges. Pure; could be read aloud.

A text is looked at clause by clause. A clause judges where it praises or blames, says what ought to be or what will be, or mocks. It
reports where it tells of something that happened, was said, is measured, or causes something. A text in which some clause judges
and none reports is an opinion. One that reports can be checked. Of the rest nothing is said: a person looks. Whoever is
told that something is an opinion may contest it, and a person decides.
"""

from __future__ import annotations

import re

from chatbranch.kernel.text import clean, to_simplified

OPINION, CHECKABLE, UNCLEAR = "opinion", "checkable", "unclear"
_CLAUSES = re.compile(r"[，。！？；：、\n…]+|[,.!?;:]+(?:\s|$)|——")


def reading(text: str) -> str:
    """OPINION, CHECKABLE or UNCLEAR, in any of the three scripts."""
    said = to_simplified(clean(text)).lower().replace("’", "'")
    clauses = [each.strip() for each in _CLAUSES.split(said) if each.strip()]
    if any(map(_reports, clauses)):
        return CHECKABLE
    return OPINION if any(map(_judges, clauses)) else UNCLEAR


def is_opinion(text: str) -> bool:
    """Whether nothing in the text can be checked, because it judges and reports nothing."""
    return reading(text) == OPINION


def _judges(clause: str) -> bool:
    return bool(_JUDGING.search(clause) or _FORESEEING.search(clause))


def _reports(clause: str) -> bool:
    return bool(_REPORTING.search(clause)) and not _FORESEEING.search(clause)


def _any_of(*patterns: str) -> re.Pattern[str]:
    """One pattern of many, which stand parted by spaces; a space inside one is written as _."""
    return re.compile("|".join(" ".join(patterns).split()).replace("_", " "))


# What will be, as somebody foresees it. It is no report, whatever numbers stand in it.
_FORESEEING = _any_of(
    """
    肯定(?:还)?[会要] 一定会 必(?:夺|胜|败|将) 迟早 早晚 总有一天 恐怕 可能会 大概会 估计 预计会 我猜 我赌 用不了.{1,4}年 (?:以后|将来|未来|年后).*[会要再]
    (?:油|房|物|股)价还?会 会(?:大)?(?:输|赢) 会更(?:好|糟|差|坏)
    """,
    r"""
    \bwill_(?:definitely|surely|certainly|probably|never|hit|reach|fix)\b \bprobably_(?:it_)?will\b \bi_bet\b \bsooner_or_later\b \bone_day\b
    \b(?:is|are)_going_to\b \bbound_to\b \bi_predict\b \bin_\w+_years\b
    """,
)

# Praise and blame, what ought to be, taste, mockery.
_JUDGING = _any_of(
    """
    我(?:觉得|认为|看|感觉|支持|反对|希望|喜欢|讨厌|怀疑|不喜欢|最|更喜欢|对.{1,12}(?:失望|失去)) 个人(?:觉得|认为|感觉) 要我说 依我看 在我看来 凭良心 说(?:实话|真的|白了|到底)
    不得不说 心目中 心坎 真?希望 呼吁 (?<!据)建议 与其.* 不如 (?<!相)(?<!反)应该 应当 理应 该(?:整治|管管|退休|下台|废除|向|学学|反省|好好) 不该 不能(?:只|再|光) 不能放在 优先 凭什么 别(?:再|太) 何必 何时休 没必要 利大于弊 弊大于利
    未免 实在 堪忧 一流 二流 三流 形同虚设 不走心 烂尾 眼光 文笔 水平 没水[准平] 难说 寒心 贴心 娇气 好(?:腻|烦|累|难|美|丑|差|棒|看|吃|听|喝|玩) 更香 没有比 美味 扼杀 哪一个不 得太(?:晚|早|差|慢|快) 丑得 吓人
    太(?!太|平|阳|原|空|湖|极|子|医|婆).{1,4}(?:了|$|，) 真(?:的)?(?:有待|难|好|丑|美|烂|差|棒|很|贴) 很(?:有品味|无聊|负责|偏颇|值得|了不起|烂|差|好|美|棒) 非常(?:精彩|失望|明智|差|好|棒|糟) 最(?:美|差|好|烂|烦|没有|讨厌|重要|伟大|丑) 更糟 越来越没
    简直 根本(?:不|就|是在) 纯属 毫无 离谱 难看 难吃 难用 好看 好吃 好听 好喝 正宗 丑 精彩 无聊 恶心 恶劣 糟糕 糟透 一塌糊涂 一般般 垃圾(?!分类|焚烧|桶|车|袋|站|场|箱|处理) 又臭又长
    读不下去 受不了 差远 高估 低估 可惜 可笑 不?公平 失望 失去信心 不配 配不上 不合理 不人道 双重标准 诚意 没把 没意思 没有(?:人情味|重点|用心|魄力) 素质 官僚 形式主义 折腾 浪费(?:时间|钱|生命) 骗选票
    值得 推荐 再也不 令人(?:深思|难以|失望|感动|发指|愤怒) 让人(?:热血|受不了|喘|感动|恶心|失望) 暴露出 方向是对 比什么都重要 重要的是 不在于 需要的是 对得起 做人 傻子 饭桶 无耻 愚蠢 混蛋 废物 在演戏 动机 不适合 太卷 躺平
    明智 伟大 有品味 脏死 贵又 闷热得 堵得 踢得 退钱 哈哈 呵呵 狗头 改名叫 荣获 鬼话 听听就好 后悔 早知道 如果我是 敷衍 虚伪 懒政 作秀 良心 温馨 优秀 出色 失败 尴尬 庸俗 低俗 肤浅 浮夸 幼稚 冷漠 自私 贪婪 傲慢 荒唐 荒谬 可悲 可恨 可耻 活该
    """,
    r"""
    \bi_(?:really_)?(?:think|feel|believe|prefer|support|oppose|hope|love|hate|doubt|like|dislike|wish|admire)\b \bi_(?:can't|cannot)_stand\b \bi_am_(?:deeply_)?(?:disappointed|ashamed|proud)\b
    \bin_my_(?:opinion|view)\b \bfor_my_taste\b \bit_seems_to_me\b \bhonestly\b \bfrankly\b \bif_i_were\b \bas_always\b \bclearly_(?:doesn't|don't|does_not)\b \beveryone_knows\b \bno_decent\b \boh_great\b
    \bshould(?:n't)?\b \bought_to\b \bneed(?:s)?_(?:leaders|time|to_be|more)\b \bwe_need\b \bhigh_time\b \blet's\b \bdeserves?\b \bnobody_should\b \bwould_be_(?:wiser|better|nice|foolish)\b \bmatters?_more\b \bhas_no_place\b
    \b(?:best|worst|ugliest|finest|greatest|most_(?:exciting|important|beautiful|boring)|far_(?:worse|better|too)|too_(?:long|slow|short|expensive|late))\b \bunfit\b \bshame(?:ful)?\b \bcoward\w* \bspineless\b \bbackbone\b
    \binspiring\b \bbeautiful(?:ly)?\b \bgorgeous\b \bmagical\b \beyesore\b \bmenace\b \bpride_of\b \buseless\b \blazy\b \bcruelty\b \bbad_idea\b \bgood_idea\b \blike_an_angel\b \bunfair\b \bbiased\b \bpoorly\b \bbadly\b
    \bwaste_of\b \binsincere\b \bkinder\b \blenient\b \bsoulless\b \bcharming\b \bappalling\b \bmakes?_no_sense\b \bbreathtaking\b \bpointless\b \bmindless\b \btrash\b \bridiculous\b \bwise(?:ly|r)?\b \bdouble_standard\b
    \breal_taste\b \bover-?rated\b \bunder-?rated\b \bboring\b \bnightmare\b \ball_the_same\b \bimmoral\b \bmotives\b \bincompeten\w+ \bunbelievable\b \blooks?_(?:cheap|ugly|great|awful)\b \bvirtue\b \bsimpler\b
    \bcongratulations\b \brename\b \bawful\b \bterrible\b \bwonderful\b \bdisgust\w+ \bstupid\b \bidiot\w* \bpathetic\b \bdelicious\b \bawesome\b \bdisappoint\w+ \bfool(?:ish)?\b \bgenius\b \bmediocre\b \bdisgrace\w*
    \bbrilliant\b \blovely\b \bugly\b \bhorrible\b \bamazing\b \bfantastic\b \brude\b \barrogant\b \bgreedy\b \bselfish\b \bnaive\b \babsurd\b \bcorny\b \btasteless\b \bannoying\b \bcharm\b \bsadly\b \bthankfully\b
    """,
)

# Something that happened, was said, is measured, or causes something.
_REPORTING = _any_of(
    r"""
    (?:昨|今|前|明)(?:天|日|晚|早|夜).{0,12}(?:垮|塌|起|停|死|排|发|撤|拍|抓|现|捕) 垮塌 塌了 遇难 (?<![脏累笑烦热饿气急冷吵闷])死(?:了|亡) 受伤 打伤 住院 中毒 感染 爆炸 着火 起火 火警 失踪 走失 被捕 逮捕 抓获 罚款 被罚 判(?:他|她|处) 赔偿
    通知 宣布 公布 发布 证实 通报 取消(?!吧) 停(?:水|电|课|驶|运|收) 封桥 撤离 疏散 登陆 检出 验出 查出 超标 含有 含量 致癌 能治 可以预防 导致 引起 拍摄于 始建于 抄来 伪造 摆拍 合成 出逃 冒充 扩招
    (?:\d|[一二三四五六七八九十百千万亿两]).{0,3}(?:人|名|万元|元|吨|升|公里|成|倍|所|例|级)(?!比|都是|的素质) 是(?:红|黄|黑)色 鱼死 被人全部
    """,
    r"""
    \bdied\b \bkilled\b \binjured\b \barrested\b \bcollapsed\b \bdetained\b \bannounced\b \bconfirmed\b \bissued\b \bcaused_by\b \bcauses?\b \bcures?\b \bcontains?\b \bprevents?\b \bexploded\b \bevacuated\b \bwas_red\b
    \bescaped\b \bstolen\b \bfined\b \bcancelled\b \bcut_the_supply\b \bsold\b \bwas_born\b \bowns\b \bspent\b \bexceeds?\b \bwas_(?:taken|made|built|paid|copied)\b \bpercent_of\b
    """,
)

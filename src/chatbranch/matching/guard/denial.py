"""Does a text pass a rumour on, ask about it, or say that it is untrue?"""

from __future__ import annotations

import re

_ASKS_ZH = re.compile(
    r"(?:是不是|是否|会不会是?|到底是|究竟是|求|请|帮忙|难道是?|真的还是|真还是|真是|还是)(?:一?个|条|不是)?(?:谣言|辟谣|假的?|不实|假消息|骗人的?|骗局|误传)"
    r"|是不是真的?|(?:是|属)?(?:谣言|假的?|不实|假消息|骗人的?|骗局|误传|真的?假的?|真假)(?:吗|么|嘛|呢|还是真的?|吧|[?？])"
    r"|(?:谁|有没有人|能不能|可以|帮我|来个|等)(?:来|能)?辟谣|有无辟谣|不知真假|真假|真的假的"
)
_AFFIRMS_ZH = re.compile(
    r"(?:不是|并非|绝非|绝不是|不属于|别当|别当成|别以为是|可不是|并不是|不算|不信谣?言?)(?:什么|一个)?(?:谣言|假的|假消息|骗人的?|谣传|开玩笑)"
    r"|(?:说|有人说|以为|曾被?)(?:是|这是)?(?:谣言|假的)|(?:别|不要|不得|由不得)不信|不信(?:不行|你试)|谣言(?:成真|变真)|不造谣|造谣(?:的|者)?(?:被|会被|将被)"
)
_DENIES_ZH = re.compile(
    r"辟谣|谣言|不实(?:信息|消息|传言|言论|内容|说法|之词)?|假的(?=[,。，!！;；\s]|$)|(?:是|为|系|均|都|全)假的?(?:消息|新闻|话)?(?=[,。，!！;；的\s]|$)|假消息|假新闻|不属实|并不?属实|不是真的?|并非(?:真的|事实|属实|如此)|"
    r"纯属(?:虚构|造谣|谣言|捏造|误传|子虚乌有)|子虚乌有|无中生有|捏造|别(?:再)?(?:信|传|转|被骗|上当)|不要(?:再)?(?:相信|信|传|转发|轻信|上当)|勿(?:信|传|轻信|转发)|请勿(?:相信|传播|轻信|转发)|不信谣|不传谣|切勿轻信|不可信|不靠谱|骗人的|是骗局|"
    r"(?:没有|毫无|缺乏|无|并无)(?:任何)?(?:科学)?(?:依据|根据|证据|道理)|并无此事|没有(?:这回事|这么回事|此事|这事)|无此事|查无|误区|误传|误读|澄清|虚假(?:信息|消息|宣传|广告)?|站不住脚|"
    r"(?:说法|传言|传闻|消息|视频|图片|内容|观点)(?:是|为|系|属于?|并)?(?:错误|错|假|不成立|有误|不准确|不正确|不科学|失实)|(?:是|纯属|属)(?:错误的?|误解|谬误|谬论|伪科学|无稽之谈|胡说|瞎说|扯淡)|胡说八道|扯淡|胡扯|瞎扯|(?:已|均|予以|作出|出面|方面|回应)(?:经|已)?(?:予以)?(?:否认|否定)|"
    r"我?(?:才)?不(?:相信|认为|觉得|信)|不敢苟同|真相(?:是|并非)|其实(?:不|没|并)|事实(?:上)?(?:并非|不|没|是并)|未发现|系(?:谣传|旧闻|摆拍|伪造|ps|P图)|伪造|摆拍|造谣|谣传|流言|打假|粉碎"
)
_ASKS_EN = re.compile(
    r"\b(?:is|are|was|were) (?:it|this|that|these|they|the \w+|any of this)(?: \w+){0,3} (?:fake|false|a hoax|a myth|a lie|a rumou?r|untrue|bogus|a scam)\b|"
    r"\b(?:fake|hoax|myth|false|rumou?r|scam)(?: news)? ?\?|(?:real|true) or (?:fake|false|not)|(?:fake|false) or (?:real|true)|\bfact[- ]check (?:this|please|it)|(?:can|could) (?:someone|anyone|you) (?:please )?(?:fact[- ]?check|debunk)|please (?:fact[- ]check|debunk)|\bneeds? (?:a )?fact[- ]check",
    re.IGNORECASE,
)
_AFFIRMS_EN = re.compile(
    r"\b(?:not|isn't|no|never|wasn't|ain't) (?:a |an |just a |just another )?(?:fake|hoax|myth|lie|rumou?r|joke|false|scam|conspiracy theory|fake news|a lie)\b|"
    r"\b(?:said|thought|called|claim(?:ed)?|say) (?:it|this|that) (?:was|is) (?:fake|false|a hoax|a lie|a rumou?r)|don't believe me|\bno lie\b",
    re.IGNORECASE,
)
_DENIES_EN = re.compile(
    r"\bdebunk(?:ed|ing|s)?\b|\bhoax(?:es)?\b|\bfake news\b|\b(?:is|are|was|were|it's|that's|this|totally|completely|all|utterly|100%|=) (?:a )?(?:fake|false|untrue|bogus|nonsense|bullshit|bs|a lie|a myth|a hoax|made up|fabricated|a rumou?r|photoshopped|satire|baseless|unfounded|misinformation|disinformation)\b|"
    r"\b(?:isn't|not|never been|wasn't|aren't|no) (?:at all |actually |really |even |remotely |exactly )?(?:true|real|the case|accurate|correct|truth to|happening|a thing)\b|\bnot true\b|\buntrue\b|\bfalse (?:claim|rumou?r|report|story|stories|information|news|alarm|and)s?\b|\bmyths?\b|\bmisinformation\b|\bdisinformation\b|"
    r"\bfact[- ]?check(?:ed|ers?)?\b ?[:,-]? (?:false|no|fake|this is|untrue|the|not)|^\W*fact[- ]?check\b|\bfalse\s*[:!.]|\bfake\s*[:!]|(?:^|[.!?] )no,|\b(?:do|don't|do not|please don't|stop) (?:not )?(?:believe|share|forward|fall for|spread|spreading|sharing|trust)\b|"
    r"\b(?:reject|dismiss|refut|quash|rebut|shoot|shot)(?:e?s|ed|ing)?(?: down)? (?:the |these |those |all |such |any )?(?:reports?|rumou?rs?|claims?|allegations?|suggestions?|story|stories|idea|notion)\b|"
    r"\b(?:zero|little|not a (?:shred|grain|word) of|not an ounce of) (?:truth|evidence|proof|basis|substance)\b|"
    r"\bno (?:scientific |credible |real |actual |such )?(?:evidence|proof|truth|basis|thing)\b|\b(?:den(?:ied|ies|y|ying)|refuted?s?|dispelled) (?:that|the|these|this|reports?|claims?|rumou?rs?|allegations?|it)\b|\bi (?:don't|do not|can't|cannot) (?:believe|think|buy)\b|\bdoubt(?:s|ful)? (?:that|it)\b|\bcontrary to\b|\bit's a lie\b|\blies\b[.!]|\bbaseless\b|\bunfounded\b|\bfabricated\b|\bnever happened\b|\bdidn't happen\b|\b(?:that's|this is|it's|is|are) (?:just |simply |completely )?wrong\b|\bnope\b|\bthere(?:'s| is) no truth\b|\bcorrection:",
    re.IGNORECASE,
)


def denial(text: str) -> str | None:
    """The words by which a folded text says that something is untrue; None where it reports, asks or insists."""
    for denies, excuses in ((_DENIES_ZH, (_ASKS_ZH, _AFFIRMS_ZH)), (_DENIES_EN, (_ASKS_EN, _AFFIRMS_EN))):
        excused = [m.span() for pattern in excuses for m in pattern.finditer(text)]
        for match in denies.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end in excused):
                return match.group()
    return None

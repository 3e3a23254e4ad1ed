"""What people are told of a matter: plain, courteous, and never before its time. Written as pairs, by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from chatbranch.conduct.states import State
from chatbranch.kernel.phrases import Phrase

NOTICE = Phrase(
    """有人对贵账号的一篇内容提出投诉，请您知道。现在什么都没有认定，也不对外公开。
内容：{url}
原文：“{passage}”
守则第 {clause} 条：{text}
您可以：更正（更正后即了结）、补充来源，或指出投诉错在哪里。至少有 7 个工作日，可以延长。""",
    """Somebody has complained about a post of your outlet. Nothing has been found, and nothing is public.
Post: {url}
Passage: "{passage}"
Clause {clause}: {text}
You can correct it (that closes the matter), add sources, or show where the complaint is wrong. You have 7 working days at least, and may take longer.""",
)
PATTERN_NOTICE = Phrase(
    "贵账号十二个月内有三次终局认定，且每次都有故意的凭据，按守则第 9 条交评议组专门评议。现在什么都没有认定，也不对外公开。",
    "Three findings about your outlet have become final within twelve months, each with intent evidenced; by clause 9 this goes before a panel. Nothing has been found about it yet, and nothing is public.",
)
ASKED = Phrase(
    "关于“{passage}”（守则第 {clause} 条）：材料已齐，现在请您作答。请在 {day} 前答复、更正或延长；什么都没有认定，也不公开。",
    'About "{passage}" (clause {clause}): the evidence is there, and your answer is asked for now. Please reply, correct, or take longer, by {day}. Nothing has been found, and nothing is public.',
)
SEATED = Phrase(
    "您被抽为评议员，有一个事项等您看。请在 7 天内投票并写明理由；有利害关系请退出。",
    "You were drawn as a juror. Please vote within 7 days, with reasons; step aside if you are bound in any way.",
)
OUTLET = Phrase(
    "关于贵账号内容的事项有变化：{what}", "The matter about your outlet's post has moved on: {what}"
)
OTHERS = Phrase("一个您知道的守则事项有变化：{what}", "A matter that you know of has moved on: {what}")
COMPLAINANT = Phrase(
    "您投诉的事项有变化：{what}凭投诉码可看全部：{link}",
    "The matter you complained about has moved on: {what} See it all with your key: {link}",
)

NAMES: Mapping[State, Phrase] = {
    State.RECEIVED: Phrase("已收到", "received"),
    State.OPINION: Phrase("属看法，不评判", "an opinion, not judged"),
    State.OUT_OF_SCOPE: Phrase("不在守则范围", "outside the code"),
    State.DUPLICATE: Phrase("与另一事项相同", "the same as another matter"),
    State.EVIDENCE: Phrase("收集材料", "evidence is gathered"),
    State.REPLY: Phrase("等账号答复", "waiting for the outlet's reply"),
    State.PANEL: Phrase("评议中", "before a panel"),
    State.GUIDED: Phrase("已更正，了结", "corrected, closed"),
    State.DISMISSED: Phrase("没有认定，了结", "no finding, closed"),
    State.DECIDED: Phrase("已决定，未生效", "decided, not in effect"),
    State.EFFECTIVE: Phrase("处理生效中", "measure in effect"),
    State.APPEALED: Phrase("申诉中，处理暂停", "on appeal, the measure rests"),
    State.UPHELD: Phrase("申诉后维持", "upheld on appeal"),
    State.REVERSED: Phrase("申诉后撤销", "reversed on appeal"),
    State.EXPIRED: Phrase("处理已到期", "measure expired"),
}

NOW: Mapping[State, Phrase] = {
    State.RECEIVED: Phrase(
        "投诉已收到，等一位成员初看。", "The complaint is here; a member takes a first look."
    ),
    State.OPINION: Phrase(
        "被投诉的是看法、讽刺或预测，守则不评判看法。",
        "What was complained about is an opinion, satire or a prediction; the code judges none of these.",
    ),
    State.OUT_OF_SCOPE: Phrase(
        "这不在守则的范围：守则只管分会成员账号的内容。",
        "This is outside the code: it is about posts of the branch's own outlets only.",
    ),
    State.DUPLICATE: Phrase(
        "同一件事已有另一个事项在办。", "Another matter is about the same thing already."
    ),
    State.EVIDENCE: Phrase(
        "成员正在收集和保存材料。账号已收到通知。",
        "Members gather and keep evidence. The outlet has been told.",
    ),
    State.REPLY: Phrase(
        "材料已齐，账号有时间答复、更正或延长。",
        "The evidence is there; the outlet has time to reply, to correct, or to take longer.",
    ),
    State.PANEL: Phrase(
        "三位抽签产生的评议员各自看材料、投票、写理由。",
        "Three jurors, drawn by lot, look at it, vote, and write their reasons.",
    ),
    State.GUIDED: Phrase(
        "账号按时更正，事项以提醒了结，不算一次认定。",
        "The outlet corrected in time. The matter closed as guidance, which is no finding.",
    ),
    State.DISMISSED: Phrase(
        "没有多数认为违反了守则，没有认定，事项了结。",
        "No majority found a clause broken. There is no finding, and the matter is closed.",
    ),
    State.DECIDED: Phrase(
        "评议组已决定，理由书正写入公开日志；写入之前不生效，也不公开。",
        "The panel has decided. Its reasons are on their way into the public log; until they are proved to be there, nothing takes effect or is public.",
    ),
    State.EFFECTIVE: Phrase(
        "处理已生效，理由书和账号的答复一起公开。",
        "The measure is in effect. The reasons are public, with the outlet's reply beside them.",
    ),
    State.APPEALED: Phrase(
        "另一组评议员正在审看申诉；期间处理暂停，也不公开。",
        "Another panel looks at the appeal. Meanwhile the measure rests, and nothing is public.",
    ),
    State.UPHELD: Phrase(
        "申诉后维持，处理继续到期满。", "Upheld on appeal: the measure goes on until its end."
    ),
    State.REVERSED: Phrase(
        "申诉后撤销：认定不成立，处理作废。",
        "Reversed on appeal: the finding does not stand, and neither does the measure.",
    ),
    State.EXPIRED: Phrase("处理已到期，不再公开列出。", "The measure has expired and is no longer listed."),
}

NEXT: Mapping[State, Phrase] = {
    State.RECEIVED: Phrase(
        "初看之后：要么说明理由办结，要么通知账号、收集材料。最迟 24 小时内账号会知道有这件投诉。",
        "After the first look it is closed with a reason, or the outlet is told and evidence is gathered. The outlet knows of it within 24 hours in any case.",
    ),
    State.EVIDENCE: Phrase(
        "有了材料就请账号作答。14 天内没有任何材料，就了结。",
        "With evidence there, the outlet is asked to answer. Without any in 14 days, the matter closes.",
    ),
    State.REPLY: Phrase(
        "更正即了结；否则答复期满后抽签产生评议组。",
        "A correction closes it; else, when the time to reply is over, a panel is drawn by lot.",
    ),
    State.PANEL: Phrase(
        "没有多数，就没有认定。有认定时，两位评议员共同署定理由书，写入公开日志后才生效。",
        "Without a majority there is no finding. With one, two jurors stand by the written reasons, which take effect once they are in the public log.",
    ),
    State.DECIDED: Phrase(
        "写入后生效，账号可在 6 个月内申诉。", "Then it takes effect, and the outlet can appeal for 6 months."
    ),
    State.EFFECTIVE: Phrase(
        "到期自动结束。账号可在 6 个月内申诉，由另一组人审看，期间暂不执行。",
        "It ends by itself. The outlet can appeal for 6 months; other people look, and nothing takes effect meanwhile.",
    ),
    State.APPEALED: Phrase(
        "目标 30 天；90 天还没有决定，就按撤销处理。",
        "The aim is 30 days; not decided in 90, it ends as reversed.",
    ),
    State.UPHELD: Phrase("到期自动结束。", "It ends by itself."),
}
ENDED = Phrase("没有下一步了。", "There is no next step.")

"""How an answer is explained to whoever asks why: rules and features in plain words."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from chatbranch.kernel.phrases import Phrase, as_lang
from chatbranch.matching.guard.kinds import KINDS

register = template.Library()

RULES: dict[str, Phrase] = {
    "calibrated-and-clean": Phrase(
        "足够像，而且没有发现数字、日期、地点、名称或否定被改动。",
        "Alike enough, and no number, date, place, name or negation was found changed.",
    ),
    "guard-conflict": Phrase(
        "很像，但有一处要紧的内容不同，所以不直接给结论。",
        "Alike, but something that matters differs, so no verdict is given directly.",
    ),
    "guard-missing": Phrase(
        "很像，但缺了一处要紧的内容，所以不直接给结论。",
        "Alike, but something that matters is missing, so no verdict is given directly.",
    ),
    "too-short": Phrase("太短，说不准是不是同一件事。", "Too short to be sure that it is the same thing."),
    "below-threshold": Phrase(
        "有些像，但没有到直接回答的标准。", "Somewhat alike, but below what a direct answer needs."
    ),
    "only-a-piece": Phrase(
        "只是那条说法的一部分；整条的结论不一定适用于这一部分。",
        "Only a piece of that claim; what was found about the whole need not hold for the piece.",
    ),
    "chinese-not-a-copy": Phrase(
        "中文消息要几乎一样才直接回答；这条还不够像。",
        "A Chinese message must be nearly a copy to be answered directly; this one is not.",
    ),
    "members-say-another": Phrase(
        "像是像，但不同账号的成员看过，认为说的是另一件事，所以不直接给结论。",
        "Alike, but members of different outlets looked and say it is another claim, so no verdict is given directly.",
    ),
    "nothing-near": Phrase("库里没有相近的内容。", "Nothing in the library comes near."),
}
FEATURES: dict[str, Phrase] = {
    "cosine": Phrase("意思相近的程度", "closeness in meaning"),
    "cosine_joint": Phrase("与各种讲法合起来的意思相近", "closeness in meaning to all its wordings together"),
    "cosine_sentence": Phrase("您的某一句与它的意思相近", "closeness in meaning of one of your sentences"),
    "claim_covered": Phrase("那条说法有多少在您的消息里", "how much of the claim is in your message"),
    "message_covered": Phrase("您的消息有多少在那条说法里", "how much of your message is in the claim"),
    "overlap": Phrase("两边重合的程度", "overlap, both ways"),
    "bm25": Phrase("共有词语的分量（BM25）", "weight of shared words (BM25)"),
    "message_rarest": Phrase("您的少见词在说法里", "your rare words in the claim"),
    "claim_rarest": Phrase("说法的少见词在您的消息里", "the claim's rare words in your message"),
    "order": Phrase("词语次序相同", "order of words"),
    "numbers_covered": Phrase("说法里的数字在您的消息里", "the claim's numbers in your message"),
    "score_margin": Phrase("比第二名高出", "lead over the second best"),
    "bm25_margin": Phrase("词语分量上的领先", "lead in shared words"),
    "bm25_lead": Phrase("词语分量比其他说法都高出", "lead over all others in shared words"),
    "cosine_lead": Phrase("意思相近比其他说法都高出", "lead over all others in closeness of meaning"),
    "same_month": Phrase("发布的月份与说法相符", "posted in the month the claim names"),
    "possible_year": Phrase("发布的年份与说法不冲突", "posted in no other year than the claim names"),
    "message_terms": Phrase("消息的长度", "length of the message"),
}


@register.filter
def rule_said(rule: str) -> str:
    """A matching rule in plain words; one not known here by its own name."""
    return RULES[rule].say(as_lang(get_language())) if rule in RULES else rule


@register.filter
def feature_said(name: str) -> str:
    """A feature in plain words; one not known here by its own name."""
    return FEATURES[name].say(as_lang(get_language())) if name in FEATURES else name.replace("_", " ")


@register.filter
def kind_said(kind: str) -> str:
    """A kind of difference in plain words; one not known here by its own name."""
    return KINDS[kind].say(as_lang(get_language())) if kind in KINDS else kind

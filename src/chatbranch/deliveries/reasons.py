"""Why a delivery stands where it stands, as the ledger says it."""

from __future__ import annotations

from chatbranch.kernel.phrases import Phrase

QUEUED = Phrase("排队中", "queued")
SENT = Phrase("已发送", "sent")
FAILED = Phrase("未能送达：{because}", "failed because {because}")
WAITING = Phrase("排队中：{because}", "queued: {because}")
REPEATED = Phrase(
    "（中断后重发过 {count} 次，对方可能收到两遍）",
    " (sent again after an interruption, {count} time(s): it may have arrived twice)",
)

# What a delivery says, by its kind.
KINDS = {
    "reply": Phrase("当场的回答", "answer given at once"),
    "verdict": Phrase("结论", "verdict"),
    "closing": Phrase("办结的说明", "why a case was closed"),
    "objection": Phrase("对异议的答复", "answer to an objection"),
    "greeting": Phrase("打招呼", "greeting"),
    "unasked": Phrase("主动提醒", "word nobody asked for"),
    "refusal": Phrase("没能收下的原因", "why a message was not taken"),
    "confirm": Phrase("请对方确认的邮件", "mail that asks to confirm"),
    "conduct": Phrase("守则事项的通知", "notice of a matter under the code of conduct"),
    "digest": Phrase("成员的每日一览", "a member's daily digest"),
    "notice": Phrase("给成员的通知", "a notice to a member"),
    "farewell": Phrase("忘记之后的告知", "last word after forgetting"),
    "relay": Phrase("转到别的群", "carried to another room"),
    "relay-notice": Phrase("告知谁加入或离开了对话", "told who joined or left a conversation"),
}

REASONS = {
    "undeliverable": Phrase("对方无法收到消息", "this person cannot be reached there"),
    "postponed": Phrase("平台要求稍后再发", "the platform asked us to wait"),
    "retrying": Phrase(
        "上一次没有发出，会自动再试", "the last attempt did not get through; it will be tried again"
    ),
    "gave-up": Phrase(
        "连续七天都没有发出，不再重试", "it did not get through for seven days, so we stopped trying"
    ),
    "unfetched": Phrase("七天内没有人来取", "nobody came to fetch it for seven days"),
    "erased": Phrase("联系方式已按约定删除", "the address was erased, as promised"),
    "orphaned": Phrase("它要改动的那条消息没有送到", "the message it was to change never arrived there"),
    "interrupted": Phrase(
        "发送时两次中断，可能已经收到，为免打扰不再重发",
        "sending was interrupted twice; it may have arrived, so we do not repeat it again",
    ),
}


def name(kind: str, lang: str) -> str:
    """What a delivery of this kind is called."""
    return KINDS[kind].say(lang) if kind in KINDS else kind


def say(state: str, reason: str, detail: str, repeats: int, lang: str) -> str:
    """One line of the ledger: "queued", "sent", or "failed because …"; in the reader's language."""
    because = REASONS[reason].say(lang) if reason in REASONS else ""
    because += f" ({detail})" if because and detail else ""
    if state == "sent":
        said = SENT.say(lang)
    elif state == "failed":
        said = FAILED.say(lang, because=because)
    else:
        said = WAITING.say(lang, because=because) if because else QUEUED.say(lang)
    return said + (REPEATED.say(lang, count=repeats) if repeats else "")

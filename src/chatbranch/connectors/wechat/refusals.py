"""What WeChat's error codes mean for a message, in plain words. Pure.

From the reference's "全局返回码说明" and "发送客服消息". What is not listed is worth another try.
"""

from __future__ import annotations

from chatbranch.connectors.contract import Later, Undeliverable
from chatbranch.kernel.phrases import Phrase

STALE = frozenset({40001, 40014, 41001, 42001})
"""The access token has ended, or another was made meanwhile: fetch one and try once more."""

NEVER: dict[int, Phrase] = {
    40003: Phrase("没有这个读者", "there is no such reader"),
    43004: Phrase("读者已取消关注", "the reader no longer follows the account"),
    43005: Phrase("读者已取消关注", "the reader no longer follows the account"),
    43019: Phrase("读者在账号的黑名单里", "the reader is on the account's blacklist"),
    45015: Phrase(
        "读者超过48小时没有来信，平台不许再发；读者发查询码仍可看到",
        "the reader has not written for 48 hours, and WeChat lets us send no more; their code still works",
    ),
    50002: Phrase("读者的微信账号受限", "the reader's WeChat account is restricted"),
}

HOUR = 3600.0
_QUOTA = 20.0
"""Until the reader writes again; when they do, what waits must not keep them waiting."""

WAIT: dict[int, tuple[float, Phrase]] = {
    -1: (5.0, Phrase("微信繁忙", "WeChat is busy")),
    45009: (HOUR, Phrase("今天的调用次数已用完", "the account's calls for today are used up")),
    45011: (60.0, Phrase("调用太频繁", "too many calls at once")),
    45047: (
        _QUOTA,
        Phrase("读者再来信之前只能发这么多条", "no more may be sent until the reader writes again"),
    ),
}

WRONG: dict[int, Phrase] = {
    40013: Phrase("wechat.appid 不对", "wechat.appid is wrong"),
    40125: Phrase("wechat.secret 不对", "wechat.secret is wrong"),
    40164: Phrase(
        "本机的IP不在微信后台的白名单里，请加上",
        "this machine's IP address is not on WeChat's IP whitelist; add it",
    ),
    40243: Phrase(
        "AppSecret 已被冻结，请在微信后台解冻", "the AppSecret is frozen; unfreeze it in the admin pages"
    ),
    48001: Phrase(
        "账号没有客服消息接口：未认证的账号请设 wechat.verified 为 false",
        "the account may not send customer-service messages: if it is not verified, set wechat.verified to false",
    ),
}
"""Somebody of the branch has to do something; meanwhile messages wait."""


class Refusal(Exception):
    """WeChat answered with an error code. What it said beside it is left out: it may quote what we sent."""

    def __init__(self, code: int) -> None:
        super().__init__(_said(WRONG[code], code) if code in WRONG else f"WeChat answered {code}")
        self.code = code


def outcome(refusal: Refusal) -> Exception:
    """What a refused message is to the house: Undeliverable, Later, or the refusal itself for "try again"."""
    code = refusal.code
    if code in NEVER:
        return Undeliverable(_said(NEVER[code], code))
    if code in WAIT:
        seconds, why = WAIT[code]
        return Later(seconds, _said(why, code))
    return Later(5 * 60.0, _said(WRONG[code], code)) if code in WRONG else refusal


def _said(phrase: Phrase, code: int) -> str:
    return f"{phrase.zh} / {phrase.en} ({code})"

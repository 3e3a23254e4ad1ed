"""What Telegram's refusals mean, in plain words. Pure.

The Bot API's `description` is for people, and may change; only what cannot be told by code is read from it.
"""

from __future__ import annotations

import re

from chatbranch.connectors.contract import Later, Undeliverable
from chatbranch.kernel.phrases import Phrase

WRONG_TOKEN = Phrase(
    "telegram.token 不对或已作废：请向 @BotFather 发 /token 取得，再填一次",
    "telegram.token is wrong or no longer valid: ask @BotFather for it with /token, and enter it again",
)
NO_SUCH_API = Phrase(
    "telegram.api 不是 Bot API 服务器，或 telegram.token 不对",
    "telegram.api is no Bot API server, or telegram.token is wrong",
)
SECOND_READER = Phrase(
    "有另一个程序在用同一个令牌收消息：请停掉它，或向 @BotFather 发 /revoke 换一个令牌",
    "another program receives with the same token: stop it, or get a new token from @BotFather with /revoke",
)
WAIT_IF_UNSAID = 5.0  # seconds

_NEVER: dict[str, Phrase] = {
    "chat not found": Phrase("没有这个会话", "there is no such chat"),
    "bot was blocked": Phrase("对方屏蔽了机器人", "they have blocked the bot"),
    "user is deactivated": Phrase("对方的账号已注销", "their account is gone"),
    "kicked|not a member": Phrase("机器人已不在群里", "the bot is no longer in the group"),
    "can't initiate": Phrase("对方还没有和机器人说过话", "they have never written to the bot"),
    "rights|forbidden|restricted": Phrase("群里不许机器人这样做", "the group does not let the bot do this"),
    "thread not found|topic": Phrase("这个话题已关闭或删除", "this topic is closed or gone"),
    "can't be edited|can't be deleted": Phrase(
        "这条消息已不能改动（超过48小时，或不是机器人发的）",
        "this message can no longer be changed (older than 48 hours, or not the bot's)",
    ),
    "not found": Phrase("那条消息已不在", "that message is gone"),
    "reaction": Phrase("这里不能用这个表情回应", "this reaction cannot be used here"),
    "too large|too big": Phrase("文件太大", "the file is too large"),
}
_OTHERWISE = Phrase("Telegram 不接受这条消息", "Telegram does not take this message")


class Refusal(Exception):
    """Telegram said no. wait: seconds it asks for, 0 if none. moved_to: the group's new id, or 0."""

    def __init__(self, code: int, description: str = "", wait: float = 0.0, moved_to: int = 0) -> None:
        super().__init__(f"Telegram answered {code}")
        self.code, self.description, self.wait, self.moved_to = code, description, wait, moved_to

    def says(self, pattern: str) -> bool:
        """Whether the description has one of these words."""
        return re.search(pattern, self.description, re.IGNORECASE) is not None


def outcome(refusal: Refusal) -> Exception:
    """What a refused call is to the house: Later, Undeliverable, or the refusal itself for "try again"."""
    match refusal.code:
        case 429:
            return Later(refusal.wait or WAIT_IF_UNSAID, _said(Phrase("发得太快", "too many at once"), 429))
        case 401:
            return Later(300.0, _said(WRONG_TOKEN, 401))
        case 400 | 403:
            return Undeliverable(_said(_why(refusal), refusal.code))
    return refusal


def both(phrase: Phrase) -> str:
    """In both languages, for those who run the branch."""
    return f"{phrase.zh} / {phrase.en}"


def _why(refusal: Refusal) -> Phrase:
    return next((phrase for words, phrase in _NEVER.items() if refusal.says(words)), _OTHERWISE)


def _said(phrase: Phrase, code: int) -> str:
    return f"{both(phrase)} ({code})"

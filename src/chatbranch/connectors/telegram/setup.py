"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="telegram",
    title=Phrase("Telegram", "Telegram"),
    capabilities=Capabilities(
        rooms=True,
        attachments=True,
        files=True,
        replies=True,
        threads=True,
        edits=True,
        deletes=True,
        reacts=True,
        types=True,
        replays=True,
        characters=2048,  # Telegram counts UTF-16: 4,096 of its units hold 2,048 characters of any kind
        per_second=1.0,
    ),
    settings=(
        Setting(
            "token",
            Phrase("机器人的令牌，由 @BotFather 给出", "The bot's token, as @BotFather gives it"),
            secret=True,
            example="110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
        ),
        Setting(
            "api",
            Phrase("Bot API 服务器的地址", "Address of the Bot API server"),
            required=False,
            default="https://api.telegram.org",
        ),
        Setting(
            "proxy",
            Phrase(
                "HTTP 代理的地址，连不上 Telegram 的地方要填",
                "Address of an HTTP proxy, where Telegram cannot be reached without one",
            ),
            secret=True,
            required=False,
        ),
        Setting(
            "group_per_minute",
            Phrase(
                "在一个群里每分钟最多发几条；0 为不限",
                "Most messages a minute to one group; 0 for no limit",
            ),
            required=False,
            default="20",
        ),
    ),
    transport="chatbranch.connectors.telegram.transport:Telegram",
)

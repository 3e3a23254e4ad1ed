"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="irc",
    title=Phrase("IRC", "IRC"),
    capabilities=Capabilities(
        rooms=True,
        characters=2000,
        per_second=0.0,  # the connector itself keeps the pace that its settings name
    ),
    settings=(
        Setting("server", Phrase("服务器地址", "Address of the server"), example="irc.example.org"),
        Setting("nick", Phrase("机器人的昵称", "The bot's nick"), example="checkbot"),
        Setting(
            "channels",
            Phrase("要进的频道，用逗号分开", "The channels to be in, separated by commas"),
            required=False,
            example="#branch, #readers",
        ),
        Setting(
            "channel_keys",
            Phrase(
                "需要钥匙的频道：#频道=钥匙，用逗号分开",
                "For channels with a key: #channel=key, separated by commas",
            ),
            secret=True,
            required=False,
        ),
        Setting("port", Phrase("端口", "The port"), required=False, default="6697"),
        Setting(
            "tls",
            Phrase(
                "加密连接：on，或 off（仅限本机或内网）",
                "Encrypted connection: on, or off (this machine or its own network only)",
            ),
            required=False,
            default="on",
        ),
        Setting(
            "account",
            Phrase("登录账号；留空则与昵称相同", "Account to sign in to; empty: the same as the nick"),
            required=False,
        ),
        Setting(
            "password",
            Phrase("账号密码（SASL）", "The account's password (SASL)"),
            secret=True,
            required=False,
        ),
        Setting(
            "server_password",
            Phrase("服务器密码，少数服务器才有", "Password of the server itself, which few have"),
            secret=True,
            required=False,
        ),
        Setting(
            "name",
            Phrase("个人资料里显示的名称", "Name shown when somebody looks the bot up"),
            required=False,
            default="chatbranch",
        ),
        Setting(
            "peers",
            Phrase(
                "同在频道里的其他转发机器人的昵称或账号；它们说的不转",
                "Nicks or accounts of other relays in the channels; what they say is not taken in",
            ),
            required=False,
        ),
        Setting(
            "burst",
            Phrase("可以连着发的行数", "Lines that may be sent at once"),
            required=False,
            default="5",
        ),
        Setting(
            "per_second",
            Phrase(
                "此后每秒发的行数；自己的服务器可填 0，不限",
                "Lines a second after that; 0, no limit, for a server of your own",
            ),
            required=False,
            default="0.5",
        ),
        Setting(
            "gather",
            Phrase(
                "私聊里隔多少秒以内的几行算一条消息",
                "Lines of a private conversation that come within so many seconds are one message",
            ),
            required=False,
            default="1",
        ),
    ),
    transport="chatbranch.connectors.irc.transport:Irc",
)

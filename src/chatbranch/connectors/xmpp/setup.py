"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="xmpp",
    title=Phrase("XMPP", "XMPP"),
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
        idempotent=True,
        in_order=True,
        characters=8000,
        per_second=0.0,
    ),
    settings=(
        Setting(
            "jid",
            Phrase("机器人的账号", "The bot's address (JID)"),
            example="check@example.org",
        ),
        Setting(
            "password",
            Phrase("账号密码", "The account's password"),
            secret=True,
            example="a long password",
        ),
        Setting(
            "rooms",
            Phrase("要进入的聊天室，用逗号分开", "Rooms to be in, separated by commas"),
            required=False,
            example="members@rooms.example.org, desk@rooms.example.org",
        ),
        Setting(
            "nick",
            Phrase("在聊天室里的名字；留空则用账号名", "Name in the rooms; empty: the account's own"),
            required=False,
            example="查一查",
        ),
        Setting(
            "host",
            Phrase("服务器地址，仅当域名查不到时填写", "The server, where the domain's DNS does not name it"),
            required=False,
            example="xmpp.example.org",
        ),
        Setting(
            "port",
            Phrase("服务器端口", "The server's port"),
            required=False,
            example="5222",
        ),
        Setting(
            "security",
            Phrase(
                "starttls（通常用它）、tls（整个连接加密，5223 端口常用）或 none（仅限本机）",
                "starttls (usual), tls (encrypted from the first byte, often port 5223) or none (this machine only)",
            ),
            required=False,
            default="starttls",
        ),
    ),
    transport="chatbranch.connectors.xmpp.transport:Xmpp",
)

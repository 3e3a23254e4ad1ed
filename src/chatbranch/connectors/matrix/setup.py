"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="matrix",
    title=Phrase("Matrix", "Matrix"),
    capabilities=Capabilities(
        rooms=True,
        html=True,
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
        characters=8000,
        per_second=0.0,
    ),
    settings=(
        Setting(
            "homeserver",
            Phrase("服务器地址", "Address of the homeserver"),
            example="https://matrix.example.org",
        ),
        Setting(
            "user",
            Phrase("机器人的完整账号", "The bot's full user id"),
            example="@check:example.org",
        ),
        Setting(
            "password",
            Phrase(
                "账号密码；首次登录后只留存登录凭证",
                "The account's password; used to sign in once, the session is then kept",
            ),
            secret=True,
            required=False,
            example="a long password",
        ),
        Setting(
            "token",
            Phrase("访问令牌，可代替密码", "An access token, instead of the password"),
            secret=True,
            required=False,
        ),
        Setting(
            "device_name",
            Phrase("会话列表里显示的名称", "Name shown in the account's list of sessions"),
            required=False,
            default="chatbranch",
        ),
    ),
    transport="chatbranch.connectors.matrix.transport:Matrix",
)

"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="mail",
    title=Phrase("电子邮件", "E-mail"),
    capabilities=Capabilities(receives=False, html=True, characters=100_000, per_second=1.0),
    settings=(
        Setting(
            "host",
            Phrase("发信服务器", "The outgoing mail server"),
            example="smtp.example.org",
        ),
        Setting(
            "sender",
            Phrase("发件人和地址", "The From line: a name and an address"),
            example="Checking <check@example.org>",
        ),
        Setting("port", Phrase("端口", "The port"), required=False, default="587"),
        Setting(
            "security",
            Phrase(
                "starttls（587 端口常用）、tls（465 端口）或 none（仅限本机）",
                "starttls (usual on port 587), tls (port 465) or none (this machine only)",
            ),
            required=False,
            default="starttls",
        ),
        Setting(
            "user", Phrase("登录名；留空则不登录", "Name to sign in with; empty: no sign-in"), required=False
        ),
        Setting("password", Phrase("登录密码", "Password to sign in with"), secret=True, required=False),
        Setting(
            "unsubscribe_url",
            Phrase("“忘记我”页面的地址，写进每封信", "Address of the “forget me” page, put into every mail"),
            required=False,
            example="https://branch.example.org/forget/",
        ),
    ),
    transport="chatbranch.connectors.mail.transport:Mail",
)

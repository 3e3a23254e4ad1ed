"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="mail",
    title=Phrase("电子邮件", "E-mail"),
    capabilities=Capabilities(
        html=True,
        attachments=True,
        files=True,
        replies=True,
        replays=True,
        characters=100_000,
        per_second=1.0,
    ),
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
            "user",
            Phrase("登录名；留空则不登录", "Name to sign in with; empty: no sign-in"),
            required=False,
            example="check@example.org",
        ),
        Setting(
            "password",
            Phrase("登录密码", "Password to sign in with"),
            secret=True,
            required=False,
            example="a long password",
        ),
        Setting(
            "unsubscribe_url",
            Phrase("“忘记我”页面的地址，写进每封信", "Address of the “forget me” page, put into every mail"),
            required=False,
            example="https://branch.example.org/forget/",
        ),
        Setting(
            "imap_host",
            Phrase(
                "收信服务器；留空则只发信、不收信",
                "The server of the mailbox to read; empty: mail is only sent",
            ),
            required=False,
            example="imap.example.org",
        ),
        Setting("imap_port", Phrase("收信服务器的端口", "Its port"), required=False, default="993"),
        Setting(
            "imap_security",
            Phrase(
                "tls（993 端口常用）、starttls（143 端口）或 none（仅限本机）",
                "tls (usual on port 993), starttls (port 143) or none (this machine only)",
            ),
            required=False,
            default="tls",
        ),
        Setting(
            "imap_user",
            Phrase("收信的登录名；留空则同发信", "Name to sign in with; empty: the one for sending"),
            required=False,
        ),
        Setting(
            "imap_password",
            Phrase("收信的密码；留空则同发信", "Password to sign in with; empty: the one for sending"),
            secret=True,
            required=False,
        ),
        Setting("imap_folder", Phrase("要读的文件夹", "The folder to read"), required=False, default="INBOX"),
        Setting(
            "imap_poll",
            Phrase(
                "隔多少秒看一次；服务器会主动告知新邮件时，只是以防万一",
                "Seconds between looks; where the server tells of new mail by itself, just to be sure",
            ),
            required=False,
            default="60",
        ),
        Setting(
            "authserv_id",
            Phrase(
                "收信服务器在 Authentication-Results 里用的名字；只信它对发件人真伪的判断",
                "The name your server gives itself in Authentication-Results: only its word on forged senders then counts",
            ),
            required=False,
            example="mx.example.org",
        ),
    ),
    transport="chatbranch.connectors.mail.transport:Mail",
)

"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="web",
    title=Phrase("网页聊天", "Web chat"),
    capabilities=Capabilities(idempotent=True, pulled=True, webhook=True, characters=100_000, per_second=0),
    settings=(
        Setting(
            "sites",
            Phrase(
                "可以把聊天窗嵌进自己网页的网站，用空格或逗号分开；留空则都不可以",
                "Sites that may have the chat box on their pages, separated by blanks or commas; empty: none",
            ),
            required=False,
            example="https://www.example.org https://*.example.net",
        ),
    ),
    transport="chatbranch.connectors.web.transport:Web",
)

"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="web",
    title=Phrase("网页聊天", "Web chat"),
    capabilities=Capabilities(idempotent=True, pulled=True, webhook=True, characters=100_000, per_second=0),
    settings=(),
    transport="chatbranch.connectors.web.transport:Web",
)

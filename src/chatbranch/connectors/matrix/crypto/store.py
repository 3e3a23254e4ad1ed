"""Where keys are kept: small values of the house's memory, one for each device, session or room key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from chatbranch.connectors.contract import Host
from chatbranch.connectors.matrix.wire import memory_key

PICKLE_KEY = bytes(32)  # the house seals everything it remembers; a second key beside it would add nothing


class Store:
    """JSON values by kind and name. What `put` was given is durable when it returns."""

    def __init__(self, host: Host, of: str) -> None:
        self._host, self._of = host, of
        self._writing = asyncio.Lock()

    async def get(self, kind: str, name: str = "") -> Any:
        """The value, or None."""
        kept = await self._host.recall(self._key(kind, name))
        return json.loads(kept) if kept else None

    async def put(self, kind: str, name: str, value: Callable[[], object]) -> None:
        """Keep what `value()` gives when its turn comes: an older state never overwrites a newer one."""
        async with self._writing:
            await self._host.remember(self._key(kind, name), json.dumps(value()))

    def _key(self, kind: str, name: str) -> str:
        return memory_key(f"e2e-{kind}:", f"{self._of}\n{name}")

"""Other people's devices (section "Device keys"). Trusted when first seen; from then on, only with the same key."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chatbranch.connectors.matrix.crypto.canonical import signed_by
from chatbranch.connectors.matrix.crypto.store import Store
from chatbranch.connectors.matrix.session import Session

log = logging.getLogger(__name__)

MEGOLM = "m.megolm.v1.aes-sha2"
PATIENCE = 8_000  # milliseconds our server waits for another one


@dataclass(frozen=True)
class Device:
    """curve: the key we encrypt to. ed: the key it is known by."""

    user: str
    id: str
    curve: str
    ed: str


class Devices:
    """Whose devices are known; asked anew when the server says that something changed."""

    def __init__(self, session: Session, store: Store) -> None:
        self._session, self._store = session, store
        self._fresh: dict[str, list[Device]] = {}

    def changed(self, users: Iterable[str]) -> None:
        """Ask about these again before they are next written to."""
        for user in users:
            self._fresh.pop(user, None)

    async def of(self, users: Iterable[str]) -> list[Device]:
        """The devices of these people."""
        wanted = list(users)
        missing = [user for user in wanted if user not in self._fresh]
        if missing:
            await self._ask(missing)
        return [device for user in wanted for device in self._fresh.get(user, ())]

    async def by_curve(self, user: str, curve: str) -> Device | None:
        """The device of somebody that has this key."""
        return next((device for device in await self.of([user]) if device.curve == curve), None)

    async def _ask(self, users: list[str]) -> None:
        body = {"device_keys": {user: [] for user in users}, "timeout": PATIENCE}
        answer = await self._session.call("POST", "keys/query", body)
        for user in users:
            await self._learn(user, answer.get("device_keys"))

    async def _learn(self, user: str, answer: object) -> None:
        given = answer.get(user) if isinstance(answer, Mapping) else None
        known: dict[str, str] = await self._store.get("devices", user) or {}
        if not isinstance(given, Mapping):  # their server did not answer: asked again next time
            return
        found = [device for name, keys in given.items() if (device := read_device(user, name, keys))]
        kept = [device for device in found if known.get(device.id, device.ed) == device.ed]
        if len(kept) < len(found):
            log.warning("matrix: a device came back under another key, and is told nothing")
        now = known | {device.id: device.ed for device in kept}
        if now != known:
            await self._store.put("devices", user, lambda: now)
        self._fresh[user] = kept


def read_device(user: str, name: object, keys: Any) -> Device | None:
    """A device as the server describes it; None unless it has signed that itself, and can encrypt."""
    try:
        device = Device(
            user, keys["device_id"], keys["keys"][f"curve25519:{name}"], keys["keys"][f"ed25519:{name}"]
        )
        fits = keys["user_id"] == user and device.id == name and MEGOLM in keys["algorithms"]
    except (KeyError, TypeError):
        return None
    if not fits or not all(isinstance(each, str) for each in (device.id, device.curve, device.ed)):
        return None
    return device if signed_by(keys, user, f"ed25519:{name}", device.ed) else None

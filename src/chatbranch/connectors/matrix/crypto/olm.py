"""From one device to another (section "m.olm.v1.curve25519-aes-sha2"): how room keys travel."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vodozemac import AnyOlmMessage, Curve25519PublicKey
from vodozemac import Session as Ratchet

from chatbranch.connectors.matrix.crypto.canonical import decode, encode, signed_by
from chatbranch.connectors.matrix.crypto.devices import Device
from chatbranch.connectors.matrix.crypto.identity import Identity
from chatbranch.connectors.matrix.crypto.store import PICKLE_KEY, Store
from chatbranch.connectors.matrix.session import Session

log = logging.getLogger(__name__)

OLM = "m.olm.v1.curve25519-aes-sha2"
MOST_RATCHETS = 4  # of one device
IN_MEMORY = 2000  # devices whose ratchets are held; the others are in the store
PATIENCE = 8_000  # milliseconds our server waits for another one


@dataclass(frozen=True)
class Opened:
    """What one device told ours. curve and ed: its keys; that the key `ed` is theirs is the sender's own claim."""

    sender: str
    curve: str
    ed: str
    kind: str
    content: Mapping[str, Any]


class Unreadable(Exception):
    """This came to our device, but the ratchet it was made with is not ours any more, or never was."""


class Olm:
    """Our ratchets with other devices, the one last heard of first."""

    def __init__(self, session: Session, identity: Identity, store: Store) -> None:
        self._session, self._identity, self._store = session, identity, store
        self._ratchets: OrderedDict[str, list[Ratchet]] = (
            OrderedDict()
        )  # curve key of a device -> newest first
        self._seen: OrderedDict[str, None] = OrderedDict()  # what a repeated sync may bring again
        self._moved: dict[str, list[Ratchet]] = {}  # by reading; not kept yet
        self._spent = False  # a one-time key is, and that is not kept yet

    # --- reading ---

    async def open(self, event: Mapping[str, Any]) -> Opened | None:
        """What an encrypted event to our device says; None where it says nothing to us. Raises Unreadable.

        What that did to our ratchets is kept by `settle`, once what was said is kept: so after a crash it can be read again.
        """
        content, sender = event.get("content"), event.get("sender")
        if not isinstance(content, Mapping) or not isinstance(sender, str) or content.get("algorithm") != OLM:
            return None
        curve = content.get("sender_key")
        sealed = content.get("ciphertext")
        ours = sealed.get(self._identity.curve) if isinstance(sealed, Mapping) else None
        if not isinstance(curve, str) or not isinstance(ours, Mapping):
            return None
        try:
            body = decode(ours.get("body"))
            message = AnyOlmMessage.from_parts(ours["type"], body)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        if not self._is_new(body):
            return None
        plain = await self._decrypt(curve, message)
        return self._read(plain, sender, curve)

    def _is_new(self, body: bytes) -> bool:
        digest = hashlib.sha256(body).hexdigest()
        if digest in self._seen:
            return False
        self._seen[digest] = None
        if len(self._seen) > IN_MEMORY:
            self._seen.popitem(last=False)
        return True

    async def _decrypt(self, curve: str, message: AnyOlmMessage) -> bytes:
        ratchets = await self._of(curve)
        first = message.to_pre_key()
        for ratchet in list(ratchets):
            if first is not None and not ratchet.session_matches(first):
                continue
            try:
                plain = ratchet.decrypt(message)
            except ValueError:
                if first is not None:
                    raise Unreadable from None
                continue
            self._move(curve, ratchets, ratchet)
            return plain
        if first is None:
            raise Unreadable
        try:
            ratchet, plain = self._identity.account.create_inbound_session(
                Curve25519PublicKey.from_base64(curve), first
            )
        except ValueError:
            raise Unreadable from None
        self._move(curve, ratchets, ratchet)
        self._spent = True
        return plain

    def _move(self, curve: str, ratchets: list[Ratchet], ratchet: Ratchet) -> None:
        _to_front(ratchets, ratchet)
        self._moved[curve] = ratchets

    async def settle(self) -> None:
        """Keep what reading did to our ratchets."""
        for curve in list(self._moved):
            await self._save(curve, self._moved[curve])
            del self._moved[curve]
        if self._spent:
            await self._identity.save()
            self._spent = False

    def _read(self, plain: bytes, sender: str, curve: str) -> Opened | None:
        """The payload, if it is from whom the server says and to us."""
        try:
            payload = json.loads(plain)
            honest = payload["sender"] == sender and payload["recipient"] == self._session.me
            honest = honest and payload["recipient_keys"]["ed25519"] == self._identity.ed
            opened = Opened(sender, curve, payload["keys"]["ed25519"], payload["type"], payload["content"])
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        return (
            opened if honest and isinstance(opened.content, Mapping) and isinstance(opened.ed, str) else None
        )

    # --- writing ---

    async def seal(
        self, devices: Sequence[Device], kind: str, content: Mapping[str, Any], *, anew: bool = False
    ) -> dict[str, dict[str, Any]]:
        """The same for each of these devices: user id -> device id -> content. One that gives no key is left out.

        anew: begin new ratchets, for the old ones have failed.
        """
        without = [device for device in devices if anew or not await self._of(device.curve)]
        if without:
            await self._begin(without)
        sealed: dict[str, dict[str, Any]] = {}
        for device in devices:
            if ratchets := await self._of(device.curve):
                message = ratchets[0].encrypt(self._payload(device, kind, content))
                await self._keep(device.curve, ratchets[0])  # before anybody can see it: no key is used twice
                sealed.setdefault(device.user, {})[device.id] = self._wrapped(device, message)
        return sealed

    def _payload(self, device: Device, kind: str, content: Mapping[str, Any]) -> bytes:
        payload = {
            "type": kind,
            "content": content,
            "sender": self._session.me,
            "keys": {"ed25519": self._identity.ed},
            "recipient": device.user,
            "recipient_keys": {"ed25519": device.ed},
        }
        return json.dumps(payload, ensure_ascii=False).encode()

    def _wrapped(self, device: Device, message: AnyOlmMessage) -> dict[str, Any]:
        kind, body = message.to_parts()
        ciphertext = {device.curve: {"type": kind, "body": encode(bytes(body))}}
        return {"algorithm": OLM, "sender_key": self._identity.curve, "ciphertext": ciphertext}

    async def _begin(self, devices: Sequence[Device]) -> None:
        """Claim a one-time key of each, and begin a ratchet with it."""
        wanted: dict[str, dict[str, str]] = {}
        for device in devices:
            wanted.setdefault(device.user, {})[device.id] = "signed_curve25519"
        body = {"one_time_keys": wanted, "timeout": PATIENCE}
        given = (await self._session.call("POST", "keys/claim", body)).get("one_time_keys")
        for device in devices:
            key = one_time_key(given, device)
            if key is None:
                continue
            ratchet = self._identity.account.create_outbound_session(
                Curve25519PublicKey.from_base64(device.curve), key
            )
            await self._keep(device.curve, ratchet)

    # --- keeping ---

    async def _of(self, curve: str) -> list[Ratchet]:
        if curve not in self._ratchets:
            kept = await self._store.get("olm", curve) or []
            self._ratchets.setdefault(curve, [Ratchet.from_pickle(each, PICKLE_KEY) for each in kept])
            if len(self._ratchets) > IN_MEMORY:
                self._ratchets.popitem(last=False)
        self._ratchets.move_to_end(curve)
        return self._ratchets[curve]

    async def _keep(self, curve: str, ratchet: Ratchet) -> None:
        ratchets = await self._of(curve)
        _to_front(ratchets, ratchet)
        await self._save(curve, ratchets)

    async def _save(self, curve: str, ratchets: list[Ratchet]) -> None:
        await self._store.put("olm", curve, lambda: [each.pickle(PICKLE_KEY) for each in ratchets])


def _to_front(ratchets: list[Ratchet], ratchet: Ratchet) -> None:
    ratchets[:] = [ratchet, *(each for each in ratchets if each is not ratchet)][:MOST_RATCHETS]


def one_time_key(given: Any, device: Device) -> Curve25519PublicKey | None:
    """The key the server claimed for us, if the device has signed it."""
    try:
        (key,) = given[device.user][device.id].values()
        if not signed_by(key, device.user, f"ed25519:{device.id}", device.ed):
            return None
        return Curve25519PublicKey.from_base64(key["key"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None

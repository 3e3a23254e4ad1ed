"""Who we are to other devices: our device's keys, its one-time keys, and the account's own word for it.

Since v1.17 of the specification (MSC4153) others may ignore a device its owner has not signed. So an account that has no
signing keys yet is given some ("cross-signing"), and signs its device with them.
"""

from __future__ import annotations

import logging
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vodozemac import Account

from chatbranch.connectors.contract import Undeliverable
from chatbranch.connectors.matrix.crypto.canonical import decode, encode, signed_by, to_sign
from chatbranch.connectors.matrix.crypto.store import PICKLE_KEY, Store
from chatbranch.connectors.matrix.session import Refused, Session

log = logging.getLogger(__name__)

ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]
ENOUGH = 50  # one-time keys the server should have; each first contact of a device takes one
UNSIGNED = (
    "this account was set up for encryption by another app, which has not confirmed the bot's session; some apps will not "
    "let it read encrypted messages: confirm it there, or give the bot an account of its own"
)


class Identity:
    """Our device. `open` first."""

    def __init__(self, session: Session, store: Store) -> None:
        self._session, self._store = session, store
        self.account = Account()

    @property
    def curve(self) -> str:
        """The key others encrypt to."""
        return self.account.curve25519_key.to_base64()

    @property
    def ed(self) -> str:
        """The key others know us by."""
        return self.account.ed25519_key.to_base64()

    async def open(self) -> str:
        """Be the device we were before, or a new one; returns what is wrong, for the desk, or ""."""
        kept = await self._store.get("account")
        if kept:
            self.account = Account.from_pickle(kept, PICKLE_KEY)
        else:
            await self.save()
        await self._session.call("POST", "keys/upload", {"device_keys": self._device_keys()})
        try:
            return await self._cross_sign()
        except (Refused, Undeliverable) as refusal:
            log.warning("matrix: the homeserver does not let the account sign its session: %s", refusal)
            return UNSIGNED

    async def save(self) -> None:
        """Durable when this returns."""
        await self._store.put("account", "", lambda: self.account.pickle(PICKLE_KEY))

    def _device_keys(self) -> dict[str, Any]:
        me, device = self._session.me, self._session.device
        keys = {f"curve25519:{device}": self.curve, f"ed25519:{device}": self.ed}
        return self._signed({"algorithms": ALGORITHMS, "device_id": device, "user_id": me, "keys": keys})

    def _signed(self, value: dict[str, Any]) -> dict[str, Any]:
        signature = self.account.sign(to_sign(value)).to_base64()
        return {**value, "signatures": {self._session.me: {f"ed25519:{self._session.device}": signature}}}

    # --- one-time keys (section "One-time and fallback keys") ---

    async def replenish(self, left: int | None, fallback_unused: bool | None) -> None:
        """Give the server new keys where it has too few. They are ours for good before anybody can use them."""
        body: dict[str, Any] = {}
        if left is not None and left < ENOUGH // 2:
            waiting = len(self.account.one_time_keys)  # of an attempt that failed
            self.account.generate_one_time_keys(max(0, ENOUGH - left - waiting))
            body["one_time_keys"] = self._published(self.account.one_time_keys)
        if fallback_unused is False:
            account: Any = self.account  # vodozemac's stubs lack the fallback key
            account.generate_fallback_key()
            body["fallback_keys"] = self._published(account.fallback_key, fallback=True)
        if not body:
            return
        await self.save()
        try:
            await self._session.call("POST", "keys/upload", body)
        except Refused as refused:  # a restored backup counts its keys anew, and some numbers are taken
            log.warning("matrix: one-time keys are not taken (%s); others follow", refused)
        self.account.mark_keys_as_published()
        await self.save()

    def _published(self, keys: dict[str, Any], *, fallback: bool = False) -> dict[str, Any]:
        mark = {"fallback": True} if fallback else {}
        named = {f"signed_curve25519:{name}": {"key": key.to_base64(), **mark} for name, key in keys.items()}
        return {name: self._signed(key) for name, key in named.items()}

    # --- cross-signing (section "Cross-signing") ---

    async def _cross_sign(self) -> str:
        me = self._session.me
        known = await self._session.call("POST", "keys/query", {"device_keys": {me: []}})
        there = _public(_at(known, "master_keys", me))
        seeds = await self._store.get("cross-signing", me)
        if not there:
            seeds = seeds or {"master": _seed(), "self": _seed()}
            await self._store.put("cross-signing", me, lambda: seeds)
            await self._introduce(seeds)
        elif not seeds or _key(seeds["master"])[1] != there:
            return "" if self._vouched(known) else UNSIGNED
        if not self._vouched(known) or not there:
            await self._vouch(seeds)
        return ""

    def _vouched(self, known: dict[str, Any]) -> bool:
        """Whether the account's signing key has signed this very device."""
        me, device = self._session.me, self._session.device
        signer = _public(_at(known, "self_signing_keys", me))
        ours = _at(known, "device_keys", me, device)
        same = _at(ours, "keys", f"ed25519:{device}") == self.ed
        return bool(signer) and same and signed_by(ours, me, f"ed25519:{signer}", signer)

    async def _introduce(self, seeds: dict[str, str]) -> None:
        """Publish the account's signing keys; the server may ask for the password."""
        master, public = _key(seeds["master"])
        me = self._session.me
        master_key = self._signed(_cross_key(me, "master", public))
        signing = _cross_key(me, "self_signing", _key(seeds["self"])[1])
        signing = _cross_signed(signing, me, master, public)
        body: dict[str, Any] = {"master_key": master_key, "self_signing_key": signing}
        try:
            await self._session.call("POST", "keys/device_signing/upload", body)
        except Refused as asked:
            if asked.status != 401 or not self._session.password:
                raise
            proof = {
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": me},
                "password": self._session.password,
                "session": asked.body.get("session"),
            }
            await self._session.call("POST", "keys/device_signing/upload", {**body, "auth": proof})

    async def _vouch(self, seeds: dict[str, str]) -> None:
        """Sign our device."""
        private, public = _key(seeds["self"])
        me = self._session.me
        signed = _cross_signed(self._device_keys(), me, private, public)
        await self._session.call("POST", "keys/signatures/upload", {me: {self._session.device: signed}})


def _seed() -> str:
    return encode(Ed25519PrivateKey.generate().private_bytes_raw())


def _key(seed: str) -> tuple[Ed25519PrivateKey, str]:
    private = Ed25519PrivateKey.from_private_bytes(decode(seed))
    return private, encode(private.public_key().public_bytes_raw())


def _cross_key(user: str, usage: str, public: str) -> dict[str, Any]:
    return {"user_id": user, "usage": [usage], "keys": {f"ed25519:{public}": public}}


def _cross_signed(
    value: dict[str, Any], user: str, private: Ed25519PrivateKey, public: str
) -> dict[str, Any]:
    signature = {f"ed25519:{public}": encode(private.sign(to_sign(value)))}
    return {**value, "signatures": {user: signature}}


def _at(value: Any, *path: str) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _public(key: Any) -> str:
    """The public part of a cross-signing key as the server shows it, or ""."""
    keys = _at(key, "keys")
    return str(next(iter(keys.values()), "")) if isinstance(keys, dict) else ""

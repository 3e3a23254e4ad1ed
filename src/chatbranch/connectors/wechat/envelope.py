"""Signatures and the encrypted envelope. Pure: strings and bytes in, strings and bytes out.

WeChat's published reference (developers.weixin.qq.com/doc): "接入指引" for the signature, "消息加解密说明" for the
envelope. SHA-1 and AES-CBC without a MAC are the platform's choice; here nothing is decrypted before its signature holds,
and everything that fails, fails alike.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 32  # bytes the plain text is padded to (PKCS#7 with K = 32, not AES's own 16)
RANDOM = 16  # bytes of chance in front
_HEAD = RANDOM + 4  # and the length of the message, big-endian


class Forged(ValueError):
    """Not signed with our token, not sealed with our key, or not meant for our account."""


@dataclass(frozen=True)
class Keys:
    """What the account and WeChat share. aes: 32 bytes, or empty where messages come in the clear."""

    appid: str
    token: str = field(repr=False)
    aes: bytes = field(default=b"", repr=False)


def aes_key(encoding_aes_key: str) -> bytes:
    """The 32 bytes behind an EncodingAESKey (43 letters and digits). Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}", encoding_aes_key):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return base64.b64decode(encoding_aes_key + "=")


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts, 40 hex digits: token, timestamp, nonce, and where it is sealed the sealed message."""
    together = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(together, usedforsecurity=False).hexdigest()


def check(given: str, *parts: str) -> None:
    """Raise Forged unless `given` is the signature of `parts`."""
    if not compare_digest(given.encode("utf-8", "surrogatepass"), signature(*parts).encode()):
        raise Forged("the signature does not hold")


def seal(message: bytes, keys: Keys, chance: bytes) -> str:
    """The message as an `Encrypt` field. chance: 16 fresh random bytes."""
    if len(chance) != RANDOM:
        raise ValueError("16 random bytes go in front")
    whole = chance + len(message).to_bytes(4, "big") + message + keys.appid.encode()
    pad = BLOCK - len(whole) % BLOCK
    encryptor = _cipher(keys).encryptor()
    return base64.b64encode(encryptor.update(whole + bytes([pad]) * pad) + encryptor.finalize()).decode()


def unseal(encrypt: str, keys: Keys) -> bytes:
    """The message in an `Encrypt` field. Raises Forged for whatever was not sealed for this account."""
    try:
        sealed = base64.b64decode("".join(encrypt.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Forged("not sealed for us") from None
    if not sealed or len(sealed) % (AES.block_size // 8):
        raise Forged("not sealed for us")
    decryptor = _cipher(keys).decryptor()
    whole = _unpadded(decryptor.update(sealed) + decryptor.finalize())
    end = _HEAD + int.from_bytes(whole[RANDOM:_HEAD], "big")
    if len(whole) < _HEAD or end > len(whole) or not compare_digest(whole[end:], keys.appid.encode()):
        raise Forged("not sealed for us")
    return whole[_HEAD:end]


def _unpadded(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= BLOCK or pad > len(padded) or padded[-pad:] != bytes([pad]) * pad:
        raise Forged("not sealed for us")
    return padded[:-pad]


def _cipher(keys: Keys) -> Cipher[CBC]:
    """AES-256-CBC; the first half of the key is the initialisation vector."""
    return Cipher(AES(keys.aes), CBC(keys.aes[:16]))

"""Signed notes, checkpoints and cosignatures, as C2SP signed-note, tlog-checkpoint and tlog-cosignature have them. Pure.

Signatures are Ed25519 (RFC 8032), and so the same however often the same is signed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NOTE = 0x01  # an Ed25519 signature of a note
COSIGNATURE = 0x04  # a cosignature/v1 with its time
MOST_SIGNATURES = 100
LONGEST_NOTE = 1_000_000  # bytes


class BadNote(Exception):
    """A note, a key or a checkpoint is not in its format, or not signed by whom it must be; the message says what is wrong."""


@dataclass(frozen=True)
class Key:
    """A public key under a name. kind: what it signs, NOTE or COSIGNATURE."""

    name: str
    public: bytes
    kind: int = NOTE

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(each.isspace() or ord(each) < 32 for each in self.name):
            raise BadNote(f"“{self.name}” cannot be the name of a key")
        if self.kind not in (NOTE, COSIGNATURE) or len(self.public) != 32:
            raise BadNote("only Ed25519 keys are understood")

    @cached_property
    def id(self) -> bytes:
        """The four bytes by which a signature says whose it is."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line of text."""
        return f"{self.name}+{self.id.hex()}+{_text(bytes([self.kind]) + self.public)}"

    @classmethod
    def read(cls, vkey: str) -> Key:
        """The key of such a line. Raises BadNote."""
        name, _, rest = vkey.strip().partition("+")
        id_, _, encoded = rest.partition("+")
        material = _bytes(encoded)
        if len(material) != 33:
            raise BadNote("not a verifier key: it should be name+id+key")
        key = cls(name, material[1:], material[0])
        if key.id.hex() != id_:
            raise BadNote(f"the key of {name} does not fit its id {id_}")
        return key

    def signed(self, signature: bytes, text: str) -> bool:
        """Whether this (without the id before it) is the key's signature of a note's text."""
        if self.kind == COSIGNATURE:
            if len(signature) != 72:
                return False
            text, signature = _cosigned(int.from_bytes(signature[:8], "big"), text), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A key that signs. seed: 32 secret bytes."""

    key: Key
    seed: bytes

    @classmethod
    def of(cls, name: str, seed: bytes, kind: int = NOTE) -> Signer:
        """The signer with this seed."""
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(Key(name, public, kind), seed)

    @classmethod
    def read(cls, skey: str) -> Signer:
        """The signer of such a line as `skey` gives. Raises BadNote."""
        parts = skey.strip().split("+", 4)
        material = _bytes(parts[4]) if len(parts) == 5 and parts[:2] == ["PRIVATE", "KEY"] else b""
        if len(material) != 33:
            raise BadNote("not a signer key: it should be PRIVATE+KEY+name+id+key")
        signer = cls.of(parts[2], material[1:], material[0])
        if signer.key.id.hex() != parts[3]:
            raise BadNote(f"the key of {parts[2]} does not fit its id {parts[3]}")
        return signer

    @property
    def skey(self) -> str:
        """The secret key as one line of text."""
        secret = _text(bytes([self.key.kind]) + self.seed)
        return f"PRIVATE+KEY+{self.key.name}+{self.key.id.hex()}+{secret}"

    def sign(self, text: str, at: int = 0) -> str:
        """The signature line under a note's text. at: of a cosignature, its time in seconds since 1970."""
        if self.key.kind == COSIGNATURE:
            signature = at.to_bytes(8, "big") + self._sign(_cosigned(at, text))
        else:
            signature = self._sign(text)
        return f"— {self.key.name} {_text(self.key.id + signature)}\n"

    def _sign(self, text: str) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())

    def __repr__(self) -> str:
        return f"Signer({self.key.vkey})"


@dataclass(frozen=True)
class Signature:
    """One line under a note. `bytes`: what follows the key's id."""

    name: str
    id: bytes
    bytes: bytes
    line: str

    @property
    def at(self) -> int:
        """Of a cosignature: when it was made, in seconds since 1970."""
        return int.from_bytes(self.bytes[:8], "big")


@dataclass(frozen=True)
class Note:
    """A text and the signatures under it, of which nothing is believed yet."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, said: bytes | str) -> Note:
        """The note in its text form. Raises BadNote."""
        note = _utf8(said)
        text, gap, lines = note.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise BadNote("not a signed note: a text, an empty line, then signatures")
        signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
        if len(signatures) > MOST_SIGNATURES:
            raise BadNote(f"a note with {len(signatures)} signatures")
        return cls(text + "\n", signatures)

    def by(self, keys: Iterable[Key]) -> list[tuple[Key, Signature]]:
        """Which of these keys signed. Raises BadNote where a line says it is of one of them and is not."""
        known, found = {(key.name, key.id): key for key in keys}, dict[Key, Signature]()
        for each in self.signatures:
            key = known.get((each.name, each.id))
            if key is None:
                continue
            if not key.signed(each.bytes, self.text):
                raise BadNote(f"the signature of {key.name} is not over this text")
            found.setdefault(key, each)
        return list(found.items())


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its name (origin), how many entries it has, and their root hash."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_text(self.root)}\n"

    def signed(self, *signers: Signer) -> str:
        """The checkpoint as a note signed by all of these."""
        return self.text + "\n" + "".join(signer.sign(self.text) for signer in signers)

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        """The checkpoint of a note's text, whatever may follow on further lines. Raises BadNote."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise BadNote("a checkpoint has a name, a size and a root hash on lines of their own")
        root = _bytes(lines[2])
        if len(root) != 32:
            raise BadNote("the root hash of a checkpoint has 32 bytes")
        return cls(lines[0], read_size(lines[1]), root)


def open_checkpoint(said: bytes | str, keys: Sequence[Key]) -> tuple[Checkpoint, Note]:
    """The checkpoint in a signed note, once one of `keys` has signed it. Raises BadNote."""
    note = Note.read(said)
    if not note.by(keys):
        raise BadNote(f"not signed by {' or '.join(sorted({key.name for key in keys})) or 'anybody known'}")
    return Checkpoint.read(note.text), note


def read_size(said: str) -> int:
    """A size as notes write it: decimal, without leading zeroes. Raises BadNote."""
    if not (said.isascii() and said.isdigit()) or (said != "0" and said[0] == "0") or len(said) > 18:
        raise BadNote(f"“{said[:40]}” is not a size")
    return int(said)


def read_hash(said: str) -> bytes:
    """A hash in base64. Raises BadNote."""
    found = _bytes(said)
    if len(found) != 32:
        raise BadNote(f"“{said[:60]}” is not a hash")
    return found


def write_hash(hash_: bytes) -> str:
    """A hash in base64."""
    return _text(hash_)


def _cosigned(at: int, text: str) -> str:
    return f"cosignature/v1\ntime {at}\n{text}"


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    material = _bytes(parts[2]) if len(parts) == 3 and parts[0] == "—" and parts[1] else b""
    if len(material) < 5:
        raise BadNote("a signature line is: —, the key's name, its signature")
    return Signature(parts[1], material[:4], material[4:], line + "\n")


def _utf8(said: bytes | str) -> str:
    if len(said) > LONGEST_NOTE:
        raise BadNote("the note is too long")
    try:
        text = said.decode() if isinstance(said, bytes) else said
    except UnicodeDecodeError as error:
        raise BadNote("a note is UTF-8") from error
    if any(each < " " and each != "\n" for each in text):
        raise BadNote("a note has no control characters but line ends")
    return text


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(said: str) -> bytes:
    """What this base64 stands for; only the one way to write it counts."""
    try:
        raw = base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("not base64") from error
    if _text(raw) != said:
        raise BadNote("not base64 as it is written")
    return raw

"""What is logged. Pure.

An entry is one JSON object in its one canonical form (RFC 8785, of which it needs little: keys in order, no spaces, whole
numbers only). It can hold identifiers, dates, numbers, words of our own lists, hashes and keys, and nothing else: what somebody wrote
enters as a *commitment*, the SHA-256 hash over 32 random bytes (the salt) and the canonical text. While the salt is kept, anyone
who has both can see that the text is what was logged; once it is erased, the hash tells nothing, and every proof still holds.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from chatbranch.claims.rules import RATINGS

VERDICTS = PUBLISHED, CHANGED, WITHDRAWN = "verdict.published", "verdict.changed", "verdict.withdrawn"
CORRECTED, OPENED, REQUESTED, ROTATED = "match.corrected", "case.opened", "request.made", "key.rotated"
LOT_COMMITTED, LOT_DRAWN = "lot.committed", "lot.drawn"
DECIDED, IN_EFFECT, RESTED = "measure.decided", "measure.effective", "measure.rested"
UPHELD, REVERSED, ENDED = "measure.upheld", "measure.reversed", "measure.expired"
APPEAL_DECIDED, MATTER_CLOSED, SEALED = "appeal.decided", "matter.closed", "source.sealed"
EDITION, WARNED = "edition.published", "readers.warned"
SALT = 32  # bytes
ASKS = ("change", "remove")
ASKING = ("reader", "party", "company", "platform", "authority", "court", "other")
"""Who may have asked for something to be changed or removed: a kind, never a name."""

MEASURES = ("guidance", "correction", "advisory", "notice", "suspension", "exclusion")
CLOSINGS = ("opinion", "out-of-scope", "duplicate", "guided", "dismissed")
"""How a matter under the code of conduct may end without a finding."""

_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_RATING = "|".join(RATINGS)
_MARK = "[0-9a-f]{16}"
_SLIP = rf"{_MARK}-\d{{1,3}}-(?:\d{{1,3}}|p)"
_TEXTS = {
    "at": rf"{_DAY}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    "subject": _ID,
    "claim": _ID,
    "found": _ID,
    "rating": _RATING,
    "previous": _RATING,
    "as_of": _DAY,
    "expires": _DAY,
    "says": "same|not-same|nothing",
    "came": "taught|agreed|apart",
    "asks": "|".join(ASKS),
    "by": "|".join(ASKING),
    "words": "[0-9a-f]{64}",
    "measure": "|".join(MEASURES),
    "how": "|".join(CLOSINGS),
    "stands": "upheld|reversed|lapsed",
    "clause": r"\d{1,3}",
    "ends": _DAY,
    "seed": "[0-9a-f]{64}",
    "seed_hash": "[0-9a-f]{64}",
    "pool": rf"{_SLIP}(?:\.{_SLIP})*",
    "panel": rf"{_MARK}(?:\.{_MARK}){{2}}",
    "old": r"[!#-*,-\[\]-~]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}",
    "new": r"[!#-*,-\[\]-~]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}",
    "signature": "[A-Za-z0-9+/]{86}==",
}
_NUMBER = r"(?:0|[1-9]\d{0,14})"
_NUMBERS = {"version", "wordings", "sources", "round", "blocs", "edition"}

_MEASURE = {"version", "measure"}
_VERDICT = {"version", "rating", "as_of", "expires", "wordings", "sources", "words"}
FIELDS: Mapping[str, set[str]] = {
    PUBLISHED: _VERDICT,
    CHANGED: _VERDICT | {"previous"},
    WITHDRAWN: _VERDICT | {"previous"},
    CORRECTED: {"says", "claim", "found", "came", "words"},
    OPENED: {"words"},
    REQUESTED: {"asks", "by", "claim", "version", "words"},
    LOT_COMMITTED: {"version", "round", "seed_hash"},
    LOT_DRAWN: {"version", "round", "seed", "pool", "panel", "blocs"},
    DECIDED: {"version", "measure", "clause", "edition", "ends", "words"},
    IN_EFFECT: _MEASURE,
    RESTED: _MEASURE,
    APPEAL_DECIDED: {"version", "stands", "measure", "words"},
    UPHELD: _MEASURE | {"ends"},
    REVERSED: _MEASURE,
    ENDED: _MEASURE,
    MATTER_CLOSED: {"version", "how", "words"},
    SEALED: {"version", "words"},
    EDITION: {"version", "words"},
    WARNED: set(),
    ROTATED: {"old", "new", "signature"},
}
"""Of each kind: what its entries may say beside `kind`, `at` and `subject`. reference/public-log.md explains each."""


class BadEntry(Exception):
    """Something is not an entry of this log; the message says why."""


def _form(kind: str) -> str:
    """What an entry of this kind looks like, as a regular expression: every field in its place, with what it can say."""
    before = sorted(name for name in FIELDS[kind] | {"at", "kind"} if name < "subject")
    after = sorted(name for name in FIELDS[kind] if name > "subject")
    parts = [_field(name, kind) + ("," if name in ("at", "kind") else "") for name in before]
    parts = [
        part if name in ("at", "kind") else f"(?:{part},)?" for name, part in zip(before, parts, strict=True)
    ]
    return "".join(
        [r"\{", *parts, _field("subject", kind), *(f"(?:,{_field(name, kind)})?" for name in after), r"\}"]
    )


def _field(name: str, kind: str) -> str:
    if name in _NUMBERS:
        return f'"{name}":{_NUMBER}'
    return f'"{name}":"{re.escape(kind) if name == "kind" else f"(?:{_TEXTS[name]})"}"'


_FORM = re.compile("|".join(_form(kind) for kind in FIELDS).encode())


def check_leaf(leaf: bytes) -> None:
    """Refuse with BadEntry what is no entry in its canonical form."""
    if _FORM.fullmatch(leaf) is None:
        raise BadEntry(f"this is no entry: {leaf[:200].decode('utf-8', 'replace')}")


@dataclass(frozen=True)
class Entry:
    """One entry. subject: what it is about (a claim, a case, a correction); of a key, the identifier of its rotation."""

    kind: str
    at: datetime
    subject: UUID
    says: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def leaf(self) -> bytes:
        """The bytes that are logged. Raises BadEntry for what may not be."""
        moment = self.at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
        leaf = canonical({**self.says, "kind": self.kind, "at": f"{moment}Z", "subject": str(self.subject)})
        check_leaf(leaf)
        return leaf

    @classmethod
    def read(cls, leaf: bytes) -> Entry:
        """The entry in these bytes. Raises BadEntry where they are not what `leaf` would give."""
        check_leaf(leaf)
        says = json.loads(leaf)
        kind, at, subject = (says.pop(name) for name in ("kind", "at", "subject"))
        try:
            return cls(kind, datetime.fromisoformat(at), UUID(subject), says)
        except ValueError as error:
            raise BadEntry("there is no such day") from error


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(value: object) -> bytes:
    """The one way to write this JSON value, in which there are no numbers but whole ones."""
    return _ENCODER.encode(value).encode()


def new_salt() -> bytes:
    """A fresh salt."""
    return secrets.token_bytes(SALT)


def commitment(salt: bytes, words: Mapping[str, object]) -> str:
    """The hash that stands in an entry for what somebody wrote: 64 hex digits."""
    if len(salt) != SALT:
        raise ValueError(f"a salt has {SALT} bytes")
    return sha256(salt + canonical(words)).hexdigest()

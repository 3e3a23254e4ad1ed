"""One key follows another: the old one signs the new one, and the log itself says so. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from chatbranch.publiclog.entries import ROTATED, BadEntry, Entry
from chatbranch.publiclog.notes import BadNote, Key, Signer


def handed_over(old: Signer, new: Key) -> Mapping[str, str]:
    """What the entry of a rotation says: both keys, and the old one's signature over that."""
    text = _text(old.key, new)
    line = old.sign(text).rstrip("\n").rpartition(" ")[2]
    signature = base64.b64encode(base64.b64decode(line)[4:]).decode()
    return {"old": old.key.vkey, "new": new.vkey, "signature": signature}


def next_key(entry: Entry, present: Key) -> Key:
    """The key that is in force after this entry; `present` is the one before. Raises BadEntry for a rotation it did not sign."""
    if entry.kind != ROTATED:
        return present
    try:
        old, new = Key.read(str(entry.says["old"])), Key.read(str(entry.says["new"]))
    except (BadNote, KeyError) as error:
        raise BadEntry("a key was changed for something that is no key") from error
    signature = base64.b64decode(str(entry.says.get("signature", "")))
    if old != present or new.name != present.name or not old.signed(signature, _text(old, new)):
        raise BadEntry("a key was changed without the signature of the one before")
    return new


def _text(old: Key, new: Key) -> str:
    return f"chatbranch log key rotation/v1\n{old.vkey}\n{new.vkey}\n"

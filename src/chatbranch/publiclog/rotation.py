"""One key follows another: the old one signs the new one, and the log itself says so. Pure.

Where the old one was lost nobody can sign. The log then says just that, and whoever audits it is told to ask the branch in another
way whether the new key is its own: a thief of the database could say the same.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping

from chatbranch.publiclog.entries import ROTATED, BadEntry, Entry
from chatbranch.publiclog.notes import BadNote, Key, Signer


def handed_over(old: Signer, new: Key) -> Mapping[str, str]:
    """What the entry of a rotation says: both keys, and the old one's signature over that."""
    text = _text(old.key, new)
    line = old.sign(text).rstrip("\n").rpartition(" ")[2]
    signature = base64.b64encode(base64.b64decode(line)[4:]).decode()
    return {"old": old.key.vkey, "new": new.vkey, "signature": signature}


def replaced(old: Key, new: Key) -> Mapping[str, str]:
    """What the entry says where the old key was lost: both keys, and nobody's signature."""
    return {"old": old.vkey, "new": new.vkey}


def next_key(entry: Entry, present: Key, accepted: Collection[Key] = ()) -> Key:
    """The key that is in force after this entry; `present` is the one before.

    accepted: keys that may follow a lost one. Raises BadEntry for a rotation that the one before did not sign.
    """
    if entry.kind != ROTATED:
        return present
    try:
        old, new = Key.read(str(entry.says["old"])), Key.read(str(entry.says["new"]))
    except (BadNote, KeyError) as error:
        raise BadEntry("a key was changed for something that is no key") from error
    if "signature" not in entry.says and old == present and new.name == present.name:
        if new in accepted:
            return new
        raise BadEntry(
            f"the key was lost, the log says, and {new.vkey} took its place. Ask the branch in another way whether that is so, "
            "and accept that key then"
        )
    signature = base64.b64decode(str(entry.says.get("signature", "")))
    if old != present or new.name != present.name or not old.signed(signature, _text(old, new)):
        raise BadEntry("a key was changed without the signature of the one before")
    return new


def _text(old: Key, new: Key) -> str:
    return f"chatbranch log key rotation/v1\n{old.vkey}\n{new.vkey}\n"

"""Whether a message calls us by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CALL_END = r"\s*[:：,，、]\s*"


def called(text: str, me: str, name: str) -> int:
    """How much of the beginning of `text` only calls us: "checkbot: is this true" asks "is this true".

    Our local name may be a plain word ("check"), so it counts in front of a colon or comma alone.
    """
    forms = [*_handles(me, name), *([name] if name else [])]
    whole = "|".join(re.escape(each) for each in sorted(forms, key=len, reverse=True))
    pattern = rf"\s*(?:(?:{whole})(?:{_CALL_END}|\s+|$)|{re.escape(_local(me))}{_CALL_END})"
    found = re.match(pattern, text, re.IGNORECASE)
    return found.end() if found else 0


def mentions(content: Mapping[str, Any], said: str, me: str, name: str) -> bool:
    """Named by the client (`m.mentions`, section "User and room mentions"), or by @name anywhere."""
    named = content.get("m.mentions")
    users = named.get("user_ids") if isinstance(named, Mapping) else None
    if isinstance(users, list) and me in users:
        return True
    whole = "|".join(re.escape(each) for each in _handles(me, name))
    return re.search(rf"(?<![A-Za-z0-9_])(?:{whole})(?![A-Za-z0-9_])", said, re.IGNORECASE) is not None


def _handles(me: str, name: str) -> list[str]:
    """What can only mean us, wherever it stands, longest first."""
    return sorted({me, f"@{_local(me)}", *({f"@{name}"} if name else ())}, key=len, reverse=True)


def _local(me: str) -> str:
    return me.removeprefix("@").partition(":")[0]

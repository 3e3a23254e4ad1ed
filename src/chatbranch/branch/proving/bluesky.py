"""A Bluesky account: from handle to identifier (DID) and from the profile back to the handle (AT Protocol, "Handle").

The handle names its DID in a DNS record or a file; the profile of that DID names the handle; and the first time, the
profile's description holds our code. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

FILE = "/.well-known/atproto-did"
API = "https://public.api.bsky.app"
_DID = re.compile(r"did:(?:plc:[a-z2-7]{24}|web:[a-zA-Z0-9.-]{1,250})")


def record_name(handle: str) -> str:
    """Where the DNS record stands that names the handle's DID."""
    return f"_atproto.{handle}"


def did_in_records(texts: Iterable[str]) -> str:
    """The DID that the records name; empty where none does, or two name different ones."""
    found = {text[4:].strip() for text in texts if text.startswith("did=")}
    return _one(found)


def did_in_file(text: str) -> str:
    """The DID that the file names; empty where it names none."""
    return _one({text.strip()})


def profile_address(api: str, did: str) -> str:
    """Where the public profile of a DID is read."""
    return f"{api}/xrpc/app.bsky.actor.getProfile?actor={quote(did, safe=':')}"


@dataclass(frozen=True)
class Profile:
    """What a public profile says of itself."""

    did: str
    handle: str
    description: str


def read_profile(text: str) -> Profile | None:
    """The profile in an answer of the API; None where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    said = [found.get(name, "") for name in ("did", "handle", "description")]
    return Profile(*said) if all(isinstance(each, str) for each in said) else None


def _one(found: set[str]) -> str:
    only = next(iter(found)) if len(found) == 1 else ""
    return only if _DID.fullmatch(only) else ""

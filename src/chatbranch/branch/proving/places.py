"""Where an account is: its address, taken apart. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

MOST = 300
BLUESKY = "bsky.app"
_BARE = re.compile(r"[^\s/:@]+\.[^\s/:@]+(?:/\S*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Place:
    """An account's address, taken apart.

    address: as it is kept and linked, its host in the form that is looked up (punycode). site: scheme, host and port.
    host: without "www.", as people read it. handle: the name on the platform; empty where the account is a whole site.
    path: the parts of the address after the host, as people read them.
    """

    address: str
    site: str
    host: str
    handle: str
    path: tuple[str, ...]

    @property
    def is_site(self) -> bool:
        """Whether the account is everything at this host, so that whoever controls the host controls it."""
        return not self.handle

    @property
    def name(self) -> str:
        """What readers know the account by: the host, or the handle and where it is."""
        return f"@{self.handle} · {self.host}" if self.handle else self.host

    @property
    def bluesky_handle(self) -> str:
        """The handle, where the account is on Bluesky; else empty."""
        on_bluesky = self.host == BLUESKY and len(self.path) == 2 and self.path[0] == "profile"
        return self.handle.lower() if on_bluesky and "." in self.handle else ""


def read(text: str) -> Place:
    """The place at an address as somebody types it; `news.example` means https. Refuses what is no address of the web."""
    text = text.strip()
    if _BARE.fullmatch(text):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        ascii_host = host.encode("idna").decode("ascii") if not host.isascii() else host
        seen_host = ascii_host.encode("ascii").decode("idna")
    except (ValueError, UnicodeError):
        raise _no_address() from None
    path = tuple(unquote(each) for each in parts.path.split("/") if each)
    if any(each in (".", "..") or set(each) & set("/\\") for each in path):
        raise _no_address()  # servers read these in more than one way
    usable = parts.scheme in _DEFAULT_PORTS and "." in ascii_host and not parts.username and len(text) <= MOST
    if not usable or re.search(r"\s", text):
        raise _no_address()
    port_part = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    site = f"{parts.scheme}://{ascii_host}{port_part}"
    query = f"?{parts.query}" if parts.query else ""
    address = f"{site}{parts.path.rstrip('/')}{query}" if path or query else f"{site}/"
    handle = (path[-1].lstrip("@") or path[-1]) if path else parts.query
    return Place(address, site, seen_host.removeprefix("www."), handle, path)


def same(address: str, other: str) -> bool:
    """Whether two addresses are of one account: spelling of host, a last slash and a fragment make no difference."""
    try:
        here, there = read(address), read(other)
    except Refused:
        return False
    return here.address.partition("://")[2].lower() == there.address.partition("://")[2].lower()


def _no_address() -> Refused:
    return Refused(
        "account-address",
        Phrase(
            "请写主页的网址，例如 https://news.example 或 https://weibo.com/u/1234567。",
            "Please give the account's web address, such as https://news.example or https://social.example/@name.",
        ),
        field="address",
    )

"""Looks whether what was asked for is there: fetches, and lets the pure checks judge. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from chatbranch.branch.proving import bluesky, dns, post, relme, wellknown
from chatbranch.branch.proving.places import Place
from chatbranch.branch.proving.rules import Finding, Method
from chatbranch.outside.names import Resolvers, Unresolved
from chatbranch.outside.pages import JSON, TEXTS, Answer, Unread, get

AGENT = "chatbranch (looks whether a member controls this account)"
MOST_KEPT = 50_000  # characters of what was seen
_GONE = {"status", "kind", "redirects", "form"}
"""Answers that say something: what was asked for is not there."""


def _get(url: str, kinds: tuple[str, ...]) -> Answer:
    return get(url, kinds=kinds, agent=AGENT)


@dataclass(frozen=True)
class Eyes:
    """What we look with. Tests look at servers of their own.

    page: (address, media types) -> what stands there, or Unread. texts: domain name -> its TXT records, or Unresolved.
    bluesky: where Bluesky's public API answers.
    """

    page: Callable[[str, tuple[str, ...]], Answer] = _get
    texts: Callable[[str], list[str]] = Resolvers().texts
    bluesky: str = bluesky.API


@dataclass(frozen=True)
class Sought:
    """What to look for.

    known: what the account was known by when it was proved; empty before. ours: the page of this account at the branch.
    also: addresses of the outlet's other proved accounts.
    """

    place: Place
    method: Method
    token: str
    known: str = ""
    post: str = ""
    ours: str = ""
    also: tuple[str, ...] = ()


def look(sought: Sought, eyes: Eyes) -> Finding:
    """What is there now. Never raises for anything that others publish."""
    try:
        return _LOOKS[sought.method](sought, eyes)
    except Unresolved:
        return Finding(False, why="unread")
    except Unread as error:
        missing = error.why in _GONE and not 500 <= error.answered < 600 and error.answered != 429
        return Finding(False, why=_NOT_THERE[sought.method] if missing else "unread")


def _dns(sought: Sought, eyes: Eyes) -> Finding:
    name = dns.name(sought.place.host)
    texts = eyes.texts(name)
    if not dns.holds(texts, sought.token):
        return Finding(False, why="no-record")
    return Finding(True, seen="\n".join(f"{name} TXT {text}" for text in texts))


def _wellknown(sought: Sought, eyes: Eyes) -> Finding:
    found = eyes.page(wellknown.address(sought.place.site), ("text/plain",))
    if _host(found.url) != _host(sought.place.site) or not wellknown.holds(found.text, sought.token):
        return Finding(False, why="no-file")
    return Finding(True, seen=f"{found.url}\n{found.text}")


def _relme(sought: Sought, eyes: Eyes) -> Finding:
    """The account's page links to ours, which links back; or to another proved account of the outlet, which must."""
    found = eyes.page(sought.place.address, TEXTS)
    links = relme.links(found.text, found.url)
    seen = f"{found.url}\n" + "\n".join(f'rel="me" {link}' for link in links)
    if relme.points_at(links, sought.ours):
        return Finding(True, seen=f'{seen}\n{sought.ours}\nrel="me" {sought.place.address}')
    for other in sought.also:
        if relme.points_at(links, other):
            back = eyes.page(other, TEXTS)
            if relme.points_at(relme.links(back.text, back.url), sought.place.address):
                return Finding(True, seen=f'{seen}\n{back.url}\nrel="me" {sought.place.address}')
    return Finding(False, why="no-link")


def _bluesky(sought: Sought, eyes: Eyes) -> Finding:
    """The first time the profile holds our code; afterwards it is still the same account, with the same handle."""
    handle = sought.place.bluesky_handle
    did, where = _did(handle, eyes)
    if not did:
        return Finding(False, why="no-answer")
    if sought.known and did != sought.known:
        return Finding(False, why="moved")
    answer = eyes.page(bluesky.profile_address(eyes.bluesky, did), JSON)
    profile = bluesky.read_profile(answer.text)
    if profile is None or profile.did != did or profile.handle.lower() != handle:
        return Finding(False, why="no-answer")
    if not sought.known and not post.holds(profile.description, sought.token):
        return Finding(False, why="no-code")
    seen = f"{where}\n{did}\n{answer.url}\nhandle {profile.handle}\n{profile.description}"
    return Finding(True, seen=seen, known=did)


def _did(handle: str, eyes: Eyes) -> tuple[str, str]:
    """The DID that a handle names, and where: in DNS, or else in its file."""
    name = bluesky.record_name(handle)
    if did := bluesky.did_in_records(eyes.texts(name)):
        return did, f"{name} TXT did={did}"
    found = eyes.page(f"https://{handle}{bluesky.FILE}", ("text/plain",))
    return bluesky.did_in_file(found.text), found.url


def _post(sought: Sought, eyes: Eyes) -> Finding:
    found = eyes.page(sought.post, TEXTS)
    if not post.belongs(found.url, sought.place):
        return Finding(False, why="elsewhere")
    said = post.words(found.text, found.kind)
    if not post.holds(said, sought.token):
        return Finding(False, why="no-code")
    return Finding(True, seen=f"{found.url}\n{said[:MOST_KEPT]}")


def _shown(sought: Sought, eyes: Eyes) -> Finding:
    """Only people can look here; what they saw holds for 90 days."""
    return Finding(False, why="due")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


_LOOKS: dict[Method, Callable[[Sought, Eyes], Finding]] = {
    "dns": _dns,
    "wellknown": _wellknown,
    "relme": _relme,
    "bluesky": _bluesky,
    "post": _post,
    "shown": _shown,
}
_NOT_THERE: dict[Method, str] = {
    "dns": "no-record",
    "wellknown": "no-file",
    "relme": "no-link",
    "bluesky": "no-answer",
    "post": "no-code",
    "shown": "due",
}

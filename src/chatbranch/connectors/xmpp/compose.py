"""Values to XMPP stanzas. Pure: what a delivery says or does becomes one XML element (the XEPs as in wire.py).

Everything that is written passes `sayable`: one character that XML cannot hold would end the whole stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement

from chatbranch.connectors.xmpp import wire
from chatbranch.kernel.phrases import Phrase

RETRACTED = Phrase("（撤回了前面的一条消息。）", "(An earlier message was retracted.)")
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


@dataclass(frozen=True)
class Target:
    """Where a stanza goes, and what its receipt is known by. kind: "groupchat" or "chat". id: our own id of it."""

    address: str
    kind: str
    id: str


def sayable(text: str) -> str:
    """The text without what XML cannot hold: control characters, lone surrogates."""
    return _UNSAYABLE.sub("", text)


def said(
    target: Target,
    text: str,
    *,
    reply_to: str = "",
    reply_author: str = "",
    thread: str = "",
    trail: Iterable[str] = (),
    replaces: str = "",
) -> Element:
    """A message, or the correction of one (`replaces`: the id its sender, we, gave it; XEP-0308)."""
    stanza = _stanza(target, text)
    if reply_to:
        reply = _add(stanza, f"{wire.REPLY}reply", id=reply_to)
        if reply_author:
            reply.set("to", sayable(reply_author))
    if thread:
        _add(stanza, f"{wire.CLIENT}thread").text = sayable(thread)
    if replaces:
        _add(stanza, f"{wire.CORRECT}replace", id=replaces)
    rooms = list(trail)
    if rooms:
        carried = _add(stanza, f"{wire.TRAIL}trail")
        for room in rooms:
            _add(carried, f"{wire.TRAIL}room").text = sayable(room)
    return stanza


def file(target: Target, url: str, trail: Iterable[str] = ()) -> Element:
    """A file that lies at `url`. The body repeats the address: so other clients know to show it (XEP-0066)."""
    stanza = said(target, url, trail=trail)
    _add(_add(stanza, f"{wire.OOB}x"), f"{wire.OOB}url").text = sayable(url)
    return stanza


def retraction(target: Target, of: str) -> Element:
    """Take a message back (XEP-0424), with words for clients that do not know how."""
    stanza = _stanza(target, f"{RETRACTED.zh} {RETRACTED.en}")
    _add(stanza, wire.RETRACT[0], id=of)
    _add(stanza, f"{wire.FALLBACK}fallback").set("for", "urn:xmpp:message-retract:1")
    _add(stanza, "{urn:xmpp:hints}store")
    return stanza


def reactions(target: Target, to: str, emoji: Iterable[str]) -> Element:
    """The whole set of emoji we have under `to` from now on (XEP-0444)."""
    stanza = _stanza(target, "")
    holder = _add(stanza, f"{wire.REACT}reactions", id=to)
    for each in emoji:
        _add(holder, f"{wire.REACT}reaction").text = sayable(each)
    _add(stanza, "{urn:xmpp:hints}store")  # XEP-0334: keep it in the archive, though it has no body
    return stanza


def typing(address: str, kind: str, on: bool) -> Element:
    """Whether we are at it (XEP-0085). Nothing to keep."""
    stanza = Element(f"{wire.CLIENT}message", {"to": address, "type": kind})
    _add(stanza, f"{{http://jabber.org/protocol/chatstates}}{'composing' if on else 'active'}")
    _add(stanza, "{urn:xmpp:hints}no-store")
    return stanza


def entering(address: str) -> Element:
    """Presence that enters a room, without the few last messages rooms hand out: the archive has them all."""
    presence = Element(f"{wire.CLIENT}presence", {"to": address})
    muc = _add(presence, "{http://jabber.org/protocol/muc}x")
    _add(muc, "{http://jabber.org/protocol/muc}history").set("maxstanzas", "0")
    return presence


def archive_query(query: str, *, fields: Mapping[str, str] | None = None, **place: str) -> Element:
    """Ask an archive (XEP-0313). fields: with, start, ids … place: after=id, before=id ("" for the end), most=number."""
    element = Element(f"{wire.ARCHIVE}query", {"queryid": query})
    if fields:
        form = _add(element, "{jabber:x:data}x")
        form.set("type", "submit")
        for name, value in {"FORM_TYPE": "urn:xmpp:mam:2", **fields}.items():
            field = _add(form, "{jabber:x:data}field")
            field.set("var", name)
            _add(field, "{jabber:x:data}value").text = sayable(value)
    pages = "{http://jabber.org/protocol/rsm}"  # XEP-0059
    paging = _add(element, f"{pages}set")
    _add(paging, f"{pages}max").text = place.pop("most", "100")
    for name, value in place.items():
        _add(paging, f"{pages}{name}").text = sayable(value)
    return element


def keep_everything() -> Element:
    """Ask our own archive to keep what strangers write, too (XEP-0441)."""
    prefs = Element(f"{wire.ARCHIVE}prefs", {"default": "always"})
    _add(prefs, f"{wire.ARCHIVE}always")
    _add(prefs, f"{wire.ARCHIVE}never")
    return prefs


def slot_request(name: str, size: int, media_type: str) -> Element:
    """Ask for a place to upload a file to (XEP-0363, section 4)."""
    attributes = {"filename": sayable(name), "size": str(size), "content-type": sayable(media_type)}
    return Element("{urn:xmpp:http:upload:0}request", attributes)


def stamp(moment: datetime) -> str:
    """A time in UTC as XEP-0082 writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _stanza(target: Target, text: str) -> Element:
    stanza = Element(f"{wire.CLIENT}message", {"to": target.address, "type": target.kind, "id": target.id})
    if text:
        _add(stanza, f"{wire.CLIENT}body").text = sayable(text)
    _add(stanza, f"{wire.STANZA_ID}origin-id", id=target.id)
    return stanza


def _add(parent: Element, tag: str, id: str = "") -> Element:
    return SubElement(parent, tag, {"id": sayable(id)} if id else {})

"""A page of a feed as Atom (RFC 4287), in pages by RFC 5005."""

from __future__ import annotations

from lxml import etree

from chatbranch.kernel.text import clean
from chatbranch.publishing.feeds import Item, Page, stamp

ATOM = "http://www.w3.org/2005/Atom"


def write(page: Page, site: str) -> bytes:
    """The document in UTF-8; `site`: the address of the branch, which is the author of every entry."""
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    root.set("{http://www.w3.org/XML/1998/namespace}lang", page.lang)
    _add(root, "id", page.first)
    _add(root, "title", page.title)
    _add(root, "updated", stamp(page.changed))
    author = etree.SubElement(root, f"{{{ATOM}}}author")
    _add(author, "name", page.branch)
    _add(author, "uri", site)
    for rel, href in page.links.items():
        _link(root, rel, href)
    for item in page.items:
        root.append(_entry(item))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def _entry(item: Item) -> etree._Element:
    entry = etree.Element(f"{{{ATOM}}}entry")
    _add(entry, "id", item.id)
    _add(entry, "title", item.title)
    _add(entry, "updated", item.updated)
    _add(entry, "published", item.published)
    _link(entry, "alternate", item.url)
    for term in item.terms:
        etree.SubElement(entry, f"{{{ATOM}}}category").set("term", clean(term))
    _add(entry, "summary", item.summary)
    _add(entry, "content", item.html).set("type", "html")
    return entry


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = text
    return element


def _link(parent: etree._Element, rel: str, href: str) -> None:
    link = etree.SubElement(parent, f"{{{ATOM}}}link")
    link.set("rel", rel)
    link.set("href", href)

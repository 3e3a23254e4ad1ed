"""What readers that are not ours make of what we publish, as JSON:  python read_published.py pages|feed < FILE

Runs in an environment of its own (tests/servers/install.py), with extruct and feedparser.
"""

from __future__ import annotations

import json
import sys


def pages(data: bytes) -> object:
    """Of a JSON list of pages, the JSON-LD in each."""
    import extruct

    return [extruct.extract(page, syntaxes=["json-ld"])["json-ld"] for page in json.loads(data)]


def feed(data: bytes) -> object:
    import feedparser

    found = feedparser.parse(data)
    return {
        "bozo": bool(found.bozo),
        "version": found.version,
        "title": found.feed.title,
        "links": {link.rel: link.href for link in found.feed.links},
        "language": found.feed.get("language", ""),
        "entries": [
            {
                "id": each.id,
                "title": each.title,
                "link": each.link,
                "updated": each.updated,
                "content": each.content[0].value,
                "tags": [tag.term for tag in each.tags],
            }
            for each in found.entries
        ],
    }


if __name__ == "__main__":
    read = {"pages": pages, "feed": feed}[sys.argv[1]]
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)

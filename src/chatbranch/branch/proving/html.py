"""What a page says and where it links, as far as proving needs it. Pure."""

from __future__ import annotations

from html.parser import HTMLParser

_UNSAID = {"script", "style", "template", "noscript"}
_SAID_IN = {"description", "og:description", "og:title", "twitter:description", "twitter:title"}


class Page(HTMLParser):
    """One page, read: `words` as a reader would see them, and the links marked as the same author's (`me`)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.me: list[str] = []
        self._words: list[str] = []
        self._unsaid = 0
        self.feed(html)
        self.close()

    @property
    def words(self) -> str:
        """Title, description and text, one space between words."""
        return " ".join(" ".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _UNSAID:
            self._unsaid += 1
        if tag == "meta" and (given.get("property") or given.get("name", "")).lower() in _SAID_IN:
            self._words.append(given.get("content", ""))
        if tag in ("a", "link") and "me" in given.get("rel", "").lower().split() and given.get("href"):
            self.me.append(given["href"].strip())

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSAID:
            self._unsaid = max(0, self._unsaid - 1)

    def handle_data(self, data: str) -> None:
        if not self._unsaid:
            self._words.append(data)

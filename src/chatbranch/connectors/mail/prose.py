"""From the bytes of a mail's part to text: character sets, whatever their labels say, and HTML. Pure, and total."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lxml import etree  # linear in time on anything; html.parser is not

# --- bytes to text ------------------------------------------------------------------------------------------------------

# Programs write the name of the narrow set and mean the wide one that contains it.
_WIDER = {
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "x-gbk", "cp936", "gb-2312", "chinese"), "gb18030"),
    **dict.fromkeys(("big5", "big-5", "x-big5", "cp950", "big5-hkscs"), "big5hkscs"),
}
# The hundred commonest characters, simplified and traditional: some four in ten of any Chinese text, one in fifty of
# one that was decoded by the wrong table.
_COMMON = frozenset(
    "的一是不了在人有我他这这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经"
    "么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实這個們來為國說時會對於著過發後裡種經麼學現當沒動還進樣開從實吗请"
)
_SENSIBLE, _CERTAIN = 0.1, 0.2  # share of common characters in running text


def decode(raw: bytes, label: str) -> str:
    """The text of `raw`, whose charset is said to be `label`; another is taken where the label is plainly wrong."""
    codec = _WIDER.get(label.strip().lower(), label.strip().lower())
    declared = _decoded(raw, codec)
    if declared is not None and (declared.isascii() or _sense(declared) >= _SENSIBLE):
        return declared
    others = [text for each in ("utf-8", "gb18030", "big5hkscs") if (text := _decoded(raw, each)) is not None]
    likely = max(others, key=_sense, default=None)
    if likely is not None and (_sense(likely) > _CERTAIN or not _is_codec(codec)):
        return likely
    if declared is not None:
        return declared
    return raw.decode(codec if _is_codec(codec) else "latin-1", "replace")


def _decoded(raw: bytes, codec: str) -> str | None:
    """The text, or None where more than one character in fifty is not to be read so."""
    try:
        text = raw.decode(codec, "replace")
    except (LookupError, ValueError):
        return None
    return text if text.count("\ufffd") * 50 <= len(text) else None


def _is_codec(codec: str) -> bool:
    try:
        return isinstance(b"".decode(codec, "replace"), str)
    except (LookupError, ValueError):
        return False


def _sense(text: str) -> float:
    """The share of common characters among those beyond ASCII, punctuation aside; 1.0 where there are none."""
    wide = re.sub("[\x00-\x7f\u2000-\u206f\u3000-\u303f\uff00-\uffef]", "", text[:20_000])
    return sum(each in _COMMON for each in wide) / len(wide) if wide else 1.0


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Text that a mail program has broken into lines, in whole paragraphs again (format=flowed, RFC 3676)."""
    lines: list[str] = []
    flows, depth = False, ""
    for line in text.split("\n"):
        marks = re.match(r">*", line)
        level = marks.group() if marks else ""
        body = line[len(level) :].removeprefix(" ")
        if flows and level == depth:
            lines[-1] = (lines[-1][:-1] if delete_space else lines[-1]) + body
        else:
            lines.append(f"{level} {body}" if level else body)
        flows, depth = body.endswith(" ") and body != "-- ", level
    return "\n".join(lines)


# --- HTML to text -------------------------------------------------------------------------------------------------------

MOST_HTML = 500_000  # characters that are looked at
MOST_LINKS = 5  # addresses shown beside the words they lie under; a newsletter has hundreds
_UNSEEN = {"head", "style", "script", "title", "template", "noscript"}
_BLOCKS = set(
    "address article aside blockquote body div dl dt dd fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li"
    " main nav ol p pre section table tr ul".split()
)


class _Page:
    """Collects text, as the target of lxml's parser. What stands in a <blockquote> is marked with "> ", as in plain mail."""

    def __init__(self) -> None:
        self.said: list[str] = [""]
        self._unseen, self._quoted, self._links = 0, 0, 0
        self._link = self._link_text = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "a":
            self._link, self._link_text = attributes.get("href", ""), ""
        elif tag in ("td", "th"):
            self._say(" ")
        elif tag == "blockquote":
            self._quoted = min(9, self._quoted + 1)
        if tag == "br" or tag in _BLOCKS:
            self._break(2 if tag == "p" else 1)

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a":
            self._end_link()
        elif tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)
        if tag in _BLOCKS:
            self._break()

    def data(self, data: str) -> None:
        if not self._unseen:
            said = re.sub(r"[\s\u00a0]+", " ", data)
            if len(self._link_text) < 1000:
                self._link_text += said
            self._say(said)

    def close(self) -> None:
        """The end of the page."""

    def _say(self, text: str) -> None:
        self.said.append(text.lstrip() if self.said[-1][-1:] == " " else text)

    def _break(self, lines: int = 1) -> None:
        self.said += ["\n" + "> " * self._quoted] * lines

    def _end_link(self) -> None:
        link, said, self._link = self._link, self._link_text.strip(), ""
        shown = link.removeprefix("https://").removeprefix("http://").rstrip("/")
        if re.match("https?://", link) and shown not in said and self._links < MOST_LINKS:
            self._links += 1
            self._say(f" {link.strip()} ")


def text_of(page: str) -> str:
    """What a reader of an HTML mail sees, as lines."""
    if not page.strip():
        return ""
    seen = _Page()
    try:
        etree.HTML(
            page[:MOST_HTML].encode("utf-8", "replace"), etree.HTMLParser(target=seen, encoding="utf-8")
        )
    except etree.LxmlError:
        return _tidy(re.sub(r"<[^<>]*>", " ", page[:MOST_HTML]))
    return _tidy("".join(seen.said))


def _tidy(text: str) -> str:
    """Without blanks at the ends of lines, and with at most one empty line between paragraphs."""
    text = "\n".join(_LINE_OF_PAGE.sub(_one_line, line) for line in text.split("\n"))
    return re.sub(r"\n(?:[> ]*\n){2,}", "\n\n", text).strip()


_LINE_OF_PAGE = re.compile(r"^((?:> )*)\s*(.*?)\s*$")


def _one_line(found: re.Match[str]) -> str:
    return (found[1] + found[2]).rstrip()

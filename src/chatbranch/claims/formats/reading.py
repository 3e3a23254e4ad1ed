"""Files of checks, read row by row: JSON Lines, JSON documents, web pages; plain or gzipped; in any usual encoding.

A row that cannot be read is handed on as the Refused that says why; only a file of which nothing can be read
raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from chatbranch.claims.formats import claimreview, jsonlines
from chatbranch.claims.formats.encodings import decoded, encoding_of
from chatbranch.claims.formats.entry import Entry
from chatbranch.claims.formats.feed import elements, no_constant
from chatbranch.claims.formats.unzip import is_broken, stream
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonld", ".html", ".htm")
LONGEST_LINE = 1_000_000  # bytes; a claim with its whole history is far shorter
LARGEST_DOCUMENT = 600_000_000  # bytes of one JSON document or page, which must fit into memory


class Row(NamedTuple):
    """One row of a file: where it stands, and the entry in it or why there is none."""

    line: int
    found: Entry | Refused


@dataclass(frozen=True)
class Opened:
    """A file about to be read. rows: how many to expect, 0 where that is not known beforehand."""

    path: Path
    kind: str
    encoding: str
    rows: int

    def read(self) -> Iterator[Row]:
        """The file's rows, in order."""
        yield from {"lines": _lines, "page": _page, "document": _document}[self.kind](self)


def files_in(path: Path) -> list[Path]:
    """The file itself, or every file of a known kind in the folder and below, in the order of their names."""
    if not path.exists():
        raise Refused("no-such-file", _NO_SUCH_FILE, path=path)
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.is_file() and _plain_suffix(each) in SUFFIXES)
    if not found:
        raise Refused("nothing-to-import", _EMPTY_FOLDER, path=path, kinds=" ".join(SUFFIXES))
    return found


def open_file(path: Path) -> Opened:
    """Find out what the file is, by its content. Raises Refused, saying what would do, where nothing can be read."""
    with stream(path) as unpacked:
        head = unpacked.read(1 << 16)
    encoding = encoding_of(head, whole=lambda: _blocks(path))
    text = head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n")
    kind = _kind(text)
    if not kind:
        looks = Phrase("CSV 表格", "a CSV table") if _is_table(text) else Phrase("别的内容", "something else")
        raise Refused(
            "not-a-library", _NOT_A_LIBRARY, name=path.name, zh=looks.zh, en=looks.en, encoding=encoding
        )
    return Opened(path, kind, encoding, _count_lines(path) if kind == "lines" else 0)


def parse(value: object) -> Iterator[Entry | Refused]:
    """The entries in one JSON value, whichever of the two formats it is in."""
    if isinstance(value, dict) and "wordings" in value:
        yield _tried(jsonlines.parse, value)
        return
    found = False
    for review in claimreview.reviews_in(value):
        found = True
        yield _tried(claimreview.parse, review)
    if not found:
        yield Refused("no-claim", _NO_CLAIM)


def _tried(parser: Any, value: object) -> Entry | Refused:
    try:
        return cast(Entry, parser(value))
    except Refused as refused:
        return refused


# --- what it is -----------------------------------------------------------------------------------


def _kind(text: str) -> str:
    """ "page", "lines" or "document", by how the text begins; empty for anything else."""
    if text.startswith("<"):
        return "page"
    if not text.startswith(("{", "[")):
        return ""
    first, _, rest = text.partition("\n")
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return "lines" if rest.lstrip().startswith('{"id"') else "document"
    return "lines" if isinstance(value, dict) and ("wordings" in value or rest.strip()) else "document"


def _is_table(text: str) -> bool:
    lines = [line for line in text.splitlines()[:5] if line.strip()]
    return bool(lines) and any(all(line.count(mark) > 0 for line in lines) for mark in ",;\t，")


def _plain_suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


# --- bytes ----------------------------------------------------------------------------------------


def _blocks(path: Path) -> Iterator[bytes]:
    with stream(path) as unpacked:
        while block := unpacked.read(1 << 20):
            yield block


def _count_lines(path: Path) -> int:
    last, count = b"\n", 0
    for block in _blocks(path):
        count += block.count(b"\n")
        last = block[-1:]
    return count + (last != b"\n")


# --- JSON Lines -----------------------------------------------------------------------------------


def _lines(file: Opened) -> Iterator[Row]:
    number = 0
    for number, line in _numbered(file):
        text = line if isinstance(line, Refused) else decoded(line, file.encoding)
        if isinstance(text, Refused):
            yield Row(number, text)
        elif text.strip():
            yield from _row(number, text)


def _row(number: int, text: str) -> Iterator[Row]:
    try:
        value = json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        yield Row(number, Refused("not-json", _NOT_JSON, why=_why(error)))
        return
    for found in parse(value):
        yield Row(number, found)


def _numbered(file: Opened) -> Iterator[tuple[int, bytes | Refused]]:
    """Lines with their numbers, from 1; a line that is too long, or a file that breaks off, as a Refused."""
    with stream(file.path) as unpacked:
        wide = file.encoding.startswith("utf-16")
        number = 0
        for number, line in enumerate(
            _wide_lines(unpacked, file.encoding) if wide else _byte_lines(unpacked), 1
        ):
            yield number, line
        if is_broken(unpacked):
            yield number + 1, Refused("cut-off", _CUT_OFF)


def _byte_lines(unpacked: BinaryIO) -> Iterator[bytes | Refused]:
    """Lines of UTF-8 or GB18030, where a line feed byte is always a line feed."""
    while line := unpacked.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = unpacked.readline(LONGEST_LINE)
        yield Refused("line-too-long", _LINE_TOO_LONG, most=LONGEST_LINE)


def _wide_lines(unpacked: BinaryIO, encoding: str) -> Iterable[bytes]:
    """Lines of UTF-16: decoded whole, for a line feed byte may be half of another character there."""
    text = unpacked.read(LARGEST_DOCUMENT).decode(encoding, "replace")
    return (line.encode(encoding) for line in text.split("\n"))


# --- JSON documents and pages ---------------------------------------------------------------------


def _document(file: Opened) -> Iterator[Row]:
    text = _whole(file)
    try:
        for line, value in elements(text):
            for found in parse(value):
                yield Row(line, found)
    except json.JSONDecodeError as error:
        yield Row(error.lineno, Refused("not-json", _NOT_JSON, why=_why(error)))
    except (ValueError, RecursionError) as error:
        yield Row(1, Refused("not-json", _NOT_JSON, why=_why(error)))


def _page(file: Opened) -> Iterator[Row]:
    scripts = _Scripts()
    scripts.feed(_whole(file))
    if not scripts.found:
        yield Row(1, Refused("no-claim", _NO_SCRIPT))
    for line, text in scripts.found:
        yield from _script(line, text)


def _script(line: int, text: str) -> Iterator[Row]:
    """The ClaimReviews of one JSON-LD block; a block about other things is passed over."""
    try:
        value = json.loads(text.strip().removeprefix("<!--").removesuffix("-->"), strict=False)
    except (ValueError, RecursionError) as error:
        yield Row(line, Refused("not-json", _NOT_JSON, why=_why(error)))
        return
    for review in claimreview.reviews_in(value):
        yield Row(line, _tried(claimreview.parse, review))


class _Scripts(HTMLParser):
    """The JSON-LD blocks of a page, each with the line it begins on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = (dict(attrs).get("type") or "").split(";")[0].strip().lower()
        self.inside = tag == "script" and kind == "application/ld+json"
        if self.inside:
            self.found.append((self.getpos()[0], ""))

    def handle_data(self, data: str) -> None:
        if self.inside:
            line, text = self.found[-1]
            self.found[-1] = (line, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = False


def _whole(file: Opened) -> str:
    with stream(file.path) as unpacked:
        data = unpacked.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        raise Refused("too-large", _TOO_LARGE, name=file.path.name, most=LARGEST_DOCUMENT // 1_000_000)
    return data.decode(file.encoding, "replace").lstrip("\ufeff")


def _why(error: Exception) -> str:
    return getattr(error, "msg", "") or (
        "nested too deep" if isinstance(error, RecursionError) else str(error)
    )


_NO_SUCH_FILE = Phrase("找不到文件“{path}”。", "There is no file “{path}”.")
_EMPTY_FOLDER = Phrase(
    "文件夹“{path}”里没有可导入的文件（{kinds}）。", "The folder “{path}” holds nothing to import ({kinds})."
)
_NOT_A_LIBRARY = Phrase(
    "“{name}”看来是{zh}（编码 {encoding}），不能导入。可以导入的是：每行一条的 JSON（.jsonl），以及 ClaimReview（.json 或网页），"
    "均可用 gzip 压缩；编码用 UTF-8 最稳妥，GB18030 和 UTF-16 也认得。",
    "“{name}” looks like {en} (in {encoding}) and cannot be imported. What can be: JSON Lines (.jsonl) and "
    "ClaimReview (.json or a web page), each also gzipped; best in UTF-8, though GB18030 and UTF-16 are recognised.",
)
_NO_CLAIM = Phrase(
    "这一行既不是查证记录，也没有 ClaimReview。", "Neither a check of ours nor a ClaimReview is here."
)
_NO_SCRIPT = Phrase(
    "网页里没有 JSON-LD（application/ld+json）。", "The page has no JSON-LD (application/ld+json)."
)
_NOT_JSON = Phrase("不是完整的 JSON（{why}）。", "This is not valid JSON ({why}).")
_CUT_OFF = Phrase(
    "文件到这里断了，可能没有传完。", "The file breaks off here; it may not have been copied whole."
)
_LINE_TOO_LONG = Phrase("这一行超过 {most} 字节。", "The line is longer than {most} bytes.")
_TOO_LARGE = Phrase(
    "“{name}”超过 {most} MB；请改用每行一条的 JSON（.jsonl），大小不限。",
    "“{name}” is larger than {most} MB; use JSON Lines (.jsonl), which may be of any size.",
)

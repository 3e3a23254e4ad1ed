"""Reads the page behind a link a reader sent: its title and its main text. The guard is `outside.pages`."""

from __future__ import annotations

from dataclasses import dataclass

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.outside import guard, pages

AGENT = "chatbranch (checks links its readers send)"
_SAID: dict[pages.Why, Phrase] = {
    "slow": Phrase(
        "这个网页太久没有回应，请把文字直接发来。",
        "That page took too long to answer; please send its text instead.",
    ),
    "unreachable": Phrase(
        "打不开这个链接，请检查网址，或把文字直接发来。",
        "That link could not be opened; please check it, or send its text instead.",
    ),
    "inside": Phrase(
        "这个链接指向内部地址，不能读取。", "That link points to an internal address and is not read."
    ),
    "form": Phrase(
        "这不是一个能读取的网址（只支持 http 和 https）。",
        "That is not a link we can read (http and https only).",
    ),
    "status": Phrase(
        "这个网页打不开（{answered}），请把文字直接发来。",
        "That page could not be opened ({answered}); please send its text instead.",
    ),
    "redirects": Phrase(
        "这个链接转来转去，没有读到内容，请把文字直接发来。",
        "That link redirects too often; please send its text instead.",
    ),
    "kind": Phrase(
        "这个链接不是网页文字，请把要查的话直接发来。",
        "That link is not a page of text; please send the words to check.",
    ),
}
_EMPTY = Phrase(
    "这个网页里没有读到文字，请把要查的话直接发来。",
    "No text was found on that page; please send the words to check.",
)


@dataclass(frozen=True)
class Page:
    """What was found behind a link: where it ended after redirects, its title and its main text."""

    url: str
    title: str
    text: str


def fetch(
    url: str,
    *,
    seconds: float = pages.SECONDS,
    resolve: guard.Resolve | None = None,
    allow: guard.Allow | None = None,
) -> Page:
    """The page at `url`. Raises Refused, saying what was wrong, for anything that cannot or must not be read.

    resolve, allow: as for `outside.pages.get`, for tests.
    """
    try:
        return _read(pages.get(url, agent=AGENT, seconds=seconds, resolve=resolve, allow=allow))
    except pages.Unread as error:
        places = {"answered": error.answered} if error.answered else {}
        raise Refused(f"link-{error.why}", _SAID[error.why], status=422, field="text", **places) from error


def _read(found: pages.Answer) -> Page:
    if found.kind == "text/plain":
        return Page(found.url, "", found.text[:100_000])
    import trafilatura  # half a second, which only a link is worth

    read = trafilatura.bare_extraction(
        found.body, url=found.url, include_comments=False, favor_precision=True, with_metadata=True
    )
    assert not isinstance(read, dict)  # only `as_dict` (an older way of asking) gives one
    title, text = (read.title or "", read.text or "") if read is not None else ("", "")
    if not (title or text):
        raise Refused("link-empty", _EMPTY, status=422, field="text")
    return Page(found.url, title[:500], text[:100_000])

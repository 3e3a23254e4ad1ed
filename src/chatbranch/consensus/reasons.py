"""Why a note is helpful or not, in words to choose from: one thumb is enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chatbranch.kernel.phrases import Phrase

FOR: dict[str, Phrase] = {
    "good-sources": Phrase("依据可靠", "good sources"),
    "clear": Phrase("写得清楚", "clear"),
    "to-the-point": Phrase("说到要点", "to the point"),
    "fair": Phrase("公允", "fair"),
}
AGAINST: dict[str, Phrase] = {
    "weak-sources": Phrase("依据不足", "weak sources"),
    "not-in-sources": Phrase("与依据不符", "not what the sources say"),
    "lacks-context": Phrase("缺背景", "lacks context"),
    "beside-the-point": Phrase("没说到要点", "beside the point"),
    "opinion": Phrase("评判了看法", "rates an opinion"),
    "unclear": Phrase("不清楚", "unclear"),
    "scolding": Phrase("语气不当", "scolding"),
}
REASONS = FOR | AGAINST
SHOWN = {"for": FOR, "against": AGAINST}


def known(codes: Iterable[str]) -> list[str]:
    """Those of `codes` that there are, once each, in the order in which they are shown."""
    chosen = set(codes)
    return [code for code in REASONS if code in chosen]
